"""Duties: what one engine does for all, and whose turn it is."""

from __future__ import annotations

import time
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now


def take(connection: Connection, duty: str, holder: str, seconds: float) -> bool:
    """Take a duty, or keep it, until some time from now.

    Args:
        connection: a transaction.
        duty: its name.
        holder: who takes it.
        seconds: how long it stays theirs if they say nothing more.

    Returns:
        Whether it is theirs; otherwise somebody else has it, and is alive.
    """
    table, moment = db.duty, now()
    values = {"holder": holder, "lease_until": moment + timedelta(seconds=seconds)}
    is_free = sa.or_(table.c.holder == holder, table.c.lease_until <= moment)
    found = sa.update(table).where(table.c.name == duty, is_free).values(values)
    if connection.execute(found).rowcount:
        return True
    if connection.execute(sa.select(table.c.name).where(table.c.name == duty)).first():
        return False
    connection.execute(sa.insert(table).values(name=duty, **values))
    return True


def leave(connection: Connection, duty: str, holder: str) -> None:
    """Give a duty to whoever comes next."""
    table = db.duty
    mine = (table.c.name == duty, table.c.holder == holder)
    connection.execute(sa.update(table).where(*mine).values(lease_until=now()))


def held(connection: Connection) -> dict[str, str]:
    """The duties that somebody alive has, and who."""
    table = db.duty
    query = sa.select(table.c.name, table.c.holder).where(table.c.lease_until > now())
    return {row.name: row.holder for row in connection.execute(query)}


class Duty:
    """A duty, as one engine takes it and keeps it, over and over.

    Args:
        database: the record.
        name: its name.
        holder: the engine.
    """

    #: How long it stays with an engine that says nothing, and how often it says something.
    LEASE_SECONDS = 30.0
    RENEWED_AFTER_SECONDS = 10.0
    #: So long before another one may have it, this one is sure of it no more.
    LAST_SECONDS = 5.0

    def __init__(self, database: Database, name: str, holder: str) -> None:
        self.database = database
        self.name = name
        self.holder = holder[:255]
        #: When it was taken or kept last, by the monotonic clock.
        self.renewed_at = float("-inf")

    def is_mine(self) -> bool:
        """Take it, or keep it; whether somebody else has it not.

        Raises:
            DatabaseError: the database is away.
        """
        moment = time.monotonic()
        if moment < self.renewed_at + self.RENEWED_AFTER_SECONDS:
            return True
        is_mine = self.database.write(
            lambda one: take(one, self.name, self.holder, self.LEASE_SECONDS)
        )
        self.renewed_at = moment if is_mine else float("-inf")
        return is_mine

    @property
    def is_sure(self) -> bool:
        """Whether nobody else can have it by now, without asking."""
        return time.monotonic() < self.renewed_at + self.LEASE_SECONDS - self.LAST_SECONDS

    def leave(self) -> None:
        """Give it to whoever comes next.

        Raises:
            DatabaseError: the database is away.
        """
        self.database.write(lambda one: leave(one, self.name, self.holder))
        self.renewed_at = float("-inf")
