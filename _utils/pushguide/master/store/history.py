"""History: deployments as they follow each other, and what can be learned from those before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.sight import EVERYTHING_SEEN, Sight
from pushguide.master.store import tables as db
from pushguide.master.store.record import Deployment
from pushguide.master.store.tables import now
from pushguide.words import (
    BAD,
)

#: By name, so that the index of states finds the few that have not ended among the many that have.
_UNFINISHED = sorted({*states.TRANSITIONS} - states.TERMINAL)


@dataclass(frozen=True)
class Wanted:
    """Which deployments are looked for; what is None does not matter.

    Attributes:
        module: of this module.
        environment: to this environment.
        state: in one of these states.
        kind: of this kind.
        person: that this person asked for.
        version: of this version.
        host: that went to this host.
        since: made from this moment on.
        until: made before this moment.
        before: with a lower number: the next page.
    """

    module: str | None = None
    environment: str | None = None
    state: Sequence[str] = ()
    kind: str | None = None
    person: str | None = None
    version: str | None = None
    host: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """What has to hold of a deployment."""
        table = db.deployment
        equal = {
            table.c.module: self.module,
            table.c.environment: self.environment,
            table.c.kind: self.kind,
            table.c.requested_by: self.person,
            table.c.version: self.version,
        }
        yield from (column == value for column, value in equal.items() if value is not None)
        if self.state:
            yield table.c.state.in_(self.state)
        if self.since is not None:
            yield table.c.created_at >= self.since
        if self.until is not None:
            yield table.c.created_at < self.until
        if self.before is not None:
            yield table.c.id < self.before
        if self.host is not None:
            hosts = db.deployment_host
            went = (hosts.c.deployment_id == table.c.id) & (hosts.c.host == self.host)
            yield sa.exists().where(went)


_EVERY = Wanted()


def find(
    connection: Connection,
    wanted: Wanted = _EVERY,
    limit: int = 20,
    sight: Sight = EVERYTHING_SEEN,
) -> list[Deployment]:
    """Deployments, the newest first."""
    query = sa.select(db.deployment).order_by(db.deployment.c.id.desc()).limit(limit)
    if not sight.is_all:
        query = query.where(sight.of(db.deployment))
    query = query.where(*wanted.conditions())
    return [Deployment(**row) for row in connection.execute(query).mappings()]


def newest(*conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[int]]:
    """The number of the newest deployment of each module and environment, of those that fit."""
    table = db.deployment
    query = sa.select(sa.func.max(table.c.id)).group_by(table.c.module, table.c.environment)
    return query.where(*conditions)


def latest(connection: Connection, module: str | None = None) -> list[Deployment]:
    """The newest deployment of each module and environment."""
    table = db.deployment
    query = sa.select(table).where(table.c.id.in_(newest())).order_by(table.c.id.desc())
    if module:
        query = query.where(table.c.module == module)
    return [Deployment(**row) for row in connection.execute(query).mappings()]


class Brief(NamedTuple):
    """A deployment without its plan, which may be long."""

    id: int
    token: int
    created_at: datetime


def last_successes(connection: Connection) -> list[Brief]:
    """The newest deployment of each module and environment that succeeded."""
    table = db.deployment
    return _briefs(connection, table.c.id.in_(newest(table.c.state == states.SUCCEEDED)))


def unfinished_on(connection: Connection, host: str) -> list[Brief]:
    """The deployments of a host that have not ended, the oldest first."""
    table, hosts = db.deployment, db.deployment_host
    has_host = sa.exists().where(hosts.c.deployment_id == table.c.id, hosts.c.host == host)
    return _briefs(connection, table.c.state.in_(_UNFINISHED), has_host)


def _briefs(connection: Connection, *conditions: sa.ColumnElement[bool]) -> list[Brief]:
    table = db.deployment
    query = sa.select(table.c.id, table.c.token, table.c.created_at)
    rows = connection.execute(query.where(*conditions).order_by(table.c.id))
    return [Brief(one.id, one.token or 0, one.created_at) for one in rows]


def artifact_of(
    connection: Connection, module: str, environment: str, version: str
) -> dict[str, Any] | None:
    """The artifact with which a version was deployed with success the last time."""
    table = db.deployment
    query = (
        sa.select(table.c.plan)
        .where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.version == version,
            table.c.state == states.SUCCEEDED,
        )
        .order_by(table.c.id.desc())
    )
    plans = connection.execute(query).scalars()
    return next((one["artifact"] for one in plans if one["artifact"]), None)


def ahead_of(connection: Connection, one: Deployment) -> Deployment | None:
    """The deployment of the same module that is queued earlier and is waited for, if any."""
    table = db.deployment
    query = (
        sa.select(table)
        .where(
            table.c.module == one.module,
            table.c.environment == one.environment,
            table.c.state == states.QUEUED,
            table.c.id < one.id,
            table.c.waiting_until > now(),
        )
        .order_by(table.c.id)
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return Deployment(**row) if row else None


def unfinished(connection: Connection) -> list[Deployment]:
    """Every deployment that has not ended, the oldest first."""
    table = db.deployment
    query = sa.select(table).where(table.c.state.in_(_UNFINISHED)).order_by(table.c.id)
    return [Deployment(**row) for row in connection.execute(query).mappings()]


def unfinished_of(
    connection: Connection, module: str, environment: str, state: str
) -> list[Deployment]:
    """The deployments of a module that are in a state, the oldest first."""
    table = db.deployment
    query = (
        sa.select(table)
        .where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.state == state,
        )
        .order_by(table.c.id)
    )
    return [Deployment(**row) for row in connection.execute(query).mappings()]


def begun_after(connection: Connection, one: Deployment) -> Deployment | None:
    """The newest deployment of the same module that began after another one, if any did."""
    table = db.deployment
    query = (
        sa.select(table)
        .where(
            table.c.module == one.module,
            table.c.environment == one.environment,
            table.c.id > one.id,
            table.c.started_at.is_not(None),
        )
        .order_by(table.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return Deployment(**row) if row else None


def caused_by(connection: Connection, number: int) -> list[Deployment]:
    """The deployments that another one is the cause of."""
    table = db.deployment
    query = sa.select(table).where(table.c.cause_id == number).order_by(table.c.id)
    return [Deployment(**row) for row in connection.execute(query).mappings()]


def stage_seconds(
    connection: Connection, module: str, environment: str, kind: str, limit: int = 10
) -> dict[int, dict[str, float]]:
    """How long each stage took on the slowest host, of the last deployments that succeeded."""
    table, results = db.deployment, db.stage_result
    last = (
        sa.select(table.c.id)
        .where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.kind == kind,
            table.c.state == states.SUCCEEDED,
        )
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    numbers = [*connection.execute(last).scalars()]
    query = (
        sa.select(results.c.deployment_id, results.c.stage, sa.func.max(results.c.seconds))
        .where(results.c.deployment_id.in_(numbers))
        .group_by(results.c.deployment_id, results.c.stage)
    )
    times: dict[int, dict[str, float]] = {}
    for number, stage, seconds in connection.execute(query):
        times.setdefault(number, {})[stage] = float(seconds)
    return times


def before(
    connection: Connection, module: str, environment: str, version: str | None
) -> Deployment | None:
    """The deployment that succeeded last before ``version`` was deployed.

    After a rollback from 1.1 to 1.0 the version before 1.0 is meant, not 1.1. A version that is
    marked bad is passed over.

    Args:
        connection: a connection.
        module: the module.
        environment: its environment.
        version: the live version; None where hosts differ, and the last success is meant.
    """
    table, marked = db.deployment, db.version_mark
    bad = sa.select(marked.c.version).where(
        marked.c.module == module, marked.c.environment == environment, marked.c.mark == BAD
    )
    query = sa.select(table).where(
        table.c.module == module,
        table.c.environment == environment,
        table.c.state == states.SUCCEEDED,
        table.c.version.not_in(bad),
    )
    if version is not None:
        brought = sa.select(table).where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.version == version,
            table.c.kind != "rollback",
        )
        last = connection.execute(brought.order_by(table.c.id.desc()).limit(1)).mappings().first()
        if last is not None:
            query = query.where(table.c.id < last["id"])
        query = query.where(table.c.version != version)
    row = connection.execute(query.order_by(table.c.id.desc()).limit(1)).mappings().first()
    return Deployment(**row) if row else None
