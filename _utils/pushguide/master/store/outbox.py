"""The outbox: what there is to tell, written in the transaction of what it tells of.

A transaction that is rolled back leaves nothing to tell. Nothing here can make it fail: what the
database refuses of a row is logged, and the rest of the transaction goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from pushguide.master import events, states
from pushguide.master.store import requests
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now
from pushguide.words import LEFT_OUT, NOT_STARTED, SUCCEEDED, UNDER_WAY, UNKNOWN

log = logging.getLogger(__name__)

#: How many hosts are named, and how much is told of an error and a reason.
_HOSTS_AT_MOST = 5
_ERROR_AT_MOST = 200
_REASON_AT_MOST = 500
#: Of these hosts nothing went wrong.
_WELL = (SUCCEEDED, LEFT_OUT, NOT_STARTED, UNDER_WAY)


@dataclass(frozen=True)
class Told:
    """Something to tell.

    Attributes:
        idempotency_key: says what it is; there are no two rows with the same.
        event: one of :data:`pushguide.master.events.EVENTS`.
        facts: what the texts are made of.
    """

    id: int
    idempotency_key: str
    event: str
    module: str | None
    environment: str | None
    deployment_id: int | None
    facts: dict[str, Any]
    created_at: datetime
    expanded_at: datetime | None = None


def write(
    connection: Connection,
    event: str,
    key: str,
    facts: Mapping[str, Any],
    module: str | None = None,
    environment: str | None = None,
    deployment: int | None = None,
) -> None:
    """Write down something to tell.

    Args:
        connection: the transaction of what it tells of.
        event: what it is.
        key: says which one it is; one that is there already is not written again.
        facts: plain data that the texts are made of, without any secret.
        module: the module that it is about, if it is about one.
        environment: its environment.
        deployment: the deployment that it is about.
    """
    row = {
        "idempotency_key": key[:128],
        "event": event,
        "module": module,
        "environment": environment,
        "deployment_id": deployment,
        "facts": dict(facts),
        "created_at": now(),
    }
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(db.outbox).values(row))
    except OperationalError:
        # The database is busy or away, or has taken the whole transaction back, not this row alone.
        raise
    except (SQLAlchemyError, TypeError, ValueError) as err:
        log.error("Nobody is told of %s: %s", key, str(err).splitlines()[0])


def _is_to_be_aborted(connection: Connection, number: int) -> bool:
    return any(one.what == requests.ABORT for one in requests.undone(connection, number))


def of_deployment(
    connection: Connection, one: Mapping[str, Any], old: str | None, moment: datetime
) -> None:
    """Write down what a deployment has become.

    Args:
        connection: the transaction of its change.
        one: the deployment as it is now.
        old: its state before; None for one that was just written down.
        moment: when it changed.
    """
    event, number = events.of_change(old, one["state"]), int(one["id"])
    if event == events.RESUMED and _is_to_be_aborted(connection, number):
        return  # it goes on for its end alone, which is told
    facts = {
        "kind": one["kind"],
        "version": one["version"],
        "by": one["requested_by"],
        "reason": (one.get("reason") or "")[:_REASON_AT_MOST] or None,
        "cause": one.get("cause"),
        "cause_id": one.get("cause_id"),
        "at": moment.isoformat(timespec="seconds"),
        "start_at": _iso(one.get("start_at")),
    }
    if one["state"] in states.TERMINAL or one["state"] == states.PAUSED:
        began, ended = one.get("started_at"), one.get("finished_at") or moment
        facts["seconds"] = round((ended - began).total_seconds(), 1) if began else None
        facts.update(_hosts(connection, number))
    place = {"module": one["module"], "environment": one["environment"], "deployment": number}
    # It may come into some states again and again.
    key = f"deployment {number} {event}"
    is_final = one["state"] in states.TERMINAL
    write(connection, event, key if is_final else _again(key, moment), facts, **place)
    if is_final and facts.get("unknown") and old not in states.TERMINAL:
        key = f"deployment {number} {events.UNCLEAR}"
        write(connection, events.UNCLEAR, key, facts, **place)


def of_override(connection: Connection, one: Mapping[str, Any], why: str, moment: datetime) -> None:
    """Write down that a deployment goes on although it is frozen.

    Args:
        connection: the transaction in which it was written down.
        one: the deployment.
        why: why it does.
        moment: when it was written down.
    """
    facts = {
        "kind": one["kind"],
        "version": one["version"],
        "by": one["requested_by"],
        "reason": why[:_REASON_AT_MOST],
        "at": moment.isoformat(timespec="seconds"),
    }
    number = int(one["id"])
    write(
        connection,
        events.FREEZE_OVERRIDDEN,
        f"deployment {number} {events.FREEZE_OVERRIDDEN}",
        facts,
        one["module"],
        one["environment"],
        number,
    )


def of_quarantine(
    connection: Connection, event: str, number: int, facts: Mapping[str, Any], module: str | None
) -> None:
    """Write down that a quarantine was declared or ended.

    Args:
        connection: the transaction of its change.
        event: which of the two.
        number: the quarantine.
        facts: host, by, reason and until.
        module: its module; None for that of every module.
    """
    told = {**facts, "reason": str(facts["reason"])[:_REASON_AT_MOST]}
    write(connection, event, f"quarantine {number} {event}", told, module)


def of_hosts(
    connection: Connection, event: str, hosts: Collection[str], data_centre: str, moment: datetime
) -> None:
    """Write down that hosts came or went: what is seen at once is told at once.

    Args:
        connection: the transaction of the change.
        event: which of the two.
        hosts: the hosts.
        data_centre: from where they are seen.
        moment: when it was seen.
    """
    facts = {
        "hosts": sorted(hosts)[:20],
        "count": len(hosts),
        "data_centre": data_centre,
        "at": moment.isoformat(timespec="seconds"),
    }
    write(connection, event, _again(f"{event} {data_centre}", moment), facts)


def _again(key: str, moment: datetime) -> str:
    return f"{key} {moment.isoformat(timespec='microseconds')}"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _hosts(connection: Connection, number: int) -> dict[str, Any]:
    """How many hosts came to what, and what went wrong on the first few."""
    table = db.deployment_host
    mine = table.c.deployment_id == number
    counts = sa.select(table.c.outcome, sa.func.count()).where(mine).group_by(table.c.outcome)
    found = {outcome: int(count) for outcome, count in connection.execute(counts)}
    wrong = {outcome: count for outcome, count in found.items() if outcome not in _WELL}
    told: dict[str, Any] = {
        "hosts": sum(found.values()) - found.get(LEFT_OUT, 0),
        "succeeded": found.get(SUCCEEDED, 0),
        "wrong": sum(wrong.values()),
        "unknown": found.get(UNKNOWN, 0),
        "errors": [],
    }
    if wrong:
        query = (
            sa.select(table.c.host, table.c.outcome, table.c.error)
            .where(mine, table.c.outcome.in_([*wrong]))
            .order_by(table.c.batch, table.c.host)
            .limit(_HOSTS_AT_MOST)
        )
        told["errors"] = [
            {"host": row.host, "outcome": row.outcome, "error": _line(row.error)}
            for row in connection.execute(query)
        ]
    return told


def _line(error: str | None) -> str | None:
    """The first line of an error."""
    return next((one.strip()[:_ERROR_AT_MOST] for one in (error or "").splitlines() if one), None)


# What the dispatcher asks of it.


def unexpanded(connection: Connection, at_most: int) -> list[Told]:
    """What nobody has looked at yet, the oldest first."""
    table = db.outbox
    query = (
        sa.select(table).where(table.c.expanded_at.is_(None)).order_by(table.c.id).limit(at_most)
    )
    return [Told(**row) for row in connection.execute(query).mappings()]


def expanded(connection: Connection, number: int, moment: datetime) -> bool:
    """Say that somebody has looked at a row; whether nobody else had."""
    table = db.outbox
    mine = (table.c.id == number, table.c.expanded_at.is_(None))
    return bool(
        connection.execute(sa.update(table).where(*mine).values(expanded_at=moment)).rowcount
    )


def tidy(connection: Connection, kept: timedelta) -> int:
    """Forget what is long ago, whether somebody was told of it or not; what is still due stays.

    Returns:
        How many rows there were.
    """
    table, deliveries = db.outbox, db.delivery
    pending = sa.select(deliveries.c.outbox_id).where(deliveries.c.state == "pending")
    old = (
        sa.select(table.c.id)
        .where(table.c.created_at < now() - kept, table.c.id.not_in(pending))
        .order_by(table.c.id)
        .limit(1000)
    )
    numbers = [*connection.execute(old).scalars()]
    if numbers:
        connection.execute(sa.delete(deliveries).where(deliveries.c.outbox_id.in_(numbers)))
        connection.execute(sa.delete(table).where(table.c.id.in_(numbers)))
    return len(numbers)
