"""The outbox: what is told of stands there with what it tells of, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master import events, states
from pushguide.master.plan import Plan
from pushguide.master.store import (
    deliveries,
    host_health,
    host_results,
    outbox,
    quarantines,
    record,
    requests,
)
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.host_health import Seer
from pushguide.master.store.outbox import Told
from pushguide.master.store.tables import now
from tests.unit.master.conftest import make_plan


def rows(database: Database) -> list[Told]:
    return database.read(lambda one: outbox.unexpanded(one, 1000))


def told(database: Database) -> list[str]:
    return [one.event for one in rows(database)]


def change(database: Database, number: int, *new: str, reason: str | None = None) -> None:
    for state in new:
        database.write(lambda one, s=state: record.change_state(one, number, s, reason))


def test_one_that_goes_on_to_be_aborted_is_not_told_to_go_on(
    database: Database, plan: Plan
) -> None:
    number = database.write(lambda one: record.create(one, plan, "ann", states.QUEUED))
    change(database, number, "running", "paused")
    database.write(lambda one: requests.add(one, number, requests.ABORT, "ann", None))
    change(database, number, "running", "aborted")
    assert told(database) == ["queued", "started", "paused", "aborted"]


def test_each_change_of_a_deployment_is_told_once(database: Database, plan: Plan) -> None:
    number = database.write(lambda one: record.create(one, plan, "ann", states.PENDING_APPROVAL))
    change(database, number, "scheduled", "queued", "running", "paused", "running", "paused")
    change(database, number, "running")
    database.write(
        lambda one: host_results.set_outcome(
            one, number, "web1", "failed", "probe answered 503\nand much more"
        )
    )
    database.write(lambda one: host_results.set_outcome(one, number, "web2", "unknown"))
    change(database, number, "failed", reason="web1 failed")
    assert told(database) == [
        *("waiting_for_approval", "scheduled", "queued", "started", "paused", "resumed"),
        *("paused", "resumed", "failed", "unclear"),
    ]
    found = rows(database)
    assert len({one.idempotency_key for one in found}) == len(found)
    failed = found[-2]
    assert failed.idempotency_key == f"deployment {number} failed"
    assert (failed.module, failed.environment, failed.deployment_id) == (
        "shop-web",
        "production",
        number,
    )
    facts = failed.facts
    assert facts["errors"] == [
        {"host": "web1", "outcome": "failed", "error": "probe answered 503"},
        {"host": "web2", "outcome": "unknown", "error": None},
    ]
    assert facts["seconds"] >= 0
    assert {key: facts[key] for key in ("by", "version", "hosts", "succeeded", "wrong")} == {
        "by": "ann",
        "version": "1.1.0",
        "hosts": 2,
        "succeeded": 0,
        "wrong": 2,
    }
    change(database, number, "rolled_back")
    assert told(database)[-1] == "rolled_back"


def test_a_change_that_is_taken_back_is_not_told(database: Database, plan: Plan) -> None:
    number = database.write(lambda one: record.create(one, plan, "ann", states.QUEUED))

    def broken(connection: Connection) -> None:
        record.change_state(connection, number, states.RUNNING)
        raise Refused("something else went wrong")

    with pytest.raises(Refused):
        database.write(broken)
    with pytest.raises(Refused, match="succeeded cannot follow"):
        change(database, number, "succeeded")
    assert told(database) == ["queued"]


def test_what_cannot_be_told_holds_no_deployment_up(
    database: Database, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    number = database.write(lambda one: record.create(one, plan, "ann", states.QUEUED))

    def work(connection: Connection) -> None:
        outbox.write(connection, events.STARTED, "odd", {"what": object()})
        outbox.write(connection, events.STARTED, "twice", {})
        outbox.write(connection, events.STARTED, "twice", {})
        record.change_state(connection, number, states.RUNNING)

    database.write(work)
    assert database.read(lambda one: record.get(one, number)).state == states.RUNNING
    assert [one.idempotency_key for one in rows(database)][1:-1] == ["twice"]
    assert "Nobody is told of odd" in caplog.text
    assert "Nobody is told of twice" in caplog.text


def test_an_override_is_told_where_a_person_gave_it(database: Database) -> None:
    plan = make_plan(wish={"override_freeze": "the shop is down"})
    first = database.write(lambda one: record.create(one, plan, "ann", states.QUEUED))
    cause = (record.AUTO_ROLLBACK, first)
    database.write(lambda one: record.create(one, plan, "ann", states.QUEUED, cause=cause))
    assert told(database) == ["queued", "freeze_overridden", "queued"]
    assert rows(database)[1].facts["reason"] == "the shop is down"


def test_hosts_that_come_and_go_and_quarantines_are_told(database: Database) -> None:
    seer = Seer("shanghai", "m1")

    def see(**seen: str) -> None:
        found = {host: {"state": state} for host, state in seen.items()}
        database.write(lambda one: host_health.note(one, found, seer))

    see(w1="up", w2="up", w3="up")
    see(w1="down", w2="down", w3="up")
    see(w1="up")
    database.write(lambda one: quarantines.add(one, "w2", None, "its disk fails", "ann", None))
    database.write(lambda one: quarantines.end(one, "w2", None, "bob", "mended"))
    found = rows(database)
    assert [(one.event, one.facts.get("hosts")) for one in found] == [
        ("host_down", ["w1", "w2"]),
        ("host_up", ["w1"]),
        ("quarantined", None),
        ("unquarantined", None),
    ]
    assert found[0].facts["data_centre"] == "shanghai"
    assert found[2].facts["reason"] == "its disk fails"
    assert found[3].facts["by"] == "bob"


def test_what_is_long_ago_is_forgotten_unless_it_is_still_due(database: Database) -> None:
    def work(connection: Connection) -> None:
        for key in ("delivered", "pending", "nobody", "new"):
            outbox.write(connection, events.QUEUED, key, {})
        old = sa.update(db.outbox).where(db.outbox.c.idempotency_key != "new")
        connection.execute(old.values(created_at=now() - timedelta(days=15)))
        deliveries.add(connection, 1, "ops", [0], now(), False)
        deliveries.add(connection, 2, "ops", [0], now(), False)
        deliveries.delivered(connection, [1], "ops")

    database.write(work)
    assert database.write(lambda one: outbox.tidy(one, timedelta(days=14))) == 2
    assert database.write(lambda one: outbox.tidy(one, timedelta(days=14))) == 0
    assert [one.idempotency_key for one in rows(database)] == ["pending", "new"]
    # What is counted stays.
    counts: dict[str, Any] = database.read(deliveries.counts)
    assert counts == {"ops": {"delivered": 1, "failed": 0, "given_up": 0}}
