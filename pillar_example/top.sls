# The templates belong to the master alone. Its own minion id ends in _master; no minion sees them.
base:
  '*_master':
    - shop-web
    - shop-portal
    - shop-api
    - shop-jobs
    - shop-search
    - shop-kestrel
    - shop-worker
    - shop-site
    - shop-nightly
    - shop-stock
    - standards
    - inventory
