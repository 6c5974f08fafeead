"""The rollout: batches, canaries, what people ask, and what goes back by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import pytest

from pushguide.errors import Frozen, Refused
from pushguide.master import states
from pushguide.master.plan import HostFacts, Plan, Rollout
from pushguide.master.rollout import gates
from pushguide.master.rollout.driver import Driver, Pace, Planners, driver_of
from pushguide.master.rollout.progress import Progress
from pushguide.master.store import host_results, lock, marks, record, requests
from pushguide.master.store.database import Database
from pushguide.words import STAGES
from tests.support.answering_hosts import AnsweringHosts, answer
from tests.unit.master.conftest import make_plan

LIVE = [*STAGES[1:]]


@dataclass
class Shop:
    """shop-web on eight hosts in four batches, and those who drive it."""

    database: Database
    hosts: AnsweringHosts = field(default_factory=AnsweringHosts)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def plan(self, **changes: Any) -> Plan:
        names = [f"web{number}" for number in range(1, 9)]
        rollout = Rollout(return_within_seconds=0.2, **changes.pop("rollout", {}))
        return make_plan(
            hosts={name: HostFacts("0.1.0", "1.0.0", ["1.0.0"]) for name in names},
            batches=[names[start : start + 2] for start in range(0, 8, 2)],
            left_out=[],
            rollout=rollout,
            **changes,
        )

    def submit(self, plan: Plan, **more: Any) -> int:
        def work(connection: Any) -> int:
            number = record.create(connection, plan, "ops", states.QUEUED, **more)
            lock.take(connection, plan.module, plan.environment, number, 60)
            return number

        return self.database.write(work)

    def driver(self, number: int, **planners: Any) -> Driver:
        def write(rets: list[dict[str, Any]]) -> None:
            def work(connection: Any) -> None:
                for ret in rets:
                    host_results.write_host(connection, ret["id"], ret["return"], ret["outcome"])

            self.database.write(work)

        progress = Progress(lambda data, tag: self.sent.append((tag, data)))
        return Driver(
            self.database,
            self.hosts,  # type: ignore[arg-type]
            write,
            progress,
            number,
            "m_master",
            Pace(60, 0),
            Planners(**planners),
        )

    def drive(self, number: int, **planners: Any) -> str:
        return self.driver(number, **planners).drive(all_legs)

    def ask(self, number: int, what: str, **options: Any) -> None:
        self.database.write(
            lambda one: requests.add(one, number, what, "mia", "because", **options)
        )

    def outcomes(self, number: int) -> dict[str, str]:
        return self.database.read(lambda one: host_results.outcomes(one, number))

    def get(self, number: int) -> record.Deployment:
        return self.database.read(lambda one: record.get(one, number))

    def batches_gone(self) -> list[list[str]]:
        return [hosts for hosts, stages in self.hosts.asked if stages == LIVE]


@pytest.fixture
def shop(database: Database, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(gates, "_LOOK_SECONDS", 0.0)
    one = Shop(database)
    one.hosts.only_live = True
    return one


def all_legs(name: str, pillar: dict[str, Any]) -> Any:
    """An orchestration as ours: one state for each leg, with failhard."""
    order = pillar["pushguide"]["order"]
    for leg in order["legs"]:
        result, comment = driver_of(order["deployment"]).run_stages(leg["stages"], leg["batch"])
        if not result:
            return {"data": {"m": {"x": {"__id__": "x", "result": result, "comment": comment}}}}
    return {"data": {"m": {"x": {"__id__": "x", "result": True, "comment": ""}}}}


def at_batch(shop: Shop, batch: int, do: Callable[[], None]) -> None:
    """Do something while a batch goes live."""

    def during(stages: list[str]) -> None:
        if stages == LIVE and len(shop.batches_gone()) == batch:
            do()

    shop.hosts.during = during


def test_batches_go_one_after_the_other(shop: Shop) -> None:
    assert shop.drive(shop.submit(shop.plan())) == "succeeded"
    assert shop.hosts.asked[0] == ([f"web{n}" for n in range(1, 9)], ["prepare"])
    assert shop.batches_gone() == [
        ["web1", "web2"],
        ["web3", "web4"],
        ["web5", "web6"],
        ["web7", "web8"],
    ]


def test_a_bad_host_in_batch_one_leaves_the_others_untouched(shop: Shop) -> None:
    number = shop.submit(shop.plan(prepare="with_release"))
    shop.hosts.returns["web2"] = "restored"
    assert shop.drive(number) == "failed"
    outcomes = shop.outcomes(number)
    assert outcomes["web1"] == "succeeded"
    assert outcomes["web2"] == "restored"
    assert {outcomes[f"web{n}"] for n in range(3, 9)} == {"not_started"}


def test_as_many_hosts_may_fail_as_was_said(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"max_failures": 2}))
    shop.hosts.returns.update(web2="restored", web5="failed")
    assert shop.drive(number) == "succeeded"
    reason = shop.get(number).reason or ""
    assert "2 of 8 hosts failed, within max_failures 2" in reason
    assert "failed: web5" in reason
    assert "restored: web2" in reason


def test_one_more_is_too_many(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"max_failures": 1}))
    shop.hosts.returns.update(web2="restored", web3="failed")
    assert shop.drive(number) == "failed"
    assert len(shop.batches_gone()) == 2


def test_a_lost_host_counts_as_failed(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"max_failures": 1}, prepare="with_release"))
    shop.hosts.returns["web1"] = None
    assert shop.drive(number) == "succeeded"
    assert "unknown: web1" in (shop.get(number).reason or "")


def journal_of(number: int, live: str) -> dict[str, Any]:
    """What the journal of a host says whose job was broken off."""
    return {"deployment": number, "outcome": None, "error": None, "live": live, "stages": []}


@pytest.mark.parametrize("told", [["its job broke down"], None])
def test_what_is_live_where_a_job_was_broken_off_is_asked(shop: Shop, told: Any) -> None:
    share = {"settings": {}, "restore_on_failure": False}
    number = shop.submit(shop.plan(share=share))
    shop.hosts.returns["web2"] = told
    shop.hosts.journals["web2"] = journal_of(number, "1.1.0")
    assert shop.drive(number) == "failed"
    assert shop.outcomes(number)["web2"] == "failed"
    lives = {row["host"]: row["version"] for row in shop.database.read(host_results.live)}
    assert lives["web2"] == "1.1.0"
    [row] = [
        one
        for one in shop.database.read(lambda one: host_results.hosts(one, number))
        if one["host"] == "web2"
    ]
    assert row["version_after"] == "1.1.0"


def test_what_a_host_says_of_another_deployment_is_not_written_down(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    shop.hosts.returns["web2"] = ["its job broke down"]
    shop.hosts.journals["web2"] = journal_of(number + 1, "6.6.6")
    assert shop.drive(number) == "failed"
    versions = {row["version"] for row in shop.database.read(host_results.live)}
    assert "6.6.6" not in versions


def test_a_canary_that_fails_ends_it_whatever_max_failures_says(shop: Shop) -> None:
    plan = shop.plan(rollout={"max_failures": 5, "canary": True, "after_canary": 0})
    number = shop.submit(plan)
    shop.hosts.returns["web1"] = "restored"
    assert shop.drive(number) == "failed"
    assert shop.batches_gone() == [["web1", "web2"]]


def test_after_the_canary_it_waits_for_a_person(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"canary": True, "after_canary": None}))
    assert shop.drive(number) == "paused"
    assert shop.batches_gone() == [["web1", "web2"]]
    assert "the canary (web1, web2) is done" in (shop.get(number).reason or "")
    assert shop.drive(number) == "paused"
    shop.ask(number, requests.CONFIRM, done=True)
    assert shop.drive(number) == "succeeded"
    assert len(shop.batches_gone()) == 4


def test_a_confirmation_from_before_the_canary_counts_for_nothing(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"canary": True, "after_canary": None}))
    shop.ask(number, requests.CONFIRM, done=True)
    assert shop.drive(number) == "paused"


def test_nobody_else_gets_the_module_of_a_paused_deployment(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"canary": True, "after_canary": None}))
    shop.drive(number)
    with pytest.raises(Refused, match=rf"locked by deployment #{number}"):
        shop.submit(shop.plan())


def test_a_pause_lets_the_batch_end_and_begins_no_other(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    at_batch(shop, 2, lambda: shop.ask(number, requests.PAUSE))
    assert shop.drive(number) == "paused"
    assert shop.batches_gone() == [["web1", "web2"], ["web3", "web4"]]
    assert shop.outcomes(number)["web4"] == "succeeded"
    assert shop.drive(number) == "succeeded"
    assert shop.batches_gone()[2:] == [["web5", "web6"], ["web7", "web8"]]


def test_an_abort_in_batch_two_leaves_three_and_four_untouched(shop: Shop) -> None:
    number = shop.submit(shop.plan(prepare="with_release"))

    def during(stages: list[str]) -> None:
        if len(shop.hosts.asked) == 2:
            shop.ask(number, requests.ABORT)
            shop.hosts.returns.update(web3="stopped_short", web4="restored")

    shop.hosts.during = during
    assert shop.drive(number) == "aborted"
    assert (["web3", "web4"], "pushguide.stop") in shop.hosts.told
    outcomes = shop.outcomes(number)
    assert (outcomes["web3"], outcomes["web4"]) == ("stopped_short", "restored")
    assert {outcomes[f"web{n}"] for n in range(5, 9)} == {"not_started"}
    assert "abort by mia: because" in (shop.get(number).reason or "")


def test_an_abort_of_a_paused_deployment_puts_back_what_is_half_way(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    shop.hosts.returns["web3"] = "inconclusive"
    assert shop.drive(number) == "paused"
    assert "could not tell whether web3 works" in (shop.get(number).reason or "")
    shop.ask(number, requests.ABORT)
    assert shop.drive(number) == "aborted"
    assert (["web3"], ["restore"]) in shop.hosts.asked
    assert shop.outcomes(number)["web3"] == "restored"


def test_an_inconclusive_host_is_probed_again_when_it_is_resumed(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    shop.hosts.returns["web3"] = "inconclusive"
    assert shop.drive(number) == "paused"
    del shop.hosts.returns["web3"]
    assert shop.drive(number) == "succeeded"
    assert shop.batches_gone()[2] == ["web3"]


def test_an_abort_before_it_began_changes_nothing(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    shop.ask(number, requests.ABORT)
    assert shop.drive(number) == "aborted"
    assert shop.hosts.asked == []
    shop.submit(shop.plan())  # the lock is free


def back_to(version: str) -> Callable[[Plan, list[str]], Plan]:
    """Plans a rollback as the planner does."""

    def planner(plan: Plan, hosts: list[str]) -> Plan:
        return replace(
            plan,
            kind="rollback",
            version=version,
            artifact=None,
            hosts={host: replace(plan.hosts[host], live=plan.version) for host in hosts},
            batches=[hosts],
            rollout=Rollout(return_within_seconds=0.2),
        )

    return planner


def test_a_failure_puts_all_touched_hosts_back(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"auto_rollback": "all"}))
    shop.hosts.returns["web4"] = "restored"
    driver = shop.driver(number, rollback=back_to("1.0.0"))
    assert driver.drive(all_legs) == "failed"
    heir = driver.heir
    assert heir
    linked = shop.get(heir)
    assert (linked.kind, linked.version, linked.cause, linked.cause_id) == (
        "rollback",
        "1.0.0",
        "auto_rollback",
        number,
    )
    assert shop.outcomes(heir) == dict.fromkeys(["web1", "web2", "web3"], "not_started")
    shop.hosts.returns.clear()
    assert shop.drive(heir) == "succeeded"
    assert shop.get(number).state == "rolled_back"
    assert "web4" in (shop.get(number).reason or "")


def test_between_a_failure_and_its_rollback_nobody_gets_the_module(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"auto_rollback": "all"}))
    shop.hosts.returns["web4"] = "restored"
    driver = shop.driver(number, rollback=back_to("1.0.0"))
    driver.drive(all_legs)
    with pytest.raises(Refused, match=rf"locked by deployment #{driver.heir}"):
        shop.submit(shop.plan())


def test_a_rollback_comes_before_those_who_queue(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"auto_rollback": "all"}))
    shop.hosts.returns["web4"] = "restored"
    queued = shop.database.write(lambda one: record.create(one, shop.plan(), "ops", states.QUEUED))
    driver = shop.driver(number, rollback=back_to("1.0.0"))
    driver.drive(all_legs)
    assert driver.heir
    assert driver.heir > queued
    assert "queued behind" in str(shop.database.write(shop.driver(queued)._turn))
    shop.hosts.returns.clear()
    assert shop.drive(driver.heir) == "succeeded"
    assert shop.drive(queued) == "succeeded"


def test_whoever_queued_first_goes_first(shop: Shop) -> None:
    running = shop.submit(shop.plan())
    first, second = (
        shop.database.write(lambda one: record.create(one, shop.plan(), "ops", states.QUEUED))
        for _ in range(2)
    )
    assert shop.database.write(shop.driver(first)._turn) == f"queued behind #{running}"
    shop.drive(running)
    assert shop.database.write(shop.driver(second)._turn) == f"queued behind #{first}"
    assert shop.drive(first) == "succeeded"
    assert shop.drive(second) == "succeeded"


def test_a_paused_deployment_can_be_resumed_at_once(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"canary": True, "after_canary": None}))
    for _ in range(5):
        assert shop.drive(number) == "paused"
        held = shop.database.read(lambda one: lock.look(one, "shop-web", "production"))
        assert held
        assert held.deployment_id == number
        assert not held.is_alive


def test_a_rollback_that_fails_leaves_the_cause_failed_and_causes_no_other(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"auto_rollback": "all"}))
    shop.hosts.returns["web4"] = "restored"
    driver = shop.driver(number, rollback=back_to("1.0.0"))
    driver.drive(all_legs)
    assert driver.heir
    shop.hosts.returns = {"web1": "failed"}
    back = shop.driver(driver.heir, rollback=back_to("0.9.0"))
    assert back.drive(all_legs) == "failed"
    assert back.heir is None
    assert shop.get(number).state == "failed"


def test_only_failed_hosts_go_back_if_that_is_what_was_said(shop: Shop) -> None:
    number = shop.submit(shop.plan(rollout={"auto_rollback": "failed_hosts"}))
    shop.hosts.returns["web4"] = {**answer(number, "failed", LIVE), "live": "1.1.0", "uid": ""}
    driver = shop.driver(number, rollback=back_to("1.0.0"))
    assert driver.drive(all_legs) == "failed"
    assert driver.heir
    assert [*shop.outcomes(driver.heir)] == ["web4"]


def test_a_failure_before_anything_went_live_rolls_nothing_back(shop: Shop) -> None:
    shop.hosts.only_live = False
    number = shop.submit(shop.plan(rollout={"auto_rollback": "all"}))
    shop.hosts.returns["web4"] = {**answer(number, "failed", ["prepare"]), "uid": ""}
    driver = shop.driver(number, rollback=back_to("1.0.0"))
    assert driver.drive(all_legs) == "failed"
    assert driver.heir is None


def test_an_abort_may_ask_for_a_rollback(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    at_batch(shop, 2, lambda: shop.ask(number, requests.ABORT, rollback=True))
    driver = shop.driver(number, rollback=back_to("1.0.0"))
    assert driver.drive(all_legs) == "aborted"
    assert driver.heir
    assert [*shop.outcomes(driver.heir)] == ["web1", "web2", "web3", "web4"]


def test_a_rollback_that_is_refused_is_told(shop: Shop) -> None:
    def refuse(plan: Plan, hosts: list[str]) -> Plan:
        raise Refused("nobody has kept it")

    number = shop.submit(shop.plan(rollout={"auto_rollback": "all"}))
    shop.hosts.returns["web4"] = "restored"
    assert shop.drive(number, rollback=refuse) == "failed"
    assert "no automatic rollback, it was refused: nobody has kept it" in (
        shop.get(number).reason or ""
    )


def mark_of(shop: Shop, version: str = "1.1.0") -> marks.Mark | None:
    return shop.database.read(lambda one: marks.get(one, "shop-web", "production", version))


def test_what_succeeds_is_marked_good(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    shop.drive(number)
    found = mark_of(shop)
    assert found
    assert (found.mark, found.marked_by, found.deployment_id) == ("good", "pushguide", number)


def test_what_fails_where_it_goes_live_is_marked_bad(shop: Shop) -> None:
    shop.hosts.returns.update(web1="restored", web2="restored")
    shop.drive(shop.submit(shop.plan()))
    found = mark_of(shop)
    assert found
    assert found.is_bad
    assert "boom" in (found.reason or "")


def test_one_bad_host_makes_no_bad_version(shop: Shop) -> None:
    shop.hosts.returns["web2"] = "restored"
    shop.drive(shop.submit(shop.plan()))
    assert mark_of(shop) is None


def test_what_a_person_said_stands(shop: Shop) -> None:
    shop.database.write(
        lambda one: marks.put(one, "shop-web", "production", "1.1.0", "bad", "mia", "leaks")
    )
    shop.drive(shop.submit(shop.plan()))
    found = mark_of(shop)
    assert found
    assert (found.mark, found.marked_by) == ("bad", "mia")


def test_whoever_waits_long_is_planned_anew(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    driver = shop.driver(number, again=lambda plan: replace(plan, version="1.2.0"))
    with mock.patch.object(record, "get", wraps=_older(record.get)):
        assert driver.drive(all_legs) == "succeeded"
    assert driver.plan.version == "1.2.0"


def _older(
    get: Callable[..., record.Deployment], seconds: float = 300
) -> Callable[..., record.Deployment]:
    from datetime import timedelta

    def older(connection: Any, number: int) -> record.Deployment:
        one = get(connection, number)
        return replace(one, created_at=one.created_at - timedelta(seconds=seconds))

    return older


def test_what_cannot_be_done_any_more_when_its_turn_comes_is_aborted(shop: Shop) -> None:
    def refuse(plan: Plan) -> Plan:
        raise Refused("web3 is gone")

    number = shop.submit(shop.plan())
    with mock.patch.object(record, "get", wraps=_older(record.get)):
        assert shop.drive(number, again=refuse) == "aborted"
    assert shop.hosts.asked == []
    tag, told = shop.sent[-1]
    assert (tag, told["module"]) == (f"pushguide/deployment/{number}/state", "shop-web")
    assert "when its turn came it was refused: web3 is gone" in (shop.get(number).reason or "")


@pytest.mark.parametrize(
    ("waited_seconds", "state"), [(0, "succeeded"), (5, "aborted"), (300, "succeeded")]
)
def test_a_freeze_that_came_while_it_waited_ends_it(
    shop: Shop, waited_seconds: float, state: str
) -> None:
    """What is planned anew is held against freezes there, and what begins at once was just now."""

    def refuse(plan: Plan) -> None:
        raise Frozen("frozen until Monday")

    number = shop.submit(shop.plan())
    with mock.patch.object(record, "get", wraps=_older(record.get, waited_seconds)):
        assert shop.drive(number, demand_thawed=refuse) == state
    assert bool(shop.hosts.asked) == (state == "succeeded")
    said = "when its turn came it was refused: frozen until Monday"
    assert (shop.get(number).reason == said) == (state == "aborted")


def test_what_another_driver_took_over_is_not_written_from_here(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    token = shop.database.write(lambda one: lock.take(one, "shop-web", "production", number, 60))
    shop.database.write(lambda one: record.set_token(one, number, token))
    value = {**answer(number, "succeeded", LIVE), "token": token - 1}
    value.update(module="shop-web", environment="production")
    from pushguide.errors import LeaseLost

    with pytest.raises(LeaseLost):
        shop.database.write(lambda one: host_results.write_host(one, "web1", value, "succeeded"))
    assert shop.outcomes(number)["web1"] == "not_started"


def test_a_confirmation_is_done_when_the_deployment_has_ended(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    at_batch(shop, 4, lambda: shop.ask(number, requests.CONFIRM))
    shop.drive(number)
    assert shop.database.read(lambda one: requests.undone(one, number)) == []


def test_a_host_that_does_not_get_out_of_its_balancer_makes_no_bad_version(shop: Shop) -> None:
    number = shop.submit(shop.plan())
    for host in ("web1", "web2"):
        shop.hosts.returns[host] = {**answer(number, "restored", ["pre_release"]), "uid": ""}
    assert shop.drive(number) == "rolled_back"
    assert mark_of(shop) is None
