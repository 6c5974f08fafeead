"""Prove health: ask until the answers suffice, or time is up."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pushguide.errors import Inconclusive, StepFailed
from pushguide.host.health.check import HEALTHY, INCONCLUSIVE, Answer, Check, Scene
from pushguide.host.waiting import BetweenTries, pause


def prove_all(checks: Sequence[Check], scene: Scene, between_tries: BetweenTries) -> str:
    """Ask several checks, one after the other; all have to be healthy.

    Returns:
        What came back, a line for each.

    Raises:
        StepFailed: one is unhealthy.
        Inconclusive: none is unhealthy, but not all could be proven.
    """
    proven, unproven = [], []
    for check in checks:
        try:
            proven.append(prove(check, scene, between_tries))
        except Inconclusive as err:
            unproven.append(str(err))  # one of the others may say more
    if unproven:
        raise Inconclusive(" ".join(unproven))
    return "\n".join(proven)


def prove(check: Check, scene: Scene, between_tries: BetweenTries) -> str:
    """Ask one check until it was healthy often enough in a row.

    Args:
        check: what is asked.
        scene: what it may look at.
        between_tries: called before each try and each second of waiting; may raise to stop it.

    Returns:
        What came back, in words.

    Raises:
        StepFailed: it was not so within ``within_seconds``.
        Inconclusive: the last answer proves neither.
    """
    deadline = time.monotonic() + check.within_seconds
    tries = in_a_row = 0
    while True:
        between_tries()
        tries += 1
        answer = check.ask(scene)
        in_a_row = in_a_row + 1 if answer.state == HEALTHY else 0
        if in_a_row >= check.consecutive:
            times = f", {in_a_row} times in a row," if check.consecutive > 1 else ""
            return f"{check}: {answer.words}{times} at try {tries}"
        left = deadline - time.monotonic()
        if left <= 0 or answer.is_final:
            raise _failure(check, answer, tries, in_a_row)
        pause(min(check.interval_seconds, left), between_tries)


def _failure(check: Check, answer: Answer, tries: int, in_a_row: int) -> StepFailed:
    """What to say of a check that did not come out healthy."""
    told = f"{answer.words}, after {tries} tries in {check.within_seconds:g} s."
    if answer.state == INCONCLUSIVE:
        return Inconclusive(
            f"Probing {check} proved nothing: {told} Mend what keeps it from being told, and run "
            "the stage again."
        )
    if answer.is_final:
        told = f"{answer.words}."
    elif answer.state == HEALTHY:
        told = (
            f"it was healthy {in_a_row} times in a row, not {check.consecutive}, after {tries} "
            f"tries in {check.within_seconds:g} s."
        )
    return StepFailed(f"Probing {check} failed: {told} {check.hint}")
