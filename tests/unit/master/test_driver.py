"""The driver: what becomes of a deployment when something beside the hosts goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from pushguide.errors import DatabaseError, LeaseLost, Refused
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.rollout.driver import Driver, driver_of
from pushguide.master.rollout.progress import Progress
from pushguide.master.store import host_results, lock, record
from pushguide.master.store.database import Database
from pushguide.words import STAGES
from tests.support.answering_hosts import AnsweringHosts, answer


@pytest.fixture
def hosts() -> AnsweringHosts:
    return AnsweringHosts()


@pytest.fixture
def driver(database: Database, plan: Plan, hosts: AnsweringHosts) -> Iterator[Driver]:
    """The driver of a deployment that has just been submitted."""

    def submit(connection: Any) -> int:
        number = record.create(connection, plan, "ops", states.QUEUED)
        lock.take(connection, plan.module, plan.environment, number, 60)
        return number

    number = database.write(submit)

    def write(rets: list[dict[str, Any]]) -> None:
        def work(connection: Any) -> None:
            for ret in rets:
                host_results.write_host(connection, ret["id"], ret["return"], ret["outcome"])

        database.write(work)

    fire = mock.Mock(spec=lambda data, tag: None)
    yield Driver(database, hosts, write, Progress(fire), number, "m_master")  # type: ignore[arg-type]
    assert driver_of.__globals__["_driven"] == {}


def all_stages(driver: Driver) -> Any:
    """An orchestration of one state, run as Salt's would."""

    def orchestrate(name: str, pillar: dict[str, Any]) -> Any:
        order = pillar["pushguide"]["order"]
        result, comment = driver_of(order["deployment"]).run_stages(list(STAGES))
        return {"data": {"m": {"x": {"__id__": "x", "result": result, "comment": comment}}}}

    return orchestrate


def outcomes(driver: Driver) -> dict[str, str]:
    rows = driver.database.read(lambda one: host_results.hosts(one, driver.number))
    return {row["host"]: row["outcome"] for row in rows}


def test_all_hosts_succeed(driver: Driver, hosts: AnsweringHosts) -> None:
    assert driver.drive(all_stages(driver)) == "succeeded"
    assert hosts.asked == [
        (["web1", "web2"], ["prepare"]),
        (["web1", "web2"], ["pre_release", "release", "post_release"]),
    ]


def test_no_host_goes_live_when_one_is_not_prepared(driver: Driver, hosts: AnsweringHosts) -> None:
    hosts.returns["web2"] = "failed"
    assert driver.drive(all_stages(driver)) == "failed"
    assert len(hosts.asked) == 1
    assert outcomes(driver) == {"web1": "stopped_short", "web2": "failed", "web3": "left_out"}


@pytest.mark.parametrize("answered", ["Traceback: x", {"deployment": 99}, None, 17])
def test_an_answer_that_is_none_never_counts_as_success(
    driver: Driver, hosts: AnsweringHosts, answered: Any
) -> None:
    hosts.returns["web2"] = answered if answered is not None else {}
    assert driver.drive(all_stages(driver)) == "failed"
    assert outcomes(driver)["web2"] == "failed"


def test_a_lost_host_is_unknown(driver: Driver, hosts: AnsweringHosts) -> None:
    hosts.returns["web2"] = None
    assert driver.drive(all_stages(driver)) == "failed"
    assert outcomes(driver)["web2"] == "unknown"


def test_a_lost_return_is_read_from_the_journal(driver: Driver, hosts: AnsweringHosts) -> None:
    hosts.returns["web2"] = None
    hosts.journals["web2"] = answer(driver.number, "succeeded", list(STAGES))
    assert driver.drive(all_stages(driver)) == "succeeded"


def test_a_host_that_comes_back_half_done_is_sent_the_job_once_more(
    driver: Driver, hosts: AnsweringHosts
) -> None:
    hosts.returns["web2"] = None
    hosts.journals["web2"] = answer(driver.number, "succeeded", [])
    assert driver.drive(all_stages(driver)) == "failed"
    assert [asked for asked, stages in hosts.asked if stages == ["prepare"]] == [
        ["web1", "web2"],
        ["web2"],
    ]
    rows = driver.database.read(lambda one: host_results.hosts(one, driver.number))
    errors = {row["host"]: (row["outcome"], row["error"]) for row in rows}
    assert errors["web2"][0] == "failed"
    assert "broke off in prepare" in (errors["web2"][1] or "")


def test_an_orchestration_that_asks_for_nothing_does_not_succeed(driver: Driver) -> None:
    assert driver.drive(lambda *_: {"data": {"m": {}}}) == "failed"


@pytest.mark.parametrize(
    "answered", [{"data": {"m": ["Rendering SLS failed"]}}, {"data": None}, "x", None]
)
def test_an_orchestration_that_does_not_render_fails_with_its_words(
    driver: Driver, answered: Any
) -> None:
    assert driver.drive(lambda *_: answered) == "failed"
    found = driver.database.read(lambda one: record.get(one, driver.number))
    assert "orch.deploy" in (found.reason or "")


def test_an_orchestration_that_raises_fails(driver: Driver) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("no such thing")

    assert driver.drive(broken) == "failed"
    found = driver.database.read(lambda one: record.get(one, driver.number))
    assert "no such thing" in (found.reason or "")


def test_a_step_of_a_teams_own_that_fails_is_the_verdict(driver: Driver) -> None:
    whole = all_stages(driver)

    def orchestrate(name: str, pillar: dict[str, Any]) -> Any:
        answered = whole(name, pillar)
        answered["data"]["m"]["y"] = {"__id__": "migrate", "result": False, "comment": "no table"}
        return answered

    assert driver.drive(orchestrate) == "failed"
    found = driver.database.read(lambda one: record.get(one, driver.number))
    assert "migrate: no table" in (found.reason or "")


def test_an_ended_deployment_is_not_driven_again(driver: Driver, hosts: AnsweringHosts) -> None:
    driver.drive(all_stages(driver))
    hosts.asked.clear()
    assert driver.drive(all_stages(driver)) == "succeeded"
    assert hosts.asked == []


def test_a_database_that_goes_away_stops_it_where_it_stands_and_loses_nothing(
    driver: Driver, hosts: AnsweringHosts
) -> None:
    write, failing = driver.write, [True]

    def sometimes(rets: list[dict[str, Any]]) -> None:
        if failing:
            raise DatabaseError("away")
        write(rets)

    driver.write = sometimes

    def reported(name: str, pillar: dict[str, Any]) -> Any:
        try:
            return all_stages(driver)(name, pillar)
        except DatabaseError as err:
            return {"data": {"m": {"x": {"__id__": "x", "result": False, "comment": str(err)}}}}

    with pytest.raises(DatabaseError, match=rf"pushguide\.resume {driver.number}"):
        driver.drive(reported)
    assert driver.database.read(lambda one: record.get(one, driver.number)).state == "running"
    failing.clear()
    assert driver.drive(all_stages(driver)) == "succeeded"


def test_an_interrupted_deployment_can_be_resumed_at_once(driver: Driver) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        driver.drive(interrupted)
    assert driver.drive(all_stages(driver)) == "succeeded"


def test_resuming_leaves_hosts_that_succeeded_alone(driver: Driver, hosts: AnsweringHosts) -> None:
    def interrupted(name: str, pillar: dict[str, Any]) -> Any:
        driver.database.write(
            lambda one: host_results.set_outcome(one, driver.number, "web1", "succeeded")
        )
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        driver.drive(interrupted)
    assert driver.drive(all_stages(driver)) == "succeeded"
    assert {host for asked, _ in hosts.asked for host in asked} == {"web2"}


def test_a_running_deployment_is_not_driven_twice(driver: Driver) -> None:
    def while_it_runs(*_: Any) -> Any:
        with pytest.raises(Refused, match="is being driven already"):
            driver.database.write(driver._turn)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        driver.drive(while_it_runs)


def test_whoever_was_overtaken_writes_no_verdict(driver: Driver) -> None:
    def overtaken(name: str, pillar: dict[str, Any]) -> Any:
        answered = all_stages(driver)(name, pillar)

        def take_over(connection: Any) -> None:
            lock.expire(connection, driver.number, driver.lease.token)  # type: ignore[union-attr]
            lock.take(connection, "shop-web", "production", driver.number, 60)

        driver.database.write(take_over)
        return answered

    with pytest.raises(LeaseLost):
        driver.drive(overtaken)
    assert driver.database.read(lambda one: record.get(one, driver.number)).state == "running"


def test_a_batch_that_there_is_not_is_refused(driver: Driver) -> None:
    def orchestrate(*_: Any) -> Any:
        with pytest.raises(Refused, match="has no batch 7"):
            driver.run_stages(["prepare"], 7)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        driver.drive(orchestrate)


def test_a_stage_outside_a_driven_deployment_is_refused() -> None:
    with pytest.raises(Refused, match=r"not being driven from here.*pushguide\.resume 4"):
        driver_of(4)


def test_a_success_with_another_version_live_is_not_believed(
    driver: Driver, hosts: AnsweringHosts
) -> None:
    told = {**answer(driver.number, "succeeded", list(STAGES)), "live": "1.0.0"}
    hosts.returns["web2"] = told
    assert driver.drive(all_stages(driver)) == "failed"
    rows = driver.database.read(lambda one: host_results.hosts(one, driver.number))
    errors = {row["host"]: row["error"] for row in rows}
    assert errors["web2"] == "it reports success, but 1.0.0 is live there"


def test_what_a_host_tells_of_another_deployment_of_that_number_is_not_believed(
    driver: Driver, hosts: AnsweringHosts
) -> None:
    told = {**answer(driver.number, "succeeded", list(STAGES)), "uid": "another"}
    hosts.returns["web2"] = told
    assert driver.drive(all_stages(driver)) == "failed"
    assert outcomes(driver)["web2"] == "failed"


def test_resuming_asks_a_host_again_that_had_not_answered(
    driver: Driver, hosts: AnsweringHosts
) -> None:
    def interrupted(*_: Any) -> Any:
        driver.database.write(
            lambda one: host_results.set_outcome(one, driver.number, "web1", "unknown", "silent")
        )
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        driver.drive(interrupted)
    assert driver.drive(all_stages(driver)) == "succeeded"
