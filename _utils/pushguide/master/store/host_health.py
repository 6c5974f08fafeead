"""Health of hosts: who is connected, since when, and how that has changed.

Each data centre's masters see for themselves: a host that one of them reaches is up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master import events
from pushguide.master.store import outbox
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now

UP = "up"
DOWN = "down"

#: A host that came or went so often within an hour is flapping.
FLAPPING_CHANGES = 4
_FLAPPING = timedelta(hours=1)


class Seer(NamedTuple):
    """Who sees hosts.

    Attributes:
        data_centre: the data centre from which they are seen.
        master: the master that looks for it.
    """

    data_centre: str
    master: str


@dataclass(frozen=True)
class HostHealth:
    """What is known of a host.

    Attributes:
        state: up if it is reached from anywhere, otherwise down.
        since: since when.
        pushguide: the version of pushguide's code there, when it was last heard.
        problem: why it cannot be deployed to although it answers.
        seen_by: the master that saw it.
        lost_from: the data centres that do not reach it.
        changes: how often it came or went within the last hour.
    """

    host: str
    state: str
    since: datetime
    pushguide: str | None
    problem: str | None
    seen_by: str
    lost_from: tuple[str, ...]
    changes: int

    @property
    def is_flapping(self) -> bool:
        """Whether it comes and goes."""
        return self.changes >= FLAPPING_CHANGES


def find(connection: Connection, hosts: Collection[str] | None = None) -> dict[str, HostHealth]:
    """What is known of some hosts; of all for None."""
    table, changes = db.host_health, db.host_change
    recent = (
        sa.select(changes.c.host, sa.func.count().label("times"))
        .where(changes.c.changed_at > now() - _FLAPPING)
        .group_by(changes.c.host)
    )
    counts = {row.host: row.times for row in connection.execute(recent)}
    rows: dict[str, list[Any]] = {}
    for row in connection.execute(sa.select(table).order_by(table.c.host)):
        if hosts is None or row.host in hosts:
            rows.setdefault(row.host, []).append(row)
    return {host: _together(some, counts.get(host, 0)) for host, some in rows.items()}


def _together(rows: list[Any], changes: int) -> HostHealth:
    """What several data centres see of one host."""
    best = max(rows, key=lambda one: (one.state == UP, one.since))
    lost = tuple(sorted(one.data_centre for one in rows if one.state == DOWN))
    return HostHealth(
        host=best.host,
        state=best.state,
        since=best.since,
        pushguide=best.pushguide,
        problem=best.problem,
        seen_by=best.seen_by,
        lost_from=lost,
        changes=changes,
    )


def states(connection: Connection, data_centre: str) -> dict[str, str]:
    """How each host was last seen from a data centre."""
    table = db.host_health
    query = sa.select(table.c.host, table.c.state).where(table.c.data_centre == data_centre)
    return {row.host: row.state for row in connection.execute(query)}


def note(connection: Connection, seen: Mapping[str, Mapping[str, Any]], seer: Seer) -> None:
    """Write down what was seen of hosts.

    Args:
        connection: a transaction.
        seen: by host ``state`` and, of those that are up, ``pushguide`` and ``problem``.
        seer: who saw it.
    """
    table, moment = db.host_health, now()
    before = states(connection, seer.data_centre)
    place = {"data_centre": seer.data_centre}
    changed: dict[str, list[str]] = {UP: [], DOWN: []}
    for host, one in sorted(seen.items()):
        values = {**one, "seen_by": seer.master}
        if before.get(host) != one["state"]:
            values["since"] = moment
        mine = (table.c.host == host, table.c.data_centre == seer.data_centre)
        if host in before:
            connection.execute(sa.update(table).where(*mine).values(values))
        else:
            connection.execute(sa.insert(table).values(host=host, **place, **values))
        if host in before and before[host] != one["state"]:
            changed[one["state"]].append(host)
            change = {"host": host, "state": one["state"], "changed_at": moment}
            connection.execute(
                sa.insert(db.host_change).values(**change, **place, seen_by=seer.master)
            )
    for event, hosts in ((events.HOST_DOWN, changed[DOWN]), (events.HOST_UP, changed[UP])):
        if hosts:
            outbox.of_hosts(connection, event, hosts, seer.data_centre, moment)


def forget(
    connection: Connection, meant: Collection[str], data_centre: str, before: datetime
) -> None:
    """Forget hosts that no template means any more, and changes of long ago."""
    table, changes = db.host_health, db.host_change
    for host in sorted({*states(connection, data_centre)} - {*meant}):
        mine = (table.c.host == host, table.c.data_centre == data_centre)
        connection.execute(sa.delete(table).where(*mine))
    connection.execute(sa.delete(changes).where(changes.c.changed_at < before))
