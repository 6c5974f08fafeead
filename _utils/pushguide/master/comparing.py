"""What differs between two deployments, as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pushguide.master import summary
from pushguide.master.store.record import Deployment
from pushguide.words import STAGES

#: What of a plan is told in other ways, or is another in every deployment.
_NOT_COMPARED = ("hosts", "batches", "legs", "advice", "risks", "wish", "left_out", "standards")
_SHOWN_AT_MOST = 500


class Told(NamedTuple):
    """What the record has of a deployment: itself, its hosts, and their stages."""

    deployment: Deployment
    hosts: Sequence[Mapping[str, Any]]
    stages: Sequence[Mapping[str, Any]]


def compared(one: Told, other: Told) -> dict[str, Any]:
    """Hold two deployments against each other.

    Args:
        one: the first.
        other: the second.

    Returns:
        ``deployments``: both in short; ``plan``: each value that differs, by its ``path``, with
        both; ``hosts``: of each host of either the outcome and version of both; ``stages``: of
        each stage the seconds of the slowest host of both.
    """
    both = (one.deployment, other.deployment)
    differing = [*_differences("", *(_plan(each.plan) for each in both))]
    hosts: dict[str, list[dict[str, Any] | None]] = {}
    stages: dict[str, list[float | None]] = {name: [None, None] for name in STAGES}
    for place, told_of in enumerate((one, other)):
        for row in told_of.hosts:
            told = {key: row[key] for key in ("outcome", "version_before", "version_after")}
            hosts.setdefault(row["host"], [None, None])[place] = told
        for row in told_of.stages:
            if row["stage"] in stages:
                known = stages[row["stage"]][place] or 0.0
                stages[row["stage"]][place] = round(max(known, row["seconds"]), 3)
    return {
        "deployments": [summary.of_deployment(each) for each in both],
        "plan": differing[:_SHOWN_AT_MOST],
        "left_out": max(len(differing) - _SHOWN_AT_MOST, 0),
        "hosts": dict(sorted(hosts.items())),
        "stages": stages,
    }


def _plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in plan.items() if key not in _NOT_COMPARED}
    share = {key: value for key, value in plan.get("share", {}).items() if key != "uid"}
    return {**told, "share": share}


def _differences(path: str, one: object, other: object) -> Iterator[dict[str, Any]]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}, key=str):
            below = f"{path}:{key}" if path else str(key)
            yield from _differences(below, one.get(key), other.get(key))
    elif one != other:
        yield {"path": path, "values": [one, other]}
