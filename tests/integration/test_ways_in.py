"""The ways in: the command line, orchestration files and salt-api do the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.salt_lab import Api, Lab, Module
from tests.support.waiting import wait_until

HOSTS = ["w1", "w2", "w3"]


def by_salt_run(lab: Lab, api: Api, module: Module) -> None:
    assert module.deploy("1.0.0").returncode == 0


def by_orchestrate(lab: Lab, api: Api, module: Module) -> None:
    pillar = json.dumps({"pushguide": {"order": {"module": module.name, "version": "1.0.0"}}})
    answer = lab.run("state.orchestrate", None, "orch.deploy", pillar=pillar)
    assert answer.returncode == 0, answer
    (state,) = answer.data["data"]["xyz_master"].values()
    assert state["result"] is True
    assert state["changes"]["return"]["state"] == "succeeded"


def by_salt_api(lab: Lab, api: Api, module: Module) -> None:
    told = api.call("runner", "pushguide.deploy", module=module.name, version="1.0.0")
    assert (told["state"], told["retcode"]) == ("succeeded", 0)
    assert told["requested_by"] == "shop-team"


def by_salt_api_in_the_background(lab: Lab, api: Api, module: Module) -> None:
    told = api.call("runner_async", "pushguide.deploy", module=module.name, version="1.0.0")
    assert set(told) >= {"tag", "jid"}
    wait_until(lambda: module.rows(), "the deployment")
    wait_until(lambda: lab.has_ended(lab.last_number(module)), "the end")


def without_times(shown: dict[str, Any]) -> dict[str, Any]:
    """What a deployment came to, without what differs from one to the next."""
    return {
        "state": shown["state"],
        "kind": shown["kind"],
        "hosts": {
            host: {
                "outcome": one["outcome"],
                "after": one["version_after"],
                "stages": {
                    stage: [(step["name"], step["outcome"]) for step in done["steps"]]
                    for stage, done in one["stages"].items()
                },
            }
            for host, one in shown["hosts"].items()
        },
    }


@pytest.fixture(scope="module")
def reference(lab: Lab, api: Api) -> dict[str, Any]:
    """What a deployment by salt-run comes to."""
    module = lab.define("way-reference")
    module.publish("1.0.0")
    by_salt_run(lab, api, module)
    assert module.lives() == dict.fromkeys(HOSTS, "version 1.0.0")
    return without_times(lab.show(lab.last_number(module)))


@pytest.mark.parametrize("way", [by_orchestrate, by_salt_api, by_salt_api_in_the_background])
def test_all_do_the_same(
    lab: Lab, api: Api, reference: dict[str, Any], way: Callable[[Lab, Api, Module], None]
) -> None:
    module = lab.define(f"way-{way.__name__.replace('_', '-')}")
    module.publish("1.0.0")
    way(lab, api, module)
    assert module.lives() == dict.fromkeys(HOSTS, "version 1.0.0")
    assert without_times(lab.show(lab.last_number(module))) == reference


def test_an_orchestration_that_deploys_in_vain_fails(lab: Lab) -> None:
    module = lab.define("orchestrated-in-vain", hosts=["w1"], probe=True)
    module.publish_one("1.0.0", {"health": "broken"})
    pillar = json.dumps({"pushguide": {"order": {"module": module.name, "version": "1.0.0"}}})
    answer = lab.run("state.orchestrate", None, "orch.deploy", pillar=pillar)
    assert lab.state(lab.last_number(module)) == "rolled_back"
    assert answer.returncode == 1
    (state,) = answer.data["data"]["xyz_master"].values()
    assert state["result"] is False


def test_an_orchestration_that_is_refused_fails(lab: Lab) -> None:
    pillar = json.dumps({"pushguide": {"order": {"module": "no-such-module", "version": "1.0.0"}}})
    answer = lab.run("state.orchestrate", None, "orch.deploy", pillar=pillar)
    assert answer.returncode == 1
    (state,) = answer.data["data"]["xyz_master"].values()
    assert state["result"] is False
    assert "There is no module 'no-such-module'" in json.dumps(state["changes"])


# A team's own file.

MINE = """
{%% set order = pillar["pushguide"]["order"] %%}
prepare everywhere:
  pushguide.stage:
    - deployment: {{ order["deployment"] }}
    - stages: prepare
    - failhard: True

our own step:
  salt.function:
    - name: %(function)s
    - tgt: [w1, w2, w3]
    - tgt_type: list
    - expect_minions: True
    - arg: {%% raw %%}%(arguments)s{%% endraw %%}
    - kwarg: {template: jinja}
    - failhard: True

go live:
  pushguide.stage:
    - deployment: {{ order["deployment"] }}
    - stages: [pre_release, release, post_release]
    - failhard: True
"""


def own_orchestration(lab: Lab, name: str, function: str, *arguments: str) -> Module:
    """A module whose deployments are driven by a file of the team's own."""
    lab.team_file(
        f"orch/{name}.sls", MINE % {"function": function, "arguments": json.dumps(arguments)}
    )
    module = lab.define(name, orchestration={"deploy": f"orch.{name}"})
    module.publish("1.0.0", "1.1.0")
    return module


def test_a_step_of_ones_own_between_the_stages(lab: Lab) -> None:
    seen = f"{lab.hosts}/{{{{ grains.id }}}}"
    look = f"ls {seen}/mine/releases > {seen}/mine.seen; test ! -e {seen}/mine/live"
    module = own_orchestration(lab, "mine", "cmd.run", look)
    answer = module.deploy("1.0.0")
    assert answer.returncode == 0, answer
    number = answer.data["deployment"]
    for host in HOSTS:
        assert (lab.hosts / host / "mine.seen").read_text().split() == [f"1.0.0-{number}"]
    assert module.lives() == dict.fromkeys(HOSTS, "version 1.0.0")
    shown = lab.show(number)
    assert shown["state"] == "succeeded"
    assert all(len(one["stages"]) == 4 for one in shown["hosts"].values())


def test_a_step_of_ones_own_that_fails(lab: Lab) -> None:
    module = own_orchestration(lab, "mine-fails", "test.exception", "the migration failed")
    answer = module.deploy("1.0.0")
    shown = lab.show(answer.data["deployment"])
    assert answer.returncode == 1
    assert shown["state"] == "failed"
    assert {one["outcome"] for one in shown["hosts"].values()} == {"stopped_short"}
    assert "our own step" in shown["reason"]
    assert all(list(one["stages"]) == ["prepare"] for one in shown["hosts"].values())
    assert module.lives() == dict.fromkeys(HOSTS)
    assert all(len(list((module.root(host) / "releases").iterdir())) == 1 for host in HOSTS)


def test_an_orchestration_file_that_is_not_there(lab: Lab) -> None:
    module = lab.define("unorchestrated", orchestration={"deploy": "orch.nowhere"})
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    assert answer.returncode == 1
    shown = lab.show(answer.data["deployment"])
    assert shown["state"] == "failed"
    assert {one["outcome"] for one in shown["hosts"].values()} == {"not_started"}
    assert "orch.nowhere" in shown["reason"]
    assert module.lives() == dict.fromkeys(HOSTS)


def test_a_stage_outside_of_a_deployment_is_refused(lab: Lab) -> None:
    module = lab.define("by-hand", hosts=["w1"])
    module.publish("1.0.0")
    number = module.deploy("1.0.0").data["deployment"]
    before = module.files()
    lab.team_file(
        "orch/by_hand.sls",
        f"by hand:\n  pushguide.stage:\n    - deployment: {number}\n    - stages: release\n",
    )
    answer = lab.run("state.orchestrate", None, "orch.by_hand")
    assert answer.returncode == 1
    (state,) = answer.data["data"]["xyz_master"].values()
    assert (state["result"], state["changes"]) == (False, {})
    assert f"Deployment #{number} is not being driven from here" in state["comment"]
    assert module.files() == before
