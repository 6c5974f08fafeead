# A Spring Boot jar that a systemd unit runs. The unit is made by your configuration management,
# with ExecStart=/usr/bin/java -jar /srv/shop-api/live/app.jar
pushguide:
  modules:
    shop-api:
      type: service
      description: The shop's interface for apps
      root: /srv/shop-api
      source:
        directory: /srv/artifacts
        url: https://artifacts.example.com
      settings:
        systemd_unit: shop-api.service
        # The jar runs as it is, always under the same name, whatever CI calls it.
        unpack: false
        file_name: app.jar
        # Free after the stop, taken after the start.
        port: 8090
        stop_timeout_seconds: 45
        start_timeout_seconds: 90
      probe:
        url: http://127.0.0.1:8090/actuator/health
        text: '"status":"UP"'
      strategy:
        # Each host goes through all stages in one job: quicker, but a host that cannot be
        # prepared no longer keeps the others from going live.
        prepare: with_release
      environments:
        production:
          hosts: api*
