"""Rebuilding: the statistics computed anew, out of nothing but the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.statistics import definitions
from pushguide.master.statistics.buckets import bucket_of
from pushguide.master.statistics.counting import fact_of, host_cell, lead_of
from pushguide.master.statistics.definitions import Fact
from pushguide.master.statistics.failures import failure_row
from pushguide.master.statistics.numbers import Numbers
from pushguide.master.statistics.rollups import Cell, Rollups, cells_of, pass_gate
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now
from pushguide.words import FAILED

#: How many deployments are read at once, and how many rows of rollups are kept in memory.
_AT_ONCE = 2000
_ROLLUPS_AT_MOST = 40_000


def rebuild(connection: Connection) -> dict[str, int]:
    """Compute every table of the statistics anew.

    Whoever writes results meanwhile waits until this transaction has ended.

    Args:
        connection: a transaction, in which nothing has been read yet.

    Returns:
        How many ``deployments``, ``results`` (of stages on hosts) and ``failures`` were counted.
    """
    pass_gate(connection, alone=True)
    for table in (db.statistics_failure, db.statistics_deployment, db.statistics_rollup):
        connection.execute(sa.delete(table))
    hosts = db.deployment_host
    connection.execute(
        sa.update(hosts).where(hosts.c.counted_as.is_not(None)).values(counted_as=None)
    )
    counted = Counter({"deployments": 0, "results": 0, "failures": 0})
    for facts in _facts(connection):
        connection.execute(sa.insert(db.statistics_deployment), [asdict(one) for one in facts])
        counted["deployments"] += len(facts)
        page = _Page(connection, {one.deployment_id: one for one in facts})
        counted["results"] += page.count_stages()
        counted["failures"] += page.count_hosts()
        page.rollups.write()
    _count_deployments(connection)
    connection.execute(sa.delete(db.statistics_gate))
    connection.execute(sa.insert(db.statistics_gate).values(id=1, rebuilt_at=now()))
    return dict(counted)


def has_been_built(connection: Connection) -> bool:
    """Whether the statistics were computed once; from then on they are kept in step."""
    return connection.execute(sa.select(db.statistics_gate.c.id)).first() is not None


def _facts(connection: Connection) -> Iterator[list[Fact]]:
    """The deployments that have begun, a page at a time, without what follows from others."""
    table = db.deployment
    project_type = table.c.plan["type"].as_string().label("type")
    columns = [one for one in table.c if one.name != "plan"]
    last = 0
    while True:
        query = sa.select(*columns, project_type).where(table.c.id > last)
        query = query.order_by(table.c.id).limit(_AT_ONCE)
        rows = connection.execute(query).mappings().all()
        if not rows:
            return
        last = rows[-1]["id"]
        found = [_fact(dict(row)) for row in rows if row["started_at"] is not None]
        if found:
            yield found


def _fact(row: Mapping[str, Any]) -> Fact:
    state = row["state"] if row["state"] in states.TERMINAL else states.RUNNING
    values = {**row, "plan": {"type": row["type"]}}
    fact = fact_of(row["id"], values, state, row["started_at"])
    if row["finished_at"] is None:
        return fact
    seconds = (row["finished_at"] - row["started_at"]).total_seconds()
    return replace(fact, finished_at=row["finished_at"], seconds=seconds)


class _Page:
    """The hosts of some deployments that follow each other.

    Args:
        connection: the transaction.
        facts: the deployments.
    """

    def __init__(self, connection: Connection, facts: Mapping[int, Fact]) -> None:
        self.connection = connection
        self.facts = facts
        self.rollups = Rollups(connection)

    def _of(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return table.c.deployment_id.between(min(self.facts), max(self.facts))

    def count_stages(self) -> int:
        """Count how long stages and steps took; answer with the number of stages."""
        results, step = db.stage_result, db.step
        counts: Counter[tuple[int, str, str, str]] = Counter()
        query = sa.select(
            results.c.deployment_id, results.c.host, results.c.stage, results.c.seconds
        ).where(self._of(results))
        found = self.connection.execute(query.where(results.c.outcome.in_(definitions.MEASURED)))
        for number, host, stage, seconds in found:
            counts[number, host, stage, bucket_of(seconds)] += 1
        columns = (step.c.deployment_id, step.c.host, step.c.stage, step.c.name, step.c.seconds)
        steps = sa.select(*columns).where(self._of(step))
        steps = steps.where(step.c.outcome.in_(definitions.MEASURED))
        for number, host, stage, name, seconds in self.connection.execute(steps):
            counts[number, host, f"{stage}/{name}", bucket_of(seconds)] += 1
        self._add_stages(counts)
        many = sa.select(sa.func.count()).select_from(results).where(self._of(results))
        return int(self.connection.execute(many).scalar() or 0)

    def _add_stages(self, counts: Counter[tuple[int, str, str, str]]) -> None:
        together: dict[tuple[tuple[str, str, str, str], date], Numbers] = {}
        by_host: dict[tuple[Cell, date], Numbers] = {}
        for (number, host, name, bucket), count in counts.items():
            fact = self.facts.get(number)
            if fact is None:
                continue
            day = fact.started_at.date()
            key = (fact.module, fact.environment, fact.type, fact.person)
            together.setdefault((key, day), Numbers()).note("stages", name, bucket, count)
            cell = host_cell(fact, host)
            by_host.setdefault((cell, day), Numbers()).note("stages", name, bucket, count)
        for (key, day), numbers in together.items():
            self.rollups.add(cells_of(*key), day, numbers)
        for (cell, day), numbers in by_host.items():
            self.rollups.add([cell], day, numbers)

    def count_hosts(self) -> int:
        """Count what became of hosts, and keep why they failed; answer with how many failed."""
        table = db.deployment_host
        query = sa.select(
            table.c.deployment_id, table.c.host, table.c.outcome, table.c.error
        ).where(self._of(table))
        failed: list[tuple[Fact, str, str | None]] = []
        for number, host, outcome, error in self.connection.execute(query):
            fact = self.facts.get(number)
            counted_as = definitions.host_counted_as(outcome)
            if fact is None or fact.state not in states.TERMINAL or counted_as is None:
                continue
            numbers = definitions.numbers_of_host(fact.started_at, counted_as)
            self.rollups.add([host_cell(fact, host)], fact.started_at.date(), numbers)
            if counted_as == FAILED:
                failed.append((fact, host, error))
        for counted_as, outcomes in definitions.HOSTS_COUNTED_AS.items():
            mark = sa.update(table).where(
                self._of(table), table.c.outcome.in_(outcomes), table.c.deployment_id.in_(_ended())
            )
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
        if not failed:
            return 0
        stages = self._first_stages()
        rows = [
            failure_row(fact, host, stages.get((fact.deployment_id, host), ""), error)
            for fact, host, error in failed
        ]
        self.connection.execute(sa.insert(db.statistics_failure), rows)
        return len(rows)

    def _first_stages(self) -> dict[tuple[int, str], str]:
        results = db.stage_result
        query = (
            sa.select(results.c.deployment_id, results.c.host, results.c.stage)
            .where(self._of(results), results.c.outcome.in_(definitions.STAGE_FAILURES))
            .order_by(results.c.started_at, results.c.stage)
        )
        found: dict[tuple[int, str], str] = {}
        for number, host, stage in self.connection.execute(query):
            found.setdefault((number, host), stage)
        return found


def _ended() -> sa.Select[Any]:
    table = db.statistics_deployment
    return sa.select(table.c.deployment_id).where(table.c.state.in_(sorted(states.TERMINAL)))


def _count_deployments(connection: Connection) -> None:
    """Count every deployment, with what follows from those before it."""
    table = db.statistics_deployment
    places = (
        sa.select(table.c.module, table.c.environment)
        .distinct()
        .order_by(table.c.module, table.c.environment)
    )
    rollups = Rollups(connection)
    for module, environment in connection.execute(places).all():
        query = sa.select(table).where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.state.in_(sorted(states.TERMINAL)),
        )
        query = query.order_by(table.c.finished_at, table.c.deployment_id)
        facts = [Fact(**row) for row in connection.execute(query).mappings()]
        followed = follow(facts, _builds(connection, module))
        changed = [
            {"key": new.deployment_id, **{name: getattr(new, name) for name in _FOLLOWING}}
            for old, new in zip(facts, followed, strict=True)
            if old != new
        ]
        if changed:
            same = table.c.deployment_id == sa.bindparam("key")
            connection.execute(sa.update(table).where(same), changed)
        for fact in followed:
            cells = cells_of(fact.module, fact.environment, fact.type, fact.person)
            rollups.add(cells, fact.started_at.date(), definitions.numbers_of(fact))
        if len(rollups) > _ROLLUPS_AT_MOST:
            rollups.write()
    rollups.write()


#: What of a fact follows from other deployments.
_FOLLOWING = ("lead_seconds", "restore_seconds", "is_undone")


def _builds(connection: Connection, module: str) -> dict[str, datetime]:
    """When each version of a module was built."""
    table = db.build
    query = sa.select(table.c.version, table.c.built_at, table.c.announced_at)
    rows = connection.execute(query.where(table.c.module == module))
    return {one.version: one.built_at or one.announced_at for one in rows}


def follow(facts: list[Fact], builds: Mapping[str, datetime]) -> list[Fact]:
    """What follows for deployments of one module and environment from each other.

    Args:
        facts: those that have ended, in the order of their ends.
        builds: when each version was built.
    """
    found = list(facts)
    failed_since: datetime | None = None
    last_success: int | None = None
    delivered: set[str] = set()
    for place, fact in enumerate(facts):
        assert fact.finished_at
        if fact.is_failure and failed_since is None:
            failed_since = fact.finished_at
        if not fact.is_success:
            continue
        lead = None
        if fact.is_delivery and fact.version not in delivered:
            delivered.add(fact.version)
            lead = lead_of(fact, builds.get(fact.version))
        restore = (fact.finished_at - failed_since).total_seconds() if failed_since else None
        found[place] = replace(fact, lead_seconds=lead, restore_seconds=restore)
        if fact.is_rollback and last_success is not None and found[last_success].is_change:
            found[last_success] = replace(found[last_success], is_undone=True)
        failed_since, last_success = None, place
    return found
