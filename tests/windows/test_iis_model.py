"""Salt's win_iis against the SIMULATED IIS: each function is Salt's own, in a Windows Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.windows.channel import Raised, Windows

Iis = Callable[..., Any]

FRESH_SITE = "Default Web Site"
FRESH_POOL = "DefaultAppPool"


@pytest.fixture
def iis(windows: Windows) -> Iis:
    """Salt's win_iis, by the name of its function, and IIS as it is installed."""
    windows.call("iis_store.reset")

    def call(function: str, *arguments: Any, **keywords: Any) -> Any:
        return windows.salt(f"win_iis.{function}", *arguments, **keywords)

    return call


@pytest.fixture
def shop(iis: Iis, releases: list[str]) -> str:
    """A site on port 8080 with a pool of its own, on the first release."""
    assert iis("create_site", "shop", releases[0], apppool="shop", port=8080)
    return "shop"


@pytest.fixture
def releases(windows: Windows, tmp_path: Path) -> list[str]:
    """Two releases with a page each, by their Windows paths."""
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name)
    return [windows.path(tmp_path / name) for name in ("1", "2")]


@pytest.fixture
def ask(windows: Windows) -> Callable[[str], dict[str, Any]]:
    """Ask the shop for a page."""
    return lambda path: windows.call("iis_store.request", 8080, "shop.test", path)


def powershell(windows: Windows, line: str) -> dict[str, Any]:
    """Give PowerShell a line as win_iis does."""
    line = f"Import-Module WebAdministration; {line}"
    return dict(windows.salt("cmd.run_all", line, shell="powershell", python_shell=True))


# --- sites ----------------------------------------------------------------------------------


def test_a_fresh_iis_has_a_site_and_a_pool(iis: Iis) -> None:
    assert list(iis("list_sites")) == [FRESH_SITE]
    assert iis("list_apppools") == {FRESH_POOL: {"state": "Started", "applications": [FRESH_SITE]}}


def test_a_site_is_created_with_its_pool(iis: Iis, shop: str, releases: list[str]) -> None:
    assert iis("list_sites")[shop] == {
        "apppool": "shop",
        "bindings": {
            "*:8080:": {
                "protocol": "http",
                "sslflags": 0,
                "certificatehash": "",
                "certificatestorename": "",
                "hostheader": "",
                "ipaddress": "*",
                "port": "8080",
            }
        },
        "id": 2,
        "state": "Started",
        "sourcepath": releases[0],
    }
    assert iis("list_apppools")["shop"] == {"state": "Started", "applications": ["shop"]}


def test_a_site_is_switched_to_another_release(
    iis: Iis, shop: str, releases: list[str], ask: Iis
) -> None:
    assert ask("/index.html")["file"] == rf"{releases[0]}\index.html"
    assert iis("modify_site", shop, sourcepath=releases[1])
    assert iis("list_sites")[shop]["sourcepath"] == releases[1]
    assert iis("list_sites")[shop]["apppool"] == "shop"
    answer = ask("/index.html")
    assert (answer["status"], answer["file"]) == (200, rf"{releases[1]}\index.html")


def test_a_site_is_given_another_pool_and_path_at_once(
    iis: Iis, shop: str, releases: list[str]
) -> None:
    assert iis("modify_site", shop, sourcepath=releases[1], apppool="other")
    found = iis("list_sites")[shop]
    assert (found["sourcepath"], found["apppool"]) == (releases[1], "other")
    assert iis("list_apppools")["shop"]["applications"] == []


def test_a_site_stops_starts_and_restarts(iis: Iis, shop: str, ask: Iis) -> None:
    assert iis("stop_site", shop)
    assert iis("list_sites")[shop]["state"] == "Stopped"
    assert ask("/")["status"] == 0
    assert iis("start_site", shop)
    assert iis("list_sites")[shop]["state"] == "Started"
    assert iis("restart_site", shop)
    assert ask("/index.html")["status"] == 200
    assert not iis("stop_site", "no such site")


def test_a_site_is_removed_and_its_pool_is_not(iis: Iis, shop: str) -> None:
    assert iis("remove_site", shop)
    assert list(iis("list_sites")) == [FRESH_SITE]
    assert "shop" in iis("list_apppools")


def test_of_two_sites_with_one_binding_one_starts(iis: Iis, shop: str, releases: list[str]) -> None:
    assert iis("create_site", "second", releases[1], port=8080)
    assert iis("list_sites")["second"]["state"] == "Stopped"
    assert not iis("start_site", "second")
    assert iis("stop_site", shop)
    assert iis("start_site", "second")


# --- bindings -------------------------------------------------------------------------------


def test_bindings_come_change_and_go(iis: Iis, shop: str) -> None:
    assert iis("create_binding", shop, "shop.test", port=8081)
    assert iis("create_binding", shop, "shop.test", port=443, protocol="https", sslflags=1)
    assert list(iis("list_bindings", shop)) == ["*:8080:", "*:8081:shop.test", "*:443:shop.test"]
    assert iis("list_bindings", shop)["*:443:shop.test"]["sslflags"] == 1
    assert iis("modify_binding", shop, "*:443:shop.test", port=444, sslflags=0)
    changed = iis("list_bindings", shop)["*:444:shop.test"]
    assert (changed["port"], changed["sslflags"]) == ("444", 0)
    assert iis("remove_binding", shop, "shop.test", port=8081)
    assert list(iis("list_bindings", shop)) == ["*:8080:", "*:444:shop.test"]


def test_salt_removes_a_binding_from_every_site_that_has_it(
    iis: Iis, shop: str, releases: list[str]
) -> None:
    assert iis("create_site", "second", releases[1], port=8080)
    assert iis("remove_binding", shop, port=8080)
    assert iis("list_bindings", "second") == {}


# --- application pools and workers ----------------------------------------------------------


def test_pools_come_stop_start_and_go(iis: Iis) -> None:
    assert iis("create_apppool", "one")
    assert iis("stop_apppool", "one")
    assert iis("list_apppools")["one"]["state"] == "Stopped"
    assert not iis("stop_apppool", "one")
    assert not iis("restart_apppool", "one")
    assert iis("start_apppool", "one")
    assert iis("list_apppools")["one"]["state"] == "Started"
    assert iis("remove_apppool", "one")
    assert list(iis("list_apppools")) == [FRESH_POOL]


def test_a_worker_starts_with_the_first_request_and_a_recycle_changes_its_pid(
    iis: Iis, shop: str, ask: Iis
) -> None:
    assert iis("list_worker_processes", "shop") == {}
    first = ask("/index.html")["pid"]
    assert iis("list_worker_processes", "shop") == {str(first): "shop"}
    assert ask("/index.html")["pid"] == first
    assert iis("restart_apppool", "shop")
    [second] = iis("list_worker_processes", "shop")
    assert int(second) != first
    assert ask("/index.html")["pid"] == int(second)


def test_an_old_worker_may_stay_for_a_while(
    windows: Windows, iis: Iis, shop: str, ask: Iis
) -> None:
    windows.call("iis_store.let_old_workers_stay", 300)
    old = ask("/index.html")["pid"]
    assert iis("restart_apppool", "shop")
    states = {one["processId"]: one["state"] for one in windows.call("iis_store.workers", "shop")}
    assert len(states) == 2
    assert states.pop(old) == "Stopping"
    assert set(states.values()) == {"Running"}
    assert ask("/index.html")["pid"] in states


def test_a_stopped_pool_serves_nothing(iis: Iis, shop: str, ask: Iis) -> None:
    assert ask("/index.html")["status"] == 200
    assert iis("stop_apppool", "shop")
    assert iis("list_worker_processes", "shop") == {}
    assert ask("/index.html")["status"] == 503
    assert iis("start_apppool", "shop")
    assert ask("/index.html")["status"] == 200
    assert ask("/missing.html")["status"] == 404


# --- settings -------------------------------------------------------------------------------


def test_settings_of_a_pool_are_written_and_read(iis: Iis, shop: str) -> None:
    wanted = {
        "managedRuntimeVersion": "",
        "startMode": "AlwaysRunning",
        "queueLength": 50,
        "processModel.identityType": "LocalService",
        "processModel.idleTimeout": "00:00:00",
        "recycling.disallowOverlappingRotation": False,
    }
    assert iis("set_container_setting", shop, "AppPools", wanted)
    assert iis("get_container_setting", shop, "AppPools", list(wanted)) == {
        name: str(value) for name, value in wanted.items()
    }
    assert len(iis("list_worker_processes", shop)) == 1  # it is always running


def test_settings_of_a_site_are_written_and_read(iis: Iis, shop: str, releases: list[str]) -> None:
    wanted = {"physicalPath": releases[1], "logFile.directory": r"C:\logs"}
    assert iis("set_container_setting", shop, "Sites", wanted)
    assert iis("get_container_setting", shop, "Sites", list(wanted)) == wanted
    assert iis("list_sites")[shop]["sourcepath"] == releases[1]


def test_a_changed_setting_recycles_a_pool(iis: Iis, shop: str, ask: Iis) -> None:
    first = ask("/")["pid"]
    assert iis("set_container_setting", shop, "AppPools", {"queueLength": 50})
    assert str(first) not in iis("list_worker_processes", shop)


def test_what_is_no_setting_or_no_value_is_refused(iis: Iis, shop: str) -> None:
    with pytest.raises(Raised, match="invalid property names"):
        iis("get_container_setting", shop, "AppPools", ["starttMode"])
    with pytest.raises(Raised, match="Unable to set settings"):
        iis("set_container_setting", shop, "AppPools", {"startMode": "Sometimes"})


# --- applications and virtual directories ---------------------------------------------------


def test_applications_come_change_and_go(
    windows: Windows, iis: Iis, shop: str, releases: list[str], ask: Iis
) -> None:
    assert iis("create_app", "api", shop, releases[0], apppool="api")
    assert iis("list_apps", shop) == {
        "api": {
            "apppool": "api",
            "path": "/api",
            "preload": False,
            "protocols": ["http"],
            "sourcepath": releases[0],
        }
    }
    assert ask("/api/index.html")["status"] == 503  # nobody made its pool
    assert iis("create_apppool", "api")
    assert iis("list_apppools")["api"]["applications"] == ["/api"]
    wanted = {"physicalPath": releases[1], "userName": "reader", "password": "5"}
    assert iis("set_webapp_settings", "api", shop, dict(wanted))
    assert iis("get_webapp_settings", "api", shop, list(wanted)) == wanted
    assert ask("/api/index.html")["file"] == rf"{releases[1]}\index.html"
    assert iis("remove_app", "api", shop)
    assert iis("list_apps", shop) == {}


def test_virtual_directories_come_and_go(
    iis: Iis, shop: str, releases: list[str], ask: Iis
) -> None:
    assert iis("create_app", "api", shop, releases[0])
    for application in ("/", "/api"):
        assert iis("create_vdir", "static", shop, releases[1], app=application)
        assert iis("list_vdirs", shop, application) == {"static": {"sourcepath": releases[1]}}
    assert ask("/static/index.html")["file"] == rf"{releases[1]}\index.html"
    assert ask("/api/static/index.html")["file"] == rf"{releases[1]}\index.html"
    for application in ("/", "/api"):
        assert iis("remove_vdir", "static", shop, app=application)
        assert iis("list_vdirs", shop, application) == {}


# --- lines ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "Get-Process",
        "Restart-WebAppPool -Name 'DefaultAppPool'",
        "Remove-WebSite -Name 'Default Web Site' -Confirm",
        "Stop-WebAppPool 'DefaultAppPool'; Get-Process",
        "Stop-WebAppPool 'Default'AppPool'",
        r"Remove-Item -Path 'IIS:\AppPools\*'; Remove-Item C:\ -Recurse",
    ],
)
def test_an_unknown_line_is_refused_and_nothing_of_it_is_done(
    windows: Windows, iis: Iis, line: str
) -> None:
    done = powershell(windows, line)
    assert done["retcode"] == 1
    assert "The simulated PowerShell refuses this: unknown line" in done["stderr"]
    assert list(iis("list_sites")) == [FRESH_SITE]
    assert iis("list_apppools")[FRESH_POOL]["state"] == "Started"


def test_what_win_iis_asks_and_the_model_does_not_know_is_refused(
    windows: Windows, iis: Iis
) -> None:
    with pytest.raises(Raised, match="Unable to parse"):
        iis("list_backups")
    assert "Get-WebConfigurationBackup" in windows.call("iis_store.lines")[-1]


def test_other_options_are_refused(windows: Windows) -> None:
    done = windows.salt("cmd.run_all", r"C:\simulated\powershell.exe -Command Get-Process")
    assert done["retcode"] == 1
    assert "refuses this: unknown options" in done["stderr"]


def test_the_exit_code_tells_of_the_last_statement_alone(windows: Windows, iis: Iis) -> None:
    wrong, right = "Stop-WebSite 'none'", "Stop-WebSite 'Default Web Site'"
    done = powershell(windows, f"{wrong}; {right}")
    assert done["retcode"] == 0
    assert "Stop-WebSite : Cannot find the site 'none'" in done["stderr"]
    assert iis("list_sites")[FRESH_SITE]["state"] == "Stopped"
    assert powershell(windows, f"{right}; {wrong}")["retcode"] == 1


def test_lines_are_noted_as_they_came(windows: Windows, iis: Iis) -> None:
    iis("restart_apppool", "büro")
    assert windows.call("iis_store.lines") == [
        "Import-Module WebAdministration; Restart-WebAppPool 'büro'"
    ]


def test_calls_at_one_time_do_not_lose_each_others_changes(windows: Windows, iis: Iis) -> None:
    names = [f"pool{number}" for number in range(4)]
    windows.call("iis_together.create_pools", names)
    assert set(iis("list_apppools")) == {FRESH_POOL, *names}
