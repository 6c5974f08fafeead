"""Hosts that fall silent: nothing counts as a success that was not proven."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.salt_lab import Lab
from tests.support.waiting import wait_until


@pytest.fixture
def spare(lab: Lab) -> Iterator[str]:
    """A minion that a test may kill."""
    lab.start("spare")
    yield "spare"
    lab.stop("spare")


def test_a_minion_that_is_killed_in_mid_stage_is_unknown(lab: Lab, spare: str) -> None:
    url = f"{lab.health.url}/gate/killed-{{id}}"
    module = lab.define(
        "killed",
        hosts=["w1", spare],
        probe={"url": url},
        strategy={"prepare": "with_release", "return_within_seconds": 3},
    )
    module.publish("1.0.0")
    lab.health.open("killed-w1")
    quick = lab.config_with("silence", pushguide={"silence_seconds": 1})
    with lab.running("pushguide.deploy", quick, module="killed", version="1.0.0") as process:
        wait_until(lambda: lab.health.is_asked("killed-spare"), "the probe")
        for one in lab.processes(spare):
            one.kill()
        process.communicate(timeout=60)
    assert process.returncode == 1
    shown = lab.show(lab.last_number(module))
    assert shown["state"] == "failed"
    assert "unknown: spare" in shown["reason"]
    assert "succeeded: w1" in shown["reason"]
    assert shown["hosts"]["w1"]["outcome"] == "succeeded"
    assert shown["hosts"][spare]["outcome"] == "unknown"
    assert "its journal knows more" in shown["hosts"][spare]["error"]
    assert module.journal(spare)["outcome"] is None


def test_a_return_that_is_lost_is_read_from_the_journal(lab: Lab, spare: str) -> None:
    """The minion goes down while its job works on, and comes back when the job has ended."""
    module = lab.define("lost", hosts=[spare], probe={"url": lab.health.gate("lost")})
    module.publish("1.0.0")
    with lab.running("pushguide.deploy", module="lost", version="1.0.0") as process:
        wait_until(lambda: lab.health.is_asked("lost"), "the probe")
        main, *jobs = lab.processes(spare)
        main.kill()
        main.wait(10)
        assert [one for one in jobs if one.is_running()]
        lab.health.open("lost")
        wait_until(lambda: module.journal(spare)["outcome"], "the end of the host's job")
        for one in jobs:
            one.kill()
        lab.stop(spare)
        lab.start(spare)
        out, _ = process.communicate(timeout=90)
    assert process.returncode == 0, out
    shown = lab.show(lab.last_number(module))
    assert shown["state"] == "succeeded"
    assert shown["hosts"][spare]["outcome"] == "succeeded"
    assert list(shown["hosts"][spare]["stages"]) == [
        "prepare",
        "pre_release",
        "release",
        "post_release",
    ]
    assert module.live(spare) == "version 1.0.0"
    told = lab.salt(spare, "pushguide.result", "lost", "production", str(shown["deployment"]))
    assert (told["outcome"], told["live"]) == ("succeeded", "1.0.0")
