"""Deployments by ``salt-run`` to two Windows minions at once, for each project type."""

from __future__ import annotations

import pytest

from tests.windows import scenarios
from tests.windows.fleet import WINDOWS, Fleet
from tests.windows.fleet_modules import BROKEN, KINDS, FleetModule, Job, Site, Worker, short


def each_type(*shown: str) -> pytest.MarkDecorator:
    """Run a test for each type; it shows these scenarios of it."""
    return pytest.mark.parametrize(
        "kind",
        [
            pytest.param(kind, id=name, marks=[pytest.mark.scenario(name, one) for one in shown])
            for name, kind in KINDS.items()
        ],
    )


@each_type(scenarios.FIRST, scenarios.SECOND, scenarios.AGAIN, scenarios.ROLLBACK)
def test_one_version_after_the_other_and_the_way_back(
    fleet: Fleet, kind: type[FleetModule]
) -> None:
    module = kind(fleet, f"life-{short(kind)}")
    module.build("1.0", "1.1")
    for version in ("1.0", "1.1"):
        number = module.demand(version)
        assert module.lives() == module.everywhere(version)
        assert module.told(number) == dict.fromkeys(WINDOWS, ("succeeded", version))
        path = f"/{module.name}/{version}/{module.name}-{version}.tar.gz"
        assert [where for where, _ in fleet.served.requests].count(path) >= len(WINDOWS)

    before = [(module.release(host), module.files_on(host)) for host in WINDOWS]
    number = module.demand("1.1")
    assert [(module.release(host), module.files_on(host)) for host in WINDOWS] == before
    hosts = module.lab.show(number)["hosts"]
    outcomes = {s["outcome"] for one in hosts.values() for s in one["stages"].values()}
    assert outcomes == {"unchanged"}

    number = module.succeeded(module.run("rollback"))
    assert module.lives() == module.everywhere("1.0")
    assert module.told(number) == dict.fromkeys(WINDOWS, ("succeeded", "1.0"))


@each_type(scenarios.FAILED_HEALTH)
def test_a_version_without_health_gives_way_to_the_old_one_on_every_host(
    fleet: Fleet, kind: type[FleetModule]
) -> None:
    module = kind(fleet, f"ill-{short(kind)}")
    module.build("1.0")
    module.build("1.1", says=BROKEN)
    module.demand("1.0")
    module.probe_within(2)
    answer = module.deploy("1.1")
    assert answer.data["state"] == "rolled_back", answer
    assert module.lives() == module.everywhere("1.0")
    assert module.told(answer.data["deployment"]) == dict.fromkeys(WINDOWS, ("restored", "1.0"))


@each_type(scenarios.LOCKED_FILE)
def test_an_old_release_in_use_is_removed_later(fleet: Fleet, kind: type[FleetModule]) -> None:
    module = kind(fleet, f"held-{short(kind)}", keep_releases=1)
    module.build("1.0", "1.1", "1.2", "1.3")
    for version in ("1.0", "1.1"):
        module.demand(version)
    (held,) = (module.root("win1") / "releases").glob("1.0-*/health")
    path = fleet.inside["win1"].path(held)
    fleet.inside["win1"].call("holding.hold", path)
    try:
        number = module.demand("1.2")
    finally:
        fleet.inside["win1"].call("holding.let_go", path)
    assert module.lives() == module.everywhere("1.2")
    retired = module.steps(number, "post_release", "retire")
    outcome, detail = retired["win1"]
    assert (outcome, detail.partition(";")[2]) == ("warning", " it is tried again next time")
    assert retired["win2"][0] == "succeeded"
    assert module.releases("win1") == ["1.0", "1.1", "1.2"]
    module.demand("1.3")
    assert module.releases("win1") == module.releases("win2") == ["1.2", "1.3"]


@pytest.mark.scenario("windows_service", scenarios.DOES_NOT_STOP)
def test_a_service_that_does_not_stop_is_ended_by_force(fleet: Fleet) -> None:
    module = Worker(fleet, "stubborn")
    module.build("1.0", "1.1")
    module.change(arguments=f"{module.settings()['arguments']} stubborn", stop_timeout_seconds=2)
    module.demand("1.0")
    number = module.demand("1.1")
    assert all("killed" in detail for _, detail in module.steps(number, "release", "stop").values())
    assert module.lives() == module.everywhere("1.1")


@pytest.mark.scenario("dotnet_iis", scenarios.DOES_NOT_STOP)
def test_old_processes_of_iis_that_stay_are_told(fleet: Fleet) -> None:
    module = Site(fleet, "lingering", settings={"stop_timeout_seconds": 1})
    module.build("1.0", "1.1")
    module.demand("1.0")
    for host in WINDOWS:
        fleet.inside[host].call("iis_store.let_old_workers_stay", 600)
    try:
        number = module.demand("1.1")
    finally:
        for host in WINDOWS:
            fleet.inside[host].call("iis_store.let_old_workers_stay", 0)
    for outcome, detail in module.steps(number, "release", "recycle").values():
        assert (outcome, "IIS will end them" in detail) == ("warning", True)
    assert module.lives() == module.everywhere("1.1")


@pytest.mark.scenario("windows_task", scenarios.DOES_NOT_STOP)
def test_an_instance_that_does_not_end_is_ended(fleet: Fleet) -> None:
    settings = {"run_now": False, "running": "end", "wait_seconds": 2}
    module = Job(fleet, "endless", settings=settings)
    module.change(arguments=f"{module.out} 600")
    module.build("1.0", "1.1")
    module.demand("1.0")
    for host in WINDOWS:
        fleet.inside[host].salt("task.run", module.name)
    number = module.demand("1.1")
    ended = module.steps(number, "release", "wait_for_instance")
    assert all("was ended" in detail for _, detail in ended.values()), ended
    assert {module.release(host) for host in WINDOWS} == {f"1.1-{number}"}
