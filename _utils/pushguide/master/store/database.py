"""The database: how it is opened, and transactions that are tried again.

SQLAlchemy Core alone: importing its ORM costs more time than a whole small deployment.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from pushguide.errors import DatabaseError
from pushguide.master.store.tables import SCHEMA

_TRIES = 6
_FIRST_WAIT_SECONDS = 0.05

T = TypeVar("T")

_databases: dict[tuple[str, int], Database] = {}


class Database:
    """One database, opened once for each process.

    Args:
        url: its SQLAlchemy URL.
    """

    def __init__(self, url: str) -> None:
        self.url = _read_url(url)
        self.engine = self._open()
        self._schema_is_right = False

    @classmethod
    def at(cls, url: str) -> Database:
        """The database at ``url``, opened already if this process has used it before."""
        key = (url, os.getpid())
        if key not in _databases:
            _databases[key] = cls(url)
        return _databases[key]

    @staticmethod
    def close_all() -> None:
        """Close every database that this process has opened."""
        for one in _databases.values():
            one.engine.dispose()
        _databases.clear()

    @property
    def name(self) -> str:
        """The URL without its password, and without options, which may hold another one."""
        return self.url.set(query={}).render_as_string(hide_password=True)

    def _open(self) -> Engine:
        try:
            if self.url.get_backend_name() != "sqlite":
                return sa.create_engine(self.url, pool_pre_ping=True)
            engine = sa.create_engine(self.url, connect_args={"timeout": 30})
        except (SQLAlchemyError, ImportError) as err:
            raise DatabaseError(
                f"Opening the database {self.name} failed: {err}. Correct pushguide:database in "
                "the master's configuration, or install its driver (salt-pip install "
                "'pushguide[postgresql]' or 'pushguide[mariadb]')."
            ) from err
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction; again, after a growing wait, if the database was busy.

        Raises:
            DatabaseError: it stays away, or the transaction is wrong.
        """
        return self._try(lambda: self._in_transaction(work))

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work``, which only reads."""
        return self._try(lambda: self._reading(work))

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            self._demand_schema(connection)
            return work(connection)

    def _reading(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            self._demand_schema(connection)
            return work(connection)

    def _try(self, attempt: Callable[[], T]) -> T:
        wait = _FIRST_WAIT_SECONDS
        for tries_left in reversed(range(_TRIES)):
            try:
                return attempt()
            except (OperationalError, IntegrityError) as err:
                if not tries_left or not _may_pass(err):
                    raise self._failure(err) from err
                time.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311
                wait *= 2
            except SQLAlchemyError as err:
                raise self._failure(err) from err
        raise AssertionError("unreachable")

    def _failure(self, err: SQLAlchemyError) -> DatabaseError:
        return DatabaseError(
            f"The database {self.name} answered: {str(err).splitlines()[0]}. Check that it runs "
            "and that the master reaches it (salt-run pushguide.setup)."
        )

    def schema(self, connection: Connection) -> str | None:
        """The schema revision of the database, None if it is empty."""
        if not sa.inspect(connection).has_table("pushguide_schema"):
            return None
        found = connection.exec_driver_sql("SELECT version_num FROM pushguide_schema").scalar()
        return str(found) if found else None

    def _demand_schema(self, connection: Connection) -> None:
        if self._schema_is_right:
            return
        found = self.schema(connection)
        if found != SCHEMA:
            what = "is empty" if found is None else f"has schema {found}, this code needs {SCHEMA}"
            raise DatabaseError(f"The database {self.name} {what}: run salt-run pushguide.setup.")
        self._schema_is_right = True


def _read_url(url: str) -> sa.engine.URL:
    try:
        read = sa.engine.make_url(url)
    except (SQLAlchemyError, ValueError):
        read = None
    if read is None or "@" in (read.host or ""):
        # What came of it may hold a part of the password: nothing of it is repeated.
        raise DatabaseError(
            "Opening the database failed: pushguide:database in the master's configuration is no "
            "URL. Give one such as postgresql+psycopg://user:password@host/name. In the password "
            "'@' is written %40, '/' %2F and ':' %3A."
        )
    return read


def _may_pass(err: DBAPIError) -> bool:
    """Whether the same transaction may succeed later: the database was busy, or a race was lost."""
    text = str(err).lower()
    return isinstance(err, IntegrityError) or any(
        sign in text
        for sign in (
            "locked",
            "busy",
            "deadlock",
            "lock wait",
            "serializ",
            "gone away",
            "lost connection",
            "closed the connection",
            "connection refused",
            "can't connect",
            "starting up",
            "shutting down",
        )
    )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Write-ahead log, full durability, foreign keys, and transactions begun by us."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at the start: two writers wait in line instead of failing."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
