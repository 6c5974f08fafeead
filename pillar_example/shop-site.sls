# An ASP.NET site on IIS. The site and its application pool are created where there are none;
# what is there already keeps its settings.
pushguide:
  modules:
    shop-site:
      type: dotnet_iis
      description: The shop's pages
      root: 'C:\srv\shop-site'
      source:
        directory: /srv/artifacts
        url: https://artifacts.example.com
      settings:
        site: shop
        create:
          bindings:
            - {port: 80, host_header: shop.example.com}
          pool:
            runtime: v4.0
        stop_timeout_seconds: 90
      # The first request starts the application: it is ours.
      warm_up:
        urls:
          - http://127.0.0.1/
        headers: {Host: shop.example.com}
      probe:
        url: http://127.0.0.1/health
        headers: {Host: shop.example.com}
        text: '{version}'
        within_seconds: 120
      environments:
        production:
          hosts:
            target: G@os:Windows and web*
            type: compound
          # CI builds one artifact; what differs between environments is put in on the host.
          configuration:
            - {kind: transform, file: web.config, by: web.Production.config}
            - kind: xml
              file: web.config
              app_settings:
                Mode: '{environment}'
              # The password comes out of the host's own pillar, and is nowhere else.
              connection_strings:
                Shop: 'Server=db1;Database=shop;User Id=shop;Password={pillar.shop:db_password}'
