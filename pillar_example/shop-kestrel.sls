# An ASP.NET Core application on Linux: Kestrel, run by a systemd unit. The unit is made by your configuration
# management; docs/dotnet-on-linux.md has one to copy.
pushguide:
  modules:
    shop-kestrel:
      type: service
      description: The shop's interface for partners
      root: /srv/shop-kestrel
      source:
        directory: /srv/artifacts
        url: https://artifacts.example.com
      settings:
        systemd_unit: shop-kestrel.service
        # The archive comes from a Windows machine, and does not tell which files are programs.
        executable: Shop.Kestrel
        port: 5080
        # A little more than the HostOptions.ShutdownTimeout of the application.
        stop_timeout_seconds: 40
      drain:
        kind: file
        path: /srv/health/ready
        settle_seconds: 6
        port: 5080
      warm_up:
        urls: [http://127.0.0.1:5080/products]
        times: 3
      probe:
        - url: http://127.0.0.1:5080/health
          text: '{version}'
          consecutive: 3
      environments:
        production:
          hosts: partner*
