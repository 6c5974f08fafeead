"""What is decided as plain values: states, legs, the verdict, results, arguments, summaries."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide.errors import Refused, UnknownArgument
from pushguide.master import states, summary
from pushguide.master.arguments import demand_flag, demand_name, demand_number, refuse_unknown
from pushguide.master.config import Config
from pushguide.master.plan import HostFacts, Leg
from pushguide.master.rollout import result
from pushguide.master.rollout.verdict import verdict
from pushguide.master.suggest import did_you_mean
from pushguide.share import Share
from pushguide.words import LIVE_STAGES, STAGES
from tests.unit.master.conftest import make_plan

# States.


def test_every_state_can_be_reached_and_left_or_is_an_end() -> None:
    followers = {one for some in states.TRANSITIONS.values() for one in some}
    starts = {states.PENDING_APPROVAL, states.SCHEDULED, states.QUEUED}
    assert followers | starts == set(states.TRANSITIONS)
    assert {"succeeded", "failed", "rolled_back", "aborted"} == states.TERMINAL


# Legs.

LIVE = list(LIVE_STAGES)


@pytest.mark.parametrize(
    ("hosts", "prepare", "asked", "batch", "wanted"),
    [
        (1, "all_first", STAGES, 0, [Leg(list(STAGES), 1)]),
        (2, "all_first", STAGES, 0, [Leg(["prepare"], 0), Leg(LIVE, 1)]),
        (2, "with_release", STAGES, 0, [Leg(list(STAGES), 1)]),
        (2, "all_first", ["prepare"], 0, [Leg(["prepare"], 0)]),
        (2, "all_first", LIVE, 0, [Leg(LIVE, 1)]),
        (2, "all_first", LIVE, 1, [Leg(LIVE, 1)]),
        (2, "all_first", ["release"], 1, [Leg(["release"], 1)]),
    ],
)
def test_stages_travel_together_where_nothing_happens_between(
    hosts: int, prepare: str, asked: list[str], batch: int, wanted: list[Leg]
) -> None:
    names = [f"web{number}" for number in range(hosts)]
    facts = {name: HostFacts("0.1.0", None, []) for name in names}
    plan = make_plan(hosts=facts, batches=[names], prepare=prepare)
    assert plan.legs(asked, batch) == wanted


def test_each_batch_goes_through_its_stages_after_all_are_prepared() -> None:
    plan = make_plan(batches=[["web1"], ["web2"]])
    assert plan.legs() == [Leg(["prepare"], 0), Leg(LIVE, 1), Leg(LIVE, 2)]
    assert plan.hosts_in(2) == ["web2"]
    assert plan.hosts_in(0) == ["web1", "web2"]


def test_a_share_goes_through_plain_data_and_back() -> None:
    share = make_plan().share_for(7, 99)
    assert Share.from_dict(share.to_dict()) == share
    assert (share.deployment, share.token) == (7, 99)


@pytest.mark.parametrize(
    "spoil", [{"colour": "red"}, {"kind": "undo"}, {"artifact": {"a": 1}}, {"module": ...}]
)
def test_a_share_that_does_not_read_is_refused(spoil: dict[str, Any]) -> None:
    data = {**make_plan().share_for(7, 99).to_dict(), **spoil}
    data = {key: value for key, value in data.items() if value is not ...}
    with pytest.raises(Refused, match="different versions of pushguide"):
        Share.from_dict(data)


# The verdict.


def rows(**outcomes: str) -> list[dict[str, Any]]:
    return [
        {"host": host, "outcome": outcome, "error": "boom" if outcome == "failed" else None}
        for host, outcome in outcomes.items()
    ]


@pytest.mark.parametrize(
    ("outcomes", "problem", "wanted"),
    [
        ({"a": "succeeded", "b": "succeeded"}, None, "succeeded"),
        ({"a": "succeeded", "b": "left_out"}, None, "succeeded"),
        ({"a": "succeeded", "b": "succeeded"}, "own step failed", "failed"),
        ({"a": "succeeded", "b": "not_started"}, None, "failed"),
        ({"a": "succeeded", "b": "unknown"}, None, "failed"),
        ({"a": "succeeded", "b": "under_way"}, None, "failed"),
        ({"a": "succeeded", "b": "restored"}, None, "failed"),
        ({"a": "restored", "b": "restored"}, None, "rolled_back"),
        ({"a": "restored", "b": "not_started"}, None, "rolled_back"),
        ({"a": "restored", "b": "failed"}, None, "failed"),
        ({"a": "restored", "b": "unknown"}, None, "failed"),
        ({"a": "failed", "b": "not_started"}, None, "failed"),
        ({}, None, "failed"),
        ({"a": "left_out"}, None, "failed"),
    ],
)
def test_the_verdict_comes_from_the_hosts_that_were_expected(
    outcomes: dict[str, str], problem: str | None, wanted: str
) -> None:
    assert verdict(rows(**outcomes), problem)[0] == wanted


def test_the_reason_names_hosts_and_errors() -> None:
    _, reason = verdict(rows(a="succeeded", b="failed", c="not_started"), None)
    assert reason == "failed: b; not_started: c; succeeded: a; b: boom"


# What hosts say.


def answer(**changes: Any) -> dict[str, Any]:
    stage = {"stage": "prepare", "outcome": "succeeded", "started": 1, "seconds": 2, "steps": []}
    whole = {"deployment": 7, "outcome": "succeeded", "live": "1.0", "stages": [stage]}
    return {**whole, **changes}


def test_a_host_speaks_for_itself_and_for_nothing_else() -> None:
    told = result.read(answer(module="other", environment="x", token=1), 7, make_plan())
    assert told
    assert (told["module"], told["environment"]) == ("shop-web", "production")


def test_a_host_may_say_that_it_cannot_tell() -> None:
    stage = {**answer()["stages"][0], "stage": "post_release", "outcome": "inconclusive"}
    told = result.read(answer(outcome="inconclusive", stages=[stage]), 7, make_plan())
    assert told
    assert (told["outcome"], told["stages"][0]["outcome"]) == ("inconclusive", "inconclusive")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "Traceback (most recent call last)",
        {},
        answer(deployment=8),
        answer(outcome="splendid"),
        answer(stages="all"),
        answer(stages=[{"stage": "prepare"}]),
        answer(stages=[{**answer()["stages"][0], "stage": "; DROP TABLE"}]),
        answer(stages=[{**answer()["stages"][0], "started": "never"}]),
        answer(stages=[{**answer()["stages"][0], "steps": [{"name": "x"}]}]),
    ],
)
def test_what_is_no_result_is_not_believed(value: Any) -> None:
    assert result.read(value, 7, make_plan()) is None


# Arguments and configuration.


def some_function(module: Any = None, version: Any = None, **unknown: Any) -> None:
    """A public function."""


def test_unknown_arguments_are_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(UnknownArgument) as caught:
        refuse_unknown(some_function, {"verison": 1, "modul": 2, "__pub_user": "root"})
    assert caught.value.problems == [
        "unknown argument 'verison': did you mean version?",
        "unknown argument 'modul': did you mean module?",
    ]
    refuse_unknown(some_function, {"__pub_user": "root"})


@pytest.mark.parametrize(
    ("demand", "value"),
    [
        (demand_flag, "no"),
        (demand_flag, 1),
        (demand_number, 0),
        (demand_number, True),
        (demand_number, "3"),
        (demand_name, ""),
        (demand_name, 4),
        (demand_name, None),
    ],
)
def test_odd_arguments_are_refused(demand: Any, value: Any) -> None:
    with pytest.raises(Refused, match="thing"):
        demand(value, "thing")


def test_the_masters_configuration_tells_every_problem() -> None:
    given = {"databse": "x", "lease_seconds": 0, "silence_seconds": True}
    with pytest.raises(Refused) as caught:
        Config.from_opts({"pushguide": given, "cachedir": "/x/master"})
    assert len(caught.value.problems) == 3
    assert "did you mean database?" in caught.value.problems[0]


def test_the_database_lies_beside_the_cache_by_default() -> None:
    config = Config.from_opts({"cachedir": "/var/cache/salt/master"})
    assert config.database == "sqlite:////var/cache/salt/pushguide/pushguide.db"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("verison", "did you mean version?"),
        ("env", "did you mean environment?"),
        ("xyz", "there are environment, version."),
    ],
)
def test_suggestions(name: str, said: str) -> None:
    assert did_you_mean(name, ["version", "environment"]) == said


def test_the_answer_to_whoever_started_it_leaves_the_steps_out() -> None:
    full = {"state": "failed", "hosts": {"a": {"outcome": "failed", "stages": {"prepare": {}}}}}
    assert summary.in_brief(full) == {"state": "failed", "hosts": {"a": {"outcome": "failed"}}}
