"""What this host says about itself: read-only, and cheap enough to ask before everything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pushguide import __version__
from pushguide.host import journal as journals


def inspect(opts: Mapping[str, Any], module: str | None, environment: str) -> dict[str, Any]:
    """What the master asks before a deployment: pushguide's version here, and the module's state.

    Args:
        opts: the minion's configuration.
        module: the module that is to be deployed.
        environment: its environment.

    Returns:
        ``pushguide`` (the version of its code here) and ``module`` (the journal's summary,
        None where the module has never been here).
    """
    found = journals.read_all(opts, module) if module else []
    mine = [one.summary() for one in found if one.environment == environment]
    return {"pushguide": __version__, "module": mine[0] if mine else None}


def releases(opts: Mapping[str, Any], module: str | None = None) -> list[dict[str, Any]]:
    """Every release that is kept on this host, with its mark and whether it is live."""
    return [
        {
            "module": one.module,
            "environment": one.environment,
            **vars(release),
            "live": release.name == one.live,
            "present": os.path.isdir(release.path),
        }
        for one in journals.read_all(opts, module)
        for release in sorted(one.releases.values(), key=lambda release: release.made)
    ]


def current(opts: Mapping[str, Any], module: str | None = None) -> dict[str, Any]:
    """The live version of each module on this host, by ``module@environment``."""
    return {
        f"{one.module}@{one.environment}": one.summary()["live"]
        for one in journals.read_all(opts, module)
    }


def journal(opts: Mapping[str, Any], module: str, environment: str) -> dict[str, Any] | None:
    """The whole journal of one module, None where it has never been here."""
    for one in journals.read_all(opts, module):
        if one.environment == environment:
            return one.to_dict()
    return None


def result(
    opts: Mapping[str, Any], module: str, environment: str, deployment: int
) -> dict[str, Any] | None:
    """What a deployment's job would have returned, read from the journal; None if it knows none."""
    for one in journals.read_all(opts, module):
        if one.environment == environment and one.deployment == deployment:
            return one.answer()
    return None
