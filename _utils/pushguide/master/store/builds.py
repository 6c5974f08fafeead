"""Builds: what CI has announced of the versions of a module."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import BadVersion
from pushguide.master.statistics.counting import Counting
from pushguide.master.store import tables as db

#: What a later announcement may add where the first one did not say it.
_ADDED = ("built_at", "author", "commit", "notes", "sha256")


@dataclass(frozen=True)
class Build:
    """One announced build.

    Attributes:
        deployment_id: the deployment that the announcement has begun.
    """

    module: str
    version: str
    announced_by: str
    announced_at: datetime
    built_at: datetime | None = None
    author: str | None = None
    commit: str | None = None
    notes: str | None = None
    sha256: str | None = None
    deployment_id: int | None = None


def get(connection: Connection, module: str, version: str) -> Build | None:
    """What was announced of a version; None if nothing was."""
    query = sa.select(db.build).where(*_is(module, version))
    row = connection.execute(query).mappings().first()
    return Build(**row) if row else None


def of(connection: Connection, module: str) -> dict[str, Build]:
    """Everything that was announced of a module, by version."""
    query = sa.select(db.build).where(db.build.c.module == module)
    return {row["version"]: Build(**row) for row in connection.execute(query).mappings()}


def announce(connection: Connection, build: Build) -> tuple[Build, bool]:
    """Keep an announcement. The first one counts; a later one adds what that did not say.

    Returns:
        What is known of the build now, and whether it is new.

    Raises:
        BadVersion: it was announced with another sha256.
    """
    known = get(connection, build.module, build.version)
    if known is None:
        # Where another master is first, this breaks, and is done again with its build.
        connection.execute(sa.insert(db.build).values(asdict(build)))
        _count(connection, build)
        return build, True
    if known.sha256 and build.sha256 and known.sha256 != build.sha256:
        raise BadVersion(
            f"{build.module} {build.version} was announced by {known.announced_by}, "
            f"{known.announced_at:%Y-%m-%d %H:%M} UTC, with sha256 {known.sha256}, and now with "
            f"{build.sha256}: let CI build a new version."
        )
    added = {
        name: getattr(build, name)
        for name in _ADDED
        if getattr(known, name) is None and getattr(build, name) is not None
    }
    if added:
        query = sa.update(db.build).where(*_is(build.module, build.version))
        connection.execute(query.values(added))
    if "built_at" in added:
        _count(connection, build)
    return replace(known, **added), False


def _count(connection: Connection, build: Build) -> None:
    """Let what was deployed before its build was announced have its lead time."""
    with Counting(connection) as counting:
        counting.build_known(build.module, build.version)


def begun(connection: Connection, module: str, version: str, deployment: int) -> None:
    """Keep which deployment an announcement has begun."""
    query = sa.update(db.build).where(*_is(module, version))
    connection.execute(query.values(deployment_id=deployment))


def _is(module: str, version: str) -> list[sa.ColumnElement[bool]]:
    return [db.build.c.module == module, db.build.c.version == version]
