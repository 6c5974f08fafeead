"""What the company's CMDB has answered last, of each module and environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import tables as db


@dataclass(frozen=True)
class Answered:
    """An answer of the CMDB.

    Attributes:
        asked: what tells questions apart: an answer to another one is none to this.
        hosts: of each host its values by name, as they came.
        asked_at: when it came.
    """

    asked: str
    hosts: dict[str, dict[str, Any]]
    asked_at: datetime


def get(connection: Connection, module: str, environment: str, asked: str) -> Answered | None:
    """The last answer to a question, None if there was none."""
    table = db.inventory_cache
    query = sa.select(table.c.asked, table.c.hosts, table.c.asked_at).where(
        *_where(module, environment), table.c.asked == asked
    )
    row = connection.execute(query).mappings().first()
    return Answered(**row) if row else None


def put(connection: Connection, module: str, environment: str, answered: Answered) -> None:
    """Keep an answer in the place of the one before."""
    table = db.inventory_cache
    connection.execute(sa.delete(table).where(*_where(module, environment)))
    # Where another master has just put its own, this breaks, and is done again.
    values = {**vars(answered), "module": module, "environment": environment}
    connection.execute(sa.insert(table).values(values))


def _where(module: str, environment: str) -> list[sa.ColumnElement[bool]]:
    table = db.inventory_cache
    return [table.c.module == module, table.c.environment == environment]
