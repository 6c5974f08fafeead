"""Salt's own job cache and events in the database, for masters that want them there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import salt.utils.jid
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import tables as db
from pushguide.master.store.recording import database_of
from pushguide.master.store.tables import now

#: Events with this prefix are kept; Salt's own are many, and may hold anything.
KEPT_EVENTS = "pushguide/"


def _plain(value: object) -> Any:
    """The value as JSON can hold it."""
    return json.loads(json.dumps(value, default=str))


def _put(connection: Connection, table: sa.Table, key: dict[str, Any], values: Any) -> None:
    same = [table.c[name] == value for name, value in key.items()]
    if connection.execute(sa.select(table.c[next(iter(key))]).where(*same)).first():
        connection.execute(sa.update(table).where(*same).values(values))
    else:
        connection.execute(sa.insert(table).values(**key, **values, created_at=now()))


def keep_return(opts: Mapping[str, Any], ret: Mapping[str, Any]) -> None:
    """Keep what a minion returned for a job."""
    key = {"jid": str(ret["jid"]), "host": str(ret["id"])}
    values = {"fun": str(ret.get("fun") or "")[:128], "data": _plain(dict(ret))}
    database_of(opts).write(lambda one: _put(one, db.job_return, key, values))


def keep_events(opts: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> None:
    """Keep pushguide's own events."""
    rows = [
        {"tag": one["tag"][:255], "data": _plain(one["data"]), "created_at": now()}
        for one in events
        if one["tag"].startswith(KEPT_EVENTS)
    ]
    if rows:
        database_of(opts).write(lambda one: one.execute(sa.insert(db.event), rows))


def keep_load(opts: Mapping[str, Any], jid: str, load: Mapping[str, Any], minions: Any) -> None:
    """Keep what a job was published with; the first call counts, Salt may call again."""

    def work(connection: Connection) -> None:
        found = connection.execute(sa.select(db.job.c.jid).where(db.job.c.jid == jid)).first()
        if not found:
            connection.execute(
                sa.insert(db.job).values(
                    jid=jid, load=_plain(dict(load)), minions=list(minions or []), created_at=now()
                )
            )

    database_of(opts).write(work)


def add_minions(opts: Mapping[str, Any], jid: str, minions: Iterable[str]) -> None:
    """Add minions to a job."""

    def work(connection: Connection) -> None:
        row = connection.execute(
            sa.select(db.job.c.minions).where(db.job.c.jid == jid).with_for_update()
        ).first()
        if row:
            merged = sorted({*row.minions, *minions})
            connection.execute(sa.update(db.job).where(db.job.c.jid == jid).values(minions=merged))

    database_of(opts).write(work)


def load_of(opts: Mapping[str, Any], jid: str) -> dict[str, Any]:
    """What a job was published with, and its minions; empty if it is not known."""
    query = sa.select(db.job).where(db.job.c.jid == jid)
    row = database_of(opts).read(lambda one: one.execute(query).first())
    return {**row.load, "Minions": row.minions} if row else {}


def returns_of(opts: Mapping[str, Any], jid: str) -> dict[str, Any]:
    """What each minion returned for a job."""
    query = sa.select(db.job_return).where(db.job_return.c.jid == jid)
    rows = database_of(opts).read(lambda one: one.execute(query).all())
    return {
        row.host: {
            key: row.data[key] for key in ("return", "retcode", "success", "out") if key in row.data
        }
        for row in rows
    }


def last_of_function(opts: Mapping[str, Any], fun: str) -> dict[str, Any]:
    """The last return of a function on each minion."""
    table = db.job_return
    query = sa.select(table).where(table.c.fun == fun).order_by(table.c.created_at)
    rows = database_of(opts).read(lambda one: one.execute(query).all())
    return {row.host: row.data for row in rows}


def jobs(opts: Mapping[str, Any]) -> dict[str, Any]:
    """All jobs, in Salt's own form."""
    query = sa.select(db.job.c.jid, db.job.c.load)
    rows = database_of(opts).read(lambda one: one.execute(query).all())
    return {row.jid: salt.utils.jid.format_jid_instance(row.jid, row.load) for row in rows}


def minions(opts: Mapping[str, Any]) -> list[str]:
    """The minions that have ever returned something."""
    query = sa.select(db.job_return.c.host).distinct().order_by(db.job_return.c.host)
    return list(database_of(opts).read(lambda one: one.execute(query).scalars().all()))


def clean(opts: Mapping[str, Any]) -> None:
    """Remove jobs and events that are older than Salt keeps jobs."""
    seconds = opts.get("keep_jobs_seconds") or 3600 * (opts.get("keep_jobs") or 24)
    before = now() - timedelta(seconds=int(seconds))

    def work(connection: Connection) -> None:
        for table in (db.job, db.job_return, db.event):
            connection.execute(sa.delete(table).where(table.c.created_at < before))

    database_of(opts).write(work)
