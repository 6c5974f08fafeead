"""The database: how it is opened, and transactions that are tried again.

SQLAlchemy Core alone: importing its ORM costs more time than a whole small deployment.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from pushguide.errors import DatabaseError, ReadOnly
from pushguide.master.store.tables import SCHEMA

_TRIES = 6
_FIRST_WAIT_SECONDS = 0.05
#: How long a server may be away, as while another one takes its place, in seconds; and for those
#: who wait by themselves.
AWAY_SECONDS = 8.0
AWAY_BRIEFLY_SECONDS = 1.5
_LONGEST_WAIT_SECONDS = 1.0

#: How long a connection may be silent before it counts as cut, where packets vanish on their way:
#: without that, whoever waits for an answer waits for a quarter of an hour. By the keyword
#: arguments of libpq (https://www.postgresql.org/docs/current/libpq-connect.html) and of PyMySQL.
_LIBPQ = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 12_000,
}
_PYMYSQL = {"connect_timeout": 5, "read_timeout": 180, "write_timeout": 20}
_SILENCE = {"psycopg": _LIBPQ, "psycopg2": _LIBPQ, "pymysql": _PYMYSQL}
#: The same for the server, so that a master that was cut off keeps no row locked for the others.
_SERVER_NOTICES = {
    "postgresql": (
        "SET tcp_keepalives_idle = 5",
        "SET tcp_keepalives_interval = 2",
        "SET tcp_keepalives_count = 3",
        "SET tcp_user_timeout = 12000",
        "SET idle_in_transaction_session_timeout = '5min'",
    ),
    "mysql": ("SET SESSION wait_timeout = 600",),
    "mariadb": ("SET SESSION wait_timeout = 600", "SET SESSION idle_transaction_timeout = 60"),
}

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
        self.away_seconds = AWAY_SECONDS
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
                return self._open_server()
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

    def _open_server(self) -> Engine:
        silence = _SILENCE.get(self.url.get_driver_name(), {})
        given = {key: value for key, value in silence.items() if key not in self.url.query}
        engine = sa.create_engine(self.url, pool_pre_ping=True, connect_args=given)

        def prepare(connection: Any, _record: Any) -> None:
            for statement in _SERVER_NOTICES.get(_name_of(engine), ()):
                try:
                    with contextlib.closing(connection.cursor()) as cursor:
                        cursor.execute(statement)
                    connection.commit()
                except engine.dialect.loaded_dbapi.Error:
                    connection.rollback()  # an older server, which does not know it

        sa.event.listen(engine, "connect", prepare)
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
        is_done = False
        try:
            with self.engine.begin() as connection:
                self._demand_schema(connection)
                answer = work(connection)
                is_done = True
        except DBAPIError as err:
            if is_done and _is_away(err):
                raise DatabaseError(
                    f"The database {self.name} went away while it was written to: it is not known "
                    "whether that is there. Look before you repeat it (salt-run pushguide.history)."
                ) from err
            raise
        return answer

    def _reading(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            self._demand_schema(connection)
            return work(connection)

    def _try(self, attempt: Callable[[], T]) -> T:
        wait, tries, deadline = _FIRST_WAIT_SECONDS, _TRIES, time.monotonic() + self.away_seconds
        while True:
            try:
                return attempt()
            except DBAPIError as err:
                is_away = _is_away(err) or _is_read_only(err)
                tries -= 1
                may_pass = time.monotonic() < deadline if is_away else tries and _may_pass(err)
                if not may_pass:
                    raise self._failure(err) from err
                if is_away:
                    # Another server may be the one that takes writes now.
                    self.engine.dispose()
                time.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
            except SQLAlchemyError as err:
                raise self._failure(err) from err

    def _failure(self, err: SQLAlchemyError) -> DatabaseError:
        if isinstance(err, DBAPIError) and _is_read_only(err):
            return ReadOnly(
                f"The database {self.name} takes no writes: it is a replica, or was made read-only "
                "while another server takes its place. Nothing was written. Let pushguide:database "
                "name the server that takes writes; docs/watching.md tells how it is found by "
                "itself."
            )
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
    # MariaDB takes a whole transaction back at a deadlock; what is heard of is then a savepoint
    # that is not there any more.
    signs = ("locked", "busy", "deadlock", "lock wait", "serializ", "savepoint")
    return isinstance(err, IntegrityError) or _says(err, signs)


def _is_away(err: DBAPIError) -> bool:
    """Whether the server is not there, or not yet."""
    signs = (
        "gone away",
        "lost connection",
        "closed the connection",
        "connection refused",
        "can't connect",
        "starting up",
        "shutting down",
        "terminating connection",
        "timed out",
        "timeout expired",
        "unreachable",
        "no route to host",
        "consuming input failed",
    )
    return err.connection_invalidated or (isinstance(err, OperationalError) and _says(err, signs))


def _is_read_only(err: DBAPIError) -> bool:
    """Whether the server is there and takes no writes, by what PostgreSQL, MariaDB and SQLite say.

    PostgreSQL's code is 25006 (read_only_sql_transaction), MariaDB's 1290 with --read-only or 1792.
    """
    signs = ("read-only transaction", "--read-only", "read only transaction", "readonly database")
    return _says(err, signs)


def _says(err: DBAPIError, signs: tuple[str, ...]) -> bool:
    text = str(err.orig).lower()
    return any(sign in text for sign in signs)


def _name_of(engine: Engine) -> str:
    """The server's kind; MariaDB may be asked for as MySQL, and is told apart once connected."""
    return "mariadb" if getattr(engine.dialect, "is_mariadb", False) else engine.dialect.name


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Write-ahead log, full durability, foreign keys, and transactions begun by us."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at the start: two writers wait in line instead of failing."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
