"""Queries: numbers of what somebody asks about, out of rollups as far as they go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic_core import from_json
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
    SPREADS,
    SUCCEEDED_SLOT,
    Numbers,
    Spreads,
    merge,
)
from pushguide.master.statistics.periods import Edge, Period, quarters_at
from pushguide.master.statistics.pieces import Piece, midnight_of, runs_of
from pushguide.master.store import tables as db

#: How many of the worst are told.
WORST = 10
#: How many queries make up one statement.
_AT_ONCE = 50


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


class Hours:
    """Deployments by the hour of the week in which they began, in a time zone.

    Args:
        zone: the time zone.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._slots: dict[int, Spreads] = {}

    def add(self, quarters: int, slots: Spreads, sign: int) -> None:
        """Add slots of when the zone was so far from UTC, or take them away."""
        merge(self._slots.setdefault(quarters, {}), slots, sign)

    def add_piece(self, piece: Piece, slots: Spreads) -> None:
        """Add the slots of a day, month or year."""
        if piece.quarters is not None:
            self.add(piece.quarters, slots, piece.sign)
            return
        for name, counts in slots.items():
            for slot, count in counts.items():
                moment = midnight_of(piece.start) + timedelta(minutes=15 * (int(slot) % 96))
                quarters = quarters_at(moment, self.zone)
                self.add(quarters, {name: {slot: count}}, piece.sign)

    def counts(self) -> dict[int, list[int]]:
        """Of each hour of the week, from Monday on: counted, succeeded and failed."""
        found = [[0, 0, 0] for _ in range(7 * 24)]
        for quarters, slots in self._slots.items():
            for place, name in enumerate((COUNTED_SLOT, SUCCEEDED_SLOT, FAILED_SLOT)):
                for slot, count in slots.get(name, {}).items():
                    found[(int(slot) + quarters) % (7 * 96) // 4][place] += count
        return {hour: counts for hour, counts in enumerate(found) if any(counts)}


def found(connection: Connection, about: About, period: Period) -> tuple[Numbers, Hours]:
    """What somebody asks about, added up, and by the hours of the week in the period's zone.

    Durations of stages are of the whole days by UTC that come nearest to the period, or that it
    touches where it is shorter than that.
    """
    numbers, hours = Numbers(), Hours(period.zone)
    if len(about.names) > 1:
        edges = [Edge(period.start, period.end, 1)]
        numbers.stages = _raw_stages(connection, about, period)
    else:
        edges = period.edges()
        for piece, row in _rows(connection, about, period.pieces(), rollups.BRIEFLY):
            numbers.add(row, piece.sign)
        details = ("slots", "failing", "stages")
        for piece, row in _rows(connection, about, period.pieces_by_hour(), details):
            hours.add_piece(piece, row.slots)
            row.slots = {}
            numbers.add(row, piece.sign)
        if not period.has_whole_days:
            touched = period.pieces(period.touched_days)
            for piece, row in _rows(connection, about, touched, ("stages",)):
                numbers.add(row, piece.sign)
    _count_facts(connection, numbers, hours, about, edges)
    _count_failures(connection, numbers, about, edges)
    return numbers, hours


def briefly(connection: Connection, about: About, period: Period) -> Numbers:
    """What somebody asks about, added up, without stages and hours."""
    numbers, hours = Numbers(), Hours(period.zone)
    edges = [Edge(period.start, period.end, 1)]
    if len(about.names) <= 1:
        edges = period.edges()
        for piece, row in _rows(connection, about, period.pieces(), rollups.BRIEFLY):
            numbers.add(row, piece.sign)
    _count_facts(connection, numbers, hours, about, edges)
    return numbers


def by_name(connection: Connection, about: About, period: Period, scope: str) -> dict[str, Numbers]:
    """The same by module, environment, type, person or host, without stages and hours."""
    found: dict[str, Numbers] = {}
    edges = [Edge(period.start, period.end, 1)]
    if {*about.names} <= {scope} or (scope in _ATTRIBUTES and len(about.names) <= 1):
        _sum_by_name(connection, found, about, period.pieces(), scope)
        edges = period.edges()
    of_hosts = scope == rollups.HOST or about.host is not None
    together: dict[tuple[str, int], list[Fact | _HostFact]] = {}
    for fact, sign in _facts(connection, about, edges, of_hosts):
        together.setdefault((str(getattr(fact, scope)), sign), []).append(fact)
    for (name, sign), facts in together.items():
        one = _counted(facts)
        one.slots = {}
        found.setdefault(name, Numbers()).add(one, sign)
    found.pop("", None)
    return {name: numbers for name, numbers in found.items() if not numbers.is_nothing}


_ATTRIBUTES = ("environment", "type")


def _sum_by_name(
    connection: Connection,
    found: dict[str, Numbers],
    about: About,
    pieces: Sequence[Piece],
    scope: str,
) -> None:
    """Add up rollups by name: counters by the database, and what it cannot add up here."""
    cell = db.statistics_cell
    name = cell.c[scope if scope in _ATTRIBUTES else "name"]
    for run in runs_of((one.grain, one.sign, one.start) for one in pieces):
        rollup, sign = db.statistics_rollup[run.grain], run.sign
        joined = cell.join(rollup, rollup.c.cell_id == cell.c.id)
        mine = (*_cells(about, scope), rollup.c.start.between(run.first, run.last))
        sums = [sa.func.sum(rollup.c[one]) for one in COUNTERS]
        summed = sa.select(name, *sums).select_from(joined).where(*mine).group_by(name)
        for group, *counts in connection.execute(summed):
            row = dict(zip(COUNTERS, map(int, counts), strict=True))
            found.setdefault(group, Numbers()).add(Numbers.of_row(row), sign)
        if about.host is None and scope != rollups.HOST:
            timed = sa.select(name, rollup.c.times).select_from(joined).where(*mine)
            for group, times in connection.execute(timed):
                merge(found[group].times, times, sign)


def _rows(
    connection: Connection, about: About, pieces: Sequence[Piece], columns: Sequence[str]
) -> Iterator[tuple[Piece, Numbers]]:
    """The rows of rollups of some pieces, with some columns of one table."""
    tables = next(tables for tables, part in rollups.PARTS if {*columns} <= {*part})
    cell = db.statistics_cell
    wanted: dict[tuple[str, date], list[Piece]] = {}
    for piece in pieces:
        wanted.setdefault((piece.grain, piece.start), []).append(piece)
    queries = []
    for grain, _, first, last in runs_of((grain, 1, start) for grain, start in wanted):
        table = tables[grain]
        query = sa.select(
            sa.literal(grain), table.c.start, *(_as_text(table.c[name]) for name in columns)
        ).join(cell, cell.c.id == table.c.cell_id)
        queries.append(query.where(*_cells(about), table.c.start.between(first, last)))
    for grain, start, *values in _all_of(connection, queries):
        read = {
            name: from_json(value) if name in SPREADS else value
            for name, value in zip(columns, values, strict=True)
        }
        for piece in wanted[grain, start]:
            yield piece, Numbers(**read)


def _as_text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A spread as its text: pydantic reads JSON in half the time that drivers take for it."""
    return sa.cast(column, db.LongText) if column.name in SPREADS else column


def _all_of(connection: Connection, queries: Sequence[sa.Select[Any]]) -> Iterator[Sequence[Any]]:
    """The rows of all of some queries, with as few statements as databases take."""
    for first in range(0, len(queries), _AT_ONCE):
        yield from connection.execute(sa.union_all(*queries[first : first + _AT_ONCE])).all()


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
    connection: Connection, numbers: Numbers, hours: Hours, about: About, edges: Sequence[Edge]
) -> None:
    together: dict[tuple[int, int], list[Fact | _HostFact]] = {}
    for fact, sign in _facts(connection, about, edges, about.host is not None):
        place = (quarters_at(fact.started_at, hours.zone), sign)
        together.setdefault(place, []).append(fact)
    for (quarters, sign), facts in together.items():
        one = _counted(facts)
        hours.add(quarters, one.slots, sign)
        one.slots = {}
        numbers.add(one, sign)


def _counted(facts: Sequence[Fact | _HostFact]) -> Numbers:
    found = Numbers()
    definitions.count(found, (one for one in facts if isinstance(one, Fact)))
    results = ((one.started_at, one.counted_as) for one in facts if isinstance(one, _HostFact))
    definitions.count_hosts(found, results)
    return found


def _facts(
    connection: Connection, about: About, edges: Sequence[Edge], of_hosts: bool
) -> Iterator[tuple[Fact | _HostFact, int]]:
    """Each deployment, or what became of each host in them, and whether it is taken away."""
    make = _HostFact._make if of_hosts else Fact._make
    queries = [(_hosts if of_hosts else _deployments)(about, edge) for edge in edges]
    for row in _all_of(connection, queries):
        yield make(row[1:]), row[0]


def _deployments(about: About, edge: Edge) -> sa.Select[Any]:
    table = db.statistics_deployment
    wanted = (*_conditions(table, about, edge), table.c.state.in_(sorted(states.TERMINAL)))
    return sa.select(sa.literal(edge.sign), table).where(*wanted)


def _hosts(about: About, edge: Edge) -> sa.Select[Any]:
    table, hosts = db.statistics_deployment, db.deployment_host
    dimensions = [table.c[name] for name in _HostFact._fields[2:]]
    query = (
        sa.select(sa.literal(edge.sign), hosts.c.host, hosts.c.counted_as, *dimensions)
        .join(table, table.c.deployment_id == hosts.c.deployment_id)
        .where(*_conditions(table, about, edge), hosts.c.counted_as.is_not(None))
    )
    if about.host is None:
        return query
    # By the numbers of what began then the index of hosts leads to what a host did then, not to
    # all that it ever did. The sum keeps PostgreSQL from walking the primary key until it meets
    # one of that time.
    number, begun = table.c.deployment_id + 0, _within(table, edge)
    lowest, highest = (
        sa.select(one(number)).where(*begun).correlate(None).scalar_subquery()
        for one in (sa.func.min, sa.func.max)
    )
    within = hosts.c.deployment_id.between(lowest, highest)
    return query.where(hosts.c.host == about.host, within)


def _within(table: sa.Table, edge: Edge) -> list[sa.ColumnElement[bool]]:
    return [table.c.started_at >= edge.start, table.c.started_at < edge.end]


def _conditions(table: sa.Table, about: About, edge: Edge) -> list[sa.ColumnElement[bool]]:
    """Which rows of facts or failures are asked about, but for the host."""
    wanted = _within(table, edge)
    for name in ("environment", "type", "person"):
        value = getattr(about, name)
        if value is not None:
            wanted.append(table.c[name] == value)
    if about.modules is not None:
        wanted.append(table.c.module.in_(about.modules))
    return wanted


def _raw_stages(connection: Connection, about: About, period: Period) -> dict[str, dict[str, int]]:
    """How long stages and steps took, one by one, on the whole days of a period."""
    first, end = period.whole_days if period.has_whole_days else period.touched_days
    edge = Edge(midnight_of(first), midnight_of(end), 1)
    found = Numbers()
    table = db.statistics_deployment
    for results, name in ((db.stage_result, None), (db.step, db.step.c.name)):
        columns: list[Any] = [results.c.stage, results.c.seconds]
        query = (
            sa.select(*columns, *([name] if name is not None else []))
            .join(table, table.c.deployment_id == results.c.deployment_id)
            .where(
                *_conditions(table, about, edge),
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
    connection: Connection, numbers: Numbers, about: About, edges: Sequence[Edge]
) -> None:
    """Count the failures of hosts one by one."""
    table = db.statistics_failure
    columns = (table.c.host, table.c.stage, table.c.reason)
    queries = []
    for edge in edges:
        query = sa.select(sa.literal(edge.sign), *columns).where(*_conditions(table, about, edge))
        if about.host is not None:
            query = query.where(table.c.host == about.host)
        queries.append(query)
    together = {1: Numbers(), -1: Numbers()}
    for sign, *failure in _all_of(connection, queries):
        note_failure(together[sign], *failure)
    for sign, one in together.items():
        numbers.add(one, sign)


def worst(numbers: Numbers, what: str) -> list[tuple[str, int]]:
    """The hosts, stages or reasons with the most failures of hosts, the worst first.

    Args:
        numbers: what was found.
        what: host, stage or reason.
    """
    counts = numbers.failing.get(what, {})
    return sorted(sorted(counts.items()), key=itemgetter(1), reverse=True)[:WORST]


def results_of_hosts(
    connection: Connection, about: About, period: Period, hosts: Sequence[str]
) -> dict[str, int]:
    """How many results of some hosts counted, failed or not, of all their modules."""
    if not hosts:
        return {}
    cell = db.statistics_cell
    wide = About(environment=about.environment, type=about.type)
    found: dict[str, int] = {}
    queries = []
    for run in runs_of((one.grain, one.sign, one.start) for one in period.pieces()):
        rollup = db.statistics_rollup[run.grain]
        query = sa.select(cell.c.name, sa.func.sum(rollup.c.counted) * run.sign).join(
            rollup, rollup.c.cell_id == cell.c.id
        )
        mine = (*_cells(wide, rollups.HOST), cell.c.name.in_(hosts))
        in_run = rollup.c.start.between(run.first, run.last)
        queries.append(query.where(*mine, in_run).group_by(cell.c.name))
    for name, counted in _all_of(connection, queries):
        found[name] = found.get(name, 0) + int(counted)
    return found
