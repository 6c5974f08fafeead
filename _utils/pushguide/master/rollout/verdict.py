"""The verdict: how a deployment ended, computed from its hosts and never from Salt's word alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pushguide.master import states
from pushguide.master.rollout.gates import FAILURES
from pushguide.words import LEFT_OUT, NOT_STARTED, RESTORED, STOPPED_SHORT, SUCCEEDED, UNDER_WAY

_NAMED_AT_MOST = 20


def verdict(
    rows: list[dict[str, Any]],
    problem: str | None,
    max_failures: int = 0,
    aborted: str | None = None,
) -> tuple[str, str | None]:
    """How a deployment ended: from the hosts that were expected, less those that succeeded.

    Args:
        rows: its hosts, with their outcomes.
        problem: what went wrong in the orchestration beside them, if anything.
        max_failures: how many hosts may fail in a deployment that succeeds.
        aborted: who aborted it and why, if somebody did.

    Returns:
        The state, and the reason in words. ``rolled_back`` is said only if every host that
        was touched runs again what it ran before. Hosts that failed within ``max_failures`` are
        named in the reason of a success.
    """
    expected = [row for row in rows if row["outcome"] != LEFT_OUT]
    groups: dict[str, list[str]] = {}
    for row in expected:
        outcome = STOPPED_SHORT if row["outcome"] == UNDER_WAY else row["outcome"]
        groups.setdefault(outcome, []).append(row["host"])
    succeeded = groups.pop(SUCCEEDED, [])
    failed = sum(len(hosts) for outcome, hosts in groups.items() if outcome in FAILURES)
    errors = [f"{row['host']}: {row['error']}" for row in expected if row.get("error")]
    parts = [f"{outcome}: {names(hosts)}" for outcome, hosts in sorted(groups.items())]
    if aborted is None and problem is None and succeeded and {*groups} <= {*FAILURES}:
        if not groups:
            return states.SUCCEEDED, None
        if failed <= max_failures:
            within = f"{failed} of {len(expected)} hosts failed, within max_failures {max_failures}"
            return states.SUCCEEDED, "; ".join([within, *parts, *errors[:3]])
    if succeeded and (groups or problem or aborted):
        parts.append(f"{SUCCEEDED}: {names(succeeded)}")
    told = [one for one in (aborted, problem) if one]
    reason = "; ".join([*told, *parts, *errors[:3]])
    if aborted is not None:
        return states.ABORTED, reason
    if RESTORED in groups and not succeeded and all(_runs_the_old(row) for row in expected):
        return states.ROLLED_BACK, reason
    return states.FAILED, reason


def _runs_the_old(row: Mapping[str, Any]) -> bool:
    """Whether a host runs what it ran before: put back, never begun, or prepared and no more."""
    if row["outcome"] in (UNDER_WAY, STOPPED_SHORT):
        return row.get("version_after") in (None, row.get("version_before"))
    return row["outcome"] in (NOT_STARTED, RESTORED)


def names(hosts: Sequence[str]) -> str:
    """Hosts by name, the first of many."""
    more = len(hosts) - _NAMED_AT_MOST
    return ", ".join(hosts[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


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
