# Plain files behind a symbolic link, which the web server has as its document root.
pushguide:
  modules:
    shop-web:
      type: static_site
      description: The shop's pages
      # Releases lie below, each in a directory of its own: /srv/shop-web/releases/1.4.2-42.
      # Nothing else may use this directory, no other module and no other environment on the host.
      root: /srv/shop-web
      source:
        # <directory>/<module>/<version>/ on the master holds one archive and a file sha256.
        directory: /srv/salt/artifacts
        # The same directory, as the hosts reach it. /srv/salt is one of file_roots.
        url: salt://artifacts
      settings:
        # In nginx: root /var/www/shop;
        link: /var/www/shop
      # Asked on the host itself after the switch. CI writes the version into the file, so that
      # an answer out of some cache, or from another site, is not taken for health.
      probe:
        url: http://127.0.0.1/health.txt
        headers:
          Host: shop.example.com
        text: shop {version}
        within_seconds: 30
      keep_releases: 5
      environments:
        production:
          hosts: web*
          # The environment that commands take when they are told none.
          default: true
        # What stands here lies over what stands above, key by key.
        staging:
          hosts:
            - staging-web1
          settings:
            link: /var/www/shop-staging
          probe:
            headers:
              Host: staging.shop.example.com
          keep_releases: 1
