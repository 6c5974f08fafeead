"""Java web applications on a real Tomcat.

A start of Tomcat takes seconds, so each test takes one instance a long way.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pushguide.host.types.java_web import JavaWeb
from pushguide.share import Artifact
from pushguide.words import BAD, FAILED, RESTORED, SUCCEEDED, UNCHANGED
from tests.support.host import Host, outcomes, steps
from tests.support.tomcat import Base, Client, settings, war

pytestmark = pytest.mark.tomcat

DESCRIPTOR = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Written by operations. -->
<Context reloadable="false">
  <Parameter name="greeting" value="operations" override="false"/>
  <!-- Sessions are to outlive a restart. -->
  <Manager pathname="SESSIONS.ser"/>
</Context>
"""


class Site(Host):
    """A host with an application on a Tomcat."""

    def __init__(self, top: Path, base: Base, context_path: str, **more: Any) -> None:
        path = context_path.rstrip("/")
        super().__init__(
            top,
            JavaWeb,
            settings=settings(base, context_path=context_path, **more),
            probe={
                "url": f"http://127.0.0.1:{base.port}{path}/index.jsp",
                "text": "version {version} ",
                "within_seconds": 120,
                "interval_seconds": 0.1,
            },
        )
        self.base = base
        self.path = path

    def build_war(self, version: str, content: bytes | None = None, **more: Any) -> Artifact:
        return self.publish(version, f"shop-{version}.war", content or war(version, **more))

    def deploy_war(self, version: str, **more: Any) -> dict[str, Any]:
        return self.deploy(version, artifact=self.build_war(version, **more))

    def page(self, name: str = "index.jsp") -> str:
        answer = self.base.get(f"{self.path}/{name}")
        assert answer.status == 200, answer
        return answer.body


def test_an_application_through_its_life(tmp_path: Path, base: Base) -> None:
    descriptor = base.path / "conf" / "Catalina" / "localhost" / "shop.xml"
    descriptor.parent.mkdir(parents=True)
    descriptor.write_text(DESCRIPTOR)
    descriptor.chmod(0o640)
    site = Site(tmp_path, base, "/shop")

    # A first version: Tomcat is started, and what operations wrote stays.
    answer = site.deploy_war("1")
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "1"), answer["error"]
    assert site.page() == "version 1 greets operations"
    assert site.page("version.txt") == "1"
    assert list(steps(answer, "release")) == ["stop", "switch", "start"]
    assert f"listens on {base.port}" in steps(answer, "post_release")["alive"][1]
    assert f'docBase="{site.root}/releases/1-1"' in descriptor.read_text()
    assert "<!-- Sessions are to outlive a restart. -->" in descriptor.read_text()
    assert descriptor.stat().st_mode & 0o777 == 0o640

    # A second one, whose pages are older than those of the first; a client looks on.
    cookie = base.get("/shop/visits.jsp").cookie.partition(";")[0]
    assert base.get("/shop/visits.jsp", {"Cookie": cookie}).body == "2"
    one = base.pid
    with Client(base, "/shop/index.jsp") as client, Client(base, "/shop/version.txt") as plain:
        answer = site.deploy_war("2", year=2019)
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "2"), answer["error"]
    assert steps(answer, "release")["stop"] == (SUCCEEDED, f"process {one} stopped")
    client.demand_clean_change("version 1 greets operations", "version 2 greets operations")
    plain.demand_clean_change("1", "2")
    assert base.get("/shop/visits.jsp", {"Cookie": cookie}).body == "3"

    # A third one that fails: the second is back.
    artifact = site.build_war("3", war("3", {"index.jsp": "out of order"}))
    with Client(base, "/shop/version.txt") as plain:
        site.given["probe"]["within_seconds"] = 0.5
        answer = site.deploy("3", artifact=artifact)
    assert (answer["outcome"], answer["live"]) == (RESTORED, "2"), answer["error"]
    assert {one.body for one in plain.answers if one.status == 200} <= {"2", "3"}
    assert site.page() == "version 2 greets operations"
    assert site.page("version.txt") == "2"
    assert site.journal.releases["3-3"].mark == BAD
    site.given["probe"]["within_seconds"] = 120

    # Back to the first, which is kept, while Tomcat hangs so that it cannot shut down.
    hung = base.pid
    os.kill(hung, signal.SIGSTOP)
    site.given["settings"]["stop_timeout_seconds"] = 0.5
    answer = site.rollback("1")
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "1"), answer["error"]
    assert steps(answer, "release")["stop"] == (SUCCEEDED, f"process {hung} killed")
    assert site.page() == "version 1 greets operations"

    demand_failures_in_prepare(site)

    # What is live already is not restarted.
    pid = base.pid
    assert site.rollback("1")["outcome"] == UNCHANGED
    assert base.pid == pid


def demand_failures_in_prepare(site: Site) -> None:
    """What is missing is found before live traffic is touched, and named."""
    pid, usual = site.base.pid, site.given["settings"]
    empty = site.base.path.parent / "empty"
    (empty / "conf").mkdir(parents=True)
    bare = site.base.path.parent / "bare"
    shutil.copytree(site.base.path / "conf", bare / "conf")
    for change, problem in (
        ({"catalina_home": "/nowhere/tomcat"}, "/nowhere/tomcat/bin/catalina.sh is missing"),
        ({"catalina_base": str(empty)}, f"{empty}/conf/server.xml is missing"),
        ({"catalina_base": str(bare)}, f"{bare}/temp, which Tomcat needs, is missing"),
        ({"java_home": "/nowhere/java"}, "No java was found"),
        ({"user": "no-such-user"}, "no user 'no-such-user'"),
    ):
        site.given["settings"] = {**usual, **change}
        answer = site.deploy_war("9")
        assert outcomes(answer) == {"prepare": FAILED}
        assert problem in answer["error"]
        assert site.page() == "version 1 greets operations"
    site.given["settings"] = usual
    assert site.base.pid == pid


def test_a_tomcat_that_somebody_started(tmp_path: Path, base: Base) -> None:
    """It is stopped in good order, and an old pid file leads to nobody's harm."""
    by_hand = base.start_by_hand()
    stranger = subprocess.Popen(["sleep", "100"])
    try:
        (base.path / "temp" / "catalina.pid").write_text(f"{stranger.pid}\n")
        site = Site(tmp_path, base, "/")
        answer = site.deploy_war("1")
        assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "1"), answer["error"]
        assert steps(answer, "release")["stop"] == (SUCCEEDED, f"process {by_hand} stopped")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait(20)
    assert "Stopping service [Catalina]" in base.log
    assert base.get("/index.jsp").body == "version 1 greets null"
    descriptor = base.path / "conf" / "Catalina" / "localhost" / "ROOT.xml"
    assert descriptor.exists()
    assert (base.path / "temp" / "catalina.pid").read_text().strip() == str(base.pid)

    # A thread that the application leaves behind keeps no Tomcat from stopping.
    # Its page has the very time of the old one, as reproducible builds have it.
    thread = (
        '<%@ page session="false" contentType="text/plain" %>'
        "<% new Thread(() -> { while (true) { try { Thread.sleep(1000); }"
        " catch (InterruptedException e) { } } }).start(); %>version 2 has a thread"
    )
    answer = site.deploy("2", artifact=site.build_war("2", war("2", {"index.jsp": thread})))
    assert answer["outcome"] == SUCCEEDED, answer["error"]
    two = base.pid
    assert base.get("/index.jsp").body == "version 2 has a thread"
    # Going back stops it all the same.
    answer = site.rollback("1")
    assert answer["outcome"] == SUCCEEDED, answer["error"]
    assert steps(answer, "release")["stop"] == (SUCCEEDED, f"process {two} stopped")
