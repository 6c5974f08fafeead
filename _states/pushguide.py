"""
Deployments as states.

``stage`` is the building block of orchestration files, on the master: it brings hosts through
stages of the deployment that is being driven. ``released`` is an ordinary state for a host: it
converges a new machine to what is live on its peers.

.. code-block:: yaml

    shop-web:
      pushguide.released:
        - environment: production

:maturity: new
"""

from pushguide.host.released import released as _released
from pushguide.master import door


def stage(name, deployment, stages, batch=0):
    """
    Bring hosts through stages of a deployment, in an orchestration file.

    name
        A name for this piece of the orchestration.

    deployment
        The deployment's number: ``pillar.pushguide.order.deployment``.

    stages
        Stages that follow each other: prepare, pre_release, release, post_release.

    batch : 0
        One batch of the plan, counted from 1. All of them, one after the other, if not given.

    .. code-block:: yaml

        release to the first batch:
          pushguide.stage:
            - deployment: {{ pillar.pushguide.order.deployment }}
            - stages: [pre_release, release, post_release]
            - batch: 1
    """
    return door.stage(name, deployment, stages, batch, __opts__["test"])


def released(name, environment="production"):
    """
    Bring this host to the version of a module that is live on its peers.

    The master has to have ``ext_pillar: [{pushguide: {}}]``.

    name
        The module's name.

    environment : production
        The module's environment.

    .. code-block:: yaml

        shop-web:
          pushguide.released:
            - environment: production
    """
    live = (__pillar__.get("pushguide") or {}).get("live") or {}
    return _released(name, environment, live, __salt__, __opts__["test"])
