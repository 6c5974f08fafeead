"""Twenty real minions: what a bad host, an abort and a retry do to the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from saltfactories.manager import FactoriesManager

from tests.support.salt_lab import Lab, Module
from tests.support.waiting import wait_until

#: Twenty minions take minutes to come up beside other tests.
pytestmark = pytest.mark.timeout(900)

NAMES = [f"h{number:02}" for number in range(1, 21)]
#: By name they go live in batches of five.
BATCHES = [NAMES[start : start + 5] for start in range(0, 20, 5)]


@pytest.fixture(scope="module")
def twenty(salt_factories: FactoriesManager) -> Iterator[Lab]:
    """A master with twenty minions."""
    config = {"pushguide": {"presence_timeout_seconds": 60, "silence_seconds": 30}}
    with Lab(salt_factories, "twenty", NAMES, config) as one:
        assert one.run("pushguide.setup").returncode == 1  # no modules yet
        yield one


def module_of(lab: Lab, name: str, **more: Any) -> Module:
    """A module in four batches, live in 1.0.0 on all hosts, with 1.1.0 to come."""
    strategy = {"prepare": "with_release", "batch": "25%", **more}
    module = lab.define(name, probe=True, strategy=strategy)
    module.publish("1.0.0", "1.1.0")
    done = module.deploy("1.0.0", strategy={"batch": "100%"})
    assert done.returncode == 0, done
    return module


def outcomes(shown: dict[str, Any]) -> dict[str, str]:
    return {host: one["outcome"] for host, one in shown["hosts"].items()}


def test_a_bad_host_in_batch_one_stops_it_there_and_batch_one_goes_back(twenty: Lab) -> None:
    module = module_of(twenty, "stopped", auto_rollback="all")
    untouched = {host: module.journal(host) for host in NAMES[5:]}
    twenty.health.spoil("h03", "stopped", "1.1.0")
    answer = module.deploy("1.1.0")
    assert (answer.returncode, answer.data["state"]) == (1, "rolled_back")
    told = outcomes(answer.data)
    assert {host: told[host] for host in BATCHES[0]} == {
        "h01": "succeeded",
        "h02": "succeeded",
        "h03": "restored",
        "h04": "succeeded",
        "h05": "succeeded",
    }
    assert {told[host] for host in NAMES[5:]} == {"not_started"}
    assert {host: module.journal(host) for host in NAMES[5:]} == untouched
    (heir,) = answer.data["caused"]
    assert outcomes(twenty.show(heir)) == dict.fromkeys(["h01", "h02", "h04", "h05"], "succeeded")
    assert set(module.lives().values()) == {"version 1.0.0"}


def test_an_abort_in_batch_two_leaves_batches_three_and_four_untouched(twenty: Lab) -> None:
    module = module_of(twenty, "halfway")
    untouched = {host: module.journal(host) for host in NAMES[10:]}
    twenty.templates["halfway"]["probe"]["within_seconds"] = 120
    twenty.write_pillar()
    for host in BATCHES[1]:
        twenty.health.spoil(host, "halfway", "1.1.0")
    with twenty.running("pushguide.deploy", module="halfway", version="1.1.0") as process:
        wait_until(lambda: module.live("h07") == "version 1.1.0", "batch two", seconds=60)
        number = twenty.last_number(module)
        answer = twenty.run("pushguide.abort", None, str(number))
        process.communicate(timeout=60)
    assert answer.data["state"] == "aborted"
    told = outcomes(answer.data)
    assert {told[host] for host in BATCHES[0]} == {"succeeded"}
    assert {told[host] for host in BATCHES[1]} == {"restored"}
    assert {told[host] for host in NAMES[10:]} == {"not_started"}
    assert {host: module.journal(host) for host in NAMES[10:]} == untouched
    lives = module.lives()
    assert {lives[host] for host in BATCHES[0]} == {"version 1.1.0"}
    assert {lives[host] for host in NAMES[5:]} == {"version 1.0.0"}


def test_a_retry_of_three_failed_hosts_touches_exactly_three(twenty: Lab) -> None:
    module = module_of(twenty, "thrice", batch="100%")
    bad = ["h02", "h11", "h19"]
    for host in bad:
        twenty.health.spoil(host, "thrice", "1.1.0")
    answer = module.deploy("1.1.0")
    assert answer.data["state"] == "failed"
    told = outcomes(answer.data)
    assert sorted(host for host, outcome in told.items() if outcome != "succeeded") == bad
    others = {host: module.journal(host) for host in NAMES if host not in bad}
    for host in bad:
        twenty.health.mend(host, "thrice", "1.1.0")
    again = twenty.run("pushguide.retry", None, str(answer.data["deployment"]))
    assert again.returncode == 0, again
    assert outcomes(again.data) == dict.fromkeys(bad, "succeeded")
    assert {host: module.journal(host) for host in NAMES if host not in bad} == others
    assert set(module.lives().values()) == {"version 1.1.0"}
