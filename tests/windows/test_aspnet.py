"""A real ASP.NET page, deployed by ``dotnet_iis`` and proven by its probe.

The Windows Python deploys it with Salt's own win_iis to a SIMULATED IIS; what that serves is
served by a real Mono.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pushguide.master.templates.types.dotnet_iis import Settings
from pushguide.words import SUCCEEDED
from tests.support.host import outcomes, steps
from tests.support.ports import free_port
from tests.windows import scenarios
from tests.windows.aspnet import AspNet, serving
from tests.windows.channel import Windows
from tests.windows.conftest import INSTALL_SECONDS
from tests.windows.module import Module

pytestmark = pytest.mark.timeout(INSTALL_SECONDS)

NAME = "shop.example.com"
CONFIGURATION = """\
<?xml version="1.0"?>
<configuration>
  <appSettings><add key="version" value="{version}"/></appSettings>
  <system.web><customErrors mode="Off"/></system.web>
</configuration>
"""
PAGE = """\
<%@ Page Language="C#" %>
version <%= System.Configuration.ConfigurationManager.AppSettings["version"] %>,
6 * 7 = <%= 6 * 7 %>
"""
#: Good IL that nobody can make of it.
BROKEN_PAGE = """\
<%@ Page Language="C#" %>
version <%= NoSuchClass.NoSuchMethod() %>
"""


class Pages(Module):
    """A module of ASP.NET pages on a site that is bound to a name alone."""

    def __init__(self, windows: Windows, name: str, aspnet: AspNet, port: int) -> None:
        windows.call("iis_store.reset")
        settings = Settings(
            site="shop",
            create={
                "bindings": [{"port": port, "host_header": NAME}],
                "pool": {"runtime": "v4.0"},
            },
            stop_timeout_seconds=5,
        ).model_dump(mode="json")
        url = f"http://127.0.0.1:{port}/default.aspx"
        probe = {
            "kind": "http",
            "url": url,
            "headers": {"Host": NAME},
            "text": "version {version},",
            "timeout_seconds": 60,
            "within_seconds": 60,
            "interval_seconds": 0.5,
        }
        warm_up = {"urls": [url], "headers": {"Host": NAME}, "timeout_seconds": 60}
        super().__init__(windows, name, "dotnet_iis", settings, probe=[probe], warm_up=warm_up)
        self.aspnet = aspnet
        self.port = port
        for version in ("1", "2"):
            self.build(version, self.files(version, PAGE))
        self.build("3", self.files("3", BROKEN_PAGE))

    @staticmethod
    def files(version: str, page: str) -> dict[str, bytes]:
        """What CI packs."""
        configuration = CONFIGURATION.format(version=version)
        return {"web.config": configuration.encode(), "default.aspx": page.encode()}

    def ask(self, host: str = NAME) -> tuple[int, str]:
        """Ask for the page from this side of the host."""
        status, worker = self.aspnet.worker(self.port, host, "/default.aspx")
        if worker is None:
            return status, ""
        answer = worker.ask("/default.aspx", host)
        return answer.status, " ".join(answer.read().decode().split())


@pytest.fixture
def pages(windows: Windows, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pages]:
    """IIS as it is installed, and pages that nobody has deployed."""
    port = free_port()
    with serving(windows, tmp_path, [port]) as aspnet:
        yield Pages(windows, f"pages-{request.node.originalname[5:50]}", aspnet, port)


def succeeded(answer: dict[str, Any]) -> bool:
    """Whether it did what it should, and changed something."""
    return bool(answer["outcome"] == SUCCEEDED and "restore" not in outcomes(answer))


@pytest.mark.scenario("dotnet_iis", scenarios.FIRST)
@pytest.mark.scenario("dotnet_iis", scenarios.SECOND)
@pytest.mark.scenario("dotnet_iis", scenarios.FAILED_HEALTH)
@pytest.mark.scenario("dotnet_iis", scenarios.ROLLBACK)
def test_a_page_that_does_not_compile_never_stays(pages: Pages) -> None:
    first = pages.deploy("1")
    assert succeeded(first), first
    assert pages.ask() == (200, "version 1, 6 * 7 = 42")
    assert steps(first, "post_release")["probe"][1].startswith("http://127.0.0.1"), first

    second = pages.deploy("2")
    assert succeeded(second), second
    assert pages.ask() == (200, "version 2, 6 * 7 = 42")

    third = pages.deploy("3")
    assert (outcomes(third)["post_release"], outcomes(third)["restore"]) == ("failed", "succeeded")
    assert "it answered status 500, not 200" in third["error"]
    assert steps(third, "post_release")["warm_up"][0] == "warning"
    assert pages.ask() == (200, "version 2, 6 * 7 = 42")

    back = pages.deploy("1", kind="rollback")
    assert succeeded(back), back
    assert pages.ask() == (200, "version 1, 6 * 7 = 42")
    assert len(pages.aspnet.started) == len({*pages.aspnet.started}) == 5


def test_what_is_bound_to_a_name_is_asked_by_that_name(pages: Pages) -> None:
    assert succeeded(pages.deploy("1"))
    assert pages.ask() == (200, "version 1, 6 * 7 = 42")
    assert pages.ask("other.example.com") == (0, "")
    [probe] = pages.given["probe"]
    nameless = {**probe, "headers": {}, "within_seconds": 1, "timeout_seconds": 1}
    answer = pages.deploy("2", probe=[nameless], warm_up=None)
    assert outcomes(answer)["post_release"] == "failed", answer
    assert "no answer" in answer["error"]
    assert pages.ask() == (200, "version 1, 6 * 7 = 42")
