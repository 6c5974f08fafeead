"""The lines that Salt's win_iis gives to PowerShell, word for word; none of it needs Wine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pushguide.host.windows.iis import Place
from tests.windows.iis_here import IisHere, Refused

MODULE = "Import-Module WebAdministration; "

ROOT_OF_SHOP = Place("shop").element

#: What each function writes, after what it only asks for.
GOLDEN = [
    (
        "create_site",
        {"name": "new", "sourcepath": r"C:\1", "port": 8081, "hostheader": "a.test"},
        (
            r"New-Item -Path 'IIS:\Sites\new' -PhysicalPath 'C:\1'"
            " -Bindings @{ protocol='http'; bindingInformation='*:8081:a.test' };"
        ),
    ),
    (
        "modify_site",
        {"name": "shop", "sourcepath": r"C:\2"},
        r"Set-ItemProperty -Path 'IIS:\Sites\shop' -Name PhysicalPath -Value 'C:\2'",
    ),
    (
        "modify_site",
        {"name": "shop", "sourcepath": r"C:\2", "apppool": "other"},
        (
            r"Set-ItemProperty -Path 'IIS:\Sites\shop' -Name PhysicalPath -Value 'C:\2' ;"
            r" Set-ItemProperty -Path 'IIS:\Sites\shop' -Name ApplicationPool -Value 'other'"
        ),
    ),
    ("remove_site", {"name": "shop"}, "Remove-WebSite -Name 'shop'"),
    ("start_site", {"name": "shop"}, "Start-WebSite 'shop'"),
    ("stop_site", {"name": "shop"}, "Stop-WebSite 'shop'"),
    ("create_apppool", {"name": "new"}, r"New-Item -Path 'IIS:\AppPools\new'"),
    ("remove_apppool", {"name": "shop"}, r"Remove-Item -Path 'IIS:\AppPools\shop' -Recurse"),
    ("start_apppool", {"name": "shop"}, "Start-WebAppPool 'shop'"),
    ("stop_apppool", {"name": "shop"}, "Stop-WebAppPool 'shop'"),
    ("restart_apppool", {"name": "shop"}, "Restart-WebAppPool 'shop'"),
    (
        "set_container_setting",
        {
            "name": "shop",
            "container": "AppPools",
            "settings": {"startMode": "AlwaysRunning", "queueLength": 5},
        },
        (
            r"Set-ItemProperty -Path 'IIS:\AppPools\shop' -Name 'startMode' -Value 'AlwaysRunning';"
            r" Set-ItemProperty -Path 'IIS:\AppPools\shop' -Name 'queueLength' -Value 5;"
        ),
    ),
    (
        "create_binding",
        {"site": "shop", "hostheader": "a.test", "port": 443, "protocol": "https", "sslflags": 1},
        (
            "New-WebBinding -Name 'shop' -HostHeader 'a.test' -IpAddress '*' -Port '443'"
            " -Protocol 'https' -SslFlags 1"
        ),
    ),
    (
        "modify_binding",
        {"site": "shop", "binding": "*:8080:", "port": 8081},
        (
            "Set-WebBinding -Name 'shop' -BindingInformation '*:8080:'"
            " -PropertyName BindingInformation -Value '*:8081:'"
        ),
    ),
    (
        "remove_binding",
        {"site": "shop", "port": 8080},
        "Remove-WebBinding -HostHeader '' -IpAddress '*' -Port '8080'",
    ),
    (
        "create_app",
        {"name": "api", "site": "shop", "sourcepath": "/", "apppool": "shop"},
        "New-WebApplication -Name 'api' -Site 'shop' -PhysicalPath '/' -ApplicationPool 'shop'",
    ),
    (
        "create_vdir",
        {"name": "static", "site": "shop", "sourcepath": "/"},
        "New-WebVirtualDirectory -Name 'static' -Site 'shop' -PhysicalPath '/'",
    ),
    (
        "set_webconfiguration_settings",
        {
            "name": "MACHINE/WEBROOT/APPHOST",
            "settings": [{"name": "physicalPath", "filter": ROOT_OF_SHOP, "value": r"C:\2"}],
        },
        (
            "Set-WebConfigurationProperty -PSPath 'MACHINE/WEBROOT/APPHOST'"
            f" -Filter '{ROOT_OF_SHOP}'"
            r" -Name 'physicalPath' -Value 'C:\2';"
        ),
    ),
]


@pytest.fixture
def iis(monkeypatch: pytest.MonkeyPatch) -> IisHere:
    """A fresh IIS with a site on port 8080 that has a pool of its own."""
    one = IisHere(monkeypatch)
    assert one("create_site", "shop", r"C:\1", apppool="shop", port=8080)
    assert one("create_apppool", "other")
    one.lines.clear()
    return one


@pytest.mark.parametrize(("function", "arguments", "line"), GOLDEN)
def test_what_salt_writes(
    iis: IisHere, function: str, arguments: Mapping[str, Any], line: str
) -> None:
    assert iis(function, **arguments)
    assert [one for one in iis.lines if "ConvertTo-Json" not in one] == [f"{MODULE}{line}"]


def test_a_site_that_is_there_is_not_changed_by_its_creation(iis: IisHere) -> None:
    assert iis("create_site", "shop", r"C:\2")  # Salt says that it succeeded
    assert iis("list_sites")["shop"]["sourcepath"] == r"C:\1"
    assert all("ConvertTo-Json" in line for line in iis.lines)


def test_what_is_written_is_read_back_and_served(iis: IisHere, tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    assert iis("modify_site", "shop", sourcepath=str(tmp_path))
    assert iis("list_sites")["shop"]["sourcepath"] == str(tmp_path)
    answer = iis.request(8080, "any.test", "/index.html")
    assert (answer["status"], answer["file"]) == (200, str(tmp_path / "index.html"))
    assert iis("list_worker_processes", "shop") == {answer["pid"]: "shop"}


@pytest.mark.parametrize("name", ["it's", 'a"b', "$env:x", r"a\b"])
def test_a_name_that_powershell_would_read_as_something_else_is_refused(
    iis: IisHere, name: str
) -> None:
    with pytest.raises(Refused, match="unknown line"):
        iis("create_apppool", name)
    assert iis("list_sites")["shop"]["state"] == "Started"


def test_a_quote_in_a_name_becomes_powershell(iis: IisHere) -> None:
    assert iis("create_apppool", "a'; Stop-WebSite 'shop")
    assert iis("list_sites")["shop"]["state"] == "Stopped"


@pytest.mark.parametrize("application", [None, "api"])
def test_a_virtual_directory_is_pointed_elsewhere_where_it_is(
    iis: IisHere, application: str | None
) -> None:
    if application:
        assert iis("create_app", application, "shop", "/")
    assert iis("create_vdir", "files", "shop", "/", app=application or "/")
    place = Place("shop", application, "files")
    setting = {"name": "physicalPath", "filter": place.element, "value": r"C:\2"}
    assert iis("set_webconfiguration_settings", "MACHINE/WEBROOT/APPHOST", [setting])
    assert iis("list_vdirs", "shop", application or "/") == {"files": {"sourcepath": r"C:\2"}}
    assert iis("list_sites")["shop"]["sourcepath"] == r"C:\1"


def test_what_has_no_such_element_is_not_changed_and_salt_says_so(iis: IisHere) -> None:
    setting = {
        "name": "physicalPath",
        "filter": Place("shop", "none", "files").element,
        "value": r"C:\2",
    }
    assert not iis("set_webconfiguration_settings", "MACHINE/WEBROOT/APPHOST", [setting])
    assert iis("list_sites")["shop"]["sourcepath"] == r"C:\1"


def test_other_attributes_are_refused(iis: IisHere) -> None:
    setting = {"name": "password", "filter": ROOT_OF_SHOP, "value": "x"}
    with pytest.raises(Refused, match="unknown line"):
        iis("set_webconfiguration_settings", "MACHINE/WEBROOT/APPHOST", [setting])
