"""Queries: numbers of what somebody asks about, out of rollups as far as they go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.statistics import definitions, rollups
from pushguide.master.statistics.buckets import bucket_of
from pushguide.master.statistics.definitions import Fact
from pushguide.master.statistics.failures import note_failure
from pushguide.master.statistics.numbers import (
    COUNTED_SLOT,
    COUNTERS,
    FAILED_SLOT,
    SUCCEEDED_SLOT,
    Numbers,
    Spreads,
    merge,
)
from pushguide.master.statistics.periods import UTC, Period, Span
from pushguide.master.store import tables as db

#: How many of the worst are told.
WORST = 10
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class About:
    """What somebody asks about; None for all.

    Attributes:
        modules: some modules.
        environment: an environment.
        type: a project type.
        person: who asked for deployments.
        host: a host. Numbers are then of what became of that host.
    """

    modules: tuple[str, ...] | None = None
    environment: str | None = None
    type: str | None = None
    person: str | None = None
    host: str | None = None

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """What is asked for by name, by the scope of the rollups that have it."""
        given = {
            rollups.MODULE: self.modules,
            rollups.PERSON: (self.person,) if self.person is not None else None,
            rollups.HOST: (self.host,) if self.host is not None else None,
        }
        return {scope: names for scope, names in given.items() if names is not None}


class Row(NamedTuple):
    """Numbers of a day, a month or a year."""

    grain: str
    start: date
    numbers: Numbers


class Hours:
    """Deployments by the hour of the week in which they began, in a time zone.

    Args:
        zone: the time zone.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._slots: dict[int, Spreads] = {}

    def add(self, moment: datetime, found: Numbers) -> None:
        """Add what began at a moment."""
        self._add(_quarters(moment, self.zone), found.slots)

    def add_row(self, start: date, grain: str, slots: Spreads) -> None:
        """Add the slots of a day, or of longer in which the clocks of the zone do not change."""
        midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
        before = _quarters(midnight, self.zone)
        if grain != rollups.DAY or before == _quarters(midnight + _ONE_DAY, self.zone):
            self._add(before, slots)
            return
        for name, counts in slots.items():
            for slot, count in counts.items():
                moment = midnight + timedelta(minutes=15 * (int(slot) % 96))
                self._add(_quarters(moment, self.zone), {name: {slot: count}})

    def _add(self, quarters: int, slots: Spreads) -> None:
        merge(self._slots.setdefault(quarters, {}), slots)

    def counts(self) -> dict[int, list[int]]:
        """Of each hour of the week, from Monday on: counted, succeeded and failed."""
        found: dict[int, list[int]] = {}
        for quarters, slots in self._slots.items():
            for place, name in enumerate((COUNTED_SLOT, SUCCEEDED_SLOT, FAILED_SLOT)):
                for slot, count in slots.get(name, {}).items():
                    hour = (int(slot) + quarters) % (7 * 96) // 4
                    found.setdefault(hour, [0, 0, 0])[place] += count
        return found


def _quarters(moment: datetime, zone: ZoneInfo) -> int:
    """How far a zone is from UTC, in quarters of an hour."""
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() // 900)


def found(connection: Connection, about: About, period: Period) -> tuple[Numbers, Hours]:
    """What somebody asks about, added up, and by the hours of the week in the period's zone.

    Durations of stages are of all days by UTC that the period touches.
    """
    numbers, hours = Numbers(), Hours(period.zone)
    if len(about.names) > 1:
        _count_facts(connection, numbers, hours, about, period.start, period.end)
        _count_failures(connection, numbers, about, period.start, period.end)
        numbers.stages = _raw_stages(connection, about, period)
        return numbers, hours
    edges = period.edges()
    columns = (*rollups.BRIEFLY, "slots", "failing", *([] if edges else ["stages"]))
    for row in _rows(connection, about, period.spans(), columns):
        hours.add_row(row.start, row.grain, row.numbers.slots)
        row.numbers.slots = {}
        numbers.add(row.numbers)
    for start, end in edges:
        _count_facts(connection, numbers, hours, about, start, end)
        _count_failures(connection, numbers, about, start, end)
    if edges:
        for row in _rows(connection, about, period.touched(), ("stages",)):
            numbers.add(row.numbers)
    return numbers, hours


def briefly(connection: Connection, about: About, period: Period) -> Numbers:
    """What somebody asks about, added up, without stages and hours."""
    numbers, hours = Numbers(), Hours(period.zone)
    parts = [(period.start, period.end)]
    if len(about.names) <= 1:
        parts = period.edges()
        for row in _rows(connection, about, period.spans(), rollups.BRIEFLY):
            numbers.add(row.numbers)
    for start, end in parts:
        _count_facts(connection, numbers, hours, about, start, end)
    return numbers


def by_name(connection: Connection, about: About, period: Period, scope: str) -> dict[str, Numbers]:
    """The same by module, environment, type, person or host, without stages and hours."""
    found: dict[str, Numbers] = {}
    parts = [(period.start, period.end)]
    if {*about.names} <= {scope} or (scope in _ATTRIBUTES and len(about.names) <= 1):
        _sum_by_name(connection, found, about, period.spans(), scope)
        parts = period.edges()
    for start, end in parts:
        of_hosts = scope == rollups.HOST or about.host is not None
        for fact in _facts(connection, about, start, end, of_hosts):
            _count(found.setdefault(str(getattr(fact, scope)), Numbers()), fact)
    found.pop("", None)
    return found


_ATTRIBUTES = ("environment", "type")


def _sum_by_name(
    connection: Connection,
    found: dict[str, Numbers],
    about: About,
    spans: Sequence[Span],
    scope: str,
) -> None:
    """Add up rollups by name: counters by the database, and what it cannot add up here."""
    cell = db.statistics_cell
    name = cell.c[scope if scope in _ATTRIBUTES else "name"]
    for span in spans:
        rollup = db.statistics_rollup[span.grain]
        joined = cell.join(rollup, rollup.c.cell_id == cell.c.id)
        mine = (*_cells(about, scope), rollup.c.start.between(span.first, span.last))
        sums = [sa.func.sum(rollup.c[one]) for one in COUNTERS]
        summed = sa.select(name, *sums).select_from(joined).where(*mine).group_by(name)
        for group, *counts in connection.execute(summed):
            row = dict(zip(COUNTERS, map(int, counts), strict=True))
            found.setdefault(group, Numbers()).add(Numbers.of_row(row))
        if about.host is None and scope != rollups.HOST:
            timed = sa.select(name, rollup.c.times).select_from(joined).where(*mine)
            for group, times in connection.execute(timed):
                merge(found[group].times, times)


def _rows(
    connection: Connection,
    about: About,
    spans: Sequence[Span],
    columns: Sequence[str],
) -> Iterator[Row]:
    """The rows of rollups of whole days and months."""
    cell = db.statistics_cell
    for tables, part in rollups.PARTS:
        wanted = [name for name in columns if name in part]
        for span in spans if wanted else ():
            table = tables[span.grain]
            query = (
                sa.select(table.c.start, *(table.c[name] for name in wanted))
                .join(cell, cell.c.id == table.c.cell_id)
                .where(*_cells(about), table.c.start.between(span.first, span.last))
            )
            for start, *values in connection.execute(query):
                row = dict(zip(wanted, values, strict=True))
                yield Row(span.grain, start, Numbers(**row))


def _cells(about: About, by: str | None = None) -> list[sa.ColumnElement[bool]]:
    """The cells that hold what is asked about, and hold each deployment once."""
    cell = db.statistics_cell
    given = about.names
    scope = by if by in (rollups.MODULE, rollups.PERSON, rollups.HOST) else next(iter(given), None)
    if scope is None:
        is_whole = about.environment is None and about.type is None and by is None
        scope = rollups.ALL if is_whole else rollups.ENVIRONMENT
    wanted = [cell.c.scope == scope]
    if scope in given:
        wanted.append(cell.c.name.in_(given[scope]))
    if about.environment is not None:
        wanted.append(cell.c.environment == about.environment)
    if about.type is not None:
        wanted.append(cell.c.type == about.type)
    return wanted


# What rollups do not have: parts of days, and more than one name at once.


class _HostFact(NamedTuple):
    """What became of a host in a deployment."""

    host: str
    counted_as: str
    module: str
    environment: str
    type: str
    person: str
    started_at: datetime


def _count_facts(
    connection: Connection,
    numbers: Numbers,
    hours: Hours,
    about: About,
    start: datetime,
    end: datetime,
) -> None:
    for fact in _facts(connection, about, start, end, about.host is not None):
        one = Numbers()
        _count(one, fact)
        hours.add(fact.started_at, one)
        one.slots = {}
        numbers.add(one)


def _count(numbers: Numbers, fact: Fact | _HostFact) -> None:
    if isinstance(fact, _HostFact):
        definitions.count_host(numbers, fact.started_at, fact.counted_as)
    else:
        definitions.count(numbers, fact)


def _facts(
    connection: Connection, about: About, start: datetime, end: datetime, of_hosts: bool
) -> Iterator[Fact | _HostFact]:
    """Each deployment, or what became of each host in them, one by one."""
    table, hosts = db.statistics_deployment, db.deployment_host
    if not of_hosts:
        query = sa.select(table).where(*_conditions(table, about, start, end))
        for row in connection.execute(query.where(_has_ended())):
            yield Fact(*row)
        return
    dimensions = [table.c[name] for name in _HostFact._fields[2:]]
    many = (
        sa.select(hosts.c.host, hosts.c.counted_as, *dimensions)
        .join(table, table.c.deployment_id == hosts.c.deployment_id)
        .where(*_conditions(table, about, start, end), hosts.c.counted_as.is_not(None))
    )
    if about.host is not None:
        within = hosts.c.deployment_id.between(*_begun(connection, start, end))
        many = many.where(hosts.c.host == about.host, within)
    for row in connection.execute(many):
        yield _HostFact(*row)


def _begun(connection: Connection, start: datetime, end: datetime) -> tuple[int, int]:
    """The lowest and the highest number of what began in a time.

    By them the index of hosts leads to what a host did then, not to all that it ever did.
    """
    table = db.statistics_deployment
    # The sum keeps PostgreSQL from walking the primary key until it meets one of that time.
    number = table.c.deployment_id + 0
    query = sa.select(sa.func.min(number), sa.func.max(number))
    mine = (table.c.started_at >= start, table.c.started_at < end)
    lowest, highest = connection.execute(query.where(*mine)).one()
    return lowest or 0, highest or 0


def _has_ended() -> sa.ColumnElement[bool]:
    return db.statistics_deployment.c.state.in_(sorted(states.TERMINAL))


def _conditions(
    table: sa.Table, about: About, start: datetime, end: datetime
) -> list[sa.ColumnElement[bool]]:
    """Which rows of facts or failures are asked about, but for the host."""
    wanted = [table.c.started_at >= start, table.c.started_at < end]
    for name in ("environment", "type", "person"):
        value = getattr(about, name)
        if value is not None:
            wanted.append(table.c[name] == value)
    if about.modules is not None:
        wanted.append(table.c.module.in_(about.modules))
    return wanted


def _raw_stages(connection: Connection, about: About, period: Period) -> dict[str, dict[str, int]]:
    """How long stages and steps took, one by one, on all days by UTC that a period touches."""
    spans = period.touched()
    start = datetime.combine(spans[0].first, datetime.min.time(), UTC)
    end = spans[-1].end
    found = Numbers()
    table = db.statistics_deployment
    for results, name in ((db.stage_result, None), (db.step, db.step.c.name)):
        columns: list[Any] = [results.c.stage, results.c.seconds]
        query = (
            sa.select(*columns, *([name] if name is not None else []))
            .join(table, table.c.deployment_id == results.c.deployment_id)
            .where(
                *_conditions(table, about, start, end),
                results.c.outcome.in_(definitions.MEASURED),
            )
        )
        if about.host is not None:
            query = query.where(results.c.host == about.host)
        for stage, seconds, *step in connection.execute(query):
            found.note("stages", "/".join([stage, *step]), bucket_of(seconds))
    return found.stages


# Failures.


def _count_failures(
    connection: Connection, numbers: Numbers, about: About, start: datetime, end: datetime
) -> None:
    """Count the failures of hosts one by one."""
    table = db.statistics_failure
    query = sa.select(table.c.host, table.c.stage, table.c.reason).where(
        *_conditions(table, about, start, end)
    )
    if about.host is not None:
        query = query.where(table.c.host == about.host)
    for host, stage, reason in connection.execute(query):
        note_failure(numbers, host, stage, reason)


def worst(numbers: Numbers, what: str) -> list[tuple[str, int]]:
    """The hosts, stages or reasons with the most failures of hosts, the worst first.

    Args:
        numbers: what was found.
        what: host, stage or reason.
    """
    counts = numbers.failing.get(what, {})
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:WORST]


def results_of_hosts(
    connection: Connection, about: About, period: Period, hosts: Sequence[str]
) -> dict[str, int]:
    """How many results of some hosts counted, failed or not, of all their modules."""
    if not hosts:
        return {}
    cell = db.statistics_cell
    wide = About(environment=about.environment, type=about.type)
    found: dict[str, int] = {}
    for span in period.spans():
        rollup = db.statistics_rollup[span.grain]
        query = (
            sa.select(cell.c.name, sa.func.sum(rollup.c.counted))
            .join(rollup, rollup.c.cell_id == cell.c.id)
            .where(
                *_cells(wide, rollups.HOST),
                cell.c.name.in_(hosts),
                rollup.c.start.between(span.first, span.last),
            )
            .group_by(cell.c.name)
        )
        for name, counted in connection.execute(query):
            found[name] = found.get(name, 0) + int(counted)
    return found
