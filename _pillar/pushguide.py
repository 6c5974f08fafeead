"""
Gives each host the live version of the modules that are meant for it, for the state
``pushguide.released``.

.. code-block:: yaml

    ext_pillar:
      - pushguide: {}

:maturity: new
"""

from pushguide.master import door


def ext_pillar(minion_id, pillar, **_):
    """
    Answer with ``pushguide:live`` for one minion: module, environment, and the share that a
    deployment would give it. A host sees its own modules and nothing of other hosts'.

    minion_id
        The minion.

    pillar
        Its pillar so far; not used.
    """
    return door.pillar_of(__opts__, minion_id)
