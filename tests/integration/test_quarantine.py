"""Quarantine against real deployments: the host is left alone, said to be, and brought along."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.support.salt_lab import Lab, Module


@pytest.fixture
def module(lab: Lab, request: pytest.FixtureRequest) -> Module:
    made = lab.define(f"ward-{request.node.name[5:15].replace('_', '-')}", hosts=["w1", "w2"])
    made.publish("1.0.0", "1.1.0")
    assert made.deploy("1.0.0").returncode == 0
    return made


def quarantine(module: Module, host: str, **more: Any) -> None:
    given = {"host": host, "reason": "its disk fails", **more}
    assert module.run("quarantine", **given).returncode == 0


def lives(module: Module) -> list[str | None]:
    return [module.live("w1"), module.live("w2")]


def test_a_host_is_left_alone_and_brought_along(lab: Lab, module: Module) -> None:
    quarantine(module, "w2")
    plan = module.deploy("1.1.0", test=True).data
    assert plan["left_out"] == ["w2"]
    assert any("w2 is in quarantine" in one for one in plan["risks"])

    done = module.deploy("1.1.0")
    assert done.returncode == 0, done
    shown = lab.show(done.data["deployment"])
    assert {host: one["outcome"] for host, one in shown["hosts"].items()} == {
        "w1": "succeeded",
        "w2": "left_out",
    }
    assert shown["hosts"]["w2"]["error"].startswith("in quarantine: its disk fails (by root since")
    assert lives(module) == ["version 1.1.0", "version 1.0.0"]

    retry = partial(lab.run, "pushguide.retry", None, str(done.data["deployment"]))
    retried = retry()
    assert "is in quarantine" in retried.problems
    assert module.run("unquarantine", host="w2", reason="mended").returncode == 0
    assert retry().returncode == 0
    assert lives(module) == ["version 1.1.0", "version 1.1.0"]


def test_all_of_them_are_refused(lab: Lab, module: Module) -> None:
    for host in ("w1", "w2"):
        quarantine(module, host)
    refused = module.deploy("1.1.0")
    assert refused.returncode == 1
    assert "Every host" in refused.problems
    assert "w1: its disk fails (by root" in refused.problems
    assert lives(module) == ["version 1.0.0", "version 1.0.0"]
