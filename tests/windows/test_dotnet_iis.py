"""``dotnet_iis`` on a Windows Python, with Salt's own win_iis and a SIMULATED IIS."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.host import outcomes, steps
from tests.windows import scenarios
from tests.windows.channel import Windows
from tests.windows.module import Module

VERSIONS = ("1.0", "1.1", "1.2")
PORT = 8080
CREATE = {
    "bindings": [
        {"protocol": "http", "address": "*", "port": PORT, "host_header": ""},
        {"protocol": "http", "address": "*", "port": 8081, "host_header": "shop.example.com"},
    ],
    "pool": {"runtime": "v4.0", "identity": "NetworkService", "only_32_bit": True},
}


class Site(Module):
    """A module that IIS serves."""

    def __init__(self, windows: Windows, **settings: Any) -> None:
        windows.call("iis_store.reset")
        usual = {"site": "shop", "create": CREATE, "stop_timeout_seconds": 3}
        super().__init__(windows, "shop-iis", "dotnet_iis", {**usual, **settings})
        for version in VERSIONS:
            self.build(version, {"index.html": version.encode()})

    def iis(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """One of Salt's functions for IIS."""
        return self.windows.salt(f"win_iis.{function}", *arguments, **keywords)

    def demand(self, version: str) -> None:
        """Deploy a version, which has to succeed."""
        answer = self.deploy(version)
        assert "failed" not in outcomes(answer).values(), answer

    def request(self) -> dict[str, Any]:
        """What the simulated IIS says to a request: ``file`` and ``pid`` among it."""
        found: dict[str, Any] = self.windows.call("iis_store.request", PORT, "", "/index.html")
        return found

    def served(self) -> str:
        """The version that it serves."""
        parts = self.request()["file"].split("\\")[1:]
        return self.windows.drive.joinpath(*parts).read_text()

    def path(self) -> str:
        """The site's physical path."""
        return str(self.iis("list_sites")["shop"]["sourcepath"])


@pytest.fixture
def site(windows: Windows, request: pytest.FixtureRequest) -> Site:
    """IIS as it is installed, and a module that nobody has deployed."""
    made = Site(windows)
    made.name = "iis-" + request.node.name[:56].replace("[", "-").replace("]", "")
    made.root = windows.drive / "srv" / made.name
    for version in VERSIONS:
        made.build(version, {"index.html": version.encode()})
    return made


@pytest.mark.scenario("dotnet_iis", scenarios.FIRST)
def test_the_site_is_created(site: Site) -> None:
    answer = site.deploy("1.0")
    assert {*outcomes(answer).values()} == {"succeeded"}, answer
    there = site.iis("list_sites")["shop"]
    assert there["sourcepath"] == rf"C:\srv\{site.name}\releases\1.0-1"
    assert {*there["bindings"]} == {f"*:{PORT}:", "*:8081:shop.example.com"}
    assert (there["apppool"], there["state"]) == ("shop", "Started")
    wanted = ["managedRuntimeVersion", "processModel.identityType", "enable32BitAppOnWin64"]
    assert site.iis("get_container_setting", "shop", "AppPools", wanted) == {
        "managedRuntimeVersion": "v4.0",
        "processModel.identityType": "NetworkService",
        "enable32BitAppOnWin64": "True",
    }


@pytest.mark.scenario("dotnet_iis", scenarios.SECOND)
@pytest.mark.scenario("dotnet_iis", scenarios.ROLLBACK)
def test_the_second_version_and_the_way_back(site: Site) -> None:
    site.demand("1.0")
    before = site.request()["pid"]
    answer = site.deploy("1.1")
    assert {*outcomes(answer).values()} == {"succeeded"}, answer
    assert (site.served(), site.request()["pid"] != before) == ("1.1", True)
    assert "recycled" in steps(answer, "release")["recycle"][1]
    site.deploy("1.0", kind="rollback")
    assert site.served() == "1.0"
    assert site.releases() == ["1.0-1", "1.1-2"]


@pytest.mark.scenario("dotnet_iis", scenarios.AGAIN)
def test_again_changes_nothing(site: Site) -> None:
    site.demand("1.0")
    pid = site.request()["pid"]
    answer = site.deploy("1.0")
    assert {*outcomes(answer).values()} == {"unchanged"}, answer
    assert site.request()["pid"] == pid


def test_stop_and_start(site: Site) -> None:
    site.demand("1.0")
    site.request()
    answer = site.deploy("1.1", settings={"change": "stop_start"})
    found = steps(answer, "release")
    assert found["stop_pool"] == ("succeeded", "pool shop stopped")
    assert found["recycle"][0] == "skipped"
    assert found["start"] == ("succeeded", "pool shop started")
    assert site.path().endswith("1.1-2")


@pytest.mark.scenario("dotnet_iis", scenarios.DOES_NOT_STOP)
def test_old_processes_that_stay_are_told(site: Site) -> None:
    site.demand("1.0")
    site.request()
    site.windows.call("iis_store.let_old_workers_stay", 60)
    answer = site.deploy("1.1", settings={"stop_timeout_seconds": 1})
    outcome, detail = steps(answer, "release")["recycle"]
    assert outcome == "warning"
    assert "IIS will end them" in detail


@pytest.mark.scenario("dotnet_iis", scenarios.INJECTED)
@pytest.mark.parametrize(
    "function", ["win_iis.modify_site", "win_iis.restart_apppool", "win_iis.list_worker_processes"]
)
def test_whatever_fails_the_old_version_is_served(site: Site, function: str) -> None:
    site.demand("1.0")
    answer = site.deploy("1.1", failing=[function])
    assert outcomes(answer).get("release") == "failed", answer
    assert site.path().endswith("1.0-1")
    states = site.iis("list_sites")["shop"]["state"], site.iis("list_apppools")["shop"]["state"]
    assert states == ("Started", "Started")


@pytest.mark.scenario("dotnet_iis", scenarios.FAILED_HEALTH)
def test_a_failed_probe_brings_the_old_version_back(site: Site) -> None:
    site.demand("1.0")
    probe = {
        "kind": "tcp",
        "host": "127.0.0.1",
        "port": 1,
        "within_seconds": 1,
        "interval_seconds": 0.5,
    }
    answer = site.deploy("1.1", probe=[probe])
    assert outcomes(answer).get("restore") == "succeeded", answer
    assert (outcomes(answer)["post_release"], outcomes(answer)["restore"]) == (
        "failed",
        "succeeded",
    )
    assert site.path().endswith("1.0-1")


def test_the_first_deployment_that_fails_leaves_nothing(site: Site) -> None:
    answer = site.deploy("1.0", failing=["win_iis.create_binding"])
    assert (outcomes(answer)["release"], outcomes(answer)["restore"]) == ("failed", "succeeded")
    assert "shop" not in site.iis("list_sites")
    assert "shop" not in site.iis("list_apppools")


def test_a_site_that_stood_still_before_stands_still_again(site: Site) -> None:
    site.demand("1.0")
    site.iis("stop_apppool", "shop")
    answer = site.deploy("1.1", failing=["win_iis.start_apppool"])
    assert outcomes(answer).get("release") == "failed", answer
    assert site.iis("list_apppools")["shop"]["state"] == "Stopped"
    assert site.path().endswith("1.0-1")


def test_a_missing_site_is_refused_without_create(site: Site) -> None:
    answer = site.deploy("1.0", settings={"create": None})
    assert "IIS has no shop on this host" in steps(answer, "prepare")["check_runtime"][1]


def test_an_application_in_a_site(site: Site) -> None:
    old = r"C:\old application"
    site.windows.call("os.makedirs", old, exist_ok=True)
    site.iis("create_site", "shop", old, apppool="shop", port=PORT)
    site.iis("create_app", "part", "shop", old, apppool="shop")
    settings = {"create": None, "application": "part"}

    def path() -> str:
        return str(site.iis("list_apps", "shop")["part"]["sourcepath"])

    answer = site.deploy("1.0", settings=settings)
    assert {*outcomes(answer).values()} == {"succeeded"}, answer
    assert path().endswith("1.0-1")
    answer = site.deploy("1.1", settings=settings, failing=["win_iis.list_worker_processes"])
    assert path().endswith("1.0-1")
    assert site.path() == old


def test_an_application_and_a_virtual_directory_are_created_and_switched(site: Site) -> None:
    old = r"C:\old application"
    site.windows.call("os.makedirs", old, exist_ok=True)
    site.iis("create_site", "shop", old, apppool="front", port=PORT)
    usual = {"bindings": [], "pool": CREATE["pool"]}
    application = {"create": usual, "application": "api", "pool": "api"}
    directory = {"create": usual, "application": "api", "virtual_directory": "files"}
    assert outcomes(site.deploy("1.0", settings=application))["release"] == "succeeded"
    files = Module(site.windows, f"{site.name}-files"[:60], "dotnet_iis", {**site.settings})
    for version in VERSIONS:
        files.build(version, {"index.html": version.encode()})
    for version in ("1.0", "1.1"):
        answer = files.deploy(version, settings=directory)
        assert {*outcomes(answer).values()} == {"succeeded"}, answer
    there = site.iis("list_apps", "shop")["api"]
    assert (there["apppool"], there["sourcepath"]) == ("api", rf"C:\srv\{site.name}\releases\1.0-1")
    [found] = site.iis("list_vdirs", "shop", "api").items()
    assert found == ("files", {"sourcepath": rf"C:\srv\{files.name}\releases\1.1-2"})
    lines = site.windows.call("iis_store.lines")
    assert not [one for one in lines if "Remove-" in one]
    assert site.path() == old


def test_a_host_without_iis_is_refused(site: Site) -> None:
    answer = site.deploy("1.0", missing=["win_iis.list_sites"])
    assert outcomes(answer) == {"prepare": "failed"}
    assert "This host has no IIS that can be managed" in answer["error"]


def _both_versions(module: Module, **settings: Any) -> list[dict[str, Any]]:
    """Deploy one after the other to a minion that another module has too."""
    return [module.deploy(one, home="both", settings=settings) for one in VERSIONS[:2]]


def test_two_modules_at_once_both_end_right(site: Site) -> None:
    other = Windows(site.windows.host)
    second = Module(other, f"{site.name}-2", "dotnet_iis", {**site.settings, "site": "second"})
    binding = {"protocol": "http", "address": "*", "port": 8090, "host_header": ""}
    create = {"create": {**CREATE, "bindings": [binding]}, "pool": "second"}
    try:
        for version in VERSIONS[:2]:
            second.build(version, {"index.html": version.encode()})
        with ThreadPoolExecutor(2) as pool:
            jobs = [
                pool.submit(_both_versions, site),
                pool.submit(_both_versions, second, **create),
            ]
            answers = [answer for job in jobs for answer in job.result()]
    finally:
        other.end()
    assert [one["outcome"] for one in answers] == ["succeeded"] * 4, answers
    found = site.iis("list_sites")
    assert [found[name]["state"] for name in ("shop", "second")] == ["Started"] * 2
    assert [found[name]["sourcepath"][-5:] for name in ("shop", "second")] == ["1.1-2"] * 2
    lines = site.windows.call("iis_store.lines")
    assert sum("New-Item -Path 'IIS:\\Sites" in one for one in lines) == 2
