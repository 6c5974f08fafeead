"""A service whose hosts differ in their port: the inventory says it, and hosts are looked at."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pushguide.host.process import is_alive
from tests.support.cmdb import CmdbDouble
from tests.support.ports import free_port
from tests.support.salt_lab import PROJECT, Answer, Lab, Module
from tests.support.waiting import wait_until

HOSTS = ["w1", "w2"]
INVENTORY = {"port": {"kind": "port", "discover": "port"}}


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {host: free_port() for host in (*HOSTS, "w3")}


@pytest.fixture
def cmdb(ports: dict[str, int]) -> Iterator[CmdbDouble]:
    hosts = [{"hostname": host, "http_port": ports[host]} for host in HOSTS]
    with CmdbDouble(apps={"stocked": hosts}) as one:
        yield one


Configure = Callable[..., Path]


@pytest.fixture
def configured(lab: Lab, cmdb: CmdbDouble) -> Configure:
    """The master's configuration with the CMDB."""

    def make(name: str, **more: Any) -> Path:
        asked = {
            "url": f"{cmdb.url}/api/apps/{{module}}/hosts",
            "hosts": "result.items",
            "id": "hostname",
            "mapping": {"port": "http_port"},
            **more,
        }
        return lab.config_with(
            f"cmdb-{name}", pushguide={"cmdb": asked, "presence_timeout_seconds": 10}
        )

    return make


@pytest.fixture
def stocked(lab: Lab) -> Iterator[Module]:
    """A service that listens where the inventory says."""
    module = lab.define(
        "stocked",
        environments={
            "production": {"hosts": HOSTS, "default": True},
            "wide": {"hosts": [*HOSTS, "spare"]},
        },
        type="service",
        inventory=INVENTORY,
        settings={
            "command": [sys.executable, "server.py"],
            "environment": {"PORT": "{inventory.port}"},
            "port": "{inventory.port}",
            "settle_seconds": 0.1,
        },
        probe={"url": "http://127.0.0.1:{inventory.port}/", "text": "stocked {version}"},
    )
    for version in () if module.artifacts.exists() else ("1.0.0", "1.1.0"):
        server = (PROJECT / "tests" / "support" / "server.py").read_text()
        module.publish_one(
            version,
            {"server.py": server, "server.json": json.dumps({"says": f"stocked {version}"})},
        )
    yield module
    for host in HOSTS:
        with contextlib.suppress(OSError, ValueError):
            pid = int((module.root(host) / "service.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
    lab.forget("stocked")


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return str(answer.read().decode())


def values(answer: Answer, key: str = "value") -> dict[str, Any]:
    return {host: one["values"]["port"].get(key) for host, one in answer.data["hosts"].items()}


def test_a_service_takes_its_port_from_the_cmdb_and_a_planted_difference_is_found(
    lab: Lab, stocked: Module, cmdb: CmdbDouble, configured: Configure, ports: dict[str, int]
) -> None:
    config = configured("holds", cache_seconds=0)

    # Nobody asks a CMDB without its configuration, and nothing runs there to be found.
    refused = stocked.deploy("1.0.0")
    assert refused.data["refused"] == "deploy"
    assert "Nobody says what port of stocked is on w1, w2." in refused.problems
    assert "w1 was looked at: nothing that runs there is known to be" in refused.problems

    answer = stocked.deploy("1.0.0", config=config)
    assert answer.returncode == 0, answer
    for host in HOSTS:
        assert page(ports[host]).startswith("stocked 1.0.0 from ")

    told = stocked.run("plan", config=config, version="1.1.0").data["hosts"]
    assert {host: told[host]["inventory"]["port"]["value"] for host in HOSTS} == {
        host: ports[host] for host in HOSTS
    }
    assert {told[host]["inventory"]["port"]["from"] for host in HOSTS} == {"cmdb"}

    # What each host's value is, who said it, and what was found beside that.
    known = stocked.run("inventory", config=config)
    assert known.returncode == 0, known
    for host in HOSTS:
        one = known.data["hosts"][host]["values"]["port"]
        assert (one["value"], one["from"], one["is_stale"]) == (ports[host], "cmdb", False)
        [overruled] = one["overruled"]
        assert (overruled["value"], overruled["from"]) == (ports[host], "discovery")

    agreed = stocked.run("reconcile", config=config)
    assert agreed.returncode == 0, agreed
    assert set(values(agreed, "outcome").values()) == {"same"}

    # Planted: the CMDB moves w2 elsewhere, and nobody has moved it.
    elsewhere = free_port()
    cmdb.apps["stocked"] = [
        {"hostname": "w1", "http_port": ports["w1"]},
        {"hostname": "w2", "http_port": elsewhere},
    ]
    found = stocked.run("reconcile", config=config)
    assert found.returncode == 1
    assert found.data["hosts"]["w2"]["values"]["port"] == {
        "outcome": "differs",
        "claimed": elsewhere,
        "by": "cmdb",
        "found": ports["w2"],
    }
    assert values(found, "outcome")["w1"] == "same"
    assert found.data["count"] == {
        "same": 1,
        "differs": 1,
        "not_found": 0,
        "not_claimed": 0,
        "unknown": 0,
    }

    # The next deployment moves it; the pillar's word is above the CMDB's.
    lab.inventory["stocked"] = {"w1": {"port": ports["w3"]}}
    lab.write_pillar()
    assert stocked.deploy("1.1.0", config=config).returncode == 0
    assert page(ports["w3"]).startswith("stocked 1.1.0 from ")
    assert page(elsewhere).startswith("stocked 1.1.0 from ")
    known = stocked.run("inventory", config=config)
    [cmdbs, found_there] = known.data["hosts"]["w1"]["values"]["port"]["overruled"]
    assert (cmdbs["value"], cmdbs["from"]) == (ports["w1"], "cmdb")
    assert (found_there["value"], found_there["from"]) == (ports["w3"], "discovery")

    # A rollback takes what is known now: w2 stays where it was moved to.
    back = stocked.run("rollback", config=config)
    assert back.returncode == 0, back
    assert page(elsewhere).startswith("stocked 1.0.0 from ")

    # Ended behind everybody's back: what is claimed is not there.
    for one in psutil.net_connections("tcp"):
        if one.laddr.port == elsewhere and one.status == psutil.CONN_LISTEN and one.pid:
            os.kill(one.pid, signal.SIGKILL)
            wait_until(lambda pid=one.pid: not is_alive(pid), "the end of the service")
    gone = stocked.run("reconcile", config=config)
    assert gone.returncode == 1
    assert values(gone, "outcome") == {"w1": "same", "w2": "not_found"}
    lab.inventory.pop("stocked")


def test_a_cmdb_that_is_away_and_a_host_that_is_silent(
    lab: Lab, stocked: Module, cmdb: CmdbDouble, configured: Configure, ports: dict[str, int]
) -> None:
    config = configured("stale", cache_seconds=0, timeout_seconds=5)
    lab.start("spare")
    lab.stop("spare")
    cmdb.apps["stocked"] = [*cmdb.apps["stocked"], {"hostname": "spare", "http_port": 4711}]
    assert stocked.run("inventory", config=config, environment="wide").returncode == 0
    cmdb.raw = b"<html>down for maintenance</html>"

    known = stocked.run("inventory", config=config, environment="wide")
    assert values(known) == {**{host: ports[host] for host in HOSTS}, "spare": 4711}
    assert {*values(known, "is_stale").values()} == {True}
    assert any("failed: Expecting value" in one for one in known.data["notes"])
    assert "spare: it does not answer (salt-run manage.down)." in known.data["notes"]

    found = stocked.run("reconcile", config=config, environment="wide")
    assert found.returncode == 1
    told = found.data["hosts"]["spare"]
    assert told["values"]["port"] == {"outcome": "unknown", "claimed": 4711, "by": "cmdb"}
    assert "does not answer" in told["problem"]

    plan = stocked.run(
        "plan", config=config, version="1.0.0", environment="wide", allow_offline=True
    )
    [risk] = [one for one in plan.data["risks"] if one.startswith("The CMDB is away")]
    assert risk.endswith("is used for w1, w2.")

    strict = configured("strict", cache_seconds=0, stale_at_most_seconds=0)
    refused = stocked.run(
        "plan", config=strict, version="1.0.0", environment="wide", allow_offline=True
    )
    assert refused.data["refused"] == "plan"
    assert "which is more than stale_at_most_seconds (0) lets pass" in refused.problems


def test_a_module_without_inventory_has_nothing_to_tell(lab: Lab) -> None:
    module = lab.define("unstocked", hosts=HOSTS)
    for function in ("inventory", "reconcile"):
        answer = module.run(function)
        assert (answer.returncode, answer.data["refused"]) == (1, function)
        assert "has no inventory" in answer.problems
    unknown = module.run("inventory", enviroment="production")
    assert "did you mean environment?" in unknown.problems
