"""The verdict: how a deployment ended, computed from its hosts and never from Salt's word alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.master import states
from pushguide.words import LEFT_OUT, NOT_STARTED, RESTORED, STOPPED_SHORT, SUCCEEDED, UNDER_WAY


def verdict(rows: list[dict[str, Any]], problem: str | None) -> tuple[str, str | None]:
    """How a deployment ended: from the hosts that were expected, less those that succeeded.

    Args:
        rows: its hosts, with their outcomes.
        problem: what went wrong in the orchestration beside them, if anything.

    Returns:
        The state, and the reason in words. ``rolled_back`` is said only if every host that
        was touched runs again what it ran before.
    """
    expected = [row for row in rows if row["outcome"] != LEFT_OUT]
    groups: dict[str, list[str]] = {}
    for row in expected:
        outcome = STOPPED_SHORT if row["outcome"] == UNDER_WAY else row["outcome"]
        groups.setdefault(outcome, []).append(row["host"])
    succeeded = groups.pop(SUCCEEDED, [])
    if len(succeeded) == len(expected) and expected and problem is None:
        return states.SUCCEEDED, None
    parts = [f"{outcome}: {', '.join(names)}" for outcome, names in sorted(groups.items())]
    if succeeded and groups:
        parts.append(f"{SUCCEEDED}: {', '.join(succeeded)}")
    errors = [f"{row['host']}: {row['error']}" for row in expected if row.get("error")]
    reason = "; ".join([*([problem] if problem else []), *parts, *errors[:3]])
    touched = {*groups} - {NOT_STARTED, RESTORED}
    if RESTORED in groups and not touched and not succeeded:
        return states.ROLLED_BACK, reason
    return states.FAILED, reason


def what_failed(name: str, answer: object, told: set[str]) -> str | None:
    """What the answer of state.orchestrate says went wrong beside the hosts, None if nothing did.

    Args:
        name: the orchestration file.
        answer: what state.orchestrate answered.
        told: what our own stages said about hosts: the verdict tells that by itself.
    """
    ran = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(ran, Mapping):
        return f"the orchestration {name} answered {str(answer)[:500]!r}"
    problems = []
    for states_run in ran.values():
        if not isinstance(states_run, Mapping):
            return f"the orchestration {name} does not render: {states_run}"
        problems += [
            f"{one.get('__id__')}: {one.get('comment')}"
            for one in states_run.values()
            if one.get("result") is False and one.get("comment") not in told
        ]
    return f"in the orchestration {name}: {'; '.join(problems)}" if problems else None
