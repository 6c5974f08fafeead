"""Converge a host to what is live elsewhere: a new machine gets what its peers run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.errors import PushguideError
from pushguide.words import GOOD_OUTCOMES, STAGES


def released(
    module: str,
    environment: str,
    live: Mapping[str, Any],
    salt: Mapping[str, Any],
    test: bool,
) -> dict[str, Any]:
    """Bring this host to the live version of a module, as a state does.

    Args:
        module: the module.
        environment: its environment.
        live: the pillar ``pushguide:live``: module, environment, share.
        salt: Salt's execution modules.
        test: whether to tell only what would change.

    Returns:
        A state's return.
    """
    share = (live.get(module) or {}).get(environment)
    if share is None:
        return _answer(
            module,
            False,
            f"The pillar has no live version of {module} ({environment}) for this host. Is the "
            "ext_pillar pushguide configured on the master, has the module been deployed with "
            "success, and does its template mean this host? Then saltutil.refresh_pillar.",
        )
    current = salt["pushguide.current"](module).get(f"{module}@{environment}")
    wanted = share["version"]
    if current == wanted:
        return _answer(module, True, f"{module} {wanted} is live")
    changes = {module: {"old": current, "new": wanted}}
    if test:
        return _answer(module, None, f"{module} would go from {current} to {wanted}", changes)
    try:
        result = salt[f"pushguide_{share['type']}.run"](share=share, stages=list(STAGES))
    except PushguideError as err:
        return _answer(module, False, f"{module} {wanted}: refused: {err}")
    if result["outcome"] in GOOD_OUTCOMES:
        return _answer(module, True, f"{module} went from {current} to {wanted}", changes)
    changed = {module: {"old": current, "new": result["live"]}} if result["live"] != current else {}
    return _answer(
        module,
        False,
        f"{module} {wanted}: {result['outcome']}: {result['error']} ({result['live']} is live)",
        changed,
    )


def _answer(
    name: str, result: bool | None, comment: str, changes: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"name": name, "result": result, "comment": comment, "changes": changes or {}}
