"""The rollout on real minions: batches, canaries, people, and what goes back by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import salt.config
import salt.utils.event

from tests.support.salt_lab import Api, Lab, Module
from tests.support.waiting import wait_until


def strategy(**more: Any) -> dict[str, Any]:
    """A strategy with quick bounds."""
    return {"prepare": "with_release", "return_within_seconds": 5, "batch": 1, **more}


def outcomes(shown: dict[str, Any]) -> dict[str, str]:
    return {host: one["outcome"] for host, one in shown["hosts"].items()}


def test_a_canary_waits_for_a_person_and_the_rest_follows(lab: Lab) -> None:
    module = lab.define("canary", strategy=strategy(canary=["w2"]))
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    assert (answer.returncode, answer.data["state"]) == (1, "paused")
    assert "pushguide.confirm" in answer.data["summary"]
    assert module.lives() == {"w1": None, "w2": "version 1.0.0", "w3": None}
    number = answer.data["deployment"]
    again = lab.run("pushguide.confirm", None, str(number), reason="looks fine")
    assert (again.returncode, again.data["state"]) == (0, "succeeded")
    assert set(module.lives().values()) == {"version 1.0.0"}
    asked = lab.show(number)["requests"]
    assert [(one["what"], one["reason"]) for one in asked] == [("confirm", "looks fine")]


def test_a_paused_deployment_keeps_its_module_and_can_be_aborted(lab: Lab) -> None:
    module = lab.define("halted", strategy=strategy(canary=1))
    module.publish("1.0.0", "1.1.0")
    number = module.deploy("1.0.0").data["deployment"]
    refused = module.deploy("1.1.0")
    assert f"#{number}" in refused.problems
    assert "is paused" in refused.problems
    answer = lab.run("pushguide.abort", None, str(number), reason="changed my mind")
    assert (answer.returncode, answer.data["state"]) == (0, "aborted")
    assert outcomes(answer.data) == {"w1": "succeeded", "w2": "not_started", "w3": "not_started"}
    assert module.deploy("1.1.0").data["state"] == "paused"


def gated(lab: Lab, name: str, **more: Any) -> Module:
    """A module whose hosts are healthy once the test opens their gates, one after the other."""
    probe = {"url": f"{lab.health.url}/gate/{name}-{{id}}-{{version}}"}
    return lab.define(name, probe=probe, strategy=strategy(**more))


def open_gates(lab: Lab, module: Module, version: str, *but: str) -> None:
    """Let a version be healthy everywhere, but on some hosts."""
    for host in lab.minions:
        if host not in but:
            lab.health.open(f"{module.name}-{host}-{version}")


def test_an_abort_stops_in_mid_stage_and_puts_the_host_back(lab: Lab) -> None:
    module = gated(lab, "aborted")
    module.publish("1.0.0", "1.1.0")
    open_gates(lab, module, "1.0.0")
    open_gates(lab, module, "1.1.0", "w2")
    assert module.deploy("1.0.0").returncode == 0
    with lab.running("pushguide.deploy", module="aborted", version="1.1.0") as process:
        wait_until(lambda: lab.health.is_asked("aborted-w2-1.1.0"), "the probe")
        number = lab.last_number(module)
        answer = lab.run("pushguide.abort", None, str(number), reason="orders fail")
        process.communicate(timeout=60)
    assert process.returncode == 1
    assert answer.data["state"] == "aborted"
    assert outcomes(answer.data) == {"w1": "succeeded", "w2": "restored", "w3": "not_started"}
    assert module.lives() == {
        "w1": "version 1.1.0",
        "w2": "version 1.0.0",
        "w3": "version 1.0.0",
    }
    assert "orders fail" in answer.data["reason"]


def test_a_pause_holds_between_two_batches(lab: Lab) -> None:
    module = gated(lab, "held")
    module.publish("1.0.0")
    with lab.running("pushguide.deploy", module="held", version="1.0.0") as process:
        wait_until(lambda: lab.health.is_asked("held-w1-1.0.0"), "the probe")
        number = lab.last_number(module)
        lab.run("pushguide.pause", None, str(number), wait=False)
        open_gates(lab, module, "1.0.0")
        process.communicate(timeout=60)
    assert lab.state(number) == "paused"
    assert module.lives() == {"w1": "version 1.0.0", "w2": None, "w3": None}
    assert lab.run("pushguide.resume", None, str(number)).data["state"] == "succeeded"
    assert set(module.lives().values()) == {"version 1.0.0"}


def test_a_retry_touches_what_did_not_succeed_and_nothing_else(lab: Lab) -> None:
    module = gated(lab, "retried", batch="100%", max_failures=1)
    module.publish("1.0.0", "1.1.0")
    open_gates(lab, module, "1.0.0")
    open_gates(lab, module, "1.1.0", "w2")
    assert module.deploy("1.0.0").returncode == 0
    template = lab.templates["retried"]
    template["probe"]["within_seconds"] = 0.5
    lab.write_pillar()
    answer = module.deploy("1.1.0")
    assert answer.data["state"] == "succeeded"  # one may fail
    assert outcomes(answer.data)["w2"] == "restored"
    before = {host: module.journal(host) for host in ("w1", "w3")}
    open_gates(lab, module, "1.1.0")
    again = lab.run("pushguide.retry", None, str(answer.data["deployment"]))
    assert again.returncode == 0, again
    assert outcomes(again.data) == {"w2": "succeeded"}
    assert again.data["cause"] == "retry"
    assert again.data["cause_id"] == answer.data["deployment"]
    assert {host: module.journal(host) for host in ("w1", "w3")} == before
    assert set(module.lives().values()) == {"version 1.1.0"}
    refused = lab.run("pushguide.retry", None, str(answer.data["deployment"]))
    assert f"#{again.data['deployment']}" in refused.problems


def test_everything_goes_back_by_itself(lab: Lab) -> None:
    module = lab.define(
        "selfhealing",
        probe=True,
        strategy=strategy(batch=2, auto_rollback="all"),
    )
    module.publish("1.0.0")
    assert module.deploy("1.0.0").returncode == 0
    module.publish_one("1.1.0", {"health": "version 1.1.0\n"})
    lab.health.spoil("w2", "selfhealing", "1.1.0")
    answer = module.deploy("1.1.0")
    assert (answer.returncode, answer.data["state"]) == (1, "rolled_back")
    (heir,) = answer.data["caused"]
    shown = lab.show(heir)
    assert (shown["kind"], shown["state"], shown["version"]) == ("rollback", "succeeded", "1.0.0")
    assert shown["cause"] == "auto_rollback"
    assert outcomes(shown) == {"w1": "succeeded"}
    assert set(module.lives().values()) == {"version 1.0.0"}


def test_it_goes_back_to_a_named_version(lab: Lab) -> None:
    more = {"auto_rollback": "all", "rollback_to": "1.0.0"}
    module = lab.define("named-way-back", probe=True, strategy=strategy(**more))
    module.publish("1.0.0", "1.1.0", "1.2.0")
    assert module.deploy("1.0.0").returncode == 0
    assert module.deploy("1.1.0").returncode == 0
    lab.health.spoil("w2", "named-way-back", "1.2.0")
    answer = module.deploy("1.2.0")
    assert answer.data["state"] == "rolled_back"
    (heir,) = answer.data["caused"]
    assert lab.show(heir)["version"] == "1.0.0"
    # The host that failed had gone back by itself, to what it ran: it goes to what was named too.
    assert module.lives() == {
        "w1": "version 1.0.0",
        "w2": "version 1.0.0",
        "w3": "version 1.1.0",
    }


def test_a_bad_version_needs_force(lab: Lab) -> None:
    module = lab.define("marked", hosts=["w1"])
    module.publish("1.0.0", "1.1.0")
    assert module.deploy("1.0.0").returncode == 0
    told = module.run("mark", version="1.1.0", value="bad", reason="leaks")
    assert (told.data["mark"], told.data["reason"]) == ("bad", "leaks")
    refused = module.deploy("1.1.0")
    assert "marked bad" in refused.problems
    assert "leaks" in refused.problems
    assert module.deploy("1.1.0", force=True).returncode == 0
    assert module.live("w1") == "version 1.1.0"


def test_a_host_that_nobody_confirms_goes_back_by_itself(lab: Lab) -> None:
    more = {"confirm_within_seconds": 30, "confirmed_by": "person"}
    module = lab.define("unconfirmed", hosts=["w1"], strategy=strategy(**more))
    module.publish("1.0.0", "1.1.0")
    with lab.running("pushguide.deploy", module="unconfirmed", version="1.0.0") as process:
        wait_until(lambda: module.journal("w1").get("unconfirmed"), "the switch")
        lab.run("pushguide.confirm", None, str(lab.last_number(module)))
        process.communicate(timeout=60)
    assert process.returncode == 0
    lab.templates["unconfirmed"]["strategy"]["confirm_within_seconds"] = 1
    lab.write_pillar()
    answer = module.deploy("1.1.0")
    assert (answer.returncode, answer.data["state"]) == (1, "rolled_back")
    assert "Nobody confirmed" in answer.data["hosts"]["w1"]["error"]
    assert module.live("w1") == "version 1.0.0"


def test_a_master_that_hears_from_a_host_confirms_it(lab: Lab) -> None:
    module = lab.define("confirmed", hosts=["w1"], strategy=strategy(confirm_within_seconds=30))
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    assert answer.returncode == 0, answer
    steps = lab.show(answer.data["deployment"])["hosts"]["w1"]["stages"]["post_release"]["steps"]
    waited = next(one for one in steps if one["name"] == "await_confirmation")
    assert waited["detail"] == "confirmed by its master"
    assert module.journal("w1")["unconfirmed"] is None


def test_a_stage_that_outlives_its_bound_is_stopped_on_the_host(lab: Lab) -> None:
    module = lab.define(
        "endless",
        hosts=["w1"],
        probe={"url": lab.health.gate("endless"), "within_seconds": 600, "timeout_seconds": 500},
        strategy=strategy(stage_timeout_seconds=4),
    )
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    assert answer.returncode == 1
    assert "stage_timeout_seconds" in answer.data["hosts"]["w1"]["error"]
    assert module.live("w1") is None
    told = lab.salt("w1", "pushguide.result", "endless", "production", "1")
    assert told is None or not told["busy"]


def test_a_deployment_queues_behind_another(lab: Lab) -> None:
    module = gated(lab, "queued", batch="100%", when_busy="queue")
    module.publish("1.0.0", "1.1.0")
    with lab.running("pushguide.deploy", module="queued", version="1.0.0") as first:
        wait_until(lambda: lab.health.is_asked("queued-w1-1.0.0"), "the probe")
        with lab.running("pushguide.deploy", module="queued", version="1.1.0") as second:
            wait_until(lambda: module.rows() == 2, "the second one")
            assert lab.state(lab.last_number(module)) == "queued"
            open_gates(lab, module, "1.0.0")
            open_gates(lab, module, "1.1.0")
            first.communicate(timeout=60)
            second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert set(module.lives().values()) == {"version 1.1.0"}


def test_somebody_else_has_to_approve(lab: Lab, api: Api) -> None:
    module = lab.define("approved", hosts=["w1"], approval={"needed": True})
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    number = answer.data["deployment"]
    assert answer.data["state"] == "pending_approval"
    refused = lab.run("pushguide.approve", None, str(number))
    assert "somebody else has to approve" in refused.problems
    assert module.live("w1") is None
    done = api.answer("pushguide.approve", deployment=number)
    assert (done.returncode, done.data["state"]) == (0, "succeeded")
    assert module.live("w1") == "version 1.0.0"
    rejected = module.deploy("1.0.0").data["deployment"]
    told = lab.run("pushguide.reject", None, str(rejected), reason="not today")
    assert (told.data["state"], "not today" in told.data["reason"]) == ("aborted", True)


def test_two_others_have_to_approve(lab: Lab, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    approval = {"needed": True, "approvals": 2, "by_another": False}
    module = lab.define("approved-twice", hosts=["w1"], approval=approval)
    module.publish("1.0.0")
    for person in ("sue", "tom"):
        granted = module.run("grant", person=person, role="deployer", reason="a test")
        assert granted.returncode == 0, granted

    number = api.answer("pushguide.deploy", module=module.name, version="1.0.0").data["deployment"]
    own = api.answer("pushguide.approve", deployment=number)
    assert "somebody else has to approve it (approval: approvals" in own.problems

    monkeypatch.setenv("SUDO_USER", "sue")
    first = lab.run("pushguide.approve", None, str(number), reason="read the notes")
    assert (first.returncode, first.data["state"]) == (0, "pending_approval")
    assert first.data["approval"] == {"by": ["sue"], "missing": 1}
    assert "It waits for 1 more approval (approved by sue)" in first.data["summary"]
    again = lab.run("pushguide.approve", None, str(number))
    assert "was approved by sue already: 1 more of 2 approvals" in again.problems
    assert (lab.state(number), module.live("w1")) == ("pending_approval", None)

    monkeypatch.setenv("SUDO_USER", "tom")
    second = lab.run("pushguide.approve", None, str(number))
    assert (second.returncode, second.data["state"]) == (0, "succeeded")
    assert second.data["approval"] == {"by": ["sue", "tom"], "missing": 0}
    assert module.live("w1") == "version 1.0.0"
    approved = lab.query(
        "SELECT requested_by, reason FROM request WHERE deployment_id = ? ORDER BY id", number
    )
    assert approved == [("sue", "read the notes"), ("tom", None)]

    # One no ends it, whoever has said yes.
    other = api.answer("pushguide.redeploy", module=module.name).data["deployment"]
    assert lab.run("pushguide.approve", None, str(other)).data["state"] == "pending_approval"
    monkeypatch.delenv("SUDO_USER")
    ended = lab.run("pushguide.reject", None, str(other), reason="not today")
    assert (ended.data["state"], ended.data["approval"]["by"]) == ("aborted", ["tom"])
    late = lab.run("pushguide.approve", None, str(other))
    assert "it waits for no approval" in late.problems


def test_a_plan_tells_what_would_change_and_changes_nothing(lab: Lab) -> None:
    module = lab.define("foretold", probe=True, strategy=strategy(batch="50%", canary=1))
    module.publish_one("1.0.0", {"health": "version 1.0.0\n", "old": "x", "same": "s"})
    module.publish_one("1.1.0", {"health": "version 1.1.0\n", "new": "y", "same": "s"})
    first = module.deploy("1.0.0")
    lab.run("pushguide.confirm", None, str(first.data["deployment"]))
    before = module.files()
    plan = module.deploy("1.1.0", test=True).data
    assert module.files() == before
    assert plan["batches"] == [["w1"], ["w2"], ["w3"]]
    assert plan["rollout"]["canary"] is True
    assert plan["steps"]["release"] == ["switch"]
    assert plan["moved_bytes"] == 3 * plan["artifact"]["size"]
    assert plan["files"]["w2"] == {
        "added": {"count": 1, "names": ["new"]},
        "removed": {"count": 1, "names": ["old"]},
        "changed": {"count": 1, "names": ["health"]},
    }
    assert plan["drift"] == {}
    assert plan["expected"]["measured_on"] == [first.data["deployment"]]
    assert plan == {**module.run("plan", version="1.1.0").data, "share": plan["share"]}


def test_a_host_that_was_changed_by_hand_is_told(lab: Lab) -> None:
    module = lab.define("drifted", hosts=["w1", "w2"])
    module.publish("1.0.0", "1.1.0")
    assert module.deploy("1.0.0").returncode == 0
    assert module.deploy("1.1.0").returncode == 0
    older = next(
        one["path"]
        for one in module.journal("w2")["releases"].values()
        if one["version"] == "1.0.0"
    )
    link = module.root("w2") / "live"
    link.unlink()
    link.symlink_to(older)
    plan = module.run("plan", version="1.1.0").data
    assert plan["drift"] == {"w2": "runs 1.0.0, by the record 1.1.0"}
    assert any("w2" in one for one in plan["risks"])


@pytest.fixture
def spare(lab: Lab) -> Iterator[str]:
    """A minion that a test may stop."""
    lab.start("spare")
    yield "spare"
    lab.stop("spare")


def test_a_minion_that_is_away_between_two_stages_goes_on_when_it_is_back(
    lab: Lab, spare: str
) -> None:
    """The other host's probe holds the deployment between prepare and the rest."""
    more = {"prepare": "all_first", "return_within_seconds": 60, "batch": 1}
    probe = {"url": f"{lab.health.url}/gate/away-{{id}}"}
    module = lab.define("away", hosts=["w1", spare], probe=probe, strategy=strategy(**more))
    lab.templates["away"]["strategy"]["canary"] = ["w1"]
    lab.templates["away"]["strategy"]["after_canary"] = 0
    lab.write_pillar()
    module.publish("1.0.0")
    lab.health.open(f"away-{spare}")
    quick = lab.config_with("quick", pushguide={"silence_seconds": 2})
    with lab.running("pushguide.deploy", quick, module="away", version="1.0.0") as process:
        wait_until(lambda: lab.health.is_asked("away-w1"), "the canary's probe")
        lab.stop(spare)
        lab.health.open("away-w1")
        number = lab.last_number(module)
        sql = "SELECT outcome FROM deployment_host WHERE deployment_id = ? AND host = 'spare'"
        wait_until(lambda: lab.query(sql, number)[0][0] == "unknown", "the silence", seconds=60)
        lab.start(spare)
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert outcomes(lab.show(number)) == {"w1": "succeeded", spare: "succeeded"}
    assert module.live(spare) == "version 1.0.0"


def test_each_change_is_told_on_the_bus(lab: Lab) -> None:
    module = lab.define("told", hosts=["w1", "w2"], probe=True, strategy=strategy(batch=1))
    module.publish("1.0.0")
    opts = salt.config.master_config(str(lab.config_dir / "master"))
    with salt.utils.event.get_master_event(opts, opts["sock_dir"], listen=True) as bus:
        assert bus.connect_pub(timeout=10)
        number = module.deploy("1.0.0").data["deployment"]
        told = []
        while not told or told[-1]["data"].get("state") != "succeeded":
            one = bus.get_event(wait=30, tag=f"pushguide/deployment/{number}/", full=True)
            assert one, told
            told.append(one)
    top = f"pushguide/deployment/{number}"
    quick = [one for one in told if not one["tag"].endswith("/progress")]
    assert [one["tag"].removeprefix(top) for one in quick] == [
        "/state",
        "/state",
        "/batch",
        "/host/w1",
        "/batch",
        "/host/w2",
        "/state",
    ]
    states = [one["data"]["state"] for one in quick if one["tag"].endswith("/state")]
    assert states == ["queued", "running", "succeeded"]
    for one in told:
        data = one["data"]
        assert (data["deployment"], data["module"]) == (number, "told")
        assert data["environment"] == "production"
    host = quick[3]["data"]
    assert host["outcome"] == "succeeded"
    assert host["stages"]["release"] == {"outcome": "succeeded", "steps": {"switch": "succeeded"}}


def test_what_the_template_keeps_is_not_changed_by_a_deployment(lab: Lab) -> None:
    module = lab.define("kept", hosts=["w1", "w2"], strategy=strategy(may_change=["batch"]))
    module.publish("1.0.0")
    answer = module.deploy("1.0.0", strategy={"max_failures": 1, "bathc": 2, "batch": 0})
    assert answer.data["refused"] == "deploy"
    problems = answer.data["problems"]
    assert len(problems) == 3
    assert any("max_failures" in one and "may_change: batch" in one for one in problems)
    assert any("did you mean batch?" in one for one in problems)
    assert any("strategy:batch" in one for one in problems)
    assert module.rows() == 0
    lab.templates["kept"]["strategy"]["max_failures"] = 2
    lab.write_pillar()
    assert "at least one has to succeed" in module.deploy("1.0.0").problems
