"""Counting: what happens to deployments and hosts, as it changes the statistics.

Called by the store, in the transaction in which it happens. What was counted stands beside what
happened, by its key: counting the same again changes nothing, whoever does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.statistics import definitions
from pushguide.master.statistics.buckets import bucket_of
from pushguide.master.statistics.definitions import Fact
from pushguide.master.statistics.failures import Failure, note_failure, write_failures
from pushguide.master.statistics.numbers import Numbers
from pushguide.master.statistics.rollups import HOST, Cell, Rollups, cells_of, pass_gate
from pushguide.master.store import tables as db


class Counting:
    """Counts what happens in one transaction; ``with`` it, and what it counted is written down.

    Args:
        connection: the transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rollups = Rollups(connection)
        self._facts: dict[int, Fact | None] = {}
        self._stages: dict[int, Numbers] = {}
        self._has_passed = False

    def __enter__(self) -> Counting:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            return
        for number, numbers in self._stages.items():
            fact = self._facts[number]
            assert fact
            self.rollups.add(_cells(fact), fact.started_at.date(), numbers)
        self._stages = {}
        self.rollups.write()

    def begun(self, number: int, row: Mapping[str, Any], started_at: datetime) -> None:
        """Keep what a deployment is that begins.

        Args:
            number: the deployment.
            row: its row.
            started_at: when it begins.
        """
        self._pass()
        if self.fact(number) is None:
            fact = fact_of(number, row, states.RUNNING, started_at)
            self.connection.execute(sa.insert(db.statistics_deployment), [fact._asdict()])
            self._facts[number] = fact

    def ended(self, number: int, state: str, finished_at: datetime) -> None:
        """Count a deployment that has ended, or that is something else now than when it ended.

        Args:
            number: the deployment; its row says already how it ended.
            state: its state.
            finished_at: when it ended.
        """
        self._pass()
        fact = self._fact_to_change(number)
        if fact is None:
            return  # It has never begun.
        seconds = (finished_at - fact.started_at).total_seconds()
        new = fact._replace(state=state, finished_at=finished_at, seconds=seconds)
        if new.is_success:
            new = new._replace(
                lead_seconds=lead_seconds(self.connection, new),
                restore_seconds=restore_seconds(self.connection, new),
            )
        self._recount(fact, new)
        if new.is_success and new.is_rollback:
            self._undo_before(new)
        self.hosts_changed(number)

    def build_known(self, module: str, version: str) -> None:
        """Count the lead time of what was deployed before CI has said when it was built."""
        table = db.statistics_deployment
        query = sa.select(table.c.deployment_id).where(
            table.c.module == module, table.c.version == version
        )
        for number in (
            self.connection.execute(query.order_by(table.c.deployment_id)).scalars().all()
        ):
            self._pass()
            fact = self._fact_to_change(number)
            if fact and fact.is_success:
                self._recount(fact, fact._replace(lead_seconds=lead_seconds(self.connection, fact)))

    def stages_changed(
        self,
        number: int,
        host: str,
        old: Iterable[Mapping[str, Any]],
        new: Iterable[Mapping[str, Any]],
    ) -> None:
        """Count how long stages took on a host, in the place of what was counted of them before.

        Args:
            number: the deployment.
            host: the host.
            old: the stages as they stood, each with its steps.
            new: the stages as they stand.
        """
        self._pass()
        fact = self.fact(number)
        if fact is None:
            return
        together = self._stages.setdefault(number, Numbers())
        for stages, sign in ((old, -1), (new, 1)):
            numbers = Numbers()
            for stage in stages:
                note_stage(numbers, stage)
            together.add(numbers, sign)
            self.rollups.add([host_cell(fact, host)], fact.started_at.date(), numbers, sign)

    def hosts_changed(self, number: int, hosts: Sequence[str] | None = None) -> None:
        """Count what became of hosts in a deployment that has ended.

        Args:
            number: the deployment.
            hosts: some of its hosts; None for all.
        """
        fact = self.fact(number)
        if fact is None or fact.state not in states.TERMINAL:
            return
        self._pass()
        table = db.deployment_host
        query = sa.select(table.c.host, table.c.outcome, table.c.error, table.c.counted_as).where(
            table.c.deployment_id == number
        )
        if hosts is not None:
            query = query.where(table.c.host.in_(hosts))
        changed: dict[str | None, list[str]] = {}
        for row in self.connection.execute(query.with_for_update()).all():
            counted_as = definitions.host_counted_as(row.outcome)
            if counted_as != row.counted_as:
                changed.setdefault(counted_as, []).append(row.host)
                for what, sign in ((row.counted_as, -1), (counted_as, 1)):
                    numbers = definitions.numbers_of_host(fact.started_at, what)
                    self.rollups.add(
                        [host_cell(fact, row.host)], fact.started_at.date(), numbers, sign
                    )
        for counted_as, names in changed.items():
            same = [table.c.deployment_id == number, table.c.host == sa.bindparam("key_host")]
            self.connection.execute(
                sa.update(table).where(*same).values(counted_as=counted_as),
                [{"key_host": name} for name in names],
            )
        for failures, sign in zip(write_failures(self.connection, fact), (-1, 1), strict=True):
            for one in failures:
                self._failed(fact, one, sign)

    def _failed(self, fact: Fact, failure: Failure, sign: int) -> None:
        """Count a failure, or take it away again."""
        numbers = Numbers()
        note_failure(numbers, *failure)
        cells = _cells(fact)
        if failure.host:
            cells.append(host_cell(fact, failure.host))
        self.rollups.add(cells, fact.started_at.date(), numbers, sign)

    def fact(self, number: int) -> Fact | None:
        """What was counted of a deployment; None if it has not begun."""
        if number not in self._facts:
            self._facts[number] = read_fact(self.connection, number)
        return self._facts[number]

    def _fact_to_change(self, number: int) -> Fact | None:
        """What was counted of a deployment, which nobody else changes until the end."""
        self._facts[number] = read_fact(self.connection, number, update=True)
        return self._facts[number]

    def _recount(self, old: Fact, new: Fact) -> None:
        """Put what a deployment is now in the place of what it was."""
        if old == new:
            return
        table = db.statistics_deployment
        values = {name: value for name, value in new._asdict().items() if name != "deployment_id"}
        same = table.c.deployment_id == new.deployment_id
        self.connection.execute(sa.update(table).where(same).values(values))
        self._facts[new.deployment_id] = new
        for fact, sign in ((old, -1), (new, 1)):
            numbers = definitions.numbers_of(fact)
            self.rollups.add(_cells(fact), fact.started_at.date(), numbers, sign)

    def _undo_before(self, rollback: Fact) -> None:
        """Say of the change that a person goes back from that it failed after all."""
        number = success_before(self.connection, rollback)
        before = self._fact_to_change(number) if number is not None else None
        if before and before.is_change:
            self._recount(before, before._replace(is_undone=True))

    def _pass(self) -> None:
        if not self._has_passed:
            pass_gate(self.connection)
            self._has_passed = True


def fact_of(number: int, row: Mapping[str, Any], state: str, started_at: datetime) -> Fact:
    """What the statistics keep of a deployment that begins."""
    return Fact(
        deployment_id=number,
        module=row["module"],
        environment=row["environment"],
        type=str(row["plan"].get("type") or ""),
        person=definitions.person_of(row["requested_by"], row["cause"]),
        version=row["version"],
        kind=row["kind"],
        cause=row["cause"],
        state=state,
        started_at=started_at,
    )


def read_fact(connection: Connection, number: int, update: bool = False) -> Fact | None:
    """What was counted of a deployment; ``update`` keeps others from changing it until the end."""
    table = db.statistics_deployment
    query = sa.select(table).where(table.c.deployment_id == number)
    row = connection.execute(query.with_for_update() if update else query).mappings().first()
    return Fact(**row) if row else None


def host_cell(fact: Fact, host: str) -> Cell:
    """The cell of a host."""
    return Cell(HOST, host, fact.environment, fact.type)


def _cells(fact: Fact) -> list[Cell]:
    return cells_of(fact.module, fact.environment, fact.type, fact.person)


def note_stage(numbers: Numbers, stage: Mapping[str, Any]) -> None:
    """Count how long a stage and its steps took on a host."""
    name = stage["stage"]
    if stage["outcome"] in definitions.MEASURED:
        numbers.note("stages", name, bucket_of(stage["seconds"]))
    for step in stage["steps"]:
        if step["outcome"] in definitions.MEASURED:
            numbers.note("stages", f"{name}/{step['name']}", bucket_of(step["seconds"]))


# What follows from other deployments of the same module in the same environment.


def lead_seconds(connection: Connection, fact: Fact) -> float | None:
    """How long a version took from its build to its first delivery; None for what is neither."""
    if not fact.is_delivery or fact.finished_at is None:
        return None
    table, builds = db.statistics_deployment, db.build
    earlier = sa.select(table.c.deployment_id).where(
        *_before(fact),
        table.c.version == fact.version,
        table.c.kind == "deploy",
        table.c.state == states.SUCCEEDED,
    )
    if connection.execute(earlier.limit(1)).first():
        return None
    query = sa.select(builds.c.built_at, builds.c.announced_at)
    found = connection.execute(
        query.where(builds.c.module == fact.module, builds.c.version == fact.version)
    ).first()
    return lead_of(fact, (found.built_at or found.announced_at) if found else None)


def lead_of(fact: Fact, built_at: datetime | None) -> float | None:
    """The time from a build to the end of its delivery; None for what clocks say wrongly."""
    if built_at is None or fact.finished_at is None:
        return None
    seconds = (fact.finished_at - built_at).total_seconds()
    return seconds if seconds >= 0 else None


def restore_seconds(connection: Connection, fact: Fact) -> float | None:
    """How long a module had failed when a deployment succeeded; None if it had not."""
    table = db.statistics_deployment
    finished = table.c.finished_at
    last = sa.select(sa.func.max(finished)).where(*_before(fact), table.c.state == states.SUCCEEDED)
    success = connection.execute(last).scalar()
    failed = sa.select(sa.func.min(finished)).where(
        *_before(fact), table.c.state.in_(definitions.FAILURES)
    )
    if success is not None:
        failed = failed.where(finished > success)
    since = connection.execute(failed).scalar()
    if since is None or fact.finished_at is None:
        return None
    return float((fact.finished_at - since).total_seconds())


def success_before(connection: Connection, fact: Fact) -> int | None:
    """The deployment that succeeded last before another one, if any."""
    table = db.statistics_deployment
    query = (
        sa.select(table.c.deployment_id)
        .where(*_before(fact), table.c.state == states.SUCCEEDED)
        .order_by(table.c.finished_at.desc(), table.c.deployment_id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def _before(fact: Fact) -> list[sa.ColumnElement[bool]]:
    """What ended earlier in the same module and environment."""
    table = db.statistics_deployment
    return [
        table.c.module == fact.module,
        table.c.environment == fact.environment,
        table.c.finished_at <= fact.finished_at,
        table.c.deployment_id != fact.deployment_id,
    ]
