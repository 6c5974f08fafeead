"""Deliveries: what of the outbox goes to which address of which channel, and how far it has come.

Each address of a channel has a delivery of its own, so that one that is down is tried again
without the others hearing everything twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import tables as db
from pushguide.master.store.outbox import Told
from pushguide.master.store.tables import now

PENDING = "pending"
DELIVERED = "delivered"
GIVEN_UP = "given_up"
STATES = (PENDING, DELIVERED, GIVEN_UP)

_ERROR_AT_MOST = 500


@dataclass(frozen=True)
class Delivery:
    """One thing to tell to one address.

    Attributes:
        position: which address of the channel, from 0 on.
        is_collected: whether it may go together with others.
        message: the delivery with which it went or goes in one message, if it was tried.
        told: what is told.
    """

    id: int
    channel: str
    position: int
    state: str
    attempts: int
    due_at: datetime
    is_collected: bool
    message: int | None
    error: str | None
    delivered_at: datetime | None
    told: Told


def add(
    connection: Connection,
    told: int,
    channel: str,
    positions: Iterable[int],
    due_at: datetime,
    is_collected: bool,
) -> None:
    """Let something be told to the addresses of a channel.

    Args:
        connection: a transaction.
        told: the row of the outbox.
        channel: the channel.
        positions: which of its addresses.
        due_at: when, at the earliest.
        is_collected: whether it may go together with others.
    """
    rows = [
        {
            "outbox_id": told,
            "channel": channel,
            "position": position,
            "state": PENDING,
            "attempts": 0,
            "due_at": due_at,
            "is_collected": is_collected,
        }
        for position in positions
    ]
    if rows:
        connection.execute(sa.insert(db.delivery), rows)


def due_places(connection: Connection, moment: datetime) -> list[tuple[str, int]]:
    """The addresses to which something is due, as channel and position."""
    table = db.delivery
    query = (
        sa.select(table.c.channel, table.c.position)
        .where(table.c.state == PENDING, table.c.due_at <= moment)
        .distinct()
    )
    return sorted((row.channel, row.position) for row in connection.execute(query))


def collecting_until(
    connection: Connection, channel: str, moment: datetime, at_most: datetime
) -> datetime | None:
    """When the next message of a channel goes that collects things; None if none is waiting.

    Args:
        connection: a transaction.
        channel: the channel.
        moment: after this moment.
        at_most: until this one; what goes later waits for something else.
    """
    table = db.delivery
    query = sa.select(sa.func.min(table.c.due_at, type_=db.UtcDateTime())).where(
        table.c.channel == channel,
        table.c.state == PENDING,
        table.c.is_collected,
        table.c.attempts == 0,
        table.c.due_at > moment,
        table.c.due_at <= at_most,
    )
    found: datetime | None = connection.execute(query).scalar()
    return found


def pending(
    connection: Connection, channel: str, position: int, moment: datetime, at_most: int
) -> list[Delivery]:
    """What is due to one address, the oldest first; with each that was tried before the others
    that went in the same message."""
    table = db.delivery
    mine = (table.c.channel == channel, table.c.position == position, table.c.state == PENDING)
    due = table.c.due_at <= moment
    query = _joined().where(*mine, due).order_by(table.c.id).limit(at_most)
    found = _read(connection, query)
    messages = {one.message for one in found if one.message is not None}
    if not messages:
        return found
    rest = _joined().where(*mine, table.c.message.in_(messages)).order_by(table.c.id)
    return sorted(
        {one.id: one for one in [*found, *_read(connection, rest)]}.values(), key=lambda one: one.id
    )


def together(connection: Connection, numbers: Sequence[int]) -> None:
    """Say which deliveries go in one message: tried again, it is the same message."""
    table = db.delivery
    connection.execute(sa.update(table).where(table.c.id.in_(numbers)).values(message=min(numbers)))


def delivered(connection: Connection, numbers: Sequence[int], channel: str) -> None:
    """Say that deliveries have arrived."""
    values = {"state": DELIVERED, "delivered_at": now(), "error": None}
    changed = _end(connection, numbers, {**values, "attempts": db.delivery.c.attempts + 1})
    _count(connection, channel, delivered=changed)


def failed(
    connection: Connection, numbers: Sequence[int], channel: str, error: str, again_at: datetime
) -> None:
    """Say that deliveries did not arrive, and when they are tried again."""
    values = {"due_at": again_at, "error": error[:_ERROR_AT_MOST]}
    _end(connection, numbers, {**values, "attempts": db.delivery.c.attempts + 1})
    _count(connection, channel, failed=1)


def given_up(connection: Connection, numbers: Sequence[int], channel: str, error: str) -> None:
    """Say that deliveries will not arrive any more."""
    values = {"state": GIVEN_UP, "error": error[:_ERROR_AT_MOST]}
    changed = _end(connection, numbers, {**values, "attempts": db.delivery.c.attempts + 1})
    _count(connection, channel, failed=1, given_up=changed)


def put_off(connection: Connection, numbers: Sequence[int], until: datetime) -> None:
    """Let deliveries wait until some time, and go together then."""
    _end(connection, numbers, {"due_at": until, "is_collected": True})


def _end(connection: Connection, numbers: Sequence[int], values: dict[str, Any]) -> int:
    """Change deliveries that are still due; how many there were."""
    table = db.delivery
    mine = (table.c.id.in_(numbers), table.c.state == PENDING)
    return int(connection.execute(sa.update(table).where(*mine).values(values)).rowcount)


def _count(
    connection: Connection, channel: str, delivered: int = 0, failed: int = 0, given_up: int = 0
) -> None:
    """Count for good: the deliveries themselves are forgotten one day."""
    table = db.channel_count
    more = {"delivered": delivered, "failed": failed, "given_up": given_up}
    added = {name: table.c[name] + number for name, number in more.items()}
    done = connection.execute(
        sa.update(table).where(table.c.channel == channel).values(added)
    ).rowcount
    if not done:
        connection.execute(sa.insert(table).values(channel=channel, **more))


# What people and machines ask.


def find(
    connection: Connection, channel: str | None, states: Collection[str], limit: int
) -> list[Delivery]:
    """Deliveries, the newest first.

    Args:
        connection: a transaction.
        channel: of this channel alone; None for all.
        states: in these states alone.
        limit: how many at the most.
    """
    table = db.delivery
    query = _joined().where(table.c.state.in_([*states])).order_by(table.c.id.desc()).limit(limit)
    if channel is not None:
        query = query.where(table.c.channel == channel)
    return _read(connection, query)


def standing(connection: Connection) -> dict[tuple[str, str], int]:
    """How many deliveries there are, by channel and state."""
    table = db.delivery
    query = sa.select(table.c.channel, table.c.state, sa.func.count()).group_by(
        table.c.channel, table.c.state
    )
    return {(channel, state): int(count) for channel, state, count in connection.execute(query)}


def oldest_due(connection: Connection) -> datetime | None:
    """Since when the oldest thing waits that should have arrived; what is put off is no such."""
    table, outbox = db.delivery, db.outbox
    oldest = sa.func.min(outbox.c.created_at, type_=db.UtcDateTime())
    late = (
        sa.select(oldest)
        .join(table, table.c.outbox_id == outbox.c.id)
        .where(table.c.state == PENDING, sa.or_(table.c.attempts > 0, table.c.due_at <= now()))
    )
    new = sa.select(oldest).where(outbox.c.expanded_at.is_(None))
    found = [connection.execute(one).scalar() for one in (late, new)]
    return min((one for one in found if one), default=None)


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """By channel how many deliveries have arrived and were given up, and how many tries failed."""
    rows = connection.execute(sa.select(db.channel_count)).mappings()
    return {
        row["channel"]: {name: int(row[name]) for name in ("delivered", "failed", "given_up")}
        for row in rows
    }


def _joined() -> sa.Select[Any]:
    table, outbox = db.delivery, db.outbox
    own = [one for one in table.c if one.name != "outbox_id"]
    told = [one.label(f"told_{one.name}") for one in outbox.c]
    return sa.select(*own, *told).join(outbox, outbox.c.id == table.c.outbox_id)


def _read(connection: Connection, query: sa.Select[Any]) -> list[Delivery]:
    found = []
    for row in connection.execute(query).mappings():
        told = {name.removeprefix("told_"): one for name, one in row.items() if name[:5] == "told_"}
        own = {name: one for name, one in row.items() if name[:5] != "told_"}
        found.append(Delivery(**own, told=Told(**told)))
    return found
