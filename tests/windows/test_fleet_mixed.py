"""Modules whose hosts are Linux and Windows together: one version, one deployment, one record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.support.processes import kill_all
from tests.windows.fleet import LINUX, WINDOWS, Fleet
from tests.windows.fleet_modules import BROKEN, KINDS, FleetModule, short

HOSTS = (*WINDOWS, LINUX)
#: What Linux hosts run where Windows ones have a service.
PROCESS = {"type": "service", "settings": {"command": "/bin/sleep 100000", "settle_seconds": 0.2}}


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def module(fleet: Fleet, request: pytest.FixtureRequest) -> Iterator[FleetModule]:
    """A module of a type on Windows, and of another one on Linux."""
    kind: type[FleetModule] = request.param
    linux: dict[str, Any] = PROCESS if kind.project_type == "windows_service" else {}
    made = kind(
        fleet,
        f"both-{short(kind)}",
        hosts=HOSTS,
        gated=True,  # or a task, which has no probe of its own, would have the Linux one
        linux={"probe": True, **linux},
        strategy={"prepare": "with_release", "auto_rollback": "all"},
    )
    for version in ("1.0", "1.1"):
        made.open(version, *WINDOWS)
    yield made
    pid_file = made.root(LINUX) / "service.pid"
    if pid_file.exists() and psutil.pid_exists(pid := json.loads(pid_file.read_text())["pid"]):
        kill_all(pid)


def test_one_deployment_goes_to_all_and_all_go_back_if_windows_fails(module: FleetModule) -> None:
    module.build("1.0")
    module.build("1.1", says=BROKEN)  # for Windows: it is healthy on Linux
    number = module.demand("1.0")
    assert module.lives() == module.everywhere("1.0")
    assert module.told(number) == dict.fromkeys(HOSTS, ("succeeded", "1.0"))

    module.probe_within(2)
    answer = module.deploy("1.1")
    assert answer.data["state"] == "rolled_back", answer
    assert module.told(answer.data["deployment"]) == {
        **dict.fromkeys(WINDOWS, ("restored", "1.0")),
        LINUX: ("succeeded", "1.1"),
    }
    (heir,) = answer.data["caused"]
    assert module.told(heir)[LINUX] == ("succeeded", "1.0")
    assert module.lives() == module.everywhere("1.0")
