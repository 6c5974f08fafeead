"""Quarantines: hosts that deployments leave alone until somebody says otherwise."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master import events
from pushguide.master.store import outbox
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now


@dataclass(frozen=True)
class Quarantine:
    """Why a host is left alone.

    Attributes:
        module: the module whose deployments leave it out; None for those of every module.
        until: when it ends by itself; None if somebody has to end it.
    """

    id: int
    host: str
    module: str | None
    reason: str
    declared_by: str
    declared_at: datetime
    until: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    ended_reason: str | None

    def __str__(self) -> str:
        end = f" until {self.until.isoformat(timespec='minutes')}" if self.until else ""
        since = self.declared_at.isoformat(timespec="minutes")
        return f"{self.reason} (by {self.declared_by} since {since}{end})"


def find(
    connection: Connection, hosts: Collection[str] | None = None, module: str | None = None
) -> list[Quarantine]:
    """The quarantines that hold now, the oldest first.

    Args:
        connection: a transaction.
        hosts: of these hosts alone; None for all.
        module: those that a deployment of this module heeds; None for all.
    """
    table = db.quarantine
    query = sa.select(table).where(_holds(table)).order_by(table.c.id)
    if module is not None:
        query = query.where(sa.or_(table.c.module.is_(None), table.c.module == module))
    found = [Quarantine(**row) for row in connection.execute(query).mappings()]
    return [one for one in found if hosts is None or one.host in hosts]


def add(
    connection: Connection,
    host: str,
    module: str | None,
    reason: str,
    by: str,
    until: datetime | None,
) -> Quarantine:
    """Put a host in quarantine.

    Raises:
        Refused: it is in that quarantine already.
    """
    standing = _standing(connection, host, module)
    if standing:
        raise Refused(f"{host} is in quarantine already: {standing}. End that one first.")
    done = connection.execute(
        sa.insert(db.quarantine).values(
            host=host,
            module=module,
            reason=reason,
            declared_by=by[:128],
            declared_at=now(),
            until=until,
        )
    )
    key = done.inserted_primary_key
    assert key
    made = _get(connection, int(key[0]))
    end = made.until.isoformat(timespec="minutes") if made.until else None
    told = {"host": host, "by": made.declared_by, "reason": reason, "until": end}
    outbox.of_quarantine(connection, events.QUARANTINED, made.id, told, module)
    return made


def end(connection: Connection, host: str, module: str | None, by: str, reason: str) -> Quarantine:
    """Let deployments have a host again.

    Raises:
        Refused: it is in no such quarantine.
    """
    standing = _standing(connection, host, module)
    if standing is None:
        of = f" for {module}" if module else " for every module"
        raise Refused(f"{host} is in no quarantine{of}: see salt-run pushguide.quarantines.")
    # Two people may have declared it at the same moment: none of the two stays behind.
    connection.execute(
        sa.update(db.quarantine)
        .where(
            _holds(db.quarantine),
            db.quarantine.c.host == host,
            db.quarantine.c.module.is_not_distinct_from(module),
        )
        .values(ended_by=by[:128], ended_at=now(), ended_reason=reason)
    )
    told = {"host": host, "by": by[:128], "reason": reason, "until": None}
    outbox.of_quarantine(connection, events.UNQUARANTINED, standing.id, told, module)
    return _get(connection, standing.id)


def _standing(connection: Connection, host: str, module: str | None) -> Quarantine | None:
    """The quarantine of a host for a module, or for every module, that holds now."""
    return next((one for one in find(connection, [host]) if one.module == module), None)


def _holds(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.ended_at.is_(None), sa.or_(table.c.until.is_(None), table.c.until > now())
    )


def _get(connection: Connection, number: int) -> Quarantine:
    query = sa.select(db.quarantine).where(db.quarantine.c.id == number)
    return Quarantine(**connection.execute(query).mappings().one())
