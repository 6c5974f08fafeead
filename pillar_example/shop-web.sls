# Plain files behind a symbolic link, which the web server has as its document root.
pushguide:
  modules:
    shop-web:
      type: static_site
      description: The shop's pages
      # Releases lie below, each in a directory of its own.
      root: /srv/shop-web
      source:
        # <directory>/<module>/<version>/ holds one archive and a file sha256.
        directory: /srv/artifacts
        # The same directory, as the hosts reach it.
        url: salt://artifacts
      settings:
        link: /var/www/shop
      probe:
        url: http://127.0.0.1/health.txt
        headers:
          Host: shop.example.com
        text: shop {version}
      environments:
        production:
          hosts: web*
          default: true
        staging:
          hosts:
            - staging-web1
          keep_releases: 1
          probe:
            headers:
              Host: staging.shop.example.com
