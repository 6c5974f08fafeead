"""Advice: said only where there are cases enough, and blocking only where the template lets it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock

import pytest

from pushguide.errors import Refused
from pushguide.master import states
from pushguide.master.plan import HostFacts
from pushguide.master.rollout import planning
from pushguide.master.rollout.planning import Planner
from pushguide.master.rollout.wish import Wish
from pushguide.master.statistics.advice import CASES, advise, wilson
from pushguide.master.store import host_results, record
from pushguide.master.store.database import Database
from pushguide.master.templates.strategy import Strategy
from pushguide.share import Artifact
from tests.unit.master.conftest import make_plan
from tests.unit.master.statistics.histories import Clock

NOW = datetime(2026, 11, 25, 17, 30, tzinfo=timezone.utc)
HOSTS = {name: HostFacts("0.1.0", "1.0.0", []) for name in ("web1", "web2", "web3")}


def write(database: Database, at: datetime, succeeds: bool, bad_host: str | None = None) -> None:
    """One deployment of ten minutes to three hosts."""
    clock = Clock(at)
    plan = make_plan(hosts=HOSTS, batches=[[*HOSTS]], left_out=[])

    def work(connection: Any) -> None:
        number = record.create(connection, plan, "ann", states.QUEUED)
        record.change_state(connection, number, states.RUNNING)
        clock.go_on(600)
        for host in HOSTS:
            outcome = "failed" if host == bad_host else "succeeded"
            host_results.set_outcome(connection, number, host, outcome)
        state = states.SUCCEEDED if succeeds else states.FAILED
        record.change_state(connection, number, state, "why")

    with clock.read_by_the_store():
        database.write(work)


def said(database: Database, plan: Any = None, expected: float | None = None) -> dict[str, Any]:
    """The advice on a plan, by what it is about."""
    plan = plan or make_plan(hosts=HOSTS, batches=[[*HOSTS]])
    found = database.read(lambda one: advise(one, plan, expected, NOW))
    return {one["what"]: one for one in found}


def test_the_interval_is_wide_where_cases_are_few() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(1, 3)
    assert low < 0.07
    assert high > 0.79
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=0.001)


def test_nothing_is_said_without_a_record(database: Database) -> None:
    assert said(database) == {}


def test_three_failures_are_no_alarm(database: Database) -> None:
    for day in range(3):
        write(database, NOW - timedelta(days=day + 1), succeeds=False, bad_host="web1")
    assert said(database) == {}


def test_an_hour_that_is_worse_than_others_is_told(database: Database) -> None:
    for day in range(CASES + 2):
        write(database, NOW - timedelta(days=day + 20), succeeds=day % 3 == 0)
        write(database, NOW - timedelta(days=day + 20, hours=6), succeeds=True)
    found = said(database)
    assert (found["hour"]["level"], found["hour"]["numbers"]["hour"]) == ("warning", 17)
    assert found["hour"]["numbers"]["cases"] == 12
    assert (
        "4 of 12 deployments of this module succeeded (33%), at other hours 100%"
        in (found["hour"]["text"])
    )
    assert "module" not in found


def test_a_module_that_has_become_worse_is_told(database: Database) -> None:
    for day in range(CASES):
        write(database, NOW - timedelta(days=day + 30, hours=day % 8), succeeds=True)
        write(database, NOW - timedelta(days=day + 1, hours=day % 8), succeeds=day > 6)
    found = said(database)
    assert found["module"]["numbers"]["rate"] == 0.3
    assert "In the last 14 days 3 of 10" in found["module"]["text"]


def test_a_host_that_fails_often_is_named(database: Database) -> None:
    for day in range(CASES + 2):
        bad = "web2" if day % 2 else None
        write(database, NOW - timedelta(days=day + 1), succeeds=bad is None, bad_host=bad)
    found = said(database)
    assert found["hosts"]["numbers"]["hosts"] == {"web2": {"failed": 6, "results": 12}}


@pytest.mark.parametrize(("size", "is_odd"), [(10, False), (19, False), (21, True), (4, True)])
def test_a_size_out_of_the_usual_is_told(database: Database, size: int, is_odd: bool) -> None:
    for day in range(CASES):
        write(database, NOW - timedelta(days=day + 1), succeeds=True)
    artifact = Artifact("2", "salt://a/shop.tgz", "shop.tgz", "a" * 64, size)
    assert ("size" in said(database, make_plan(artifact=artifact))) is is_odd


def test_how_long_it_takes_is_told_and_warned_of(database: Database) -> None:
    for day in range(CASES):
        write(database, NOW - timedelta(days=day + 1), succeeds=True)
    usual = said(database, expected=500)["duration"]
    assert usual["level"] == "info"
    assert usual["numbers"]["cases"] == CASES
    assert usual["numbers"]["p50"] == pytest.approx(600, rel=0.06)
    assert said(database, expected=5000)["duration"]["level"] == "warning"


def planner() -> Planner:
    """A planner, of which only what follows from advice is asked."""
    nothing = mock.Mock(spec=[])
    return Planner({}, mock.Mock(spec=Database), nothing, nothing, nothing)


ADVICE = [
    {"what": "hosts", "level": "warning", "text": "web2 fails often.", "numbers": {}},
    {"what": "duration", "level": "info", "text": "600 s.", "numbers": {}},
]


@pytest.mark.parametrize(
    ("blocks", "kind", "force", "refused"),
    [
        ([], "deploy", False, False),
        (["hosts"], "deploy", False, True),
        (["hosts"], "redeploy", False, True),
        (["hosts"], "deploy", True, False),
        (["hosts"], "rollback", False, False),
        (["duration", "hour"], "deploy", False, False),
    ],
)
def test_advice_blocks_only_where_the_template_says_so(
    blocks: list[str], kind: str, force: bool, refused: bool
) -> None:
    plan = make_plan(advice=ADVICE, kind=kind)
    wish = Wish(kind, "shop-web", force=force)
    strategy = Strategy(blocked_by_advice=blocks)
    assert planning.advice
    if not refused:
        planner()._demand_advised(wish, strategy, plan)
        return
    with pytest.raises(Refused, match=r"web2 fails often\. Wait, or give force=True"):
        planner()._demand_advised(wish, strategy, plan)
