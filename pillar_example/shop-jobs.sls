# A node program that pushguide starts itself. The port differs from host to host: each has it in
# the grain jobs_port.
pushguide:
  modules:
    shop-jobs:
      type: service
      description: Nightly jobs of the shop
      root: /srv/{id}/shop-jobs
      source:
        directory: /srv/artifacts
        url: salt://artifacts
      settings:
        command: /usr/bin/node server.js
        user: shop
        environment:
          NODE_ENV: production
        port: '{grain.jobs_port}'
      probe:
        url: http://127.0.0.1:{grain.jobs_port}/version
        text: '{version}'
      keep_releases: 5
      min_free_mb: 200
      environments:
        production:
          hosts: jobs*
