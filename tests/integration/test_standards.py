"""The code standards with real Salt: refused, waived, deployed, and what hosts find."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.support.salt_lab import Lab, Module

LOG = {"health": "version 1.0.0\n", "app.log": "GET /\n"}


def until(days: int) -> str:
    """A date to come."""
    return f"{datetime.now(timezone.utc) + timedelta(days=days):%Y-%m-%d}"


@pytest.fixture(scope="module")
def module(lab: Lab) -> Module:
    """A module whose version 1.0.0 holds a log."""
    module = lab.define("standards", hosts=["w1", "w2"])
    module.publish_one("1.0.0", LOG)
    return module


def steps(lab: Lab, deployment: int, host: str, stage: str) -> dict[str, Any]:
    found = lab.show(deployment)["hosts"][host]["stages"][stage]["steps"]
    return {one["name"]: one for one in found}


def test_from_the_refusal_to_what_hosts_find(lab: Lab, module: Module) -> None:
    checked = module.run("check", version="1.0.0")
    assert checked.returncode == 1
    (error,) = checked.data["errors"]
    assert (error["rule"], error["path"]) == ("no-logs", "app.log")
    assert {one["rule"] for one in checked.data["warnings"]} == {"index-page", "health-declared"}

    before = module.rows(), module.files()
    for command in ("deploy", "plan"):
        refused = module.run(command, version="1.0.0")
        assert refused.returncode == 1
        assert refused.data["refused"] == command
        assert "standards 1.0.0 is against the rule no-logs" in refused.problems
        assert "app.log is there" in refused.problems
        assert "salt-run pushguide.waive module=standards rule=no-logs" in refused.problems
    assert (module.rows(), module.files()) == before
    # Read once: the second and the third time it came out of the record.
    assert lab.count("standards_check", "module = ?", module.name) == 1

    waived = module.run("waive", rule="no-logs", until=until(30), reason="a sample", path="*.log")
    assert waived.returncode == 0
    number = waived.data["id"]
    planned = module.run("plan", version="1.0.0").data
    (one,) = planned["standards"]["waived"]
    assert (one["rule"], one["reason"], one["waiver"]) == ("no-logs", "a sample", number)
    assert any("The rule no-logs is waived at app.log by" in one for one in planned["risks"])
    first = module.deploy("1.0.0")
    assert first.returncode == 0, first.data
    assert module.live("w1") == "version 1.0.0"
    assert (
        steps(lab, first.data["deployment"], "w1", "prepare")["check_standards"]["outcome"]
        == "skipped"
    )

    # Somebody writes a log into the code directory, and changes a file.
    live = module.root("w1") / "live"
    (live / "logs").mkdir()
    (live / "logs" / "today.log").write_text("...")
    (live / "health").write_text("version 1.0.0 by hand\n")
    found = module.run("check", hosts=True)
    assert found.returncode == 1
    w1, w2 = found.data["hosts"]["w1"], found.data["hosts"]["w2"]
    assert {(one["rule"], one["path"]) for one in w1["errors"]} == {("no-log-directory", "logs")}
    assert {one["path"] for one in w1["warnings"]} == {"logs/today.log", "health"}
    assert {one["path"] for one in w1["waived"]} == {"app.log", "logs/today.log"}
    assert (w2["errors"], w2["warnings"]) == ([], [])
    assert w2["version"] == "1.0.0"

    # The next deployment says so on the host, and goes on.
    module.publish("1.1.0")
    second = module.deploy("1.1.0")
    assert second.returncode == 0
    told = steps(lab, second.data["deployment"], "w1", "prepare")["check_standards"]
    assert told["outcome"] == "warning"
    assert "no-log-directory: logs is there" in told["detail"]

    # A waiver that was revoked has no effect.
    ended = lab.run("pushguide.unwaive", id=number, reason="the sample is gone")
    assert ended.returncode == 0
    assert ended.data["has_effect"] is False
    assert module.run("redeploy", version="1.0.0").returncode == 1
    (listed,) = module.run("waivers").data
    assert listed["revoked_reason"] == "the sample is gone"
    # To go back is not refused: it ran before.
    assert module.run("rollback", version="1.0.0").returncode == 0


def test_what_cannot_be_waived(lab: Lab, module: Module) -> None:
    bad = module.run("waive", rule="no-lgs", until=until(400), path="../x")
    assert bad.returncode == 1
    for told in (
        "reason is missing",
        "There is no rule 'no-lgs' that holds for standards: did you mean no-logs?",
        "a waiver lasts for a year at the most",
        "path is '../x': give a path without",
    ):
        assert told in bad.problems
    past = module.run("waive", rule="no-logs", until="2020-01-01", reason="x")
    assert "which has passed" in past.problems
    assert "give a date" in module.run("waive", rule="no-logs", reason="x").problems
    assert "There is no waiver 9999" in lab.run("pushguide.unwaive", id=9999, reason="x").problems
    assert "Which version of standards?" in module.run("check").problems


def test_a_template_that_is_wrong_about_the_standards(lab: Lab) -> None:
    module = lab.define(
        "odd-standards",
        hosts=["w1"],
        standards={"no-lgs": "off", "no-dumps": {"levle": "off"}, "readable": False},
    )
    module.publish("1.0.0")
    problems = module.deploy("1.0.0").problems
    assert "standards:no-dumps:levle: unknown key; did you mean level?" in problems
    lab.forget("odd-standards")
    module = lab.define("odd-rules", hosts=["w1"], standards={"no-lgs": "off", "readable": False})
    module.publish("1.0.0")
    problems = module.deploy("1.0.0").problems
    assert "odd-rules:standards:no-lgs: there is no such rule; did you mean no-logs?" in problems
    assert "odd-rules:standards:readable: the company has locked this rule" in problems
    lab.forget("odd-rules")


def test_an_artifact_without_a_signature(lab: Lab) -> None:
    module = lab.define("unsigned", hosts=["w1"], signature={"signed_by": ["0" * 40]})
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    assert answer.data["refused"] == "deploy"
    assert "has no signature, and the template requires one" in answer.problems
    assert module.files() == {}
