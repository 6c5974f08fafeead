"""
Look after deployments that nobody drives: start those whose time has come, go on with those whose
master died, let approvals expire, and ask hosts that had fallen silent what became of them.

.. code-block:: yaml

    # in the configuration of each master
    engines:
      - pushguide:
          interval_seconds: 10

:maturity: new
"""

from pushguide.master import door


def start(interval_seconds=10):
    """
    Run for as long as the master runs.

    interval_seconds : 10
        The time between two looks.
    """
    door.engine(__opts__, interval_seconds)
