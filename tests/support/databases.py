"""Databases for tests: SQLite always, PostgreSQL and MariaDB where servers are named."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from pushguide.master.store.database import Database
from pushguide.master.store.schema import migrate
from pushguide.master.store.tables import metadata
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


class Kept:
    """Databases with the newest schema, one of each kind for many tests: each finds it empty.

    Making one anew costs a server seconds of flushing.

    Args:
        directory: where a database that is a file may lie.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._urls: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def lent(self, kind: str, directory: Path) -> Iterator[str]:
        """The URL of an empty one, for one test.

        Args:
            kind: sqlite, postgresql or mariadb.
            directory: the test's own, where a database that is a file lies.
        """
        if kind not in self._urls:
            url = self._stack.enter_context(fresh_url(kind, self.directory))
            migrate(Database.at(url))
            Database.close_all()
            self._urls[kind] = url
        url = self._urls[kind]
        if kind == "sqlite":
            copied = directory / "db" / "pushguide.db"
            copied.parent.mkdir()
            shutil.copy(sa.engine.make_url(url).database or "", copied)
            url = f"sqlite:///{copied}"
        yield url
        Database.close_all()
        if kind != "sqlite":
            _empty(url)


#: What tells the tables whose numbers do not begin at 1 any more.
_NUMBERED = {
    "postgresql": (
        "SELECT d.refobjid::regclass::text FROM pg_sequences s JOIN pg_depend d "
        "ON d.objid = (quote_ident(s.sequencename))::regclass AND d.refobjsubid > 0 "
        "WHERE s.last_value IS NOT NULL"
    ),
    "mysql": (
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = database() AND auto_increment > 1"
    ),
}


def _empty(url: str) -> None:
    """Take every row out of a database, and let its numbers begin at 1 again."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    backend = engine.url.get_backend_name()
    quoted = engine.dialect.identifier_preparer.quote
    names = [quoted(one) for one in metadata.tables]
    counts = " UNION ALL ".join(f"(SELECT '{one}' FROM {one} LIMIT 1)" for one in names)
    with engine.connect() as connection:
        used = {*connection.exec_driver_sql(counts.replace("%", "%%")).scalars()}
        used |= {*connection.exec_driver_sql(_NUMBERED[backend]).scalars()} & {*names}
        if used and backend == "postgresql":
            connection.exec_driver_sql("SET lock_timeout = '10s'")
            connection.exec_driver_sql(
                f"TRUNCATE {', '.join(sorted(used))} RESTART IDENTITY CASCADE"
            )
        elif used:
            connection.exec_driver_sql("SET foreign_key_checks = 0")
            for one in sorted(used):
                connection.exec_driver_sql(f"TRUNCATE {one}")
    engine.dispose()
