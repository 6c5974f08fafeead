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
    found = {kind: _folder(kind) for kind in KINDS}
    return {kind: [path] for kind, path in found.items() if path}


def orchestrations() -> str:
    """Say in which folder the orchestration files that come with pushguide are."""
    inside = os.path.join(_PACKAGE, "orch")
    return inside if os.path.isdir(inside) else os.path.join(_CHECKOUT, "orch")


def console() -> str | None:
    """Say in which folder the console is, None where it was not built."""
    for path in (os.path.join(_PACKAGE, "console"), os.path.join(_CHECKOUT, "web", "dist")):
        if os.path.isfile(os.path.join(path, "index.html")):
            return path
    return None


def _folder(kind: str) -> str | None:
    """Look inside the package, as a wheel has it, then beside ``_utils``, as a checkout does."""
    for path in (os.path.join(_PACKAGE, kind), os.path.join(_CHECKOUT, f"_{kind}")):
        if os.path.isdir(path):
            return path
    return None
