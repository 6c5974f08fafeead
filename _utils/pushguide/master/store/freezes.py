"""Freezes that were declared by the runner, beside those that stand in the master's pillar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now


@dataclass(frozen=True)
class Declared:
    """A freeze that somebody declared.

    Attributes:
        scope: everything, team or module.
        name: the name of the team or module; empty for everything.
        rule: when it is, and what of it is frozen.
    """

    id: int
    scope: str
    name: str
    rule: dict[str, Any]
    declared_by: str
    declared_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    ended_reason: str | None


def find(connection: Connection) -> list[Declared]:
    """The freezes that nobody has ended."""
    table = db.freeze
    query = sa.select(table).where(table.c.ended_at.is_(None)).order_by(table.c.id)
    return [Declared(**row) for row in connection.execute(query).mappings()]


def look(connection: Connection, number: int) -> Declared | None:
    """One of them; None if there is none of that number."""
    query = sa.select(db.freeze).where(db.freeze.c.id == number)
    row = connection.execute(query).mappings().first()
    return Declared(**row) if row else None


def add(connection: Connection, scope: str, name: str, rule: dict[str, Any], by: str) -> Declared:
    """Declare one."""
    values = {"scope": scope, "name": name, "rule": rule}
    done = connection.execute(
        sa.insert(db.freeze).values(**values, declared_by=by[:128], declared_at=now())
    )
    key = done.inserted_primary_key
    assert key
    found = look(connection, int(key[0]))
    assert found
    return found


def end(connection: Connection, number: int, by: str, reason: str) -> Declared:
    """End one before its time.

    Raises:
        Refused: there is none of that number, or it was ended already.
    """
    found = look(connection, number)
    if found is None:
        raise Refused(f"There is no freeze {number}: see salt-run pushguide.freezes.")
    if found.ended_at is not None:
        raise Refused(f"Freeze {number} was ended by {found.ended_by} already.")
    connection.execute(
        sa.update(db.freeze)
        .where(db.freeze.c.id == number)
        .values(ended_by=by[:128], ended_at=now(), ended_reason=reason)
    )
    found = look(connection, number)
    assert found
    return found
