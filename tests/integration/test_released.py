"""``pushguide.released``: a new machine converges to what its peers run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.salt_lab import Lab, Module


@pytest.fixture(scope="module")
def peers(lab: Lab) -> Iterator[Module]:
    """A module that is live on w1, and was deployed while another of its hosts was away.

    A deployment of it has to be confirmed; what a machine does by itself has not.
    """
    strategy = {"prepare": "with_release", "confirm_within_seconds": 20}
    module = lab.define("converging", hosts=["w1", "spare"], strategy=strategy)
    module.publish("1.0.0")
    lab.team_file(
        "converge.sls", "converging:\n  pushguide.released:\n    - environment: production\n"
    )
    lab.start("spare")
    lab.stop("spare")
    quick = lab.config_with("presence", pushguide={"presence_timeout_seconds": 8})
    assert module.deploy("1.0.0", allow_offline=True, config=quick).returncode == 0
    assert module.live("spare") is None
    lab.start("spare")
    yield module
    lab.stop("spare")


def converge(lab: Lab, host: str, **arguments: Any) -> dict[str, Any]:
    """Apply the state on a host; answer with its return."""
    (state,) = lab.salt(host, "state.apply", "converge", **arguments).values()
    return dict(state)


def test_a_new_machine_converges(lab: Lab, peers: Module) -> None:
    wanted = {"converging": {"old": None, "new": "1.0.0"}}

    would = converge(lab, "spare", test=True)
    assert (would["result"], would["changes"]) == (None, wanted)
    assert peers.live("spare") is None
    assert peers.journal("spare") == {}

    done = converge(lab, "spare")
    assert (done["result"], done["changes"]) == (True, wanted)
    assert peers.live("spare") == "version 1.0.0"
    current = lab.salt("spare", "pushguide.current", "converging")
    assert current == {"converging@production": "1.0.0"}

    before = peers.files()
    again = converge(lab, "spare")
    assert (again["result"], again["changes"]) == (True, {})
    assert again["comment"] == "converging 1.0.0 is live"
    assert peers.files() == before


def test_a_machine_that_is_not_meant_fails_clearly(lab: Lab, peers: Module) -> None:
    state = converge(lab, "w2")
    assert (state["result"], state["changes"]) == (False, {})
    assert "The pillar has no live version of converging (production)" in state["comment"]
    assert peers.live("w2") is None


def test_a_host_is_given_its_own_modules_only(lab: Lab, peers: Module) -> None:
    other = lab.define("elsewhere", hosts=["w2"])
    other.publish("1.0.0")
    assert other.deploy("1.0.0").returncode == 0
    pillars = lab.salt("w1,w2,w3", "pillar.items")
    ours = {host: one.get("pushguide", {"live": {}}) for host, one in pillars.items()}
    live = {host: set(one["live"]) for host, one in ours.items()}
    assert "converging" in live["w1"]
    assert "elsewhere" not in live["w1"]
    assert "elsewhere" in live["w2"]
    assert "converging" not in live["w2"]
    assert not live["w3"] & {"converging", "elsewhere"}
    assert all(set(one) == {"live"} for one in ours.values())
