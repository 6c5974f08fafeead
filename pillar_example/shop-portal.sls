# A WAR on Tomcat, one CATALINA_BASE for the module.
pushguide:
  modules:
    shop-portal:
      type: java_web
      description: The portal of the shop's partners
      root: /srv/shop-portal
      source:
        directory: /srv/artifacts
        url: https://artifacts.example.com
      settings:
        catalina_base: /srv/tomcat/shop-portal
        catalina_home: /usr/share/tomcat10
        user: tomcat
        context_path: /
        environment:
          CATALINA_OPTS: -Xmx1g
        stop_timeout_seconds: 30
      probe:
        url: http://127.0.0.1:8080/health
        status: [200]
        text: OK
        within_seconds: 120
      environments:
        production:
          hosts:
            target: G@role:portal and not portal-old*
            type: compound
