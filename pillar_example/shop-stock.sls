# A WAR on Tomcats that are not alike: where each is, and its port, comes from the inventory; see
# inventory.sls, and pushguide:cmdb in the master's configuration.
pushguide:
  modules:
    shop-stock:
      type: java_web
      description: What is in stock
      root: /srv/shop-stock
      source:
        directory: /srv/artifacts
        url: https://artifacts.example.com
      inventory:
        # Said by the pillar or by the CMDB; or found, where this module's Tomcat runs already.
        base:
          kind: path
          discover: catalina_base
        http_port:
          kind: port
          grain: stock_port
          discover: port
      settings:
        catalina_base: '{inventory.base}'
        port: '{inventory.http_port}'
        user: tomcat
      probe:
        url: http://127.0.0.1:{inventory.http_port}/health
        text: '"version":"{version}"'
        within_seconds: 120
      environments:
        production:
          default: true
          hosts: stock*
        test:
          hosts: test-stock
          # One host, which nobody else has to know.
          inventory:
            base: {value: /srv/tomcat/stock}
            http_port: {value: 8080}
