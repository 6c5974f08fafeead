"""The state ``pushguide.stage``: one piece of an orchestration, tied to the running deployment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pushguide.errors import PushguideError, Refused
from pushguide.master.rollout.driver import driver_of
from pushguide.master.suggest import did_you_mean
from pushguide.words import STAGES


def stage(
    name: str, deployment: int, stages: str | Sequence[str], batch: int, test: bool
) -> dict[str, Any]:
    """Bring hosts through stages of the deployment that this process drives.

    Args:
        name: the state's name.
        deployment: the deployment's number.
        stages: consecutive stages.
        batch: the batch, counted from 1; 0 for all.
        test: whether to tell only what would be done.

    Returns:
        A state's return; its result is False if a host did not succeed.
    """
    answer: dict[str, Any] = {"name": name, "result": True, "changes": {}, "comment": ""}
    try:
        wanted = _consecutive(stages)
        if test:
            return {**answer, "result": None, "comment": f"would run {', '.join(wanted)}"}
        result, comment = driver_of(int(deployment)).run_stages(wanted, int(batch))
    except PushguideError as err:
        return {**answer, "result": False, "comment": str(err)}
    return {**answer, "result": result, "comment": comment}


def _consecutive(stages: str | Sequence[str]) -> list[str]:
    """The stages in their order; refuse unknown ones and gaps between them."""
    named = [stages] if isinstance(stages, str) else [str(one) for one in stages]
    problems = [
        f"there is no stage {one!r}: {did_you_mean(one, STAGES)}"
        for one in named
        if one not in STAGES
    ]
    if problems or not named:
        raise Refused(problems or "no stages are named")
    places = sorted(STAGES.index(one) for one in set(named))
    if places != list(range(places[0], places[-1] + 1)):
        raise Refused(f"{', '.join(named)} do not follow each other: {', '.join(STAGES)}")
    return [STAGES[place] for place in places]
