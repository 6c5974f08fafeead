"""What a host returned, checked before it is believed: a word about that host, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.master.plan import Plan
from pushguide.words import FAILED, GOOD_OUTCOMES, INCONCLUSIVE, RESTORE, RESTORED, STAGES

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
    if outcome not in (*_STAGE_OUTCOMES, RESTORED) or not isinstance(stages, list):
        return None
    try:
        read_stages = [_stage(one) for one in stages]
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


def _stage(given: Mapping[str, Any]) -> dict[str, Any]:
    if given["stage"] not in (*STAGES, RESTORE) or given["outcome"] not in _STAGE_OUTCOMES:
        raise ValueError("no stage, or no outcome")
    return {
        "stage": given["stage"],
        "outcome": given["outcome"],
        "started": float(given["started"]),
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
