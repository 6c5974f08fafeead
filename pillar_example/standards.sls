# What the company says of the code standards, for all modules: docs/standards.md tells the rules.
pushguide:
  standards:
    rules:
      # Types and modules may not lower these; who has to get past them asks for a waiver.
      no-private-keys:
        locked: true
      no-logs:
        locked: true
      # What differs from what is built in.
      max-total-size:
        level: error
        at_most_mb: 500
      # A rule of the company's own.
      no-test-settings:
        kind: forbidden
        level: error
        patterns:
          - application-test.yml
          - appsettings.Development.json
        look_into:
          - '*.properties'
          - '*.yml'
        contains:
          - test.internal.example.com
        reason: Settings of the test environment do not belong into production.
        mend: Leave them out of the build, and read the address from the environment.
    types:
      java_web:
        no-keystores: error
