"""Engines: which masters look after the deployments that nobody drives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import tables as db
from pushguide.master.store.tables import now

#: An engine that has said nothing for so long is not there.
SEEN_SECONDS = 120

#: What tells the seconds since 1970 by the clock of the server.
_SERVER_TIME = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
    "mysql": "SELECT UNIX_TIMESTAMP(NOW(6))",
    "mariadb": "SELECT UNIX_TIMESTAMP(NOW(6))",
}


@dataclass(frozen=True)
class Engine:
    """The engine of a master.

    Attributes:
        seen_at: when it was last there.
        ahead_seconds: how far the master's clock is ahead of the database's; None where the
            database has none of its own.
        data_centre: the data centre that the master stands in.
    """

    master: str
    seen_at: datetime
    ahead_seconds: float | None
    data_centre: str | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it was there a short while ago."""
        return self.seen_at > now() - timedelta(seconds=SEEN_SECONDS)


def ahead(connection: Connection) -> float | None:
    """How far this machine's clock is ahead of the database's, in seconds."""
    query = _SERVER_TIME.get(connection.dialect.name)
    if query is None:
        return None
    before = now()
    there = connection.exec_driver_sql(query).scalar()
    middle = before + (now() - before) / 2
    return middle.timestamp() - float(there or 0)


def beat(connection: Connection, master: str, data_centre: str) -> None:
    """Say that the engine of a master is there."""
    table = db.engine
    values = {
        "seen_at": now(),
        "ahead_seconds": ahead(connection),
        "data_centre": data_centre,
    }
    same = table.c.master == master
    if not connection.execute(sa.update(table).where(same).values(values)).rowcount:
        connection.execute(sa.insert(table).values(master=master, **values))


def known(connection: Connection) -> list[Engine]:
    """Every engine that there has been, by its master."""
    query = sa.select(db.engine).order_by(db.engine.c.master)
    return [Engine(**row) for row in connection.execute(query).mappings()]


def is_there(connection: Connection, data_centre: str, within_seconds: float) -> bool:
    """Whether the engine of a master in a data centre has said something a short while ago."""
    since = now() - timedelta(seconds=within_seconds)
    return any(one.data_centre == data_centre and one.seen_at > since for one in known(connection))


def seen(connection: Connection) -> list[str]:
    """The masters whose engine was there a short while ago."""
    return [one.master for one in known(connection) if one.is_alive]
