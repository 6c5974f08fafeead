"""Answers: numbers as plain data, for people and machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.master.statistics import queries
from pushguide.master.statistics.buckets import quantiles
from pushguide.master.statistics.numbers import Numbers
from pushguide.master.statistics.periods import Period
from pushguide.master.statistics.queries import About
from pushguide.words import STAGES

#: Of each hour of the week: counted, succeeded and failed.
Counts = Mapping[int, Sequence[int]]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def answer(connection: Connection, about: About, period: Period) -> dict[str, Any]:
    """Everything that is told of what somebody asks about."""
    numbers, by_hour_of_week = queries.found(connection, about, period)
    hours = by_hour_of_week.counts()
    told = {
        "deployments": outcome(numbers),
        "stages": stages(numbers),
        "by_hour": by_hour(hours),
        "by_weekday": by_weekday(hours),
        "by_hour_of_week": hours_of_week(hours),
        "failing": failing(connection, about, period, numbers),
    }
    if about.host is None:
        told["dora"] = dora(numbers, period)
    return told


def outcome(numbers: Numbers) -> dict[str, Any]:
    """How many there were, how they ended, and how long they took."""
    brought = numbers.counted - numbers.rollbacks
    return {
        "count": numbers.counted,
        "succeeded": numbers.succeeded,
        "failed": numbers.failed,
        "aborted": numbers.aborted,
        "success_rate": rate(numbers.succeeded, numbers.succeeded + numbers.failed),
        "rollbacks": numbers.rollbacks,
        "automatic_rollbacks": numbers.automatic_rollbacks,
        "rollback_rate": rate(numbers.rollbacks + numbers.automatic_rollbacks, brought),
        "retries": numbers.retries,
        "seconds": quantiles(numbers.times.get("seconds", {})),
    }


def dora(numbers: Numbers, period: Period) -> dict[str, Any]:
    """The four measures of DORA; see :mod:`.definitions` for what each counts."""
    lead, restore = numbers.times.get("lead", {}), numbers.times.get("restore", {})
    days = max(period.days, 1 / 24)
    return {
        "deployment_frequency": {
            "deliveries": numbers.deliveries,
            "per_day": round(numbers.deliveries / days, 3),
        },
        "lead_time_seconds": {**quantiles(lead), "measured_on": sum(lead.values())},
        "change_failure_rate": {
            "changes": numbers.changes,
            "failed": numbers.failed_changes,
            "rate": rate(numbers.failed_changes, numbers.changes),
        },
        "time_to_restore_seconds": {**quantiles(restore), "measured_on": sum(restore.values())},
    }


def stages(numbers: Numbers) -> dict[str, Any]:
    """How long each stage took on the hosts, and each of its steps."""
    told: dict[str, Any] = {}
    names = sorted(numbers.stages, key=lambda name: (_order(name), name))
    for name in names:
        stage, _, step = name.partition("/")
        spread = numbers.stages[name]
        found = {"count": sum(spread.values()), **quantiles(spread)}
        here = told.setdefault(stage, {"count": 0, "p50": None, "p95": None, "steps": {}})
        if step:
            here["steps"][step] = found
        else:
            here.update(found)
    return told


def _order(name: str) -> int:
    stage = name.partition("/")[0]
    return STAGES.index(stage) if stage in STAGES else len(STAGES)


def by_hour(hours: Counts) -> list[dict[str, Any]]:
    """The hours of the day, all weekdays together."""
    return [
        {"hour": hour, **_slot(hours, [day * 24 + hour for day in range(7)])} for hour in range(24)
    ]


def by_weekday(hours: Counts) -> list[dict[str, Any]]:
    """The days of the week."""
    return [
        {"weekday": name, **_slot(hours, [day * 24 + hour for hour in range(24)])}
        for day, name in enumerate(WEEKDAYS)
    ]


def hours_of_week(hours: Counts) -> list[dict[str, Any]]:
    """The hours of the week in which any began."""
    return [
        {"weekday": WEEKDAYS[place // 24], "hour": place % 24, **_slot(hours, [place])}
        for place in sorted(hours)
        if hours[place][0]
    ]


def _slot(hours: Counts, places: list[int]) -> dict[str, Any]:
    count = succeeded = failed = 0
    for place in places:
        if place in hours:
            counted, good, bad = hours[place]
            count, succeeded, failed = count + counted, succeeded + good, failed + bad
    return {"count": count, "success_rate": rate(succeeded, succeeded + failed)}


def failing(
    connection: Connection, about: About, period: Period, numbers: Numbers
) -> dict[str, Any]:
    """The hosts, stages and reasons with the most failures."""
    hosts = queries.worst(numbers, "host")
    counted = queries.results_of_hosts(connection, about, period, [name for name, _ in hosts])
    return {
        "hosts": [
            {"host": name, "failures": count, "results": counted.get(name)} for name, count in hosts
        ],
        "stages": [
            {"stage": name, "failures": count} for name, count in queries.worst(numbers, "stage")
        ],
        "reasons": [
            {"reason": name, "failures": count} for name, count in queries.worst(numbers, "reason")
        ],
    }


def group(name: str, numbers: Numbers, period: Period) -> dict[str, Any]:
    """The numbers of one of several groups."""
    return {"group": name, **outcome(numbers), "dora": dora(numbers, period)}


def rate(part: int, whole: int) -> float | None:
    """A share of a whole; None of nothing."""
    return round(part / whole, 4) if whole else None
