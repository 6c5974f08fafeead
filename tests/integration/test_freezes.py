"""Freezes against real deployments: who is refused, who goes on, and what waited before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from saltfactories.manager import FactoriesManager

from tests.support.salt_lab import Lab, Module
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def cold(salt_factories: FactoriesManager) -> Iterator[Lab]:
    """A master whose engine looks every second, a deployer and a maintainer."""
    config = {
        "engines": [{"pushguide": {"interval_seconds": 1}}],
        "pushguide": {"presence_timeout_seconds": 30},
    }
    with Lab(salt_factories, "cold", ["f1"], config) as one:
        one.people = {"deployer": ["alice"], "maintainer": ["bob"]}
        assert one.run("pushguide.setup").returncode == 1  # no modules yet
        wait_until(lambda: one.count("engine") == 1, "the engine", seconds=30)
        yield one


def later(**more: float) -> str:
    """A moment, as it is said to a command."""
    return (datetime.now(timezone.utc) + timedelta(**more)).isoformat()


def freeze(module: Module, **more: Any) -> int:
    """Declare a freeze of a module; answer with its number."""
    given = {"until": later(hours=1), "reason": "stocktaking", **more}
    made = module.run("freeze", **given)
    assert made.returncode == 0, made
    return int(made.data["where"].removeprefix("freeze "))


def audited(lab: Lab, module: Module) -> list[tuple[str, str, str | None]]:
    """Of each deployment in the audit who asked, what came of it, and the override's reason."""
    sql = (
        "SELECT person, outcome, arguments FROM audit WHERE module = ? AND what = 'deploy' "
        "ORDER BY id"
    )
    rows = lab.query(sql, module.name)
    return [(who, what, json.loads(given).get("override_freeze")) for who, what, given in rows]


def test_a_freeze_refuses_and_a_maintainer_goes_on_with_a_reason(
    cold: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = cold.define("frozen")
    module.publish("1.0.0", "1.1.0")
    number = freeze(module)
    down = "the shop is down without it"

    monkeypatch.setenv("SUDO_USER", "alice")
    refused = module.deploy("1.0.0")
    assert refused.returncode == 1
    assert "deploy of frozen to production is frozen until" in refused.problems
    assert "stocktaking" in refused.problems
    denied = module.deploy("1.0.0", override_freeze=down)
    assert "has not the role maintainer on frozen" in denied.problems
    plan = module.run("plan", version="1.0.0")
    assert (plan.returncode, len(plan.data["frozen"])) == (0, 1)

    monkeypatch.setenv("SUDO_USER", "bob")
    assert module.deploy("1.0.0").returncode == 1  # without a reason not even he
    assert (module.rows(), module.live("f1")) == (0, None)
    done = module.deploy("1.0.0", override_freeze=down)
    assert (done.returncode, done.data["state"]) == (0, "succeeded")
    assert module.live("f1") == "version 1.0.0"
    assert audited(cold, module) == [
        ("alice", "begun", None),
        ("alice", "refused", None),
        ("alice", "begun", down),
        ("alice", "denied", down),
        ("bob", "begun", None),
        ("bob", "refused", None),
        ("bob", "begun", down),
        ("bob", "done", down),
    ]

    assert module.lab.run("pushguide.unfreeze", None, str(number), reason="done").returncode == 0
    monkeypatch.setenv("SUDO_USER", "alice")
    assert module.deploy("1.1.0").returncode == 0


def test_what_is_to_start_within_a_freeze_is_refused_at_once(cold: Lab) -> None:
    module = cold.define("frozen-then")
    module.publish("1.0.0")
    freeze(module, since=later(hours=1), until=later(hours=3))
    within = module.deploy("1.0.0", at=later(hours=2))
    assert "is frozen until" in within.problems
    assert module.rows() == 0
    after = module.deploy("1.0.0", at=later(hours=4))
    assert (after.returncode, after.data["state"]) == (0, "scheduled")
    assert cold.run("pushguide.abort", None, str(after.data["deployment"])).returncode == 0


@pytest.mark.parametrize("reason", [None, "it cannot wait"], ids=["refused", "overridden"])
def test_a_freeze_that_comes_before_its_time_is_held_against_it(
    cold: Lab, reason: str | None
) -> None:
    module = cold.define("frozen-since" + ("-over" if reason else ""))
    module.publish("1.0.0")
    override = {"override_freeze": reason} if reason else {}
    number = module.deploy("1.0.0", at=later(seconds=10), **override).data["deployment"]
    freeze(module)
    assert cold.state(number) == "scheduled"
    wait_until(lambda: cold.has_ended(number), "the end", seconds=90)
    if reason:
        assert (cold.state(number), module.live("f1")) == ("succeeded", "version 1.0.0")
    else:
        assert (cold.state(number), module.live("f1")) == ("aborted", None)
        said = cold.show(number)["reason"]
        assert "when its turn came it was refused: deploy of frozen-since" in said
        assert "stocktaking" in said
