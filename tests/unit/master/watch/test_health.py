"""Health of pushguide itself: what a probe is told when something is not well."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pushguide.master.desk import Desk
from pushguide.master.store import duties, engines, host_health, record
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.host_health import Seer
from pushguide.master.store.tables import now
from pushguide.master.templates.library import Library
from pushguide.master.watch import health
from tests.support.ports import free_port
from tests.unit.master.conftest import make_plan

WEB = {
    "type": "static_site",
    "root": "/srv/web",
    "environments": {"production": {"hosts": ["w1"]}},
    "source": {"directory": "/srv/artifacts", "url": "salt://artifacts"},
}
SERVED = ["orch/deploy.sls", "orch/rollback.sls"]

Look = Callable[..., dict[str, Any]]


@pytest.fixture
def look(
    database: Database, opts: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Look:
    """Ask for the health; with what differs in the master's configuration."""
    (tmp_path / "cache").mkdir()

    def library(opts: Any, saved: Any = None) -> Library:
        return Library(opts, modules={"shop": WEB})

    monkeypatch.setattr(health, "Library", library)
    database.write(lambda one: engines.beat(one, "m_master", "main"))

    def ask(served: list[str] = SERVED, **changes: Any) -> dict[str, Any]:
        salt = {"fileserver.file_list": lambda saltenv: served}
        return health.health(Desk({**opts, **changes}, salt, "root"))

    return ask


def told(answer: dict[str, Any], name: str) -> list[tuple[str, str]]:
    return [(one["state"], one["told"]) for one in answer["checks"] if one["name"] == name]


def test_all_is_well(look: Look, database: Database) -> None:
    database.write(lambda one: duties.take(one, "watch main", "m_master@here", 30))
    answer = look()
    assert (answer["state"], answer["retcode"]) == ("ok", 0), answer["summary"]
    assert {one["name"] for one in answer["checks"]} == {*health._LOOKS}
    assert told(answer, "engines")[1] == ("ok", "watch main: m_master@here")
    assert len(answer["summary"].splitlines()) == len(answer["checks"])


def test_a_database_of_another_version_fails(look: Look, database: Database) -> None:
    database._schema_is_right = False
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE pushguide_schema SET version_num = '0001'"))
    try:
        answer = look()
    finally:
        with database.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE pushguide_schema SET version_num = :it"), {"it": db.SCHEMA}
            )
    assert (answer["state"], answer["retcode"]) == ("failed", 1)
    ((state, why),) = told(answer, "database")
    assert state == "failed"
    assert "has schema 0001" in why
    assert told(answer, "disk")[0][0] == "ok"  # what can be looked at is


def test_files_that_are_missing_fail(look: Look) -> None:
    answer = look(served=SERVED[:1])
    assert answer["retcode"] == 1
    ((state, why),) = told(answer, "files")
    assert (state, "orch/rollback.sls" in why) == ("failed", True)


def test_an_engine_that_is_gone_is_told(
    look: Look, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def long_ago(connection: sa.Connection) -> None:
        values = {"master": "other_master", "seen_at": now() - timedelta(hours=1)}
        connection.execute(sa.insert(db.engine).values(values))

    database.write(long_ago)
    ((state, why),) = told(look(), "engines")
    assert (state, "other_master (since" in why, "m_master" in why) == ("warning", True, True)
    database.write(lambda one: one.execute(sa.delete(db.engine)))
    ((state, why),) = told(look(), "engines")
    assert (state, "no engine has been there" in why) == ("warning", True)


def test_clocks_that_differ_fail(look: Look, database: Database) -> None:
    def ahead(connection: sa.Connection) -> None:
        values = {"master": "other_master", "seen_at": now(), "ahead_seconds": 7.5}
        connection.execute(sa.insert(db.engine).values(values))

    database.write(ahead)
    ((state, why),) = told(look(), "clocks")
    if database.url.get_backend_name() == "sqlite":
        assert (state, why) == ("ok", "the database has no clock of its own")
    else:
        assert state == "failed"
        assert "other_master +7.5 s" in why


def test_what_nobody_drives_is_told(look: Look, database: Database) -> None:
    def work(connection: Any) -> int:
        number = record.create(connection, make_plan(), "dan", "queued")
        record.change_state(connection, number, "running")
        return number

    number = database.write(work)
    ((state, why),) = told(look(), "deployments")
    assert (state, f"nobody drives #{number}" in why) == ("warning", True)


def test_hosts_that_are_not_well_are_told(look: Look, database: Database) -> None:
    seen = {
        "w1": {"state": "up", "pushguide": "0.0.1", "problem": "it runs pushguide 0.0.1"},
        "w2": {"state": "down"},
        "w3": {"state": "up", "pushguide": "1", "problem": None},
    }
    database.write(lambda one: host_health.note(one, seen, Seer("main", "m_master")))
    answer = look()
    assert [one for _, one in told(answer, "hosts")] == [
        "1 down, 2 up",
        "1 do not answer: w2",
        "1 cannot be deployed to: w1: it runs pushguide 0.0.1",
    ]
    assert (answer["state"], answer["retcode"]) == ("warning", 0)


@pytest.mark.parametrize(
    ("free", "state"), [(500 * 2**30, "ok"), (40 * 2**30, "warning"), (100 * 2**20, "failed")]
)
def test_a_disk_that_is_full_fails(
    look: Look, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    usage = shutil._ntuple_diskusage(1000 * 2**30, 1000 * 2**30 - free, free)  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert {one for one, _ in told(look(), "disk")} == {state}


@pytest.fixture
def api() -> Iterator[tuple[int, list[int]]]:
    """A server that answers with a status: its port, and the status."""
    status = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, status
    server.shutdown()
    thread.join()
    server.server_close()


def test_salt_api_is_asked(look: Look, api: tuple[int, list[int]]) -> None:
    port, status = api
    given = {"port": port, "disable_ssl": True}
    assert told(look(rest_cherrypy=given), "salt-api") == [("ok", f"127.0.0.1:{port} answers 200")]
    status[0] = 503
    assert told(look(rest_cherrypy=given), "salt-api")[0][0] == "failed"
    ((state, why),) = told(look(rest_cherrypy={**given, "port": free_port()}), "salt-api")
    assert (state, "Does salt-api run?" in why) == ("failed", True)
    assert told(look(rest_cherrypy={"port": port}), "salt-api")[0][0] == "failed"  # no TLS there
    ((state, why),) = told(look(rest_cherrypy={"port": "https"}), "salt-api")
    assert (state, why) == ("failed", "rest_cherrypy:port is 'https': give a number.")
