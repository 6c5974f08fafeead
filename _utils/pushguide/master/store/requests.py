"""Requests: what people ask of a deployment while it runs, waits or stands still.

Whoever drives the deployment reads them, on whatever master it is, and says when one is done.
They stay in the record: who asked for what, when and why.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import tables as db
from pushguide.master.store.tables import now

ABORT = "abort"
PAUSE = "pause"
RESUME = "resume"
APPROVE = "approve"
REJECT = "reject"
CONFIRM = "confirm"


@dataclass(frozen=True)
class Request:
    """What somebody asked of a deployment."""

    id: int
    deployment_id: int
    what: str
    requested_by: str
    reason: str | None
    options: dict[str, Any]
    requested_at: datetime
    done_at: datetime | None

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"{self.what} by {self.requested_by}{why}"


def add(
    connection: Connection,
    number: int,
    what: str,
    user: str,
    reason: str | None = None,
    done: bool = False,
    **options: Any,
) -> None:
    """Write a request down.

    Args:
        connection: a transaction.
        number: the deployment.
        what: one of the words above.
        user: who asks.
        reason: why, in their words.
        done: whether nothing remains to be done for it.
        options: more of what was asked.
    """
    moment = now()
    connection.execute(
        sa.insert(db.request).values(
            deployment_id=number,
            what=what,
            requested_by=user[:128],
            reason=reason,
            options=options,
            requested_at=moment,
            done_at=moment if done else None,
        )
    )


def of(connection: Connection, number: int) -> list[Request]:
    """Every request of a deployment, the oldest first."""
    table = db.request
    query = sa.select(table).where(table.c.deployment_id == number).order_by(table.c.id)
    return [Request(**row) for row in connection.execute(query).mappings()]


def undone(connection: Connection, number: int) -> list[Request]:
    """The requests that wait to be done, the oldest first."""
    table = db.request
    query = (
        sa.select(table)
        .where(table.c.deployment_id == number, table.c.done_at.is_(None))
        .order_by(table.c.id)
    )
    return [Request(**row) for row in connection.execute(query).mappings()]


def close(connection: Connection, number: int, what: Collection[str]) -> None:
    """Say that requests of some kinds are done."""
    table = db.request
    connection.execute(
        sa.update(table)
        .where(table.c.deployment_id == number, table.c.what.in_(what), table.c.done_at.is_(None))
        .values(done_at=now())
    )
