"""``static_site`` on a Windows Python: its live pointer is a junction, which is SIMULATED.

What is written for the system to make one is proven byte by byte in tests/unit/host.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.health import Health
from tests.support.host import outcomes, steps
from tests.windows import scenarios
from tests.windows.channel import Windows
from tests.windows.module import Module

TYPE = "static_site"
VERSIONS = ("1.0", "1.1", "1.2")
READ = "pushguide.host.windows.reparse.read"


class Site(Module):
    """A module that is a static site."""

    def __init__(self, windows: Windows, name: str, **settings: Any) -> None:
        super().__init__(windows, name, TYPE, settings)
        for version in VERSIONS:
            self.build(version, {"index.html": version.encode(), "a/b/c.txt": b"deep"})

    @property
    def link(self) -> str:
        """The junction."""
        return str(self.settings.get("link") or rf"C:\srv\{self.name}\live")

    def live(self) -> str | None:
        """Where the junction leads, by the buffer that the system gives."""
        found: str | None = self.windows.call(READ, self.link)
        return found

    def served(self) -> str | None:
        """The version in the file behind the junction, as a Windows program reads it."""
        path = rf"{self.link}\index.html"
        if not self.windows.call("os.path.exists", path):
            return None
        content: str = self.windows.salt("file.read", path)
        return content

    def release(self, name: str) -> str:
        """The directory of a release."""
        return rf"C:\srv\{self.name}\releases\{name}"


@pytest.fixture
def site(windows: Windows, request: pytest.FixtureRequest) -> Site:
    """A site of this test's own."""
    return Site(windows, request.node.name.partition("[")[0][:60])


@pytest.mark.scenario(TYPE, scenarios.FIRST)
def test_the_first_version_is_served_through_a_junction(site: Site) -> None:
    answer = site.deploy("1.0")
    assert {*outcomes(answer).values()} == {"succeeded"}, answer
    assert (site.served(), site.live()) == ("1.0", site.release("1.0-1"))
    assert not (site.root / "live").is_dir() or (site.root / "live").is_symlink()


@pytest.mark.scenario(TYPE, scenarios.SECOND)
@pytest.mark.scenario(TYPE, scenarios.ROLLBACK)
def test_the_second_version_and_the_way_back(site: Site) -> None:
    site.deploy("1.0")
    answer = site.deploy("1.1")
    assert (answer["live"], site.served()) == ("1.1", "1.1")
    answer = site.deploy("1.0", kind="rollback")
    assert steps(answer, "prepare")["choose_release"] == ("unchanged", "1.0-1 is kept here")
    assert (site.served(), site.live()) == ("1.0", site.release("1.0-1"))
    assert site.releases() == ["1.0-1", "1.1-2"]


@pytest.mark.scenario(TYPE, scenarios.AGAIN)
def test_again_changes_nothing(site: Site) -> None:
    site.deploy("1.0")
    answer = site.deploy("1.0")
    assert {*outcomes(answer).values()} == {"unchanged"}, answer
    assert site.releases() == ["1.0-1"]


@pytest.mark.scenario(TYPE, scenarios.FAILED_HEALTH)
def test_a_failed_probe_brings_the_old_version_back(site: Site) -> None:
    with Health(site.windows.drive) as web:
        site.given["probe"] = {
            "kind": "http",
            "url": f"{web.url}/files/srv/{site.name}/live/index.html",
            "text": "{version}",
            "within_seconds": 1,
            "interval_seconds": 0.2,
        }
        site.build("1.1", {"index.html": b"out of order"})
        assert site.deploy("1.0")["outcome"] == "succeeded"
        answer = site.deploy("1.1")
    assert outcomes(answer)["post_release"] == "failed"
    assert (answer["outcome"], answer["live"]) == ("restored", "1.0")
    assert (site.served(), site.live()) == ("1.0", site.release("1.0-1"))
    assert site.journal()["releases"]["1.1-2"]["mark"] == "bad"


def test_the_first_version_that_fails_leaves_nothing(site: Site) -> None:
    probe = {"kind": "tcp", "port": 1, "within_seconds": 0.2, "interval_seconds": 0.1}
    answer = site.deploy("1.0", probe=probe)
    assert (answer["outcome"], answer["live"]) == ("restored", None)
    assert site.live() is None
    assert not site.windows.call("os.path.lexists", site.link)
    assert "1.0-1" in site.releases()  # what the junction led to is as it was


def test_a_document_root_that_iis_wanted_beforehand(site: Site) -> None:
    """An empty directory becomes the junction, and is one again where the first version fails."""
    site.settings["link"] = rf"C:\inetpub\{site.name}"
    site.windows.salt("file.makedirs", rf"{site.link}\\")
    probe = {"kind": "tcp", "port": 1, "within_seconds": 0.2, "interval_seconds": 0.1}
    assert site.deploy("1.0", probe=probe)["outcome"] == "restored"
    assert site.live() is None
    assert site.windows.call("os.listdir", site.link) == []
    assert site.deploy("1.1")["outcome"] == "succeeded"
    assert site.served() == "1.1"


def test_something_else_in_its_place_is_refused(site: Site) -> None:
    site.windows.salt("file.makedirs", rf"{site.link}\\")
    site.windows.salt("file.write", rf"{site.link}\index.html", "by hand")
    answer = site.deploy("1.0")
    assert outcomes(answer) == {"prepare": "failed"}
    assert "is not a junction but something else" in answer["error"]
    assert "by hand" in (site.served() or "")


def test_paths_are_the_same_however_they_are_spelled(site: Site) -> None:
    """A root with slashes and other capitals is the same root: nothing is deployed anew."""
    site.deploy("1.0")
    answer = site.deploy("1.0", root=f"c:/SRV/{site.name}")
    assert {*outcomes(answer).values()} == {"unchanged"}, answer
    answer = site.deploy("1.1", root=f"c:/SRV/{site.name}/")
    assert (answer["outcome"], site.served()) == ("succeeded", "1.1")
    assert site.deploy("1.0", kind="rollback")["outcome"] == "succeeded"
    assert (site.served(), site.releases()) == ("1.0", ["1.0-1", "1.1-3"])


def test_what_a_host_says_of_itself_comes_from_the_junction(site: Site) -> None:
    """Somebody who leads it elsewhere by hand is noticed."""
    site.deploy("1.0")
    site.deploy("1.1")
    opts = site.windows.call("deployments.options", site.name)
    inspect = ("pushguide.host.facts.inspect", opts, site.name, "production", {})
    assert site.windows.call(*inspect)["module"]["live"] == "1.1"
    site.windows.call(
        "pushguide.host.windows.reparse.write", site.link, site.release("1.0-1").upper()
    )
    assert site.windows.call(*inspect)["module"]["live"] == "1.0"
    assert site.deploy("1.1")["outcome"] == "succeeded"
    assert site.served() == "1.1"


@pytest.mark.scenario(TYPE, scenarios.LOCKED_FILE)
def test_a_file_that_is_open_is_no_hindrance(site: Site) -> None:
    """Neither one of the live release nor one of a release that is to go."""
    site.given["keep_releases"] = 1
    site.deploy("1.0")
    held = rf"{site.release('1.0-1')}\index.html"
    site.windows.call("holding.hold", held)
    try:
        assert site.deploy("1.1")["outcome"] == "succeeded"
        assert site.served() == "1.1"
        answer = site.deploy("1.2")
        assert (answer["outcome"], site.served()) == ("succeeded", "1.2")
        assert steps(answer, "post_release")["retire"] == (
            "warning",
            "could not remove 1.0-1; it is tried again next time",
        )
    finally:
        site.windows.call("holding.let_go", held)
    site.deploy("1.1", kind="rollback")
    assert site.releases() == ["1.1-2", "1.2-3"]


@pytest.mark.scenario(TYPE, scenarios.INJECTED)
def test_whichever_call_of_the_system_fails(site: Site) -> None:
    """What is served is a whole version, the one that the answer names, and it goes on from there.

    One call fails in each deployment, in turn, until a deployment is through before its turn comes.
    """
    site.deploy("1.0")
    failed: dict[str, int] = {}
    for number in range(1, 500):
        share = site.share("1.1")
        told = site.windows.call(
            "failing_calls.run",
            number,
            TYPE,
            share,
            ["prepare", "pre_release", "release", "post_release"],
        )
        if told["failed"] is None:
            break
        failed[told["failed"]] = failed.get(told["failed"], 0) + 1
        served = site.served()
        assert served in ("1.0", "1.1"), told
        if told["answer"]:
            assert told["answer"]["live"] == served, told
        else:
            assert "it was made to fail" in told["error"], told
        for version in ("1.1", "1.0"):
            answer = site.deploy(version, keep_releases=1)
            assert (answer["outcome"] in ("succeeded", "unchanged"), site.served()) == (
                True,
                version,
            ), (number, told)
    assert failed["DeviceIoControl"] >= 3, failed
    assert failed["MoveFileEx"] >= 10, failed
