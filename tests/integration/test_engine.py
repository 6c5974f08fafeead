"""The engine: it starts what is due, goes on with orphans, and asks hosts that fell silent."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from saltfactories.manager import FactoriesManager

from tests.support.ports import free_port
from tests.support.salt_lab import Lab
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def watched(salt_factories: FactoriesManager) -> Iterator[Lab]:
    """A master whose engine looks every second, with two minions."""
    config = {
        "engines": [{"pushguide": {"interval_seconds": 1}}],
        "pushguide": {
            "metrics": {"port": free_port()},
            "presence_timeout_seconds": 30,
            "silence_seconds": 2,
            "lease_seconds": 3,
            "monitor_seconds": 3,
        },
    }
    with Lab(salt_factories, "watched", ["e1", "e2"], config) as one:
        assert one.run("pushguide.setup").returncode == 1  # no modules yet
        wait_until(lambda: one.count("engine") == 1, "the engine", seconds=30)
        yield one


def test_a_deployment_whose_runner_was_killed_goes_on_by_itself(watched: Lab) -> None:
    module = watched.define(
        "orphan",
        probe={"url": f"{watched.health.url}/gate/orphan-{{id}}"},
        strategy={"batch": 1, "prepare": "with_release"},
    )
    module.publish("1.0.0")
    with watched.running("pushguide.deploy", module="orphan", version="1.0.0") as process:
        wait_until(lambda: watched.health.is_asked("orphan-e1"), "the first host's probe")
        process.kill()
    number = watched.last_number(module)
    watched.health.open("orphan-e1")
    watched.health.open("orphan-e2")
    wait_until(lambda: watched.has_ended(number), "the end", seconds=90)
    assert watched.state(number) == "succeeded"
    assert module.lives() == {"e1": "version 1.0.0", "e2": "version 1.0.0"}


def test_a_deployment_starts_when_its_time_has_come(watched: Lab) -> None:
    module = watched.define("later")
    module.publish("1.0.0")
    at = datetime.now(timezone.utc) + timedelta(seconds=8)
    answer = module.deploy("1.0.0", at=at.isoformat())
    number = answer.data["deployment"]
    assert (answer.returncode, answer.data["state"]) == (0, "scheduled")
    assert set(module.lives().values()) == {None}
    wait_until(lambda: watched.has_ended(number), "the end", seconds=90)
    assert watched.state(number) == "succeeded"
    started = watched.query("SELECT started_at FROM deployment WHERE id = ?", number)[0][0]
    assert datetime.fromisoformat(started).replace(tzinfo=timezone.utc) >= at


def test_a_scheduled_deployment_can_be_aborted(watched: Lab) -> None:
    module = watched.define("never")
    module.publish("1.0.0")
    at = datetime.now(timezone.utc) + timedelta(hours=1)
    number = module.deploy("1.0.0", at=at.isoformat()).data["deployment"]
    answer = watched.run("pushguide.abort", None, str(number))
    assert (answer.returncode, answer.data["state"]) == (0, "aborted")
    assert module.deploy("1.0.0").returncode == 0


def test_an_approval_that_does_not_come_ends_the_deployment(watched: Lab) -> None:
    module = watched.define("forgotten", approval={"needed": True, "within_seconds": 1})
    module.publish("1.0.0")
    number = module.deploy("1.0.0").data["deployment"]
    wait_until(lambda: watched.has_ended(number), "the end of the approval", seconds=30)
    assert watched.state(number) == "aborted"
    assert "its approval was due" in watched.show(number)["reason"]


def test_a_host_that_fell_silent_is_asked_when_it_is_back(watched: Lab) -> None:
    """The minion goes down and its job works on; the deployment ends without it."""
    module = watched.define(
        "silent",
        hosts=["e2"],
        probe={"url": watched.health.gate("silent")},
        strategy={"return_within_seconds": 1, "prepare": "with_release"},
    )
    module.publish("1.0.0")
    with watched.running("pushguide.deploy", module="silent", version="1.0.0") as process:
        wait_until(lambda: watched.health.is_asked("silent"), "the probe")
        main, *jobs = watched.processes("e2")
        main.kill()
        main.wait(10)
        process.communicate(timeout=60)
    number = watched.last_number(module)
    assert watched.state(number) == "failed"
    watched.health.open("silent")
    wait_until(lambda: module.journal("e2")["outcome"], "the end of the host's job")
    for one in jobs:
        one.kill()
    watched.stop("e2")
    watched.start("e2")
    sql = "SELECT outcome FROM deployment_host WHERE deployment_id = ?"
    wait_until(lambda: watched.query(sql, number) == [("succeeded",)], "what it says", seconds=60)
    live = watched.query("SELECT version FROM release WHERE module = 'silent'")
    assert live == [("1.0.0",)]


def seen(lab: Lab) -> dict[str, str]:
    """What the monitor has seen of each host."""
    return dict(lab.query("SELECT host, state FROM host_health"))


def test_a_minion_that_dies_is_noticed_and_told(watched: Lab) -> None:
    module = watched.define("mourned")
    module.publish("1.0.0")
    wait_until(lambda: seen(watched) == {"e1": "up", "e2": "up"}, "both hosts", seconds=90)
    health = watched.run("pushguide.health")
    assert health.returncode == 0, health
    assert "watch main: " in health.data["summary"]
    config = yaml.safe_load((watched.config_dir / "master").read_text())
    address = f"http://127.0.0.1:{config['pushguide']['metrics']['port']}/metrics"
    with urllib.request.urlopen(address) as answer:
        metrics = answer.read().decode()
    assert 'pushguide_hosts{state="up"} 2.0' in metrics

    for one in reversed(watched.processes("e2")):
        one.kill()
    # Its interval of 3 s and 15 more; beside a busy machine.
    wait_until(lambda: seen(watched)["e2"] == "down", "the monitor", seconds=60)
    refused = module.deploy(
        "1.0.0", config=watched.config_with("quick", pushguide={"presence_timeout_seconds": 8})
    )
    assert "e2 (down since 20" in refused.problems
    told = watched.run("pushguide.hosts", module="mourned").data["e2"]["health"]
    assert (told["state"], told["lost_from"]) == ("down", ["main"])
    health = watched.run("pushguide.health")
    assert (health.returncode, health.data["state"]) == (0, "warning")
    assert "1 do not answer: e2" in health.data["summary"]

    watched.stop("e2")
    watched.start("e2")
    wait_until(lambda: seen(watched)["e2"] == "up", "that it is back", seconds=60)


def test_without_an_engine_nothing_can_be_scheduled(lab: Lab) -> None:
    module = lab.define("unattended", hosts=["w1"])
    module.publish("1.0.0")
    at = datetime.now(timezone.utc) + timedelta(hours=1)
    answer = module.deploy("1.0.0", at=at.isoformat())
    assert "at needs the engine" in answer.problems
    assert module.rows() == 0
