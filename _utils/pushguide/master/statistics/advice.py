"""Advice: what the record teaches about a deployment before it begins.

Nothing is said from a few cases: each piece of advice needs enough of them, and the bound of their
95 % interval (Wilson's) has to be beyond what is usual.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.statistics import queries
from pushguide.master.statistics.answers import rate
from pushguide.master.statistics.buckets import quantiles
from pushguide.master.statistics.numbers import Numbers
from pushguide.master.statistics.periods import Period
from pushguide.master.statistics.queries import About
from pushguide.master.store import tables as db

INFO, WARNING = "info", "warning"
#: How far back the record is asked, and what of it is lately.
_USUAL, _LATELY = timedelta(days=180), timedelta(days=14)
#: The fewest cases from which something is said.
CASES = 10
#: How often the usual something may be before it is odd.
_ODD = 2.0
_95_PERCENT = 1.96
_LAST = 20


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson: wide where there are few cases."""
    if not whole:
        return 0.0, 1.0
    share, z2 = part / whole, _95_PERCENT**2
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    spread = math.sqrt(share * (1 - share) / whole + z2 / (4 * whole**2))
    half = _95_PERCENT * spread / (1 + z2 / whole)
    return max(0.0, middle - half), min(1.0, middle + half)


def advise(
    connection: Connection, plan: Plan, expected: float | None, now: datetime
) -> list[dict[str, Any]]:
    """Everything that the record has to say about a plan.

    Args:
        connection: a connection.
        plan: the plan.
        expected: how long it should take, in seconds, if that is known.
        now: the time.

    Returns:
        Of each: ``what`` (hour, module, hosts, size or duration), ``level`` (info or warning),
        ``text``, and the ``numbers`` that it rests on.
    """
    about = About(modules=(plan.module,), environment=plan.environment)
    usual = Period(now - _USUAL, now, ZoneInfo("UTC"), "")
    numbers, hours = queries.found(connection, about, usual)
    return [
        *_hour(hours.counts(), numbers, now),
        *_module(connection, about, numbers, now),
        *_hosts(connection, plan, usual),
        *_size(connection, plan),
        *_duration(numbers, expected),
    ]


def _hour(
    by_hour: dict[int, list[int]], numbers: Numbers, now: datetime
) -> Iterator[dict[str, Any]]:
    """Whether deployments of the module that begin in this hour of the day succeed less often."""
    hour = now.astimezone(timezone.utc).hour
    found = [by_hour.get(day * 24 + hour, [0, 0, 0]) for day in range(7)]
    succeeded, failed = (sum(one[place] for one in found) for place in (1, 2))
    others = (numbers.succeeded - succeeded, numbers.failed - failed)
    told = _less_often((succeeded, failed), others)
    if told:
        yield _advice(
            "hour",
            WARNING,
            f"Between {hour:02}:00 and {(hour + 1) % 24:02}:00 UTC {succeeded} of "
            f"{succeeded + failed} deployments of this module succeeded "
            f"({told['rate']:.0%}), at other hours {told['usual_rate']:.0%}.",
            {"hour": hour, **told},
        )


def _module(
    connection: Connection, about: About, numbers: Numbers, now: datetime
) -> Iterator[dict[str, Any]]:
    """Whether the module succeeds less often than before, lately."""
    lately = Period(now - _LATELY, now, ZoneInfo("UTC"), "")
    last = queries.briefly(connection, about, lately)
    others = (numbers.succeeded - last.succeeded, numbers.failed - last.failed)
    told = _less_often((last.succeeded, last.failed), others)
    if told:
        yield _advice(
            "module",
            WARNING,
            f"In the last {_LATELY.days} days {last.succeeded} of "
            f"{last.succeeded + last.failed} deployments of this module succeeded "
            f"({told['rate']:.0%}), before that {told['usual_rate']:.0%}.",
            {"days": _LATELY.days, **told},
        )


def _less_often(here: Sequence[int], others: Sequence[int]) -> dict[str, Any] | None:
    """The rates, if it is certain enough that the one is lower; None otherwise."""
    cases, usual_cases = sum(here), sum(others)
    if min(cases, usual_cases) < CASES:
        return None
    usual = others[0] / usual_cases
    if wilson(here[0], cases)[1] >= usual:
        return None
    return {
        "cases": cases,
        "rate": rate(here[0], cases),
        "usual_cases": usual_cases,
        "usual_rate": round(usual, 4),
    }


def _hosts(connection: Connection, plan: Plan, usual: Period) -> Iterator[dict[str, Any]]:
    """Hosts on which deployments fail more often than on the others of the module."""
    counted = {
        host: queries.briefly(connection, About(host=host, environment=plan.environment), usual)
        for host in [*plan.hosts][:_HOSTS_AT_MOST]
    }
    cases = sum(one.counted for one in counted.values())
    failed = sum(one.failed for one in counted.values())
    odd = {}
    for host, one in counted.items():
        others = cases - one.counted
        usually = (failed - one.failed) / others if others else 0.0
        if one.counted >= CASES and wilson(one.failed, one.counted)[0] > max(usually, _FEW):
            odd[host] = {"failed": one.failed, "results": one.counted}
    if odd:
        named = ", ".join(
            f"{host} ({one['failed']} of {one['results']})" for host, one in odd.items()
        )
        yield _advice(
            "hosts",
            WARNING,
            f"Deployments fail often on these hosts, by the last {_USUAL.days} days: {named}.",
            {"hosts": odd},
        )


#: How many hosts are looked at, and what share of failures is nothing to speak of.
_HOSTS_AT_MOST = 200
_FEW = 0.05


def _size(connection: Connection, plan: Plan) -> Iterator[dict[str, Any]]:
    """Whether the artifact is much larger or smaller than those before."""
    if plan.artifact is None or not plan.artifact.size:
        return
    table = db.deployment
    query = (
        sa.select(table.c.plan["artifact"]["size"].as_integer())
        .where(
            table.c.module == plan.module,
            table.c.environment == plan.environment,
            table.c.state == states.SUCCEEDED,
            table.c.kind == "deploy",
        )
        .order_by(table.c.id.desc())
        .limit(_LAST)
    )
    sizes = [one for one in connection.execute(query).scalars() if one]
    if len(sizes) < CASES:
        return
    usual = median(sizes)
    times = plan.artifact.size / usual
    if times >= _ODD or times <= 1 / _ODD:
        yield _advice(
            "size",
            WARNING,
            f"The artifact has {plan.artifact.size} bytes, {times:.2g} times the usual "
            f"{usual:.0f} of the last {len(sizes)}.",
            {"bytes": plan.artifact.size, "usual_bytes": usual, "cases": len(sizes)},
        )


def _duration(numbers: Numbers, expected: float | None) -> Iterator[dict[str, Any]]:
    """How long it will take, and whether that is more than usual."""
    spread = numbers.times.get("seconds", {})
    cases, found = sum(spread.values()), quantiles(spread)
    if found["p50"] is None or found["p95"] is None:
        return
    is_odd = expected is not None and cases >= CASES and expected > _ODD * found["p50"]
    should = f"It should take {expected:.0f} s. " if expected is not None else ""
    yield _advice(
        "duration",
        WARNING if is_odd else INFO,
        f"{should}Half of the last {cases} that succeeded took up to {found['p50']:.0f} s, "
        f"95 of 100 up to {found['p95']:.0f} s.",
        {"expected": expected, **found, "cases": cases},
    )


def _advice(what: str, level: str, text: str, numbers: dict[str, Any]) -> dict[str, Any]:
    return {"what": what, "level": level, "text": text, "numbers": numbers}
