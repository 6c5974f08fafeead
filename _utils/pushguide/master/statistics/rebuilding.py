"""Rebuilding: the statistics computed anew, out of nothing but the record.

Facts are written first, then what follows from one to the next. Only then is anything added up,
in the order in which deployments began: a day is complete once a later one is reached, so each row
of the rollups is written once, and no more is kept in memory than what is not complete yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.statistics import definitions, rollups
from pushguide.master.statistics.buckets import bucket_of
from pushguide.master.statistics.counting import fact_of, host_cell, lead_of
from pushguide.master.statistics.definitions import Fact
from pushguide.master.statistics.failures import failure_of, failure_row, note_failure
from pushguide.master.statistics.numbers import Numbers, Spreads
from pushguide.master.statistics.rollups import DAY, GRAINS, Cell, cells_of, pass_gate, start_of
from pushguide.master.store import bulk
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now
from pushguide.words import FAILED

#: How many deployments are read at once.
_AT_ONCE = 1000
#: How much of the database SQLite keeps in memory meanwhile: rows of each cell lie apart, and
#: with its usual 2 MB it would write the same pages again and again.
_SQLITE_CACHE_KIB = 128 * 1024


def rebuild(connection: Connection) -> dict[str, int]:
    """Compute every table of the statistics anew.

    Whoever writes results meanwhile waits until this transaction has ended.

    Args:
        connection: a transaction, in which nothing has been read yet.

    Returns:
        How many ``deployments``, ``results`` (of stages on hosts) and ``failures`` were counted.
    """
    pass_gate(connection, alone=True)
    with _more_memory(connection):
        kept = [table for tables, _ in rollups.PARTS for table in tables.values()]
        for table in (db.statistics_failure, db.statistics_deployment, *kept):
            connection.execute(sa.delete(table))
        counted = Counter({"deployments": _write_facts(connection), "results": 0, "failures": 0})
        _write_what_follows(connection)
        _forget_hosts(connection)
        days = _Days(connection)
        for facts in _by_start(connection):
            page = _Page(connection, facts, days)
            counted["results"] += page.count_stages()
            counted["failures"] += page.count_hosts()
            page.close()
            days.close_before(facts[-1].started_at.date())
        days.close_before(date.max)
    connection.execute(sa.delete(db.statistics_gate))
    connection.execute(sa.insert(db.statistics_gate).values(id=1, rebuilt_at=now()))
    return dict(counted)


def has_been_built(connection: Connection) -> bool:
    """Whether the statistics were computed once; from then on they are kept in step."""
    return connection.execute(sa.select(db.statistics_gate.c.id)).first() is not None


@contextmanager
def _more_memory(connection: Connection) -> Iterator[None]:
    """Let SQLite keep more of the database in memory; servers have their own settings."""
    if connection.dialect.name != "sqlite":
        yield
        return
    before = connection.exec_driver_sql("PRAGMA cache_size").scalar()
    connection.exec_driver_sql(f"PRAGMA cache_size = -{_SQLITE_CACHE_KIB}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = {before}")


# Facts, first each by itself, then what follows from those before.


def _write_facts(connection: Connection) -> int:
    """Write a fact for each deployment that has begun; answer with how many there are."""
    table = db.deployment
    project_type = table.c.plan["type"].as_string().label("type")
    columns = [one for one in table.c if one.name != "plan"]
    last = many = 0
    while True:
        query = sa.select(*columns, project_type).where(table.c.id > last)
        rows = connection.execute(query.order_by(table.c.id).limit(_AT_ONCE)).mappings().all()
        if not rows:
            return many
        last = rows[-1]["id"]
        facts = [_fact(dict(row))._asdict() for row in rows if row["started_at"] is not None]
        bulk.insert(connection, db.statistics_deployment, facts)
        many += len(facts)


def _fact(row: Mapping[str, Any]) -> Fact:
    state = row["state"] if row["state"] in states.TERMINAL else states.RUNNING
    values = {**row, "plan": {"type": row["type"]}}
    fact = fact_of(row["id"], values, state, row["started_at"])
    if row["finished_at"] is None:
        return fact
    seconds = (row["finished_at"] - row["started_at"]).total_seconds()
    return fact._replace(finished_at=row["finished_at"], seconds=seconds)


#: What of a fact follows from other deployments.
_FOLLOWING = ("lead_seconds", "restore_seconds", "is_undone")


def _write_what_follows(connection: Connection) -> None:
    """Write into facts what follows from those before them in their module and environment."""
    table = db.statistics_deployment
    places = sa.select(table.c.module, table.c.environment).distinct()
    places = places.order_by(table.c.module, table.c.environment)
    update = sa.update(table).where(table.c.deployment_id == sa.bindparam("key"))
    for module, environment in connection.execute(places).all():
        changed: list[dict[str, Any]] = []
        for fact in follow(_ended(connection, module, environment), _builds(connection, module)):
            values = {name: getattr(fact, name) for name in _FOLLOWING}
            if values != _NOTHING_FOLLOWS:
                changed.append({"key": fact.deployment_id, **values})
            if len(changed) == _AT_ONCE:
                connection.execute(update, changed)
                changed = []
        if changed:
            connection.execute(update, changed)


_NOTHING_FOLLOWS = {"lead_seconds": None, "restore_seconds": None, "is_undone": False}


def _ended(connection: Connection, module: str, environment: str) -> Iterator[Fact]:
    """The facts of a module and environment that have ended, in the order of their ends."""
    table = db.statistics_deployment
    query = sa.select(table).where(
        table.c.module == module,
        table.c.environment == environment,
        table.c.state.in_(sorted(states.TERMINAL)),
    )
    for page in _pages(connection, query, table.c.finished_at):
        yield from page


def _by_start(connection: Connection) -> Iterator[list[Fact]]:
    """All facts, a page at a time, in the order in which deployments began."""
    table = db.statistics_deployment
    return _pages(connection, sa.select(table), table.c.started_at)


def _pages(
    connection: Connection, query: sa.Select[Any], moment: sa.Column[datetime]
) -> Iterator[list[Fact]]:
    """Facts in the order of a moment, which has an index."""
    number = db.statistics_deployment.c.deployment_id
    query = query.order_by(moment, number).limit(_AT_ONCE)
    rest = query
    while facts := [Fact._make(row) for row in connection.execute(rest).all()]:
        yield facts
        last = facts[-1]
        at = getattr(last, moment.name)
        rest = query.where(moment >= at, (moment > at) | (number > last.deployment_id))


def _builds(connection: Connection, module: str) -> dict[str, datetime]:
    """When each version of a module was built."""
    table = db.build
    query = sa.select(table.c.version, table.c.built_at, table.c.announced_at)
    rows = connection.execute(query.where(table.c.module == module))
    return {one.version: one.built_at or one.announced_at for one in rows}


def follow(facts: Iterable[Fact], builds: Mapping[str, datetime]) -> Iterator[Fact]:
    """What follows for deployments of one module and environment from each other.

    Args:
        facts: those that have ended, in the order of their ends.
        builds: when each version was built.

    Yields:
        The facts in the same order: the last success and those after it are held back until the
        next one says whether it was undone.
    """
    held: list[Fact] = []
    failed_since: datetime | None = None
    delivered: set[str] = set()
    for fact in facts:
        assert fact.finished_at
        if fact.is_failure and failed_since is None:
            failed_since = fact.finished_at
        if not fact.is_success:
            held.append(fact)
            continue
        lead = None
        if fact.is_delivery and fact.version not in delivered:
            delivered.add(fact.version)
            lead = lead_of(fact, builds.get(fact.version))
        restore = (fact.finished_at - failed_since).total_seconds() if failed_since else None
        if fact.is_rollback and held and held[0].is_success and held[0].is_change:
            held[0] = held[0]._replace(is_undone=True)
        yield from held
        held = [fact._replace(lead_seconds=lead, restore_seconds=restore)]
        failed_since = None
    yield from held


# What is added up.

#: Which grain one is added to.
_LONGER = dict(pairwise(GRAINS))


class _Days:
    """The numbers of days, months and years that are not complete yet.

    Args:
        connection: the transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._open: dict[str, dict[date, dict[Cell, Numbers]]] = {one: {} for one in GRAINS}
        self._ids: dict[Cell, int] = {}

    def at(self, cell: Cell, day: date) -> Numbers:
        """The numbers of a cell on a day, to be added to."""
        return _in(self._open[DAY].setdefault(day, {}), cell)

    def close_before(self, day: date) -> None:
        """Write down what began before a day: nothing more will be added to it."""
        for grain in GRAINS:
            still_open, first = self._open[grain], start_of(grain, day)
            complete = {one: still_open.pop(one) for one in [*still_open] if one < first}
            if grain in _LONGER:
                self._add_to(_LONGER[grain], complete)
            self._write(grain, complete)

    def _add_to(self, grain: str, complete: Mapping[date, Mapping[Cell, Numbers]]) -> None:
        for start, cells in complete.items():
            together = self._open[grain].setdefault(start_of(grain, start), {})
            for cell, numbers in cells.items():
                _in(together, cell).add(numbers)

    def _write(self, grain: str, complete: Mapping[date, Mapping[Cell, Numbers]]) -> None:
        cells = {cell for many in complete.values() for cell in many}
        unknown = sorted(cells - self._ids.keys())
        if unknown:
            self._ids.update(rollups.ids_of(self.connection, unknown))
        rows = {
            (self._ids[cell], start): numbers
            for start, many in complete.items()
            for cell, numbers in many.items()
        }
        for tables, columns in rollups.PARTS:
            rollups.insert(self.connection, tables[grain], columns, rows)


def _in(cells: dict[Cell, Numbers], cell: Cell) -> Numbers:
    """The numbers of a cell, to be added to."""
    if cell not in cells:
        cells[cell] = Numbers()
    return cells[cell]


#: Deployments that count in the same cells: their module, environment, type and person.
_Alike = tuple[str, str, str, str]


class _Page:
    """Some deployments with their hosts.

    Args:
        connection: the transaction.
        facts: the deployments.
        days: what they are added to.
    """

    def __init__(self, connection: Connection, facts: Iterable[Fact], days: _Days) -> None:
        self.connection = connection
        self.facts = {one.deployment_id: one for one in facts}
        self.days = days
        self._together: dict[tuple[_Alike, date], Numbers] = {}
        for fact in self.facts.values():
            definitions.count(self._of(fact), [fact])

    def close(self) -> None:
        """Add what was counted to all of the cells that it belongs to."""
        for (alike, day), numbers in self._together.items():
            for cell in cells_of(*alike):
                self.days.at(cell, day).add(numbers)

    def _of(self, fact: Fact) -> Numbers:
        """The numbers of deployments that count in the same cells."""
        alike = (fact.module, fact.environment, fact.type, fact.person)
        return self._together.setdefault((alike, fact.started_at.date()), Numbers())

    def _of_host(self, fact: Fact, host: str) -> Numbers:
        return self.days.at(host_cell(fact, host), fact.started_at.date())

    def _mine(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return _among(table.c.deployment_id, self.facts)

    def count_stages(self) -> int:
        """Count how long stages and steps took; answer with the number of stages."""
        results, step = db.stage_result, db.step
        of_stages = [results.c[name] for name in ("deployment_id", "host", "outcome", "seconds")]
        stages = sa.select(*of_stages, results.c.stage).where(self._mine(results))
        of_steps = [step.c[name] for name in ("deployment_id", "host", "outcome", "seconds")]
        name = step.c.stage + "/" + step.c.name
        many = self._count_times(stages)
        self._count_times(sa.select(*of_steps, name).where(self._mine(step)))
        return many

    def _count_times(self, query: sa.Select[Any]) -> int:
        """Count durations, both of the host and of its deployment: the innermost loop of all."""
        spreads: dict[tuple[int, str], tuple[Spreads, Spreads]] = {}
        many = 0
        for number, host, outcome, seconds, name in self.connection.execute(query).all():
            many += 1
            if outcome not in definitions.MEASURED:
                continue
            both = spreads.get((number, host))
            if both is None:
                fact = self.facts[number]
                both = (self._of(fact).stages, self._of_host(fact, host).stages)
                spreads[number, host] = both
            bucket = bucket_of(seconds)
            for spread in both:
                buckets = spread.get(name)
                if buckets is None:
                    buckets = spread[name] = {}
                buckets[bucket] = buckets.get(bucket, 0) + 1
        return many

    def count_hosts(self) -> int:
        """Count what became of hosts, and keep why they failed; answer with how many failed."""
        table = db.deployment_host
        columns = (table.c.deployment_id, table.c.host, table.c.outcome, table.c.error)
        ended = [number for number, one in self.facts.items() if one.state in states.TERMINAL]
        mine = _among(table.c.deployment_id, ended)
        failed: list[tuple[Fact, str, str | None]] = []
        for number, host, outcome, error in self.connection.execute(
            sa.select(*columns).where(mine)
        ):
            fact = self.facts[number]
            counted_as = definitions.host_counted_as(outcome)
            if counted_as is not None:
                found = self._of_host(fact, host)
                definitions.count_hosts_alike(found, [fact.started_at], counted_as)
            if counted_as == FAILED:
                failed.append((fact, host, error))
        for counted_as, outcomes in definitions.HOSTS_COUNTED_AS.items():
            is_other = table.c.counted_as.is_(None) | (table.c.counted_as != counted_as)
            mark = sa.update(table).where(mine, table.c.outcome.in_(outcomes), is_other)
            self.connection.execute(mark.values(counted_as=counted_as))
        return self._write_failures(failed)

    def _write_failures(self, failed: list[tuple[Fact, str, str | None]]) -> int:
        having = {fact.deployment_id for fact, _, _ in failed}
        without = {
            number: fact
            for number, fact in self.facts.items()
            if fact.is_failure and number not in having
        }
        if without:
            table = db.deployment
            query = sa.select(table.c.id, table.c.reason).where(table.c.id.in_([*without]))
            failed += [(without[number], "", why) for number, why in self.connection.execute(query)]
        stages = self._first_stages(having)
        rows = []
        for fact, host, error in failed:
            failure = failure_of(fact, host, stages.get((fact.deployment_id, host), ""), error)
            note_failure(self._of(fact), *failure)
            if host:
                note_failure(self._of_host(fact, host), *failure)
            rows.append(failure_row(fact, failure))
        bulk.insert(self.connection, db.statistics_failure, rows)
        return len(rows)

    def _first_stages(self, numbers: Collection[int]) -> dict[tuple[int, str], str]:
        """The first stage in which each host of some deployments failed."""
        results = db.stage_result
        query = (
            sa.select(results.c.deployment_id, results.c.host, results.c.stage)
            .where(
                _among(results.c.deployment_id, numbers),
                results.c.outcome.in_(definitions.STAGE_FAILURES),
            )
            .order_by(results.c.started_at, results.c.stage)
        )
        found: dict[tuple[int, str], str] = {}
        for number, host, stage in self.connection.execute(query):
            found.setdefault((number, host), stage)
        return found


def _among(column: sa.Column[int], numbers: Collection[int]) -> sa.ColumnElement[bool]:
    """Whether a column has one of some numbers.

    The bounds lead PostgreSQL to the index: of a long list alone it fears, as long as it has no
    statistics of the table, that it is most of it.
    """
    bounds = column.between(min(numbers, default=0), max(numbers, default=0))
    return sa.and_(bounds, column.in_([*numbers]))


def _forget_hosts(connection: Connection) -> None:
    """Say of hosts that do not count that they were not counted."""
    hosts, facts = db.deployment_host, db.statistics_deployment
    outcomes = [one for some in definitions.HOSTS_COUNTED_AS.values() for one in some]
    has_ended = sa.exists().where(
        facts.c.deployment_id == hosts.c.deployment_id,
        facts.c.state.in_(sorted(states.TERMINAL)),
    )
    counts = sa.and_(hosts.c.outcome.in_(outcomes), has_ended)
    wrong = sa.update(hosts).where(hosts.c.counted_as.is_not(None), sa.not_(counts))
    connection.execute(wrong.values(counted_as=None))
