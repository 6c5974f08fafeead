# The templates belong to the master alone: its own minion id ends in _master.
base:
  '*_master':
    - shop-web
    - shop-portal
    - shop-api
    - shop-jobs
