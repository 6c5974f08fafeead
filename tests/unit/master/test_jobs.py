"""Following jobs: what arrives when, who is asked, and what a silent host costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import salt.client
import salt.exceptions
import salt.utils.event

from pushguide.errors import MasterAway
from pushguide.master.rollout import jobs
from pushguide.master.rollout.jobs import Hosts, Listener, Return

REPORT = "pushguide/report/1"


class Bus:
    """Stands in for Salt's client: a test says what happens when a job is published.

    Attributes:
        published: each job: its jid, its hosts and its function.
        on_publish: called with each job; it puts events onto the bus.
        refusals: what the next publications raise.
    """

    def __init__(self) -> None:
        self.published: list[tuple[str, list[str], str]] = []
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.on_publish: Callable[[str, list[str], str], None] = lambda *_: None
        self.refusals: list[Exception] = []
        self.connections = 0

    def client(self) -> Any:
        self.connections += 1
        client = mock.create_autospec(salt.client.LocalClient, instance=True)
        client.run_job.side_effect = self.run_job
        client.event = mock.create_autospec(salt.utils.event.MasterEvent, instance=True)
        client.event.get_event.side_effect = self.get_event
        return client

    def run_job(self, hosts: list[str], function: str, **_: Any) -> dict[str, Any]:
        if self.refusals:
            raise self.refusals.pop(0)
        jid = f"jid{len(self.published)}"
        self.published.append((jid, hosts, function))
        self.on_publish(jid, hosts, function)
        return {"jid": jid, "minions": hosts}

    def put(self, tag: str, data: dict[str, Any], after: float = 0) -> None:
        self.events.append((time.monotonic() + after, {"tag": tag, "data": data}))

    def give(self, jid: str, host: str, value: Any = "done", after: float = 0) -> None:
        data = {"id": host, "return": value, "retcode": 0}
        self.put(f"salt/job/{jid}/ret/{host}", data, after)

    def get_event(self, wait: float = 5, **_: Any) -> dict[str, Any] | None:
        """The next event that is due, as Salt's bus gives it."""
        deadline = time.monotonic() + wait
        while True:
            due = [one for one in self.events if one[0] <= time.monotonic()]
            if due:
                self.events.remove(due[0])
                return due[0][1]
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.005)


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def hosts(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    monkeypatch.setattr(salt.client, "get_local_client", lambda **_: bus.client())
    monkeypatch.setattr(jobs, "_RETURN_UNDER_WAY_SECONDS", 0.1)
    return Hosts({}, silence_seconds=0.2)


def follow(hosts: Hosts, names: list[str], timeout: float = 10, **listener: Any) -> jobs.Missing:
    return hosts.follow(names, "x.run", {}, Listener(**listener), timeout, REPORT)


def test_returns_and_reports_are_told_as_they_come(hosts: Hosts, bus: Bus) -> None:
    def work(jid: str, names: list[str], function: str) -> None:
        bus.put("salt/job/other/ret/a", {"id": "a", "return": "of another job"})
        bus.put(REPORT, {"id": "a", "data": {"step": "fetch"}})
        bus.put(REPORT, {"id": "stranger", "data": {"step": "fetch"}})
        bus.give(jid, "a", 1)
        bus.give(jid, "stranger", 2)
        bus.give(jid, "b", 3)

    bus.on_publish = work
    returns: list[Return] = []
    reports: list[Any] = []
    missing = follow(
        hosts,
        ["a", "b"],
        on_return=returns.append,
        on_report=lambda host, data: reports.append((host, data)),
    )
    assert (missing.lost, missing.overdue) == ([], [])
    assert [(one.host, one.value) for one in returns] == [("a", 1), ("b", 3)]
    assert reports == [("a", {"step": "fetch"})]


def test_a_host_that_answers_nothing_costs_a_few_questions(hosts: Hosts, bus: Bus) -> None:
    assert follow(hosts, ["silent"], timeout=60).lost == ["silent"]
    assert [function for _, _, function in bus.published].count("saltutil.find_job") == 3


def test_many_silent_hosts_cost_no_more_than_one(hosts: Hosts, bus: Bus) -> None:
    names = [f"h{number}" for number in range(19)]

    def work(jid: str, asked: list[str], function: str) -> None:
        if function == "x.run":
            bus.give(jid, "h0")

    bus.on_publish = work
    assert sorted(follow(hosts, names, timeout=60).lost) == sorted(names[1:])
    questions = [asked for _, asked, function in bus.published if function == "saltutil.find_job"]
    assert questions == [names[1:]] * 3


def test_a_host_that_works_on_is_waited_for(hosts: Hosts, bus: Bus) -> None:
    def work(jid: str, names: list[str], function: str) -> None:
        if function == "x.run":
            bus.give(jid, "a", after=1.5)
        else:
            bus.give(jid, "a", {"jid": "jid0"})

    bus.on_publish = work
    returns: list[Return] = []
    assert follow(hosts, ["a"], on_return=returns.append).lost == []
    assert [one.host for one in returns] == ["a"]


def test_a_host_that_works_no_more_is_lost_at_once(hosts: Hosts, bus: Bus) -> None:
    def work(jid: str, names: list[str], function: str) -> None:
        if function != "x.run":
            bus.give(jid, "a", {})

    bus.on_publish = work
    assert follow(hosts, ["a"], timeout=60).lost == ["a"]
    assert len(bus.published) == 2


def test_a_return_that_crosses_the_question_counts(hosts: Hosts, bus: Bus) -> None:
    def work(jid: str, names: list[str], function: str) -> None:
        if function != "x.run":
            bus.give(jid, "a", {})
            bus.give("jid0", "a", "late", after=0.05)

    bus.on_publish = work
    returns: list[Return] = []
    assert follow(hosts, ["a"], on_return=returns.append).lost == []
    assert [one.value for one in returns] == ["late"]


def test_returns_that_arrive_while_others_are_asked_are_kept(hosts: Hosts, bus: Bus) -> None:
    """Whoever listens asks another question meanwhile."""

    def work(jid: str, names: list[str], function: str) -> None:
        if function == "x.run":
            bus.give(jid, "a")
            bus.give(jid, "b", after=0.02)
        elif function == "test.ping":
            bus.give(jid, "c", True, after=0.1)

    bus.on_publish = work
    returns: list[Return] = []

    def on_return(one: Return) -> None:
        returns.append(one)
        if one.host == "a":
            assert [*hosts.ask(["c"], "test.ping", {}, 5)] == ["c"]

    assert follow(hosts, ["a", "b"], on_return=on_return).lost == []
    assert [one.host for one in returns] == ["a", "b"]


def test_a_host_that_takes_too_long_is_overdue_and_not_lost(hosts: Hosts, bus: Bus) -> None:
    def work(jid: str, names: list[str], function: str) -> None:
        if function != "x.run":
            bus.give(jid, "a", {"jid": "jid0"})

    bus.on_publish = work
    missing = follow(hosts, ["a"], timeout=0.6)
    assert (missing.lost, missing.overdue) == ([], ["a"])


def test_asking_is_bounded(hosts: Hosts, bus: Bus) -> None:
    bus.on_publish = lambda jid, names, function: bus.give(jid, "a")
    assert [*hosts.ask(["a", "silent"], "test.ping", {}, 0.3)] == ["a"]


def test_a_master_that_was_restarted_is_asked_again_with_its_new_key(
    hosts: Hosts, bus: Bus
) -> None:
    hosts.patience_seconds = 30
    bus.refusals = [
        salt.exceptions.SaltClientError("timed out"),
        salt.exceptions.EauthAuthenticationError("the key has changed"),
    ]
    bus.on_publish = lambda jid, names, function: bus.give(jid, "a")
    assert follow(hosts, ["a"]).lost == []
    assert bus.connections == 3


def test_a_master_that_stays_away_is_not_waited_for_for_ever(hosts: Hosts, bus: Bus) -> None:
    bus.refusals = [salt.exceptions.SaltClientError("timed out")] * 9
    with pytest.raises(MasterAway, match="timed out"):
        follow(hosts, ["a"])


def test_a_user_who_may_not_publish_hears_it(hosts: Hosts, bus: Bus) -> None:
    hosts.patience_seconds = 30
    bus.refusals = [salt.exceptions.EauthAuthenticationError("not permitted")] * 9
    with pytest.raises(MasterAway, match="not permitted"):
        follow(hosts, ["a"])
    assert bus.connections == 3


def test_an_event_that_cannot_be_sent_is_only_logged(hosts: Hosts) -> None:
    hosts.client.event.fire_event.side_effect = OSError("the bus is gone")
    hosts.fire({"a": 1}, "pushguide/x")
