# A WAR on Tomcat, with one CATALINA_BASE for the module. Tomcat and the base are made by your
# configuration management; pushguide writes conf/Catalina/localhost/ROOT.xml and restarts Tomcat.
pushguide:
  modules:
    shop-portal:
      type: java_web
      description: The portal of the shop's partners
      # Not below the base's webapps: Tomcat ignores a docBase that lies in there.
      root: /srv/shop-portal
      source:
        directory: /srv/artifacts
        # Large archives: served over HTTP, salt:// would go through the master's workers.
        url: https://artifacts.example.com
      settings:
        catalina_base: /srv/tomcat/shop-portal
        catalina_home: /usr/share/tomcat10
        # The minion has to run as root to start Tomcat as somebody else.
        user: tomcat
        context_path: /
        environment:
          CATALINA_OPTS: -Xmx1g
        stop_timeout_seconds: 30
        start_timeout_seconds: 180
      # Tomcat answers on its port even if the application did not start: only a probe tells.
      probe:
        url: http://127.0.0.1:8080/health
        status: [200]
        text: '"version":"{version}"'
        within_seconds: 120
      environments:
        production:
          hosts:
            target: G@role:portal and not portal-old*
            type: compound
