"""Databases for tests: SQLite always, PostgreSQL and MariaDB where servers are named."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from pushguide.master.store.database import Database
from tests.support.need import need

SERVERS = {"postgresql": "PUSHGUIDE_TEST_POSTGRESQL", "mariadb": "PUSHGUIDE_TEST_MARIADB"}


@contextmanager
def fresh_url(kind: str, directory: Path) -> Iterator[str]:
    """The URL of an empty database of its own, removed afterwards.

    Args:
        kind: sqlite, postgresql or mariadb.
        directory: where a database that is a file may lie.
    """
    if kind == "sqlite":
        yield f"sqlite:///{directory}/db/pushguide.db"
        Database.close_all()
        return
    server = os.environ.get(SERVERS[kind])
    need(kind, server, f"set {SERVERS[kind]} to the URL of a server where databases can be made")
    assert server
    name = f"pushguide_{uuid.uuid4().hex[:12]}"
    maker = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with maker.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    url = sa.engine.make_url(server).set(database=name)
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        Database.close_all()
        with maker.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name}"))
        maker.dispose()
