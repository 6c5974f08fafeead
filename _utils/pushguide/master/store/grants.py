"""Roles that were given by the runner, beside those that stand in the master's pillar."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now

EVERYTHING = "everything"
TEAM = "team"
MODULE = "module"


@dataclass(frozen=True)
class Grant:
    """A role that somebody was given on something.

    Attributes:
        scope: everything, team or module.
        name: the name of the team or module; empty for everything.
    """

    id: int
    scope: str
    name: str
    role: str
    person: str
    granted_by: str
    granted_at: datetime
    reason: str
    revoked_by: str | None
    revoked_at: datetime | None
    revoked_reason: str | None


def find(connection: Connection, names: Collection[str] | None = None) -> list[Grant]:
    """The roles that hold; those of some names, or all."""
    table = db.role_grant
    query = sa.select(table).where(table.c.revoked_at.is_(None)).order_by(table.c.id)
    if names is not None:
        query = query.where(table.c.person.in_(sorted(names)))
    return [Grant(**row) for row in connection.execute(query).mappings()]


def look(connection: Connection, number: int) -> Grant | None:
    """One of them, whether it holds still or not; None if there is none of that number."""
    query = sa.select(db.role_grant).where(db.role_grant.c.id == number)
    row = connection.execute(query).mappings().first()
    return Grant(**row) if row else None


def get(connection: Connection, number: int) -> Grant:
    """One of them.

    Raises:
        Refused: there is none of that number.
    """
    found = look(connection, number)
    if found is None:
        raise Refused(f"There is no grant {number}: see salt-run pushguide.people.")
    return found


def add(
    connection: Connection, scope: str, name: str, role: str, person: str, by: str, reason: str
) -> tuple[Grant, bool]:
    """Give a role; one that is given already stays as it is.

    Returns:
        The grant, and whether it is new.
    """
    table = db.role_grant
    same = {"scope": scope, "name": name, "role": role, "person": person}
    known = connection.execute(
        sa.select(table).where(
            table.c.revoked_at.is_(None), *(table.c[key] == value for key, value in same.items())
        )
    )
    row = known.mappings().first()
    if row:
        return Grant(**row), False
    values = {**same, "granted_by": by[:128], "granted_at": now(), "reason": reason}
    done = connection.execute(sa.insert(table).values(values))
    key = done.inserted_primary_key
    assert key
    return get(connection, int(key[0])), True


def revoke(connection: Connection, number: int, by: str, reason: str) -> Grant:
    """Take a role back.

    Raises:
        Refused: there is none of that number, or it was taken back already.
    """
    found = get(connection, number)
    if found.revoked_at is not None:
        raise Refused(f"Grant {number} was taken back by {found.revoked_by} already.")
    connection.execute(
        sa.update(db.role_grant)
        .where(db.role_grant.c.id == number)
        .values(revoked_by=by[:128], revoked_at=now(), revoked_reason=reason)
    )
    return get(connection, number)
