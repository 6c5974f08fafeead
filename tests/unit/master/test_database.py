"""The database: schema, transactions, and what a user reads when it is not well."""

from __future__ import annotations

import threading
import time
import traceback
from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from pushguide.errors import DatabaseError, Refused
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.store import history, host_results, record
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.schema import alembic_config, migrate
from pushguide.master.store.tables import SCHEMA


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


def test_a_newer_schema_is_refused(database: Database, url: str) -> None:
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
def test_a_database_that_is_away_says_so_and_keeps_its_password(url: str, words: str) -> None:
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
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(DatabaseError) as caught:
        Database(url).read(lambda one: history.find(one))
    told = "".join(traceback.format_exception(caught.value))
    assert "database" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "hush" not in told.replace(url, "")
