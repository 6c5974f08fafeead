# A node program that pushguide starts itself, without systemd. Several of them share a machine,
# so the directory and the port differ from minion to minion: {id} is the minion's id,
# {grain.jobs_port} its grain jobs_port. Each host fills in its own.
pushguide:
  modules:
    shop-jobs:
      type: service
      description: The shop's jobs
      root: /srv/{id}/shop-jobs
      source:
        directory: /srv/artifacts
        url: https://artifacts.example.com
      settings:
        # No shell runs it; it starts in <root>/live and stays in the foreground.
        command: /usr/bin/node server.js
        user: shop
        environment:
          NODE_ENV: production
        port: '{grain.jobs_port}'
        log_file: /var/log/shop-jobs-{id}.log
      probe:
        url: http://127.0.0.1:{grain.jobs_port}/version
        text: '{version}'
      keep_releases: 5
      min_free_mb: 200
      environments:
        production:
          hosts:
            - jobs1
            - jobs2
