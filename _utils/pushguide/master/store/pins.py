"""Pins: checksums of artifacts whose source tells none, as CI has announced them, or as they were
when they were seen first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import builds
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now


@dataclass(frozen=True)
class Pin:
    """What an artifact was when it was seen first.

    Attributes:
        version: its version.
        url: its address.
        sha256: its checksum.
        size: its length in bytes.
        etag: what the server called that state of it, when it was looked at last.
        pinned_at: when it was seen first.
    """

    version: str
    url: str
    sha256: str
    size: int
    etag: str | None
    pinned_at: datetime = field(default_factory=now)


class Pins:
    """The pins of a module in an environment.

    Args:
        database: the record.
        module: the module.
        environment: its environment.
    """

    def __init__(self, database: Database, module: str, environment: str) -> None:
        self.database = database
        self.key = {"module": module, "environment": environment}

    def get(self, version: str) -> Pin | None:
        """The pin of a version, None if it was not seen before."""
        return self.database.read(lambda one: self._get(one, version))

    def put(self, pin: Pin) -> Pin:
        """Pin a version; if it is pinned already, only what it is called is brought up to date.

        Returns:
            The pin that holds: of two that are made at once, the first.
        """

        def work(connection: Connection) -> Pin:
            held = self._get(connection, pin.version)
            if held is None:
                # Where another master is first, this breaks, and is done again with its pin.
                values = {**vars(pin), **self.key}
                connection.execute(sa.insert(db.artifact_pin).values(values))
            elif (held.sha256, held.size) == (pin.sha256, pin.size):
                change = {"url": pin.url, "etag": pin.etag}
                query = sa.update(db.artifact_pin).where(*self._where(pin.version))
                connection.execute(query.values(change))
            kept = self._get(connection, pin.version)
            assert kept
            return kept

        return self.database.write(work)

    def announced(self, version: str) -> str | None:
        """The sha256 that CI has announced of a version, None if it has not."""
        build = self.database.read(lambda one: builds.get(one, self.key["module"], version))
        return build.sha256 if build else None

    def _get(self, connection: Connection, version: str) -> Pin | None:
        table = db.artifact_pin
        names = ("version", "url", "sha256", "size", "etag", "pinned_at")
        query = sa.select(*(table.c[name] for name in names)).where(*self._where(version))
        row = connection.execute(query).mappings().first()
        return Pin(**row) if row else None

    def _where(self, version: str) -> list[sa.ColumnElement[bool]]:
        table = db.artifact_pin
        wanted = {**self.key, "version": version}
        return [table.c[name] == value for name, value in wanted.items()]
