"""What is lost while Windows hosts are deployed to: a minion before or meanwhile, the master."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import pytest

from tests.support.processes import kill_all
from tests.support.salt_lab import Answer
from tests.support.waiting import wait_until
from tests.windows import scenarios
from tests.windows.fleet import LINUX, WINDOWS, Fleet
from tests.windows.fleet_modules import KINDS, FleetModule, Worker, one_of_each

#: How long a deployment may take to come to its end, whatever was lost.
END_SECONDS = 240

T = TypeVar("T")
Test = TypeVar("Test", bound=Callable[..., None])


def shown_for_all_types(scenario: str) -> Callable[[Test], Test]:
    """Say that a test shows a scenario of each type."""

    def mark(test: Test) -> Test:
        for name in KINDS:
            pytest.mark.scenario(name, scenario)(test)
        return test

    return mark


def at_once(modules: Sequence[FleetModule], work: Callable[[FleetModule], T]) -> list[T]:
    """Do something with several modules at once, so that their jobs share the minions."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(work, modules))


@contextmanager
def deploying(module: FleetModule, version: str) -> Iterator[subprocess.Popen[str]]:
    """Deploy in the background."""
    arguments = {"module": module.name, "version": version}
    with module.lab.running("pushguide.deploy", **arguments) as process:
        yield process


def ended(module: FleetModule, process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a deployment in the background answered, and where the record has it."""
    stdout, stderr = process.communicate(timeout=END_SECONDS)
    number = module.lab.last_number(module)
    wait_until(lambda: module.lab.has_ended(number), f"the end of #{number}: {stdout}{stderr}")
    return module.lab.show(number)


@shown_for_all_types(scenarios.OFFLINE)
def test_a_host_that_is_away_is_named_left_out_and_brought_along(fleet: Fleet) -> None:
    modules = one_of_each(fleet, "away")
    at_once(modules, lambda one: one.demand("1.0"))
    quick = fleet.lab.config_with("quick", pushguide={"presence_timeout_seconds": 20})
    fleet.kill("win2")
    try:
        for refused in at_once(modules, lambda one: one.deploy("1.1", config=quick)):
            assert "1 of 2 hosts do not answer: win2." in refused.problems
        left_out = at_once(modules, lambda one: one.demand("1.1", allow_offline=True, config=quick))
    finally:
        fleet.start("win2")
    for module, number in zip(modules, left_out, strict=True):
        assert module.told(number)["win1"] == ("succeeded", "1.1")
        assert module.told(number)["win2"][0] == "left_out"
        assert module.lives() == {"win1": "1.1", "win2": "1.0"}

    def retry(number: int) -> Answer:
        return fleet.lab.run("pushguide.retry", None, str(number))

    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(retry, left_out))
    for module, answer in zip(modules, answers, strict=True):
        assert module.told(module.succeeded(answer)) == {"win2": ("succeeded", "1.1")}
        assert module.lives() == module.everywhere("1.1")


@shown_for_all_types(scenarios.MASTER_RESTARTS)
def test_the_master_restarts_while_hosts_are_in_the_middle_of_a_stage(fleet: Fleet) -> None:
    modules = one_of_each(fleet, "restart", gated=True)
    for module in modules:
        module.open("1.0", *WINDOWS)
    at_once(modules, lambda one: one.demand("1.0"))
    with ExitStack() as stack:
        processes = [stack.enter_context(deploying(one, "1.1")) for one in modules]
        for module in modules:
            wait_until(lambda one=module: one.are_at_gate("1.1"), "the gates", END_SECONDS)
        kill_all(fleet.lab.master.pid)
        for module in modules:
            module.open("1.1", "win1")  # its return reaches nobody
        wait_until(
            lambda: all(outcome(one, "win1") for one in modules), "the end on win1", END_SECONDS
        )
        fleet.lab.restart_master()
        for module in modules:
            module.open("1.1", "win2")
        shown = [ended(*one) for one in zip(modules, processes, strict=True)]
    for module, one in zip(modules, shown, strict=True):
        assert one["state"] == "succeeded", one["summary"]
        assert module.told(one["deployment"]) == dict.fromkeys(WINDOWS, ("succeeded", "1.1"))
        assert module.lives() == module.everywhere("1.1")
    wait_until(lambda: all_answer(fleet), "the answer of all minions", END_SECONDS)


def outcome(module: FleetModule, host: str) -> str | None:
    """The outcome that the journal on a Windows host has of the second deployment."""
    return journal(module, host)["outcome"] if is_at(module, host, "1.1") else None


def is_at(module: FleetModule, host: str, version: str) -> bool:
    """Whether a Windows host has begun with a version."""
    return bool(journal(module, host)["version"] == version)


def journal(module: FleetModule, host: str) -> dict[str, Any]:
    """The journal on a Windows host."""
    found: dict[str, Any] = json.loads(
        (module.journals(host) / "production" / "journal.json").read_text()
    )
    return found


def all_answer(fleet: Fleet) -> bool:
    """Whether every minion has found its master."""
    names = [*WINDOWS, LINUX]
    return bool(fleet.lab.salt(",".join(names), "test.ping") == dict.fromkeys(names, True))


@pytest.mark.parametrize(("healthy", "version"), [(True, "1.1"), (False, "1.0")])
def test_a_minion_is_killed_while_its_service_starts(
    fleet: Fleet, healthy: bool, version: str
) -> None:
    """Its journal tells that the job broke off; it is sent once more, whatever comes of it."""
    name = f"broken-off-{version}"
    strategy = {"prepare": "with_release", "return_within_seconds": END_SECONDS}
    module = Worker(fleet, name, hosts=("win1",), strategy=strategy)
    module.build("1.0", "1.1")
    module.demand("1.0")
    arguments = rf"{module.settings()['arguments']} until=C:\{name}.txt"
    module.change(arguments=arguments, stop_timeout_seconds=2)
    inside = fleet.inside["win1"]
    if not healthy:
        module.probe_within(3)
    with deploying(module, "1.1") as process:
        wait_until(
            lambda: inside.salt("service.info", name)["Status"] == "Start Pending",
            "the start of the service",
            END_SECONDS,
        )
        fleet.kill("win1")
        doing = journal(module, "win1")["doing"]
        fleet.start("win1")
        if healthy:
            (fleet.drive("win1") / f"{name}.txt").touch()
        shown = ended(module, process)
    assert (doing["stage"], doing["step"]) == ("release", "start")
    told = {"win1": ("succeeded", "1.1")} if healthy else {"win1": ("restored", "1.0")}
    assert module.told(shown["deployment"]) == told, shown["summary"]
    assert module.lives() == module.everywhere(version)
