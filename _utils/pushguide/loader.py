"""Where Salt's loader finds pushguide's functions when the package is installed by pip.

Salt calls :func:`dirs` through the entry point ``salt.loader``, in every process that loads
functions, so nothing here imports more than it must.
"""

from __future__ import annotations

import os

#: The kinds of loader function that pushguide brings, by the names that Salt's loader uses.
KINDS = ("modules", "states", "runners", "returners", "pillar", "engines")

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_CHECKOUT = os.path.dirname(os.path.dirname(_PACKAGE))


def dirs() -> dict[str, list[str]]:
    """Say in which folder each kind of loader function is."""
    found = {kind: _first_folder(kind, f"_{kind}") for kind in KINDS}
    return {kind: [path] for kind, path in found.items() if path}


def orchestrations() -> str | None:
    """Say in which folder the orchestrations that come with pushguide are."""
    return _first_folder("orch", "orch")


def _first_folder(installed: str, in_checkout: str) -> str | None:
    """Look inside the package, as a wheel has it, then beside ``_utils``, as a checkout does."""
    for path in (os.path.join(_PACKAGE, installed), os.path.join(_CHECKOUT, in_checkout)):
        if os.path.isdir(path):
            return path
    return None
