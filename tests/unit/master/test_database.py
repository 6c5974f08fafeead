"""The database: schema, transactions, and what a user reads when it is not well."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from pushguide.errors import DatabaseError, ReadOnly, Refused
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.store import database as database_of
from pushguide.master.store import history, host_results, record
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.schema import alembic_config, migrate
from pushguide.master.store.tables import SCHEMA
from tests.support.databases import Kept
from tests.support.ports import free_port


def test_an_empty_database_is_refused_with_the_way_out(url: str) -> None:
    database = Database.at(url)
    if url.startswith("sqlite"):
        Path(database.url.database or "").parent.mkdir()
    with pytest.raises(DatabaseError, match=r"is empty: run salt-run pushguide\.setup"):
        database.read(lambda one: history.find(one))


def test_migrating_makes_the_newest_schema_and_again_changes_nothing(url: str) -> None:
    database = Database.at(url)
    assert migrate(database) == (None, SCHEMA)
    assert migrate(database) == (SCHEMA, SCHEMA)


def test_the_code_knows_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == SCHEMA


def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "pushguide_schema", "render_as_batch": True}
        )
        assert compare_metadata(context, db.metadata) == []


def test_a_newer_schema_is_refused(url: str) -> None:
    database = Database.at(url)
    migrate(database)
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE pushguide_schema SET version_num = '9999'"))
    fresh = Database(url)
    with pytest.raises(DatabaseError, match="has schema 9999, this code needs"):
        fresh.read(lambda one: history.find(one))
    with pytest.raises(DatabaseError, match="upgrade the master"):
        migrate(fresh)
    fresh.engine.dispose()


def test_times_come_back_aware_in_utc_with_microseconds(database: Database, plan: Plan) -> None:
    before = datetime.now(timezone.utc)
    number = database.write(lambda one: record.create(one, plan, "ops", states.QUEUED))
    made = database.read(lambda one: record.get(one, number)).created_at
    assert made.tzinfo is timezone.utc
    assert before <= made <= datetime.now(timezone.utc)


def test_long_texts_are_kept_whole(database: Database, plan: Plan) -> None:
    text = "é" * 200_000
    number = database.write(lambda one: record.create(one, plan, "ops", states.QUEUED))
    database.write(lambda one: host_results.set_outcome(one, number, "web1", "failed", text))
    rows = database.read(lambda one: host_results.hosts(one, number))
    assert next(row["error"] for row in rows if row["host"] == "web1") == text


def test_two_writers_wait_in_line(database: Database, plan: Plan) -> None:
    numbers: list[int] = []

    def submit() -> None:
        for _ in range(10):
            numbers.append(
                database.write(lambda one: record.create(one, plan, "ops", states.QUEUED))
            )

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(numbers)) == 40


def test_a_deadlock_within_a_savepoint_is_tried_again(database: Database) -> None:
    """MariaDB takes the whole transaction back, and the savepoint is what is complained of."""
    rows = [{"id": one, "tag": "x", "data": 0, "created_at": db.now()} for one in (1, 2)]
    database.write(lambda one: one.execute(sa.insert(db.event), rows))
    meet = threading.Barrier(2)

    def swap(first: int, second: int) -> None:
        def touch(connection: sa.Connection, number: int) -> None:
            mine = db.event.c.id == number
            connection.execute(sa.update(db.event).where(mine).values(tag=f"by {first}"))

        def work(connection: sa.Connection) -> None:
            touch(connection, first)
            with contextlib.suppress(threading.BrokenBarrierError):
                meet.wait(2)
            with connection.begin_nested():
                touch(connection, second)

        database.write(work)

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(swap, 1, 2), pool.submit(swap, 2, 1)]
        assert [one.result() for one in done] == [None, None]


def test_a_failed_transaction_leaves_nothing(database: Database, plan: Plan) -> None:
    def work(connection: sa.Connection) -> None:
        record.create(connection, plan, "ops", states.QUEUED)
        raise Refused("no")

    with pytest.raises(Refused):
        database.write(work)
    assert database.read(lambda one: history.find(one)) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense://x", "Opening the database"),
        ("not a url", "Opening the database"),
        ("sqlite:////proc/nowhere/pushguide.db", "answered"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x", "answered"),
    ],
)
def test_a_database_that_is_away_says_so_and_keeps_its_password(
    url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_of, "AWAY_SECONDS", 0.5)
    with pytest.raises(DatabaseError, match=words) as caught:
        Database(url).read(lambda one: history.find(one))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:hush@127.0.0.1:nowhere/x",
        "postgresql+psycopg://u:ordinary@hush@127.0.0.1:1/x",
        "postgresql+psycopg://u:hush@127.0.0.1:1/x",
        "postgresql+psycopg://u@127.0.0.1:1/x?password=hush",
        "nothing+known://u:hush@127.0.0.1:1/x",
        "u:hush@127.0.0.1/x",
    ],
)
def test_no_message_repeats_a_password_of_the_url(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_of, "AWAY_SECONDS", 0)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(DatabaseError) as caught:
        Database(url).read(lambda one: history.find(one))
    told = "".join(traceback.format_exception(caught.value))
    assert "database" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "hush" not in told.replace(url, "")


# A server that goes away, and one that takes no writes.


@pytest.fixture
def postgresql(kept: Kept, tmp_path: Path) -> Iterator[Database]:
    """A database on a PostgreSQL."""
    with kept.lent("postgresql", tmp_path) as url:
        yield Database.at(url)


def beside(database: Database, statement: str) -> None:
    """Run a statement on the server, and not in the database."""
    engine = sa.create_engine(database.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def end_connection(database: Database, connection: sa.Connection) -> None:
    """End a connection on the server, as a server does that goes away."""
    number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    beside(database, f"SELECT pg_terminate_backend({number})")


def test_a_connection_that_is_lost_is_made_anew(postgresql: Database, plan: Plan) -> None:
    tries = []

    def work(connection: sa.Connection) -> int:
        tries.append(1)
        if len(tries) < 3:
            end_connection(postgresql, connection)
        return record.create(connection, plan, "ops", states.QUEUED)

    number = postgresql.write(work)
    assert len(tries) == 3
    assert [one.id for one in postgresql.read(lambda one: history.find(one))] == [number]


def test_what_may_have_been_written_is_not_written_again(postgresql: Database, plan: Plan) -> None:
    tries = []

    def work(connection: sa.Connection) -> None:
        tries.append(1)
        record.create(connection, plan, "ops", states.QUEUED)
        end_connection(postgresql, connection)

    with pytest.raises(DatabaseError, match="it is not known whether that is there"):
        postgresql.write(work)
    assert len(tries) == 1


def test_a_replica_is_known_for_one_and_waited_for(postgresql: Database, plan: Plan) -> None:
    def work(connection: sa.Connection) -> int:
        return record.create(connection, plan, "ops", states.QUEUED)

    postgresql.write(work)
    name = postgresql.url.database
    beside(postgresql, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgresql.engine.dispose()
    try:
        postgresql.away_seconds = 0.3
        with pytest.raises(ReadOnly, match="takes no writes: it is a replica"):
            postgresql.write(work)
        assert len(postgresql.read(lambda one: history.find(one))) == 1

        postgresql.away_seconds = 20
        with ThreadPoolExecutor() as pool:
            written = pool.submit(postgresql.write, work)
            with pytest.raises(TimeoutError):
                written.result(0.5)
            beside(postgresql, f"ALTER DATABASE {name} RESET default_transaction_read_only")
            assert written.result(20)
    finally:
        beside(postgresql, f"ALTER DATABASE {name} RESET default_transaction_read_only")


def test_the_server_that_takes_writes_is_found(postgresql: Database, plan: Plan) -> None:
    url = postgresql.url
    servers = (f"127.0.0.1:{free_port()}", f"{url.host}:{url.port}")
    query = {"host": servers, "target_session_attrs": "read-write"}
    several = Database(
        url.set(host=None, port=None, query=query).render_as_string(hide_password=False)
    )
    number = several.write(lambda one: record.create(one, plan, "ops", states.QUEUED))
    several.engine.dispose()
    assert [one.id for one in postgresql.read(lambda one: history.find(one))] == [number]


def test_a_file_that_takes_no_writes_is_known_for_one(
    kept: Kept, tmp_path: Path, plan: Plan
) -> None:
    with kept.lent("sqlite", tmp_path) as url:
        database = Database.at(url)
        database.away_seconds = 0

        def work(connection: sa.Connection) -> None:
            connection.exec_driver_sql("PRAGMA query_only = ON")
            record.create(connection, plan, "ops", states.QUEUED)

        with pytest.raises(ReadOnly):
            database.write(work)
