# A Windows service. Its recovery actions and its account are set up by your configuration
# management; pushguide gives it another program, and nothing else.
pushguide:
  modules:
    shop-worker:
      type: windows_service
      description: Sends mail for the shop
      root: 'C:\srv\shop-worker'
      source:
        directory: /srv/artifacts
        url: https://artifacts.example.com
      settings:
        service: ShopWorker
        executable: bin\ShopWorker.exe
        arguments: --environment Production
        port: 8085
        stop_timeout_seconds: 60
      probe:
        url: http://127.0.0.1:8085/health
        text: '{version}'
      # The old release stays where it is: nothing is ever written into a live directory.
      keep_releases: 2
      environments:
        production:
          hosts:
            target: G@os:Windows and worker*
            type: compound
