"""What checks of the code standards have found, and what is waived until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now


@dataclass(frozen=True)
class Waiver:
    """A rule whose findings do not count for a while, who said so, and why."""

    id: int
    module: str
    rule: str
    path: str | None
    reason: str
    waived_by: str
    waived_at: datetime
    until: datetime
    revoked_by: str | None
    revoked_at: datetime | None
    revoked_reason: str | None

    def has_effect(self, at: datetime) -> bool:
        """Whether it counts at a moment."""
        return self.revoked_at is None and at < self.until

    def __str__(self) -> str:
        return (
            f"waived by {self.waived_by} until {self.until:%Y-%m-%d %H:%M} UTC: {self.reason} "
            f"(waiver {self.id})"
        )


@dataclass(frozen=True)
class Result:
    """What a check has found: of each finding its rule, level, path and words."""

    findings: list[list[str]]
    unseen: list[str]
    checked_at: datetime


def found(connection: Connection, sha256: str, rules: str) -> Result | None:
    """What the last check of an artifact by the same rules has found; None if there was none.

    Args:
        connection: to the database.
        sha256: the artifact's checksum.
        rules: the digest of the rules.
    """
    table = db.standards_check
    query = (
        sa.select(table.c.findings, table.c.checked_at)
        .where(table.c.sha256 == sha256, table.c.rules == rules)
        .order_by(table.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Result(row[0]["findings"], row[0]["unseen"], row[1])


def keep(
    connection: Connection,
    place: tuple[str, str, str],
    sha256: str,
    rules: str,
    result: Result,
) -> None:
    """Keep what a check has found.

    Args:
        connection: to the database.
        place: module, environment and version.
        sha256: the artifact's checksum.
        rules: the digest of the rules.
        result: what was found.
    """
    module, environment, version = place
    values = {
        "module": module,
        "environment": environment,
        "version": version,
        "sha256": sha256,
        "rules": rules,
        "findings": {"findings": result.findings, "unseen": result.unseen},
        "checked_at": result.checked_at,
    }
    connection.execute(sa.insert(db.standards_check).values(values))


def waive(
    connection: Connection,
    module: str,
    rule: str,
    path: str | None,
    until: datetime,
    user: str,
    reason: str,
) -> Waiver:
    """Write a waiver down.

    Returns:
        The waiver, with its number.
    """
    values = {
        "module": module,
        "rule": rule,
        "path": path,
        "reason": reason,
        "waived_by": user[:128],
        "waived_at": now(),
        "until": until,
    }
    done = connection.execute(sa.insert(db.waiver).values(values))
    key = done.inserted_primary_key
    assert key is not None
    return waiver(connection, int(key[0]))


def waiver(connection: Connection, number: int) -> Waiver:
    """One waiver.

    Raises:
        Refused: there is none with that number.
    """
    row = connection.execute(sa.select(db.waiver).where(db.waiver.c.id == number)).mappings()
    one = row.first()
    if one is None:
        raise Refused(f"There is no waiver {number}: see salt-run pushguide.waivers.")
    return Waiver(**one)


def waivers(
    connection: Connection, module: str | None = None, at: datetime | None = None
) -> Sequence[Waiver]:
    """Waivers, the newest first.

    Args:
        connection: to the database.
        module: only this module's; all if not given.
        at: only those that have effect at this moment; all if not given.
    """
    query = sa.select(db.waiver).order_by(db.waiver.c.id.desc())
    if module is not None:
        query = query.where(db.waiver.c.module == module)
    if at is not None:
        query = query.where(db.waiver.c.revoked_at.is_(None), db.waiver.c.until > at)
    return [Waiver(**row) for row in connection.execute(query).mappings()]


def module_of_waiver(connection: Connection, number: int) -> str | None:
    """The module of a waiver, None if there is none with that number."""
    query = sa.select(db.waiver.c.module).where(db.waiver.c.id == number)
    found: str | None = connection.execute(query).scalar()
    return found


def revoke(connection: Connection, number: int, user: str, reason: str) -> Waiver:
    """End a waiver before its time.

    Raises:
        Refused: there is none with that number, or it has ended already.
    """
    old = waiver(connection, number)
    moment = now()
    if not old.has_effect(moment):
        how = f"was revoked by {old.revoked_by}" if old.revoked_at else "has expired"
        raise Refused(f"Waiver {number} {how}: there is nothing to revoke.")
    values: dict[str, Any] = {
        "revoked_by": user[:128],
        "revoked_at": moment,
        "revoked_reason": reason,
    }
    connection.execute(sa.update(db.waiver).where(db.waiver.c.id == number).values(values))
    return waiver(connection, number)
