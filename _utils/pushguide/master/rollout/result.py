"""What a host returned, checked before it is believed: a word about that host, and no more."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pushguide.master.plan import Plan
from pushguide.words import (
    FAILED,
    GOOD_OUTCOMES,
    INCONCLUSIVE,
    RESTORE,
    RESTORED,
    STAGES,
    STOPPED_SHORT,
)

_OUTCOMES = (*GOOD_OUTCOMES, FAILED, RESTORED, INCONCLUSIVE, STOPPED_SHORT)
#: A host's clock is believed if it is not further away from ours than this, in seconds.
_SKEW_SECONDS = 5.0

_STAGE_OUTCOMES = (*GOOD_OUTCOMES, FAILED, INCONCLUSIVE)
_DETAIL_AT_MOST = 2**20


def read(value: object, number: int, plan: Plan) -> dict[str, Any] | None:
    """The result of a host's job in a form that can be written down.

    Args:
        value: what the job returned.
        number: the deployment that it has to be about.
        plan: its plan; module and environment are taken from here, whatever the host says.

    Returns:
        The result, or None if the host's answer is none.
    """
    if not isinstance(value, Mapping) or value.get("deployment") != number:
        return None
    if value.get("uid", "") != plan.share.get("uid", ""):
        return None
    outcome, stages = value.get("outcome"), value.get("stages")
    if outcome not in _OUTCOMES or not isinstance(stages, list):
        return None
    try:
        ahead = _ahead(value.get("clock"))
        read_stages = [_stage(one, ahead) for one in stages]
    except (KeyError, TypeError, ValueError):
        return None
    return {
        "deployment": number,
        "module": plan.module,
        "environment": plan.environment,
        "outcome": outcome,
        "error": _text(value.get("error")),
        "live": _text(value.get("live"), 128),
        "stages": read_stages,
    }


def live(value: object, number: int, plan: Plan) -> dict[str, Any]:
    """What a host says is live there, whether its job has ended or was broken off.

    Args:
        value: what the host answered.
        number: the deployment that it has to be about.
        plan: its plan.

    Returns:
        ``module``, ``environment`` and ``live``, to be written down; nothing if the host's answer
        is none.
    """
    if not isinstance(value, Mapping) or "live" not in value:
        return {}
    if (value.get("deployment"), value.get("uid", "")) != (number, plan.share.get("uid", "")):
        return {}
    return {
        "module": plan.module,
        "environment": plan.environment,
        "live": _text(value["live"], 128),
    }


def reports(given: object) -> list[dict[str, Any]]:
    """What a host tells while it works, with nothing in it that is not expected.

    Args:
        given: what came with its event.

    Returns:
        Of each change of a stage or step: ``stage``, ``step`` (for a step), ``outcome``, and where
        it has ended ``seconds`` and ``detail`` (its first 500 characters).
    """
    kept = []
    for one in given if isinstance(given, list) else []:
        if not isinstance(one, Mapping) or one.get("stage") not in (*STAGES, RESTORE):
            continue
        change: dict[str, Any] = {"stage": one["stage"]}
        if one.get("step"):
            change["step"] = str(one["step"])[:64]
        change["outcome"] = str(one.get("outcome"))[:20]
        if isinstance(one.get("seconds"), (int, float)):
            change["seconds"] = float(one["seconds"])
        if one.get("detail"):
            change["detail"] = _text(one["detail"], 500)
        kept.append(change)
    return kept


def _ahead(clock: object) -> float:
    """How far a host's clock is ahead of ours, in seconds; 0 for what the way here explains."""
    if not isinstance(clock, (int, float)):
        return 0.0
    ahead = float(clock) - time.time()
    return ahead if abs(ahead) > _SKEW_SECONDS else 0.0


def _stage(given: Mapping[str, Any], ahead: float) -> dict[str, Any]:
    if given["stage"] not in (*STAGES, RESTORE) or given["outcome"] not in _STAGE_OUTCOMES:
        raise ValueError("no stage, or no outcome")
    return {
        "stage": given["stage"],
        "outcome": given["outcome"],
        "started": float(given["started"]) - ahead,
        "seconds": float(given["seconds"]),
        "again": bool(given.get("again")),
        "steps": [
            {
                "name": str(step["name"])[:64],
                "outcome": str(step["outcome"])[:20],
                "seconds": float(step["seconds"]),
                "detail": _text(step.get("detail")),
            }
            for step in given["steps"]
        ],
    }


def _text(value: object, at_most: int = _DETAIL_AT_MOST) -> str | None:
    return None if value is None else str(value).replace("\0", "")[:at_most]
