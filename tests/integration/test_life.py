"""The life of a module: versions come, one fails, and there is a way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.salt_lab import Answer, Lab, Module
from tests.support.waiting import wait_until

HOSTS = ["w1", "w2", "w3"]
STAGES = ["prepare", "pre_release", "release", "post_release"]


@dataclass(frozen=True)
class Deed:
    """A deployment: what was answered, what is in the record, what the hosts serve then."""

    answer: Answer
    shown: dict[str, Any]
    lives: dict[str, str | None]


def do(module: Module, function: str, **arguments: Any) -> Deed:
    """Deploy, roll back or redeploy, and look what came of it."""
    answer = module.run(function, **arguments)
    return Deed(answer, module.lab.show(answer.data["deployment"]), module.lives())


def everywhere(version: str) -> dict[str, str | None]:
    """What the hosts serve when all of them run a version."""
    return dict.fromkeys(HOSTS, f"version {version}")


@pytest.fixture(scope="module")
def shop(lab: Lab) -> Module:
    """A module with a probe, and its versions; 1.2.0 is a bad one."""
    module = lab.define("shop", probe=True, description="the shop")
    module.publish("1.0.0", "1.1.0", "1.3.0")
    module.publish_one("1.2.0", {"health": "broken"})
    return module


# Each of these builds on the one before.


@pytest.fixture(scope="module")
def first(shop: Module) -> Deed:
    return do(shop, "deploy", version="1.0.0")


@pytest.fixture(scope="module")
def second(shop: Module, first: Deed) -> Deed:
    return do(shop, "deploy", version="1.1.0")


@pytest.fixture(scope="module")
def failing(shop: Module, second: Deed) -> Deed:
    return do(shop, "deploy", version="1.2.0")


@pytest.fixture(scope="module")
def back(shop: Module, failing: Deed) -> Deed:
    return do(shop, "rollback")


@pytest.fixture(scope="module")
def chosen(shop: Module, back: Deed) -> Deed:
    return do(shop, "rollback", version="1.1.0")


@pytest.fixture(scope="module")
def again(shop: Module, chosen: Deed) -> Deed:
    return do(shop, "redeploy")


def test_the_first_version(first: Deed) -> None:
    assert first.answer.returncode == 0
    assert first.answer.data["state"] == first.shown["state"] == "succeeded"
    assert first.answer.data["kind"] == "deploy"
    assert first.lives == everywhere("1.0.0")
    assert list(first.shown["hosts"]) == HOSTS
    for host in first.shown["hosts"].values():
        assert host["outcome"] == "succeeded"
        assert (host["version_before"], host["version_after"]) == (None, "1.0.0")
        assert list(host["stages"]) == STAGES
        assert {one["outcome"] for one in host["stages"].values()} <= {"succeeded", "unchanged"}
        steps = [step["name"] for one in host["stages"].values() for step in one["steps"]]
        told = ["fetch", "unpack", "save", "switch", "probe", "mark_good", "retire"]
        assert [name for name in steps if name in told] == told


def test_the_summary_is_a_table_of_stages_by_hosts(first: Deed) -> None:
    head, columns, *rows = first.answer.data["summary"].splitlines()
    assert head.startswith(f"#{first.shown['deployment']} deploy shop 1.0.0 to production:")
    assert columns.split() == ["host", *STAGES, "outcome", "live"]
    assert [row.split()[0] for row in rows] == HOSTS
    assert all(row.split()[-2:] == ["succeeded", "1.0.0"] for row in rows)


def test_progress_is_told_beside_the_data(first: Deed) -> None:
    lines = first.answer.stderr.splitlines()
    number = first.shown["deployment"]
    assert f"#{number}: deploy shop 1.0.0 to production, 3 hosts" in lines
    assert f"#{number}: succeeded" in lines


def test_the_second_version_keeps_the_first(shop: Module, second: Deed) -> None:
    assert second.answer.returncode == 0
    assert second.shown["state"] == "succeeded"
    assert second.lives == everywhere("1.1.0")
    for host in HOSTS:
        before = second.shown["hosts"][host]
        assert (before["version_before"], before["version_after"]) == ("1.0.0", "1.1.0")
        kept = [path.name.rpartition("-")[0] for path in (shop.root(host) / "releases").iterdir()]
        assert {"1.0.0", "1.1.0"} <= {*kept}


def test_a_failing_version_is_rolled_back(shop: Module, failing: Deed) -> None:
    assert failing.answer.returncode == 1
    assert failing.answer.data["state"] == failing.shown["state"] == "rolled_back"
    assert failing.lives == everywhere("1.1.0")
    assert "Probing" in failing.shown["reason"]
    for host in HOSTS:
        told = failing.shown["hosts"][host]
        assert told["outcome"] == "restored"
        assert told["version_after"] == "1.1.0"
        assert told["stages"]["post_release"]["outcome"] == "failed"
        assert told["stages"]["restore"]["outcome"] == "succeeded"
        marks = {one["version"]: one["mark"] for one in shop.journal(host)["releases"].values()}
        assert marks["1.2.0"] == "bad"
        assert marks["1.1.0"] == "good"


def test_rollback_goes_to_the_version_before(back: Deed) -> None:
    assert back.answer.returncode == 0
    assert (back.shown["kind"], back.shown["version"]) == ("rollback", "1.0.0")
    assert back.lives == everywhere("1.0.0")
    for host in back.shown["hosts"].values():
        fetch = next(s for s in host["stages"]["prepare"]["steps"] if s["name"] == "fetch")
        assert fetch["outcome"] == "skipped"


def test_rollback_goes_to_the_version_that_is_named(chosen: Deed) -> None:
    assert chosen.answer.returncode == 0
    assert (chosen.shown["kind"], chosen.shown["version"]) == ("rollback", "1.1.0")
    assert chosen.lives == everywhere("1.1.0")


def test_redeploy_makes_a_new_release_of_the_live_version(shop: Module, again: Deed) -> None:
    assert again.answer.returncode == 0
    assert (again.shown["kind"], again.shown["version"]) == ("redeploy", "1.1.0")
    assert again.lives == everywhere("1.1.0")
    for host in HOSTS:
        live = (shop.root(host) / "live").resolve().name
        assert live == f"1.1.0-{again.shown['deployment']}"


def test_deploying_what_is_live_changes_nothing_but_the_record(shop: Module, again: Deed) -> None:
    links = [(shop.root(host) / "live").resolve() for host in HOSTS]
    answer = shop.deploy("1.1.0")
    assert answer.returncode == 0
    assert answer.data["state"] == "succeeded"
    assert [(shop.root(host) / "live").resolve() for host in HOSTS] == links


def test_plan_changes_nothing(shop: Module, lab: Lab, again: Deed) -> None:
    tables = ("deployment", "deployment_host", "stage_result", "step", "release", "lock")

    def rows() -> list[Any]:
        return [lab.query(f"SELECT * FROM {table}") for table in tables]

    before = rows(), shop.files()
    answer = shop.run("plan", version="1.3.0")
    assert answer.returncode == 0
    assert (rows(), shop.files()) == before
    assert answer.data["version"] == answer.data["artifact"]["version"] == "1.3.0"
    assert answer.data["batches"] == [HOSTS]
    assert answer.data["legs"] == [{"stages": STAGES, "batch": 1}]
    assert {one["live"] for one in answer.data["hosts"].values()} == {"1.1.0"}


def test_status(shop: Module, lab: Lab, again: Deed) -> None:
    answer = shop.run("status")
    assert answer.returncode == 0
    place = answer.data["shop"]["production"]
    assert {host: one["version"] for host, one in place["hosts"].items()} == dict.fromkeys(
        HOSTS, "1.1.0"
    )
    assert place["last"]["deployment"] == lab.last_number(shop)
    assert place["last"]["state"] == "succeeded"


def test_history_has_the_newest_first(shop: Module, again: Deed) -> None:
    answer = shop.run("history")
    assert answer.returncode == 0
    told = [(one["kind"], one["version"], one["state"]) for one in reversed(answer.data)]
    assert told[:6] == [
        ("deploy", "1.0.0", "succeeded"),
        ("deploy", "1.1.0", "succeeded"),
        ("deploy", "1.2.0", "rolled_back"),
        ("rollback", "1.0.0", "succeeded"),
        ("rollback", "1.1.0", "succeeded"),
        ("redeploy", "1.1.0", "succeeded"),
    ]


def test_history_is_as_long_as_wanted(shop: Module, again: Deed) -> None:
    assert len(shop.run("history", limit=2).data) == 2


def test_versions(shop: Module, again: Deed) -> None:
    answer = shop.run("versions")
    assert answer.returncode == 0
    assert {one["version"]: one["live"] for one in answer.data} == {
        "1.0.0": False,
        "1.1.0": True,
        "1.2.0": False,
        "1.3.0": False,
    }


def test_modules(lab: Lab, shop: Module) -> None:
    lab.define("misspelled", tpye="static_site")
    answer = lab.run("pushguide.modules")
    assert answer.returncode == 0
    assert answer.data["shop"]["type"] == "static_site"
    assert answer.data["shop"]["description"] == "the shop"
    assert answer.data["shop"]["environments"]["production"]["default"] is True
    (problem,) = answer.data["misspelled"]["problems"]
    assert problem == "pushguide:modules:misspelled:tpye: unknown key; did you mean type?"


def test_show_on_the_command_line(lab: Lab, first: Deed) -> None:
    answer = lab.run("pushguide.show", None, str(first.shown["deployment"]))
    assert (answer.returncode, answer.data) == (0, first.shown)


def test_show_needs_a_number_that_there_is(lab: Lab) -> None:
    answer = lab.run("pushguide.show", None, "987654")
    assert answer.returncode == 1
    assert "There is no deployment #987654" in answer.problems


def test_without_waiting_the_answer_comes_at_once_and_the_work_goes_on(lab: Lab) -> None:
    module = lab.define("patient", hosts=["w1"], probe={"url": lab.health.gate("patient")})
    module.publish("1.0.0")
    answer = module.deploy("1.0.0", wait=False)
    number = answer.data["deployment"]
    assert answer.returncode == 0
    assert answer.data["state"] == "queued"
    wait_until(lambda: lab.health.is_asked("patient"), "the probe")
    assert lab.show(number)["state"] == "running"
    lab.health.open("patient")
    wait_until(lambda: lab.has_ended(number), "the end")
    assert lab.show(number)["state"] == "succeeded"
    assert module.live("w1") == "version 1.0.0"


def test_no_host_goes_live_before_all_are_prepared(lab: Lab) -> None:
    module = lab.define("careful", strategy={"prepare": "all_first"})
    module.publish("1.0.0")
    in_the_way = module.root("w3") / "live"
    in_the_way.mkdir(parents=True)
    answer = module.deploy("1.0.0")
    shown = lab.show(answer.data["deployment"])
    assert answer.returncode == 1
    assert shown["state"] == "failed"
    assert shown["hosts"]["w3"]["outcome"] == "failed"
    assert "is not a symbolic link" in shown["hosts"]["w3"]["error"]
    assert list(shown["hosts"]["w1"]["stages"]) == ["prepare"]
    assert module.live("w1") is None
    in_the_way.rmdir()
    assert module.deploy("1.0.0").returncode == 0
    assert module.lives() == everywhere("1.0.0")
