"""Drives: which master drove a deployment, under which fencing token, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import lock
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now


@dataclass(frozen=True)
class Drive:
    """A master's turn at a deployment.

    Attributes:
        token: the fencing token; hosts refuse a smaller one.
        master: the id of the master.
        holder: the process.
        since: when it began.
    """

    token: int
    master: str
    holder: str
    since: datetime


def note(connection: Connection, number: int, token: int, master: str) -> None:
    """Write down that this process drives a deployment from now on."""
    values = {"token": token, "master": master, "holder": lock.holder(), "since": now()}
    connection.execute(sa.insert(db.drive).values(deployment_id=number, **values))


def of(connection: Connection, number: int) -> list[Drive]:
    """Who has driven a deployment, in order."""
    table = db.drive
    query = sa.select(table.c.token, table.c.master, table.c.holder, table.c.since)
    rows = connection.execute(query.where(table.c.deployment_id == number).order_by(table.c.token))
    return [Drive(**row) for row in rows.mappings()]
