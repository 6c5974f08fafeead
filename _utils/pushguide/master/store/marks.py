"""Marks: which versions of a module proved good or bad in an environment, who says so, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import tables as db
from pushguide.master.store.tables import now
from pushguide.words import BAD

#: Who marks what a deployment has proven.
ITSELF = "pushguide"


@dataclass(frozen=True)
class Mark:
    """What is said of one version."""

    module: str
    environment: str
    version: str
    mark: str
    marked_by: str
    marked_at: datetime
    reason: str | None
    deployment_id: int | None

    @property
    def is_bad(self) -> bool:
        """Whether automatic choice passes it over, and a person needs ``force``."""
        return self.mark == BAD

    def __str__(self) -> str:
        when = f"{self.marked_at:%Y-%m-%d %H:%M} UTC"
        return f"marked {self.mark} by {self.marked_by}, {when}: {self.reason or 'no reason given'}"


def get(connection: Connection, module: str, environment: str, version: str) -> Mark | None:
    """The mark of one version, None if nobody has marked it."""
    table = db.version_mark
    query = sa.select(table).where(
        table.c.module == module, table.c.environment == environment, table.c.version == version
    )
    row = connection.execute(query).mappings().first()
    return Mark(**row) if row else None


def of(connection: Connection, module: str, environment: str) -> dict[str, Mark]:
    """Every mark of a module in an environment, by version."""
    table = db.version_mark
    query = sa.select(table).where(table.c.module == module, table.c.environment == environment)
    return {row["version"]: Mark(**row) for row in connection.execute(query).mappings()}


def put(
    connection: Connection,
    module: str,
    environment: str,
    version: str,
    mark: str,
    user: str,
    reason: str | None,
    deployment: int | None = None,
) -> None:
    """Mark a version, in the place of what was said of it before."""
    table = db.version_mark
    key = {"module": module, "environment": environment, "version": version}
    values = {
        "mark": mark,
        "marked_by": user[:128],
        "marked_at": now(),
        "reason": reason,
        "deployment_id": deployment,
    }
    same = [table.c[name] == value for name, value in key.items()]
    if not connection.execute(sa.update(table).where(*same).values(values)).rowcount:
        connection.execute(sa.insert(table).values(**key, **values))
