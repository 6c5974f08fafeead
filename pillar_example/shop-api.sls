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
      # The load balancer asks nginx on the host for this file every 2 seconds, and takes the host
      # out when it is gone. Requests that have begun get up to 30 seconds.
      drain:
        kind: file
        path: /srv/health/ready
        settle_seconds: 6
        port: 8090
      # A new JVM is slow at first: the first requests are ours.
      warm_up:
        urls:
          - http://127.0.0.1:8090/products
          - http://127.0.0.1:8090/search?q=shoes
        times: 5
      # All of them have to be healthy before the host is put back.
      probe:
        - url: http://127.0.0.1:8090/actuator/health
          text: '"status":"UP"'
          consecutive: 3
        - url: http://127.0.0.1:8090/products
          latency_seconds: 0.5
        - kind: log
          path: /var/log/shop-api.log
          absent: OutOfMemoryError|FATAL
      strategy:
        # Each host goes through all stages in one job: quicker, but a host that cannot be
        # prepared no longer keeps the others from going live.
        prepare: with_release
      environments:
        production:
          hosts: api*
