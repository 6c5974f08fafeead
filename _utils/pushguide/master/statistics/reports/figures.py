"""Figures: the numbers of a report as people read them, in every form of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def shown_seconds(seconds: float | None) -> str:
    """A duration for people."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def shown_rate(rate: float | None) -> str:
    """A share for people."""
    return "-" if rate is None else f"{rate:.1%}"


def title_of(data: Mapping[str, Any]) -> str:
    """What a report is about."""
    return ", ".join(str(value) for value in data["about"].values())


def headlines(data: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    """The numbers at the top of a report."""
    found = data["deployments"]
    told = [
        (words["count"], str(found["count"])),
        (words["succeeded"], str(found["succeeded"])),
        (words["failed"], str(found["failed"])),
        (words["aborted"], str(found["aborted"])),
        (words["success_rate"], shown_rate(found["success_rate"])),
        (words["rollbacks"], str(found["rollbacks"])),
        (words["automatic_rollbacks"], str(found["automatic_rollbacks"])),
        (words["rollback_rate"], shown_rate(found["rollback_rate"])),
        (words["retries"], str(found["retries"])),
    ]
    return [*told, (words["duration"], shown_quantiles(found["seconds"], words))]


def measures(data: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    """The measures of DORA, for people."""
    dora = data.get("dora")
    if not dora:
        return []
    return [
        (words["deployment_frequency"], f"{dora['deployment_frequency']['per_day']:g}"),
        (words["lead_time"], shown_quantiles(dora["lead_time_seconds"], words)),
        (words["change_failure_rate"], shown_rate(dora["change_failure_rate"]["rate"])),
        (words["time_to_restore"], shown_quantiles(dora["time_to_restore_seconds"], words)),
    ]


def shown_quantiles(found: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Median and 95th percentile, for people."""
    if found["p50"] is None:
        return "-"
    half, most = shown_seconds(found["p50"]), shown_seconds(found["p95"])
    return f"{words['p50']} {half}, {words['p95']} {most}"
