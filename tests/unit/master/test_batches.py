"""Batches: who goes live together, in which order, and how many may fail."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide.errors import Refused
from pushguide.master.plan import HostFacts
from pushguide.master.rollout.batches import batches, grains_of, part_of, rollout
from pushguide.master.templates.strategy import Approval, Strategy


def facts(count: int, **grains: list[str]) -> dict[str, HostFacts]:
    """Hosts web01, web02, ...; each grain's values are dealt out one after the other."""
    return {
        f"web{number:02}": HostFacts(
            "0.1.0",
            "1.0.0",
            [],
            {name: values[number % len(values)] for name, values in grains.items()},
        )
        for number in range(1, count + 1)
    }


def divided(hosts: dict[str, HostFacts], **strategy: Any) -> list[list[str]]:
    return batches(Strategy(**strategy), hosts, with_canary=True)[0]


@pytest.mark.parametrize(
    ("share", "total", "part"),
    [(3, 20, 3), ("25%", 20, 5), ("25%", 7, 1), ("10%", 9, 0), ("100%", 7, 7), ("33.4%", 3, 1)],
)
def test_a_share_is_rounded_to_the_safer_side(share: int | str, total: int, part: int) -> None:
    assert part_of(share, total) == part


def test_without_a_strategy_all_hosts_go_together() -> None:
    assert divided(facts(3)) == [["web01", "web02", "web03"]]


def test_a_share_of_the_hosts_is_never_nobody() -> None:
    assert divided(facts(3), batch="10%") == [["web01"], ["web02"], ["web03"]]


def test_a_quarter_of_twenty_makes_four_batches_of_five() -> None:
    assert [len(one) for one in divided(facts(20), batch="25%")] == [5, 5, 5, 5]


def test_the_canary_goes_first_and_alone() -> None:
    assert divided(facts(4), canary=1, batch=2) == [["web01"], ["web02", "web03"], ["web04"]]


def test_a_canary_may_be_named() -> None:
    assert divided(facts(4), canary=["web03"], batch="100%") == [
        ["web03"],
        ["web01", "web02", "web04"],
    ]


def test_a_canary_of_hosts_that_there_are_not_is_refused() -> None:
    with pytest.raises(Refused, match="does not have: web77"):
        divided(facts(4), canary=["web03", "web77"])


def test_of_a_named_canary_those_that_are_left_go_first_in_a_retry() -> None:
    strategy = Strategy(canary=["web01", "web77"])
    hosts = facts(2)
    assert batches(strategy, hosts, with_canary=True, is_part=True) == (
        [["web01"], ["web02"]],
        True,
    )
    del hosts["web01"]
    assert batches(strategy, hosts, with_canary=True, is_part=True) == ([["web02"]], False)


def test_a_stratified_canary_takes_one_host_of_each_kind() -> None:
    hosts = facts(12, datacenter=["fra", "ber"], os=["Debian", "Debian", "Windows"])
    first = divided(hosts, canary={"one_per": ["datacenter", "os"]})[0]
    kinds = [(hosts[one].grains["datacenter"], hosts[one].grains["os"]) for one in first]
    assert sorted(kinds) == [
        ("ber", "Debian"),
        ("ber", "Windows"),
        ("fra", "Debian"),
        ("fra", "Windows"),
    ]


def test_hosts_are_ordered_by_grains_and_those_that_failed_go_first() -> None:
    hosts = facts(4, datacenter=["fra", "ber"])
    hosts["web04"] = HostFacts("0.1.0", "1.0.0", [], {"datacenter": "fra"}, None, failed_last=True)
    assert divided(hosts, order_by=["datacenter"], batch="100%") == [
        ["web04", "web01", "web03", "web02"]
    ]


def test_a_strategy_tells_which_grains_it_looks_at() -> None:
    strategy = Strategy(order_by=["datacenter"], canary={"one_per": ["os", "datacenter"]})
    assert grains_of(strategy) == ["datacenter", "os"]


@pytest.mark.parametrize(("allowed", "count"), [(2, 2), ("100%", 5), (7, 3)])
def test_a_plan_in_which_no_host_has_to_succeed_is_refused(allowed: Any, count: int) -> None:
    with pytest.raises(Refused, match="at least one has to succeed"):
        rollout(Strategy(max_failures=allowed), Approval(), facts(count), has_canary=False)


def test_a_part_of_the_hosts_is_not_refused_for_a_number_that_was_meant_for_all() -> None:
    found = rollout(Strategy(max_failures=3), Approval(), facts(2), has_canary=False, is_part=True)
    assert found.max_failures == 1


def test_a_share_that_may_fail_is_rounded_down() -> None:
    found = rollout(Strategy(max_failures="10%"), Approval(), facts(19), has_canary=False)
    assert found.max_failures == 1


def test_a_rollout_says_what_to_wait_for_after_the_canary() -> None:
    person = rollout(Strategy(canary=1), Approval(), facts(4), has_canary=True)
    timed = rollout(Strategy(canary=1, after_canary=30), Approval(), facts(4), has_canary=True)
    assert (person.after_canary, timed.after_canary) == (None, 30)
