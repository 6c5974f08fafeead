# Forty hosts in two data centres, of which a few may fail, and all of which go back if more do.
# HAProxy has one server for each of them, under the name of its minion.
pushguide:
  modules:
    shop-search:
      type: service
      description: The shop's search
      root: /srv/shop-search
      source:
        directory: /srv/artifacts
        url: https://artifacts.example.com
      settings:
        systemd_unit: shop-search.service
        port: 9200
        start_timeout_seconds: 120
      # Each data centre has a balancer of its own: the grain says which.
      drain:
        kind: haproxy
        address: '{grain.balancer}:9999'
        backend: search
        server: '{id}'
        wait_seconds: 60
      # The index is read into memory by the first requests.
      warm_up:
        urls:
          - http://127.0.0.1:9200/search?q=shoes
          - http://127.0.0.1:9200/search?q=coats
        times: 10
        timeout_seconds: 60
      # All of them have to be healthy, in this order. The version has to be the new one.
      probe:
        - url: http://127.0.0.1:9200/health
          text: '"version":"{version}"'
          consecutive: 3
          within_seconds: 90
        - url: http://127.0.0.1:9200/search?q=shoes
          latency_seconds: 0.3
          consecutive: 10
        - kind: process
          name: search-indexer
          at_least: 2
        - kind: log
          path: /var/log/shop-search/search.log
          absent: OutOfMemoryError|index is corrupt
          consecutive: 20
      strategy:
        # One host of each data centre with each operating system goes first. If one of them
        # fails, nothing more starts. Then five minutes to look, or until pushguide.confirm.
        canary:
          one_per: [datacenter, os]
        after_canary: 300
        # A fifth of the hosts at once, one data centre after the other, half a minute between.
        batch: 20%
        order_by: [datacenter]
        interval_seconds: 30
        # Two of forty may fail, and the deployment succeeds. With the third nothing more starts,
        # and every host that was changed goes back to what ran before.
        max_failures: 5%
        auto_rollback: all
        stage_timeout_seconds: 900
        # What one deployment may say differently: smaller steps, but no more failures.
        may_change: [batch, canary, after_canary, interval_seconds]
      keep_releases: 4
      environments:
        production:
          hosts:
            target: G@role:search and G@tier:production
            type: compound
          default: true
          # Somebody else than who asks has to approve, within an hour.
          approval:
            needed: true
            within_seconds: 3600
        staging:
          hosts: staging-search*
          strategy:
            # The next one waits instead of being refused.
            when_busy: queue
            after_canary: 0
            interval_seconds: 0
