"""Progress reports: a quick job sends none, a long one a few at a time."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pushguide.host import report
from pushguide.host.report import Reporter
from pushguide.host.types.static_site import StaticSite
from pushguide.words import SUCCEEDED
from tests.support.host import Host
from tests.support.waiting import wait_until

WAIT = 20


class Bus:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.arrived = threading.Event()

    def send(self, tag: str, data: dict[str, Any]) -> None:
        self.sent.append((tag, data))
        self.arrived.set()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def reporter(bus: Bus) -> Iterator[Reporter]:
    one = Reporter(bus.send, "pushguide/report/7", {"token": 3})
    yield one
    one.close()


def timers() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if isinstance(one, threading.Timer)]


def test_what_happens_close_together_travels_together(reporter: Reporter, bus: Bus) -> None:
    for number in range(3):
        reporter.add({"step": number})
    assert bus.sent == []
    assert bus.arrived.wait(WAIT)
    assert bus.sent == [
        ("pushguide/report/7", {"token": 3, "reports": [{"step": 0}, {"step": 1}, {"step": 2}]})
    ]
    bus.arrived.clear()
    reporter.add({"step": 3})
    assert bus.arrived.wait(WAIT)
    assert bus.sent[1][1]["reports"] == [{"step": 3}]


def test_what_was_held_back_is_not_sent_after_the_end(reporter: Reporter, bus: Bus) -> None:
    before = timers()
    reporter.add({"step": 0})
    reporter.close()
    wait_until(lambda: timers() == before, "the end of the timer", WAIT)
    reporter._flush()  # a timer that went off at the last moment
    assert bus.sent == []


def test_a_sender_that_fails_is_harmless(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "HOLD_SECONDS", 0.01)
    tried = threading.Semaphore(0)

    def fail(tag: str, data: dict[str, Any]) -> None:
        tried.release()
        raise OSError("the bus is away")

    reporter = Reporter(fail, "pushguide/report/7", {})
    for _ in range(2):
        reporter.add({"step": 0})
        assert tried.acquire(timeout=WAIT)
    wait_until(lambda: len(caplog.records) == 2, "the log of both", WAIT)
    assert "pushguide/report/7" in caplog.text
    reporter.close()


def test_the_sender_runs_in_the_context_of_the_job(bus: Bus) -> None:
    """Salt's dunders are context variables."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nothing")
    variable.set("of the job")
    reporter = Reporter(
        lambda tag, data: bus.send(tag, {**data, "seen": variable.get()}), "tag", {}
    )
    reporter.add({})
    assert bus.arrived.wait(WAIT)
    reporter.close()
    assert bus.sent[0][1]["seen"] == "of the job"


def test_a_quick_job_sends_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "HOLD_SECONDS", 60)
    before = timers()
    assert host.deploy("1")["outcome"] == SUCCEEDED
    wait_until(lambda: timers() == before, "the end of the timer", WAIT)
    host.fire.assert_not_called()


class Slow(StaticSite):
    """Takes its time over the unpacking: until it has been told about."""

    sent: threading.Event

    def place(self, artifact: str, destination: str) -> str:
        assert Slow.sent.wait(WAIT)
        return super().place(artifact, destination)


def test_a_long_job_is_seen_at_work(host: Host) -> None:
    Slow.sent = threading.Event()
    host.fire.side_effect = lambda data, tag: Slow.sent.set()
    host.project_type = Slow
    host.deploy("1")
    (data, tag), _ = host.fire.call_args_list[0]
    assert tag == "pushguide/report/1"
    assert (data["module"], data["token"]) == ("shop", 1)
    last = data["reports"][-1]
    assert (last["stage"], last["step"], last["outcome"]) == ("prepare", "unpack", "running")


def test_a_job_whose_reports_cannot_be_sent_succeeds(host: Host) -> None:
    Slow.sent = threading.Event()

    def fail(data: dict[str, Any], tag: str) -> None:
        Slow.sent.set()
        raise OSError("the master is away")

    host.fire.side_effect = fail
    host.project_type = Slow
    assert host.deploy("1")["outcome"] == SUCCEEDED
    host.fire.assert_called()
