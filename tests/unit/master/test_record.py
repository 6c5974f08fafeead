"""The record: what is written of a deployment, and what is read back."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide.errors import Refused
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.store import history, host_results, record
from pushguide.master.store.database import Database
from tests.unit.master.conftest import make_plan


def result(number: int, live: str = "1.1.0", **changes: Any) -> dict[str, Any]:
    """What a host returned, as :mod:`pushguide.master.rollout.result` passes it on."""
    steps = [{"name": "fetch", "outcome": "succeeded", "seconds": 0.1, "detail": "10 bytes"}]
    stage = {
        "stage": "prepare",
        "outcome": "succeeded",
        "started": 1.5,
        "seconds": 0.2,
        "steps": steps,
    }
    whole = {
        "deployment": number,
        "module": "shop-web",
        "environment": "production",
        "outcome": "succeeded",
        "error": None,
        "live": live,
        "stages": [stage],
    }
    return {**whole, **changes}


def submit(database: Database, plan: Plan, *then: str) -> int:
    """Write a deployment down and bring it through states."""

    def work(connection: Any) -> int:
        number = record.create(connection, plan, "ops", states.QUEUED)
        for state in then:
            record.change_state(connection, number, state)
        return number

    return database.write(work)


def succeed(database: Database, version: str, kind: str = "deploy") -> int:
    """A deployment of a version that succeeded."""
    plan = make_plan(version=version, kind=kind)
    return submit(database, plan, states.RUNNING, states.SUCCEEDED)


def test_a_new_deployment_knows_its_hosts_and_those_left_out(
    database: Database, plan: Plan
) -> None:
    number = submit(database, plan)
    rows = database.read(lambda one: host_results.hosts(one, number))
    assert [(row["host"], row["batch"], row["outcome"], row["version_before"]) for row in rows] == [
        ("web3", 0, "left_out", None),
        ("web1", 1, "not_started", "1.0.0"),
        ("web2", 1, "not_started", "1.0.0"),
    ]


def test_the_plan_comes_back_as_it_was(database: Database, plan: Plan) -> None:
    number = submit(database, plan)
    assert Plan.from_dict(database.read(lambda one: record.get(one, number)).plan) == plan


def test_a_result_written_twice_is_there_once(database: Database, plan: Plan) -> None:
    number = submit(database, plan)
    for _ in range(2):
        database.write(
            lambda one: host_results.write_host(one, "web1", result(number), "succeeded")
        )
    found = database.read(lambda one: host_results.stages(one, number))
    assert [(one["host"], one["stage"], len(one["steps"])) for one in found] == [
        ("web1", "prepare", 1)
    ]


def test_stages_that_ran_in_an_earlier_job_keep_their_result(
    database: Database, plan: Plan
) -> None:
    number = submit(database, plan)
    first = result(number)
    database.write(lambda one: host_results.write_host(one, "web1", first, "under_way"))
    again = {**first["stages"][0], "again": True, "outcome": "unchanged", "steps": []}
    later = result(number, stages=[again])
    database.write(lambda one: host_results.write_host(one, "web1", later, "succeeded"))
    found = database.read(lambda one: host_results.stages(one, number))
    assert [(one["outcome"], len(one["steps"])) for one in found] == [("succeeded", 1)]


def test_since_changes_only_when_the_live_version_does(database: Database, plan: Plan) -> None:
    number = submit(database, plan)

    def since() -> Any:
        return database.read(lambda one: host_results.live(one, "shop-web"))[0]["since"]

    write = lambda live: database.write(  # noqa: E731
        lambda one: host_results.write_host(one, "web1", result(number, live), "succeeded")
    )
    write("1.1.0")
    first = since()
    write("1.1.0")
    assert since() == first
    write("1.2.0")
    assert since() > first


def test_the_steps_of_a_stage_keep_their_order(database: Database, plan: Plan) -> None:
    number = submit(database, plan)
    names = [f"step_{position}" for position in range(12)]
    steps = [{"name": name, "outcome": "succeeded", "seconds": 0.0} for name in names]
    stage = {
        "stage": "release", "outcome": "succeeded", "started": 1.0, "seconds": 1.0, "steps": steps
    }  # fmt: skip
    whole = result(number, stages=[stage])
    database.write(lambda one: host_results.write_host(one, "web1", whole, "succeeded"))
    found = database.read(lambda one: host_results.stages(one, number))[0]
    assert [one["name"] for one in found["steps"]] == names


def test_an_unknown_number_is_refused(database: Database) -> None:
    with pytest.raises(Refused, match="There is no deployment #7"):
        database.read(lambda one: record.get(one, 7))


def test_a_state_that_cannot_follow_is_refused(database: Database, plan: Plan) -> None:
    number = submit(database, plan, states.RUNNING, states.SUCCEEDED)
    with pytest.raises(Refused, match="is succeeded: running cannot follow"):
        database.write(lambda one: record.change_state(one, number, states.RUNNING))


def test_times_of_the_states(database: Database, plan: Plan) -> None:
    number = submit(database, plan, states.RUNNING, states.PAUSED, states.RUNNING)
    running = database.read(lambda one: record.get(one, number))
    assert running.started_at is not None
    assert running.finished_at is None
    database.write(lambda one: record.change_state(one, number, states.FAILED, "why"))
    failed = database.read(lambda one: record.get(one, number))
    assert failed.reason == "why"
    assert failed.started_at == running.started_at
    assert failed.finished_at is not None


def test_history_is_newest_first_and_filtered(database: Database) -> None:
    numbers = [succeed(database, version) for version in ("1.0", "1.1", "1.2")]
    submit(database, make_plan(module="other"))
    found = database.read(lambda one: history.find(one, history.Wanted("shop-web"), limit=2))
    assert [one.id for one in found] == [numbers[2], numbers[1]]
    staging = database.read(lambda one: history.find(one, history.Wanted("shop-web", "staging")))
    assert staging == []
    newest = database.read(lambda one: history.latest(one))
    assert {(one.module, one.version) for one in newest} == {
        ("shop-web", "1.2"),
        ("other", "1.1.0"),
    }


@pytest.mark.parametrize(
    ("story", "live", "wanted"),
    [
        (["1.0", "1.1"], "1.1", "1.0"),
        (["1.0", "1.1", "1.1"], "1.1", "1.0"),
        (["1.0", "1.1", "rollback 1.0"], "1.0", None),
        (["0.9", "1.0", "1.1", "rollback 1.0"], "1.0", "0.9"),
        (["1.0", "1.1", "rollback 1.0", "1.2"], "1.2", "1.0"),
        (["1.0"], "1.0", None),
        (["1.0", "1.1"], None, "1.1"),
        ([], None, None),
    ],
)
def test_the_version_before(
    database: Database, story: list[str], live: str | None, wanted: str | None
) -> None:
    for one in story:
        kind, _, version = one.rpartition(" ")
        succeed(database, version, kind or "deploy")
    found = database.read(lambda one: history.before(one, "shop-web", "production", live))
    assert (found.version if found else None) == wanted


def test_the_artifact_of_a_version_outlives_a_rollback(database: Database) -> None:
    succeed(database, "1.0")
    plan = make_plan(version="1.0", kind="rollback", artifact=None)
    submit(database, plan, states.RUNNING, states.SUCCEEDED)
    found = database.read(lambda one: history.artifact_of(one, "shop-web", "production", "1.0"))
    assert found
    assert found["name"] == "shop.tgz"


def test_a_result_that_was_lost_is_written_when_it_is_told_again(
    database: Database, plan: Plan
) -> None:
    number = submit(database, plan)
    told = result(number)
    again = {**told, "stages": [{**told["stages"][0], "again": True}]}
    database.write(lambda one: host_results.write_host(one, "web1", again, "succeeded"))
    found = database.read(lambda one: host_results.stages(one, number))
    assert [(one["stage"], len(one["steps"])) for one in found] == [("prepare", 1)]
