"""Configuration of releases on a Windows Python, of a site on a SIMULATED IIS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pushguide.host.configuration.xdt_order import NAMESPACE
from tests.support.host import outcomes, steps
from tests.windows.channel import Windows
from tests.windows.module import Module

SECRET = "correct-horse-battery"
WEB_CONFIG = (
    '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<configuration>\r\n'
    "  <!-- of all environments -->\r\n"
    '  <appSettings>\r\n    <add key="Mode" value="dev" />\r\n  </appSettings>\r\n'
    '  <system.web>\r\n    <compilation debug="true" />\r\n  </system.web>\r\n'
    '  <runtime>\r\n    <assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1" />\r\n'
    "  </runtime>\r\n</configuration>\r\n"
)
TRANSFORM = (
    f'<configuration xmlns:xdt="{NAMESPACE}"><system.web>'
    '<compilation xdt:Transform="RemoveAttributes(debug)" /></system.web></configuration>'
)
FILES = {
    "web.config": WEB_CONFIG.encode(),
    "web.production.config": TRANSFORM.encode(),
    "conf/app.ini.j2": b"password={{ password }}\r\n",
    "conf/same.txt": b"the same in all versions",
}
CONFIGURATION: list[dict[str, Any]] = [
    {"kind": "transform", "file": "web.config", "by": "web.{environment}.config"},
    {"kind": "xml", "file": "web.config", "app_settings": {"mode": "{environment}"}},
    {
        "kind": "json",
        "file": "appsettings.Production.json",
        "create": True,
        "values": {"ConnectionStrings:Shop": "Password={pillar.shop:db}", "Host": "{id}"},
    },
    {
        "kind": "template",
        "file": r"conf\app.ini",
        "source": r"conf\app.ini.j2",
        "values": {"password": "{pillar.shop:db}"},
    },
]
CONFIGURED = ["appsettings.Production.json", "conf/app.ini", "web.config"]


@pytest.fixture
def site(windows: Windows, request: pytest.FixtureRequest) -> Module:
    """A site that nobody has deployed, and its versions."""
    windows.call("iis_store.reset")
    binding = {"protocol": "http", "address": "*", "port": 8080, "host_header": ""}
    pool = {"runtime": "v4.0", "identity": "NetworkService", "only_32_bit": False}
    settings = {"site": "shop", "create": {"bindings": [binding], "pool": pool}}
    name = "configured-" + request.node.name[:50].replace("[", "-").replace("]", "")
    module = Module(windows, name, "dotnet_iis", settings, configuration=CONFIGURATION)
    for version in ("1.0", "1.1"):
        module.build(version, {**FILES, "index.html": version.encode()})
    return module


def deploy(site: Module, version: str, **more: Any) -> dict[str, Any]:
    answer = site.deploy(version, pillar={"shop:db": SECRET}, **more)
    assert "failed" not in outcomes(answer).values(), answer
    assert SECRET not in json.dumps(answer)
    return answer


def release(site: Module, name: str) -> Path:
    return site.root / "releases" / name


def journal(site: Module) -> dict[str, Any]:
    place = site.windows.drive / "minions" / site.name / "var" / "lib" / "pushguide"
    text = (place / site.name / "production" / "journal.json").read_text()
    assert SECRET not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_site_is_configured(site: Module) -> None:
    answer = deploy(site, "1.0")
    assert steps(answer, "prepare")["configure"][0] == "succeeded"
    live = release(site, "1.0-1")
    transformed = WEB_CONFIG.replace('value="dev"', 'value="production"')
    transformed = transformed.replace('<compilation debug="true" />', "<compilation />")
    assert (live / "web.config").read_bytes() == transformed.encode()
    made = json.loads((live / "appsettings.Production.json").read_text())
    assert made == {"ConnectionStrings": {"Shop": f"Password={SECRET}"}, "Host": "win1"}
    assert (live / "conf" / "app.ini").read_bytes() == f"password={SECRET}\r\n".encode()
    assert journal(site)["releases"]["1.0-1"]["configured"] == CONFIGURED
    again = deploy(site, "1.0")
    assert {*outcomes(again).values()} == {"unchanged"}, again


def test_a_failure_leaves_the_live_release_alone(site: Module) -> None:
    deploy(site, "1.0")
    broken = [*CONFIGURATION, {"kind": "transform", "file": "none.config", "by": "web.config"}]
    answer = site.deploy("1.1", pillar={"shop:db": SECRET}, configuration=broken)
    outcome, detail = steps(answer, "prepare")["configure"]
    assert (outcome, outcomes(answer)) == ("failed", {"prepare": "failed"})
    assert "There is no file none.config in the release" in detail
    assert SECRET not in json.dumps(answer)
    assert site.releases() == ["1.0-1"]
    assert list(journal(site)["releases"]) == ["1.0-1"]


def test_a_file_that_releases_share_is_replaced(site: Module) -> None:
    """It is read-only, and Windows replaces no such file as it is."""
    shared = {"unpacking": {"unchanged": "hard_link"}}
    deploy(site, "1.0", configuration=[], **shared)
    deploy(site, "1.1", **shared)
    assert (release(site, "1.0-1") / "web.config").read_bytes() == WEB_CONFIG.encode()
    assert b'value="production"' in (release(site, "1.1-2") / "web.config").read_bytes()
    same = [release(site, name) / "conf" / "same.txt" for name in site.releases()]
    assert same[0].samefile(same[1])


def test_paths_that_lead_out_are_refused(site: Module) -> None:
    for path in (r"..\x", r"C:\x", "C:x", r"\x", r"conf\..\..\x", "web.config:x"):
        change = {"kind": "json", "file": path, "create": True, "values": {"a": 1}}
        answer = site.deploy("1.0", configuration=[change])
        assert "does not lie in the release" in steps(answer, "prepare")["configure"][1]
        assert site.releases() == []


def test_upper_and_lower_case_are_one(site: Module) -> None:
    deploy(site, "1.0", configuration=[{**CONFIGURATION[1], "file": "WEB.Config"}])
    live = release(site, "1.0-1")
    assert b'value="production"' in (live / "web.config").read_bytes()
    assert [one.name.lower() for one in live.iterdir()].count("web.config") == 1
