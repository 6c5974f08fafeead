"""Templates that are kept in the database: revisions, of which none is ever changed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.revision import Revision
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now


def newest(connection: Connection, module: str | None = None) -> dict[str, Revision]:
    """The newest revision of each template, or of one, deleted ones among them."""
    table = db.template_revision
    last = sa.select(table.c.module, sa.func.max(table.c.revision).label("last"))
    if module is not None:
        last = last.where(table.c.module == module)
    newest = last.group_by(table.c.module).subquery()
    is_newest = sa.and_(table.c.module == newest.c.module, table.c.revision == newest.c.last)
    rows = connection.execute(sa.select(table).join(newest, is_newest).order_by(table.c.module))
    return {row["module"]: Revision(**row) for row in rows.mappings()}


def find(connection: Connection, module: str, limit: int) -> list[Revision]:
    """The revisions of a template, the newest first."""
    table = db.template_revision
    query = sa.select(table).where(table.c.module == module)
    rows = connection.execute(query.order_by(table.c.revision.desc()).limit(limit))
    return [Revision(**row) for row in rows.mappings()]


def look(connection: Connection, module: str, revision: int) -> Revision | None:
    """One revision; None if there is no such one."""
    table = db.template_revision
    is_meant = sa.and_(table.c.module == module, table.c.revision == revision)
    row = connection.execute(sa.select(table).where(is_meant)).mappings().first()
    return Revision(**row) if row else None


def append(
    connection: Connection,
    module: str,
    revision: int,
    data: dict[str, Any] | None,
    text: str | None,
    by: str,
    reason: str,
) -> Revision:
    """Write a revision. Of two that write the same one at a time, the database lets one."""
    values = Revision(module, revision, data, text, by[:128], now(), reason)
    connection.execute(sa.insert(db.template_revision).values(**vars(values)))
    return values
