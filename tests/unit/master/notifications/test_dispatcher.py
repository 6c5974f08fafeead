"""The dispatcher: what there is to tell arrives, whatever happens to receivers and masters."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import DatabaseError
from pushguide.master import states
from pushguide.master.notifications.dispatcher import Dispatcher, _wait_seconds
from pushguide.master.notifications.sending import Message
from pushguide.master.plan import Plan
from pushguide.master.store import deliveries, duties, outbox, record
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.deliveries import Delivery
from pushguide.master.store.tables import now
from tests.support.receiver import Received, Receiver
from tests.support.waiting import wait_until
from tests.unit.master.notifications.conftest import Clock, turn

Make = Callable[..., Dispatcher]
SECRET = "hush-hush-4711"


def happen(database: Database, plan: Plan, *outcomes: str) -> list[int]:
    """Let deployments begin and end."""
    numbers = []
    for outcome in outcomes:
        number = database.write(lambda one: record.create(one, plan, "ann", states.QUEUED))
        for state in (states.RUNNING, outcome):
            database.write(lambda one, n=number, s=state: record.change_state(one, n, s))
        numbers.append(number)
    return numbers


def all_of(database: Database) -> list[Delivery]:
    return database.read(lambda one: deliveries.find(one, None, deliveries.STATES, 1000))[::-1]


def test_what_ends_is_told_to_whom_it_concerns(
    make: Make, database: Database, plan: Plan, receiver: Receiver
) -> None:
    one = make(
        {"ops": {"urls": [receiver.url("ops")]}, "shop": {"urls": [receiver.url("shop")]}},
        [
            {"events": ["failed", "started"], "channels": ["ops"]},
            {"events": ["failed"], "teams": ["shop"], "channels": ["shop"]},
            {"events": ["succeeded"], "teams": ["till"], "channels": ["shop"]},
        ],
    )
    numbers = happen(database, plan, "succeeded", "failed")
    turn(one)
    titles: dict[str, list[str]] = {"/ops": [], "/shop": []}
    for got in receiver.received:
        titles[got.path].append(got.title)
    what = "Deployment of shop-web 1.1.0 to production"
    assert titles == {
        "/ops": [
            f"{what} has begun (#{numbers[0]})",
            f"{what} has begun (#{numbers[1]})",
            f"{what} FAILED (#{numbers[1]})",
        ],
        "/shop": [f"{what} FAILED (#{numbers[1]})"],
    }
    failed = receiver.received[-1]
    assert failed.key
    assert failed.body.endswith(f"pushguide {failed.key}")
    assert failed.data["type"] == "failure"
    turn(one, 3)
    assert len(receiver.received) == 4


def test_a_receiver_that_is_down_misses_nothing(
    make: Make, database: Database, plan: Plan, receiver: Receiver, clock: Clock
) -> None:
    """It is down for a minute, half of it with nobody at the port, half of it answering 503."""
    one = make({"ops": {"urls": [receiver.url("ops"), receiver.url("other")]}})
    happen(database, plan, "succeeded")
    turn(one)
    receiver.received.clear()
    receiver.stop()
    began = clock()
    for second in range(0, 60, 5):
        if second % 15 == 0:
            happen(database, plan, "failed")
        if second == 30:
            receiver.statuses["/ops"] = 503
            receiver.start()
        turn(one)
        clock.go_on(seconds=5)
    assert {got.path for got in receiver.received} == {"/other"}
    receiver.statuses.clear()
    clock.go_on(seconds=120)
    turn(one, 5)
    assert clock() - began < timedelta(minutes=5)
    found = all_of(database)
    assert {got.state for got in found} == {"delivered"}
    for path in ("/ops", "/other"):
        keys = [got.key for got in receiver.received if got.path == path]
        assert len(keys) == len({*keys}) == 4
    tries = database.read(deliveries.counts)["ops"]
    assert tries["delivered"] == 10
    assert tries["failed"] >= 4
    assert tries["given_up"] == 0


def test_one_address_that_fails_makes_no_other_hear_anything_twice(
    make: Make, database: Database, plan: Plan, receiver: Receiver, clock: Clock
) -> None:
    one = make({"ops": {"urls": [receiver.url("good"), receiver.url("bad")]}})
    receiver.statuses["/bad"] = 500
    happen(database, plan, "failed")
    for _ in range(8):
        turn(one)
        clock.go_on(minutes=20)
    assert [got.path for got in receiver.received] == ["/good"]
    (bad,) = [got for got in all_of(database) if got.state == "pending"]
    assert bad.attempts == 8
    assert bad.error
    assert "500" in bad.error


CRASHING = """
import sys
from pushguide.master.notifications.dispatcher import Dispatcher
from pushguide.master.notifications.reading import read
from pushguide.master.store.database import Database

channels = {"ops": {"urls": [sys.argv[2]]}}
rules = [{"events": ["failed"], "channels": ["ops"]}]
found, _ = read({"notifications": {"channels": channels, "rules": rules}})
one = Dispatcher(found, Database.at(sys.argv[1]), "m1@here", lambda _: {})
one.turn()
one.settle()
"""


def test_what_was_sent_when_a_master_died_is_sent_again_with_the_same_key(
    make: Make, database: Database, plan: Plan, receiver: Receiver, clock: Clock
) -> None:
    happen(database, plan, "failed")
    url = database.url.render_as_string(hide_password=False)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-c", CRASHING, url, receiver.url("ops")]
    with subprocess.Popen(words, env=environment) as process:

        def kill(_: Received) -> None:
            process.kill()
            process.wait(10)

        receiver.before_answer = kill
        assert process.wait(60) == -signal.SIGKILL
    receiver.before_answer = lambda _: None
    assert len(receiver.received) == 1
    assert [got.state for got in all_of(database)] == ["pending"]
    clock.moment = now()
    turn(make({"ops": {"urls": [receiver.url("ops")]}}), 2)
    first, second = receiver.received
    assert first.key == second.key
    assert first.data == second.data
    assert [got.state for got in all_of(database)] == ["delivered"]


def test_what_has_arrived_while_the_database_was_away_is_not_sent_again(
    make: Make,
    database: Database,
    plan: Plan,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = make({"ops": {"urls": [receiver.url("ops")]}})
    happen(database, plan, "failed")
    mark = deliveries.delivered

    def away(connection: Connection, numbers: list[int], channel: str) -> None:
        raise DatabaseError("the database is away")

    monkeypatch.setattr(deliveries, "delivered", away)
    turn(one, 3)
    assert len(receiver.received) == 1
    assert [got.state for got in all_of(database)] == ["pending"]
    monkeypatch.setattr(deliveries, "delivered", mark)
    turn(one, 2)
    assert len(receiver.received) == 1
    assert [got.state for got in all_of(database)] == ["delivered"]


def test_of_two_masters_one_sends(
    make: Make, database: Database, plan: Plan, receiver: Receiver, monkeypatch: Any
) -> None:
    channels = {"ops": {"urls": [receiver.url("ops")]}}
    first, second = make(channels, holder="m1"), make(channels, holder="m2")
    happen(database, plan, *["failed"] * 5)
    start = threading.Barrier(2)
    did: dict[str, bool] = {}

    def both(one: Dispatcher) -> None:
        start.wait(10)
        did[one.duty.holder] = one.turn()
        one.settle(30)

    threads = [threading.Thread(target=both, args=[one]) for one in (first, second)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(did.values()) == [False, True]
    assert {*Counter(receiver.keys()).values()} == {1}
    assert len(receiver.received) == 5
    # The one that is gone leaves its duty to the other one.
    holder = database.read(duties.held)["notify"]
    gone, left = (first, second) if holder == "m1" else (second, first)
    gone.close()
    happen(database, plan, "failed")
    turn(left)
    assert len(receiver.received) == 6
    assert database.read(duties.held)["notify"] == left.duty.holder


def test_a_slow_channel_holds_no_other_one_up(make: Make, database: Database, plan: Plan) -> None:
    go_on, sent = threading.Event(), []

    def send(url: str, message: Message, attempt: int) -> str | None:
        if "slow" in url:
            assert go_on.wait(30)
        sent.append(url)
        return None

    channels = {name: {"urls": [f"json://{name}"]} for name in ("slow", "fast")}
    one = make(channels, send=send)
    happen(database, plan, "failed")
    assert one.turn()
    try:
        wait_until(lambda: sent == ["json://fast"], "the fast channel", 10)
        happen(database, plan, "failed")
        assert one.turn()
        wait_until(lambda: sent == ["json://fast"] * 2, "the fast channel again", 10)
    finally:
        go_on.set()
    one.settle(30)
    turn(one)
    assert Counter(sent) == {"json://fast": 2, "json://slow": 2}


def noon(clock: Clock) -> datetime:
    """Set the clock to a noon to come."""
    clock.moment = (now() + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    return clock.moment


def backdate(database: Database, clock: Clock) -> None:
    """Let what is new have happened now by the clock of the test."""
    new = sa.update(db.outbox).where(db.outbox.c.expanded_at.is_(None))
    database.write(lambda one: one.execute(new.values(created_at=clock())))


def test_quiet_hours_hold_back_and_go_in_one_message(
    make: Make, database: Database, plan: Plan, receiver: Receiver, clock: Clock
) -> None:
    quiet = {"from": "22:00", "to": "08:00", "time_zone": "UTC", "except": ["failed"]}
    one = make({"ops": {"urls": [receiver.url("ops")], "quiet_hours": quiet}})
    noon(clock)
    clock.go_on(hours=11)
    happen(database, plan, "succeeded", "succeeded", "failed")
    backdate(database, clock)
    turn(one)
    (first,) = receiver.received
    assert first.title.endswith("FAILED (#3)")
    clock.go_on(hours=8, minutes=59)
    turn(one)
    assert len(receiver.received) == 1
    clock.go_on(minutes=1)
    turn(one, 2)
    assert [got.title for got in receiver.received[1:]] == ["pushguide: 2 events"]
    assert receiver.received[1].body.count("\n- ") == 1
    assert receiver.received[1].body.startswith("- Deployment of shop-web 1.1.0 to production succ")
    happen(database, plan, "succeeded")
    backdate(database, clock)
    turn(one)
    assert receiver.received[-1].title.endswith("succeeded (#4)")


def test_what_is_tried_again_waits_for_the_end_of_quiet_hours(
    make: Make, database: Database, plan: Plan, receiver: Receiver, clock: Clock
) -> None:
    quiet = {"from": "22:00", "to": "08:00"}
    one = make({"ops": {"urls": [receiver.url("ops")], "quiet_hours": quiet}})
    receiver.statuses["/ops"] = 503
    noon(clock)
    clock.go_on(hours=9, minutes=59, seconds=59)
    happen(database, plan, "failed")
    backdate(database, clock)
    turn(one)
    receiver.statuses.clear()
    clock.go_on(hours=2)
    turn(one, 2)
    assert receiver.received == []
    clock.go_on(hours=9)
    turn(one)
    assert len(receiver.received) == 1


def test_a_digest_collects_and_stays_the_same_when_it_is_tried_again(
    make: Make, database: Database, plan: Plan, receiver: Receiver, clock: Clock
) -> None:
    one = make({"ops": {"urls": [receiver.url("ops")], "digest_minutes": 15, "language": "zh"}})
    seen: list[Received] = []
    receiver.before_answer = seen.append
    receiver.statuses["/ops"] = 500
    for outcome in ("succeeded", "failed", "succeeded"):
        happen(database, plan, outcome)
        backdate(database, clock)
        turn(one)
        clock.go_on(minutes=4)
    assert seen == []
    clock.go_on(minutes=3)
    turn(one)
    happen(database, plan, "failed")
    backdate(database, clock)
    receiver.statuses.clear()
    clock.go_on(minutes=1)
    turn(one)
    clock.go_on(minutes=15)
    turn(one, 2)
    assert [got.title for got in receiver.received] == [
        "pushguide：3 条消息",
        "shop-web 1.1.0 发布到 production 失败（#4）",
    ]
    assert [got.key for got in seen] == [receiver.keys()[0], *receiver.keys()]


def test_what_never_arrives_is_given_up_after_a_day(
    make: Make,
    database: Database,
    plan: Plan,
    receiver: Receiver,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = make({"ops": {"urls": [receiver.url("ops")]}})
    receiver.statuses["/ops"] = 500
    happen(database, plan, "failed")
    while clock() < now() + timedelta(hours=26):
        turn(one)
        clock.go_on(hours=1)
    (found,) = all_of(database)
    assert found.state == "given_up"
    assert 24 <= found.attempts <= 27
    assert "Given up after" in caplog.text
    assert database.read(deliveries.counts)["ops"]["given_up"] == 1
    receiver.statuses.clear()
    turn(one)
    assert receiver.received == []


def test_what_nobody_could_tell_for_a_day_is_not_told(
    make: Make, database: Database, plan: Plan, receiver: Receiver, clock: Clock
) -> None:
    happen(database, plan, "failed")
    clock.go_on(hours=25)
    turn(make({"ops": {"urls": [receiver.url("ops")]}}))
    assert receiver.received == []
    assert database.read(lambda one: outbox.unexpanded(one, 10)) == []


def test_a_channel_that_is_gone_gets_nothing_more(
    make: Make, database: Database, plan: Plan, receiver: Receiver, clock: Clock
) -> None:
    receiver.statuses["/ops"] = 500
    happen(database, plan, "failed")
    before = make({"ops": {"urls": [receiver.url("ops")]}})
    turn(before)
    clock.go_on(hours=1)
    turn(make({"other": {"urls": [receiver.url("other")]}}))
    assert [got.state for got in all_of(database)] == ["given_up"]


def test_waits_grow_and_have_an_end() -> None:
    for attempt, usual in ((1, 5), (2, 10), (5, 80), (9, 900), (1000, 900)):
        assert usual * 0.5 <= _wait_seconds(attempt) <= usual * 1.5


@pytest.mark.parametrize("kind", ["json", "form", "xml"])
def test_webhooks_are_given_the_key(
    make: Make, database: Database, plan: Plan, receiver: Receiver, kind: str
) -> None:
    happen(database, plan, "failed")
    turn(make({"ops": {"urls": [receiver.url("ops", kind, "?+X-Team=shop")]}}))
    (got,) = receiver.received
    assert got.key
    assert len(got.key) == 16


def test_no_secret_of_an_address_is_told_anywhere(
    make: Make,
    database: Database,
    plan: Plan,
    receiver: Receiver,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(1)
    logging.getLogger("urllib3").setLevel(1)
    options = f"?+X-Token={SECRET}&verify=no"
    urls = [
        receiver.url(f"ops/{SECRET}", "json", options),
        receiver.url(f"down/{SECRET}", "json", options),
        f"json://ann:{SECRET}@127.0.0.1:1/{SECRET}",
        f"slack://{SECRET}",
        f"mailto://ann:{SECRET}@127.0.0.1:1?from=a@example.com&to=b@example.com",
    ]
    receiver.statuses[f"/down/{SECRET}"] = 403
    one = make({"ops": {"urls": urls}})
    happen(database, plan, "failed")
    is_over = threading.Event()
    thread = threading.Thread(target=one.run, args=[is_over])
    thread.start()

    def is_tried() -> bool:
        return all(got.attempts for got in all_of(database)) and len(all_of(database)) == 5

    wait_until(is_tried, "all addresses", 30)
    is_over.set()
    thread.join(30)
    assert not thread.is_alive()
    states_of = [got.state for got in all_of(database)]
    assert states_of == ["delivered", *["pending"] * 4]
    assert all(got.error for got in all_of(database)[1:])
    with database.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            assert SECRET not in str(connection.execute(sa.select(table)).all()), table.name
    assert "Address 4 of the channel ops is no good" in caplog.text
    assert SECRET not in caplog.text


def test_the_duty_is_left_at_the_end(make: Make, database: Database) -> None:
    one = make({"ops": {"urls": ["json://127.0.0.1:1"]}})
    assert one.turn()
    one.close()
    assert database.read(duties.held) == {}
