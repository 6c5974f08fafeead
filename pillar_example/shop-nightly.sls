# A scheduled task of Windows: it is created where there is none, and run once as a proof.
pushguide:
  modules:
    shop-nightly:
      type: windows_task
      description: Sends the day's orders
      root: 'C:\srv\shop-nightly'
      source:
        directory: /srv/artifacts
        url: https://artifacts.example.com
      settings:
        task: Send orders
        executable: bin\SendOrders.exe
        arguments: --dry-run
        create:
          trigger: {trigger_type: Daily, start_time: '03:00'}
        wait_seconds: 600
        run_now: true
      environments:
        production:
          hosts: batch1
