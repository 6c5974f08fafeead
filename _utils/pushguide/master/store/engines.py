"""Engines: which masters look after the deployments that nobody drives."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import tables as db
from pushguide.master.store.tables import now

#: An engine that has said nothing for so long is not there.
_SEEN_SECONDS = 120


def beat(connection: Connection, master: str) -> None:
    """Say that the engine of a master is there."""
    table = db.engine
    values = {"seen_at": now()}
    same = table.c.master == master
    if not connection.execute(sa.update(table).where(same).values(values)).rowcount:
        connection.execute(sa.insert(table).values(master=master, **values))


def seen(connection: Connection) -> list[str]:
    """The masters whose engine was there a short while ago."""
    table = db.engine
    recent = table.c.seen_at > now() - timedelta(seconds=_SEEN_SECONDS)
    return [*connection.execute(sa.select(table.c.master).where(recent)).scalars()]
