"""Who Salt says that calls, by each way in: real daemons, real logins.

What follows from that for each function and role stands in
tests/unit/master/test_authorization_matrix.py.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import salt.channel.client
import salt.config

from tests.integration.conftest import USER
from tests.support.salt_lab import Api, Lab
from tests.support.waiting import wait_until

Row = tuple[str, str, str, str]


@pytest.fixture(scope="module", autouse=True)
def nobody_may_do_anything(lab: Lab) -> Iterator[None]:
    """A pillar in which nobody has a role on anything."""
    usual, lab.people = lab.people, {}
    lab.write_pillar()
    yield
    lab.people = usual
    lab.write_pillar()


@pytest.fixture
def module(lab: Lab, request: pytest.FixtureRequest) -> str:
    """A module of this test's own, of which a version could be deployed."""
    name = "who-" + re.sub(r".*\[|\]", "", request.node.name).replace("_", "-")[-50:]
    lab.define(name, hosts=["w1"]).publish("1.0.0")
    return name


def rows(lab: Lab, module: str) -> list[Row]:
    """What the audit has about a module: person, way in, function, outcome."""
    sql = "SELECT person, via, what, outcome FROM audit WHERE module = ? ORDER BY id"
    return [(str(a), str(b), str(c), str(d)) for a, b, c, d in lab.query(sql, module)]


def give(lab: Lab, module: str, person: str, role: str = "deployer") -> None:
    """Give somebody a role on a module, as root."""
    done = lab.run(
        "pushguide.grant", None, person, role, module=module, reason="a test", everything=False
    )
    assert done.returncode == 0, done


def order(module: str) -> str:
    """The pillar of an orchestration that deploys a module."""
    return json.dumps({"pushguide": {"order": {"module": module, "version": "1.0.0"}}})


# The ways in: each begins a deployment of a module, or is refused.


def by_salt_api(lab: Lab, api: Api, module: str) -> None:
    api.call("runner", "pushguide.deploy", module=module, version="1.0.0")


def by_runner_async(lab: Lab, api: Api, module: str) -> None:
    api.call("runner_async", "pushguide.deploy", module=module, version="1.0.0")


def by_orchestration_through_salt_api(lab: Lab, api: Api, module: str) -> None:
    pillar = json.loads(order(module))
    api.call("runner", "state.orchestrate", mods="orch.deploy", pillar=pillar)


def by_sudo(lab: Lab, api: Api, module: str) -> None:
    lab.run("pushguide.deploy", module=module, version="1.0.0")


def by_orchestration_and_sudo(lab: Lab, api: Api, module: str) -> None:
    lab.run("state.orchestrate", None, "orch.deploy", pillar=order(module))


def by_a_hook(lab: Lab, api: Api, module: str) -> None:
    api.hook("pushguide/build", {"module": module, "version": "1.0.0"})


def by_a_request_with_nested_keywords(lab: Lab, api: Api, module: str) -> None:
    """What reaches the master's own port need not have gone through salt-api."""
    claims = {"__user__": "root", "__pub_user": "root", "__opts__": {"fun": "pushguide.deploy"}}
    load = {
        "cmd": "runner",
        "fun": "pushguide.deploy",
        "kwarg": {"module": module, "version": "1.0.0", **claims},
        "eauth": "sharedsecret",
        "username": USER,
        "password": lab.master.config["sharedsecret"],
        **{f"__{key}": "root" for key in ("user", "pub_user")},
    }
    asyncio.run(_send(lab, load))


async def _send(lab: Lab, load: dict[str, Any]) -> Any:
    opts = salt.config.client_config(str(lab.config_dir / "master"))
    opts["master_uri"] = f"tcp://127.0.0.1:{opts['ret_port']}"
    channel = salt.channel.client.AsyncReqChannel.factory(opts, crypt="clear")
    async with channel:
        return await channel.send(load, timeout=60)


WAYS: dict[Callable[[Lab, Api, str], None], tuple[str, str, str]] = {
    by_salt_api: (USER, "api", "deploy"),
    by_runner_async: (USER, "api", "deploy"),
    by_orchestration_through_salt_api: (USER, "orchestration", "deploy"),
    by_sudo: ("sue", "cli", "deploy"),
    by_orchestration_and_sudo: ("sue", "cli", "deploy"),
    by_a_hook: ("Reactor", "reactor", "announce"),
    by_a_request_with_nested_keywords: (USER, "api", "deploy"),
}


def test_a_stranger_sees_nothing(lab: Lab, api: Api, module: str) -> None:
    for function in ("modules", "status", "history", "waivers"):
        told = api.call("runner", f"pushguide.{function}")
        assert told["refused"] == function
    give(lab, module, USER, "viewer")
    assert {*api.call("runner", "pushguide.modules")} == {module}
    assert api.call("runner", "pushguide.people")["you"]["modules"] == {module: "viewer"}


@pytest.mark.parametrize("way", WAYS, ids=lambda one: one.__name__)
def test_who_has_no_role_is_refused_and_who_has_one_is_not(
    lab: Lab,
    api: Api,
    module: str,
    way: Callable[[Lab, Api, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person, via, what = WAYS[way]
    for round_ in ("refused", "let in"):
        if person == "sue":
            monkeypatch.setenv("SUDO_USER", person)
        way(lab, api, module)
        monkeypatch.delenv("SUDO_USER", raising=False)
        if round_ == "refused":
            wait_until(lambda: rows(lab, module), "the refusal")
            assert rows(lab, module) == [(person, via, what, "denied")]
            assert lab.count("deployment", "module = ?", module) == 0
            assert lab.count("build", "module = ?", module) == 0
            give(lab, module, person)
    ended = (person, via, what, "done")
    wait_until(lambda: ended in rows(lab, module), "the end", 120)
    wanted = [(person, via, what, "begun"), ended]
    assert [one for one in rows(lab, module) if one[2] == what][1:] == wanted


def test_root_at_the_command_line_needs_no_role(lab: Lab, module: str) -> None:
    done = lab.run("pushguide.deploy", module=module, version="1.0.0")
    assert done.returncode == 0, done
    assert {(one[0], one[1]) for one in rows(lab, module)} == {("root", "cli")}
    assert lab.run("pushguide.audit", verify=True).data["broken"] is None
