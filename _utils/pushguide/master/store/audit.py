"""The audit: what people did and were refused, one row after the other, each with the hash of the
one before: what is changed, removed or put between later on is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.sight import EVERYTHING_SEEN, Sight
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now

_FIRST = "0" * 64
_HEAD = 1
_AT_ONCE = 1000


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        id: its number, without gaps.
        at: when.
        person: who, as Salt has authenticated them; empty for somebody without a name.
        via: the way in.
        role: the role that they have there.
        what: the function.
        module: the module that it is about, if it is about one.
        environment: its environment, if one was named.
        outcome: begun, done, refused, failed or denied.
        arguments: what was asked for.
        before: what was there before.
        after: what is there now.
        reason: why, in the words of who did it, or why it was refused.
        hash: of all this and of the row before.
    """

    id: int
    at: datetime
    person: str
    via: str
    role: str | None
    what: str
    module: str | None
    environment: str | None
    outcome: str
    arguments: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    hash: str


def append(connection: Connection, **said: Any) -> Entry:
    """Write a row down, behind the last one.

    Args:
        connection: a transaction.
        said: the fields of :class:`Entry` but for id, at and hash.
    """
    number, last = _head(connection)
    # What JSON makes of it is what is read back, and so what the hash is of.
    plain = json.loads(json.dumps(said, default=str))
    values = {**plain, "id": number + 1, "at": now()}
    values["hash"] = _hash(last, values)
    connection.execute(sa.insert(db.audit).values(values))
    connection.execute(
        sa.update(db.audit_head)
        .where(db.audit_head.c.id == _HEAD)
        .values(last=values["id"], hash=values["hash"])
    )
    return Entry(**values)


def find(
    connection: Connection,
    person: str | None = None,
    sight: Sight = EVERYTHING_SEEN,
    module: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    before: int | None = None,
) -> list[Entry]:
    """Rows, the newest first.

    Args:
        connection: a connection.
        person: only theirs.
        sight: only those about what is seen.
        module: only those about this module.
        since: only those from this moment on.
        until: only those before this moment.
        limit: how many at the most.
        before: only those with a lower number.
    """
    table = db.audit
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    if person is not None:
        query = query.where(table.c.person == person)
    if not sight.is_all:
        # A row may name no environment: then the default one is meant, which is seen if any is.
        named = {*sight.modules, *(module for module, _ in sight.places)}
        unnamed = sa.and_(table.c.environment.is_(None), table.c.module.in_(sorted(named)))
        query = query.where(sa.or_(sight.of(table), unnamed))
    if module is not None:
        query = query.where(table.c.module == module)
    if since is not None:
        query = query.where(table.c.at >= since)
    if until is not None:
        query = query.where(table.c.at < until)
    if before is not None:
        query = query.where(table.c.id < before)
    return [Entry(**row) for row in connection.execute(query).mappings()]


def verify(connection: Connection) -> dict[str, Any]:
    """Go through the whole chain.

    Returns:
        ``rows`` (how many there are), ``head`` (the last hash, to be noted elsewhere: without that
        nobody can tell that rows were taken off the end), and ``broken``: the first row that is not
        as it was written, with why; None if all are.
    """
    last, count = _FIRST, 0
    for row in _in_order(connection):
        count += 1
        why = _why_broken(row, count, last)
        if why:
            return {"rows": count, "head": last, "broken": {"row": row["id"], "why": why}}
        last = row["hash"]
    head = connection.execute(sa.select(db.audit_head.c.last, db.audit_head.c.hash)).first()
    wanted = (head.last, head.hash) if head else (0, _FIRST)
    if wanted != (count, last):
        why = f"the head knows {wanted[0]} rows, and there are {count}"
        return {"rows": count, "head": last, "broken": {"row": count + 1, "why": why}}
    return {"rows": count, "head": last, "broken": None}


def _why_broken(row: Mapping[str, Any], place: int, last: str) -> str | None:
    if row["id"] != place:
        return f"row {place} is missing"
    if row["hash"] != _hash(last, row):
        return "its content, or that of the row before, is not what was written"
    return None


def _in_order(connection: Connection) -> Iterator[Mapping[str, Any]]:
    table, place = db.audit, 0
    while True:
        query = sa.select(table).where(table.c.id > place).order_by(table.c.id).limit(_AT_ONCE)
        rows = connection.execute(query).mappings().all()
        if not rows:
            return
        for row in rows:
            yield dict(row)
        place = rows[-1]["id"]


def _head(connection: Connection) -> tuple[int, str]:
    """The number and hash of the last row; nobody else writes one until the transaction ends."""
    table = db.audit_head
    query = sa.select(table.c.last, table.c.hash).where(table.c.id == _HEAD).with_for_update()
    found = connection.execute(query).first()
    if found is None:
        connection.execute(sa.insert(table).values(id=_HEAD, last=0, hash=_FIRST))
        return 0, _FIRST
    return int(found.last), str(found.hash)


def _hash(last: str, row: Mapping[str, Any]) -> str:
    said = {key: value for key, value in row.items() if key != "hash"}
    said["at"] = said["at"].isoformat(timespec="microseconds")
    text = json.dumps([last, said], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def plain(entry: Entry) -> dict[str, Any]:
    """A row as plain data."""
    return {**asdict(entry), "at": entry.at.isoformat(timespec="milliseconds")}
