"""What people ask of the notifications: a test message, and what became of the others."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide.errors import Refused
from pushguide.master import installation, states
from pushguide.master.config import Config
from pushguide.master.desk import Desk
from pushguide.master.plan import Plan
from pushguide.master.store import deliveries, record
from pushguide.master.store.database import Database
from pushguide.master.watch import health
from tests.support.receiver import Receiver
from tests.unit.master.notifications.conftest import Clock, turn

SECRET = "hush-hush-4711"


def desk(opts: dict[str, Any], *urls: str) -> Desk:
    channels = {"ops": {"urls": [*urls], "language": "zh"}}
    rules = [{"events": ["queued"], "channels": ["ops"]}]
    ours = {**opts["pushguide"], "notifications": {"channels": channels, "rules": rules}}
    return Desk({**opts, "pushguide": ours}, {}, "ann")


def test_a_test_tells_which_address_has_taken_it(opts: dict[str, Any], receiver: Receiver) -> None:
    receiver.statuses[f"/bad/{SECRET}"] = 404
    urls = (receiver.url("good"), receiver.url(f"bad/{SECRET}"), f"slack://{SECRET}")
    told = desk(opts, *urls).notifying.test("ops")
    assert (told["channel"], told["retcode"]) == ("ops", 1)
    assert [(one["address"], one["delivered"]) for one in told["addresses"]] == [
        (1, True),
        (2, False),
        (3, False),
    ]
    assert "404" in told["addresses"][1]["error"] or "Found" in told["addresses"][1]["error"]
    assert SECRET not in str(told)
    (got,) = receiver.received
    assert "ops" in got.title
    assert "ann" in got.body
    assert desk(opts, urls[0]).notifying.test("ops")["retcode"] == 0


def test_a_channel_that_is_none_is_refused(opts: dict[str, Any]) -> None:
    one = desk(opts, "json://127.0.0.1:1").notifying
    for work in (one.test, lambda name: one.notifications(name, None, 5)):
        with pytest.raises(Refused, match=r"There is no channel 'opps'.*: did you mean ops"):
            work("opps")
    with pytest.raises(Refused, match="there are none"):
        Desk(opts, {}, "ann").notifying.test("ops")
    with pytest.raises(Refused, match="state is 'pendng': did you mean pending"):
        one.notifications(None, "pendng", 5)
    with pytest.raises(Refused, match="limit is 0"):
        one.notifications(None, None, 0)


def test_what_was_told_is_listed(
    opts: dict[str, Any],
    database: Database,
    plan: Plan,
    receiver: Receiver,
    make: Any,
    clock: Clock,
) -> None:
    urls = [receiver.url("good"), receiver.url(f"bad/{SECRET}")]
    receiver.statuses[f"/bad/{SECRET}"] = 500
    database.write(lambda one: record.create(one, plan, "ann", states.QUEUED))
    turn(make({"ops": {"urls": urls}}, [{"events": ["queued"], "channels": ["ops"]}]))
    one = desk(opts, *urls).notifying
    told = one.notifications(None, None, 5)
    assert told["counts"] == {"pending": 1, "delivered": 1, "given_up": 0}
    assert told["oldest_due"]
    bad, good = told["deliveries"]
    assert {key: good[key] for key in ("event", "module", "deployment", "address", "state")} == {
        "event": "queued",
        "module": "shop-web",
        "deployment": 1,
        "address": 1,
        "state": "delivered",
    }
    assert (bad["address"], bad["state"], bad["attempts"]) == (2, "pending", 1)
    assert bad["error"]
    assert bad["due_at"]
    assert SECRET not in str(told)
    assert one.notifications("ops", "pending", 5)["deliveries"] == [bad]
    assert one.notifications("ops", None, 1)["deliveries"] == [bad]
    # One that the configuration has no more can still be asked about.
    assert Desk(opts, {}, "ann").notifying.notifications("ops", "given_up", 5)["deliveries"] == []


def test_health_and_setup_say_what_is_wrong(
    opts: dict[str, Any], database: Database, plan: Plan, clock: Clock, monkeypatch: Any
) -> None:
    found = [*health._notifications(Desk(opts, {}, "ann"))]
    assert found == [("ok", "nobody is told of anything (pushguide:notifications)")]
    told = desk(opts, "json://127.0.0.1:1", f"slack://{SECRET}")
    assert [*health._notifications(told)] == [("ok", "none waits for longer than it should")]
    database.write(lambda one: record.create(one, plan, "ann", states.QUEUED))
    clock.go_on(minutes=16)
    monkeypatch.setattr(health, "now", clock)
    ((state, text),) = health._notifications(told)
    assert state == "warning"
    assert "one waits since" in text
    (problem,) = installation._bad_addresses(Config.from_opts(told.opts))
    assert problem.startswith("Address 2 of the channel ops is no good")
    assert SECRET not in problem
    assert [*installation._bad_addresses(Config.from_opts(opts))] == []


def test_what_is_put_off_is_not_late(
    opts: dict[str, Any], database: Database, plan: Plan, receiver: Receiver, make: Any
) -> None:
    database.write(lambda one: record.create(one, plan, "ann", states.QUEUED))
    channels = {"ops": {"urls": [receiver.url("ops")], "digest_minutes": 60}}
    turn(make(channels, [{"events": ["queued"], "channels": ["ops"]}]))
    assert database.read(deliveries.oldest_due) is None
    assert database.read(deliveries.standing) == {("ops", "pending"): 1}
