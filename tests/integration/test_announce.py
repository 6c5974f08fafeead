"""Announced builds, through a real salt-api, its hook and a real reactor."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import salt.config
import salt.utils.event

from tests.support.salt_lab import Api, Lab
from tests.support.waiting import wait_until

HOOK = "pushguide/build"
Next = Callable[[], tuple[str, dict[str, Any]]]


@contextmanager
def told(lab: Lab) -> Iterator[Next]:
    """What machines are told of builds, one after the other: tag and data."""
    opts = salt.config.master_config(str(lab.config_dir / "master"))

    def get() -> tuple[str, dict[str, Any]]:
        one = bus.get_event(wait=60, tag="pushguide/build", full=True)
        assert one, "nothing was told"
        return one["tag"], one["data"]

    with salt.utils.event.get_master_event(opts, opts["sock_dir"], listen=True) as bus:
        yield get


def builds(lab: Lab, module: str) -> list[tuple[Any, ...]]:
    """What the record has of a module's builds."""
    sql = "SELECT version, announced_by, author, notes, sha256, deployment_id FROM build"
    return lab.query(f"{sql} WHERE module = ? ORDER BY version", module)


def test_ci_posts_to_the_hook(lab: Lab, api: Api) -> None:
    module = lab.define("hooked", hosts=["w1"])
    module.publish("1.10")
    digest = (module.artifacts / "1.10" / "sha256").read_text().split()[0]
    said = {"author": "Li Wei", "commit": "8a1f0c2", "notes": "Faster\nsearch 🚀 {{ 7 * 7 }}"}
    body = {"module": "hooked", "version": "1.10", "sha256": digest, **said}
    with told(lab) as get:
        assert api.hook(HOOK, body) == {"success": True}
        tag, data = get()
        assert tag == "pushguide/build/hooked"
        assert (data["version"], data["new"], data["deployment"]) == ("1.10", True, None)
        api.hook(HOOK, body)
        assert get()[1]["new"] is False
    assert builds(lab, "hooked") == [
        ("1.10", "Reactor", "Li Wei", said["notes"], digest, None),
    ]
    (version,) = api.call("runner", "pushguide.versions", module="hooked")
    assert (version["author"], version["announced_by"]) == ("Li Wei", "Reactor")
    assert module.rows() == 0  # nothing is deployed unless the template wants it


def test_who_has_not_logged_in_announces_nothing(lab: Lab, api: Api) -> None:
    with pytest.raises(urllib.error.HTTPError) as err:
        api.hook(HOOK, {"module": "hooked", "version": "9"}, token="0" * 40)
    with err.value as answer:
        assert answer.code == 401


#: What somebody might post who means no good.
HOSTILE: list[Any] = [
    {"module": "hostile", "version": "{{ salt['cmd.run']('id') }}"},
    {"module": "hostile", "version": "1.0\n- args: {module: x}"},
    {"module": "hostile\n'\"", "version": "1.0"},
    {"module": "hostile", "version": 1.1},
    {"module": "hostile", "version": ["1.0"]},
    {"module": {"__kwarg__": True}, "version": "1.0"},
    {"module": "hostile", "version": "1.0", "__user__": "root"},
    {"module": "hostile", "version": "1.0", "fun": "cmd.run", "arg": ["id"], "tgt": "*"},
    {"module": "hostile", "version": "1.0", "sha256": "!!python/object/apply:os.system [id]"},
    {"module": "hostile", "version": "1.0", "notes": "a\u0000b"},
    {"module": "hostile", "version": "1.0", "built": "2099-01-01T00:00:00Z"},
    {"module": "hostile", "version": "1.0", "built": "yesterday"},
    {"module": "hostile", "version": "1.0", "author": "x" * 300},
    {"module": "../../etc/passwd", "version": "1.0"},
    {"version": "1.0"},
    ["module", "hostile"],
    [],
]


def test_what_is_hostile_is_refused_by_name(lab: Lab, api: Api) -> None:
    lab.define("hostile", hosts=["w1"])
    with told(lab) as get:
        for body in HOSTILE:
            api.hook(HOOK, body)
            tag, data = get()
            assert tag in ("pushguide/build", "pushguide/build/hostile"), body
            assert data["problems"], body
            assert "deployment" not in data
    assert builds(lab, "hostile") == []


def test_every_problem_is_told_at_once(lab: Lab) -> None:
    answer = lab.run("pushguide.announce", None, module="nowhere", sha256="x", built="soon")
    assert answer.returncode == 1
    for part in ("There is no module 'nowhere'", "version is missing", "sha256 is 'x'", "built is"):
        assert part in answer.problems


def test_another_checksum_of_the_same_version_is_refused(lab: Lab, api: Api) -> None:
    lab.define("announced-twice", hosts=["w1"])
    first = {"module": "announced-twice", "version": "1.0", "sha256": "a" * 64}
    assert api.answer("pushguide.announce", **first).returncode == 0
    answer = api.answer("pushguide.announce", **{**first, "sha256": "b" * 64})
    assert "let CI build a new version" in answer.problems
    assert [one[1] for one in builds(lab, "announced-twice")] == ["shop-team"]


def test_a_template_may_want_it_deployed(lab: Lab, api: Api) -> None:
    places = {"test": {"hosts": ["w1"]}, "production": {"hosts": ["w2"], "default": True}}
    module = lab.define("continuous", environments=places, deploy_on_build="test")
    module.publish("1.0.0")
    with told(lab) as get:
        api.hook(HOOK, {"module": "continuous", "version": "1.0.0"})
        _, data = get()
    number = data["deployment"]
    assert (data["environment"], data["problems"]) == ("test", [])
    wait_until(lambda: lab.has_ended(number), "the end of the deployment")
    assert lab.state(number) == "succeeded"
    assert module.lives() == {"w1": "version 1.0.0", "w2": None, "w3": None}
    assert builds(lab, "continuous")[0][-1] == number

    again = api.answer("pushguide.announce", module="continuous", version="1.0.0")
    assert (again.returncode, again.data["deployment"]) == (0, number)
    assert module.rows() == 1


def test_a_deployment_that_is_refused_leaves_the_announcement(lab: Lab, api: Api) -> None:
    module = lab.define("too-early", hosts=["w1"], deploy_on_build="production")
    module.publish("0.9.0")
    body = {"module": "too-early", "version": "1.0.0"}
    with told(lab) as get:
        api.hook(HOOK, body)
        data = get()[1]
    assert "has no version 1.0.0" in json.dumps(data["problems"])
    assert [one[0] for one in builds(lab, "too-early")] == ["1.0.0"]

    module.publish("1.0.0")
    answer = api.answer("pushguide.announce", **body)
    assert answer.returncode == 0
    wait_until(lambda: lab.has_ended(answer.data["deployment"]), "the end of the deployment")
    assert module.live("w1") == "version 1.0.0"


def test_an_environment_that_there_is_not(lab: Lab) -> None:
    lab.define("mistyped", hosts=["w1"], deploy_on_build="prodution")
    answer = lab.run("pushguide.announce", None, module="mistyped", version="1.0")
    assert "deploy_on_build: there is no environment 'prodution'; did you mean production" in (
        answer.problems
    )
    lab.forget("mistyped")
