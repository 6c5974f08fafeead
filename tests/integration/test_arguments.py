"""Arguments: an unknown one is refused, whichever way it comes in."""

from __future__ import annotations

import pytest

from tests.support.salt_lab import Api, Lab, Module


@pytest.fixture(scope="module")
def module(lab: Lab) -> Module:
    one = lab.define("spelled", hosts=["w1"])
    one.publish("1.0.0")
    return one


def test_on_the_command_line(module: Module) -> None:
    answer = module.run("deploy", verison="1.0.0")
    assert answer.returncode == 1
    assert answer.data["refused"] == "deploy"
    assert answer.problems == "unknown argument 'verison': did you mean version?"
    assert (module.rows(), module.live("w1")) == (0, None)


def test_through_salt_api(api: Api, module: Module) -> None:
    """Salt drops what a runner does not take: here it must not."""
    told = api.call(
        "runner", "pushguide.deploy", module=module.name, version="1.0.0", allow_ofline=True
    )
    assert told["refused"] == "deploy"
    assert told["problems"] == ["unknown argument 'allow_ofline': did you mean allow_offline?"]
    assert told["retcode"] == 1
    assert (module.rows(), module.live("w1")) == (0, None)


@pytest.mark.parametrize(
    ("function", "arguments", "problem"),
    [
        ("deploy", {"version": "1.0.0", "wait": "no"}, "wait is 'no': give True or False."),
        ("deploy", {"version": "1.0.0", "allow_offline": "1"}, "give True or False"),
        ("plan", {"version": "1.0.0", "kind": "undo"}, "give deploy, rollback or redeploy"),
        ("history", {"limit": 0}, "give a whole number from 1 on"),
        ("rollback", {}, "The record has not an earlier success"),
        ("redeploy", {}, "The record has not one version that is live"),
        ("deploy", {}, "Which version of spelled?"),
    ],
)
def test_odd_values(
    api: Api, module: Module, function: str, arguments: dict[str, str], problem: str
) -> None:
    answer = api.answer(f"pushguide.{function}", module=module.name, **arguments)
    assert answer.returncode == 1
    assert answer.data["refused"] == function
    assert problem in answer.problems
    assert (module.rows(), module.live("w1")) == (0, None)


@pytest.mark.parametrize("function", ["pushguide.status", "pushguide.history"])
def test_a_module_that_nobody_knows_is_refused_and_one_without_deployments_is_not(
    lab: Lab, function: str
) -> None:
    name = f"quiet-{function.rpartition('.')[2]}"
    module = lab.define(name, hosts=["w1"])
    answer = lab.run(function, None, f"{name}x")
    assert answer.returncode == 1
    assert f"did you mean {name}?" in answer.problems
    answer = lab.run(function, None, module.name)
    assert (answer.returncode, not answer.data) == (0, True)
