"""The one loop that all kinds of probes go through, and what a deployment makes of it."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pushguide.errors import Inconclusive, Refused, StepFailed
from pushguide.host.health import KINDS, Check, Scene, checks_of, prove, prove_all
from pushguide.host.health.check import Answer, healthy, inconclusive, unhealthy
from pushguide.host.journal import Journal
from pushguide.words import BAD, FAILED, GOOD, INCONCLUSIVE, RESTORED, SUCCEEDED, UNPROVEN
from tests.support.health import Health
from tests.support.host import Host, outcomes, steps

WELL, ILL, WHO_KNOWS = healthy("fine"), unhealthy("it coughs"), inconclusive("it sleeps")


@dataclass(kw_only=True)
class Scripted(Check):
    """Answers as it was told to; the last answer again and again."""

    kind: ClassVar[str] = "scripted"

    answers: list[Answer] = field(default_factory=list)
    asked: int = 0
    interval_seconds: float = 0.01
    within_seconds: float = 20

    def __str__(self) -> str:
        return "the patient"

    def ask(self, scene: Scene) -> Answer:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def go_on() -> None:
    """Nobody told the job to stop."""


def ask(check: Check) -> str:
    return prove(check, Scene(), go_on)


def test_one_healthy_answer_is_proof() -> None:
    assert ask(Scripted(answers=[ILL, WHO_KNOWS, WELL])) == "the patient: fine at try 3"


def test_answers_in_a_row_are_counted_from_the_last_that_was_not_healthy() -> None:
    patient = Scripted(answers=[WELL, WELL, ILL, WELL, WHO_KNOWS, WELL], consecutive=3)
    assert ask(patient) == "the patient: fine, 3 times in a row, at try 8"


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        ([WELL, WHO_KNOWS, ILL], StepFailed, "the patient failed: it coughs, after"),
        ([ILL, WHO_KNOWS], Inconclusive, "the patient proved nothing: it sleeps, after"),
        ([WELL], StepFailed, r"it was healthy \d+ times in a row, not 1000, after \d+ tries"),
    ],
)
def test_the_last_answer_decides_when_time_is_up(
    answers: list[Answer], kind: type[StepFailed], said: str
) -> None:
    patient = Scripted(answers=answers, consecutive=1000, within_seconds=0.1)
    with pytest.raises(StepFailed, match=said) as error:
        ask(patient)
    assert type(error.value) is kind
    assert patient.asked >= 3
    assert "in 0.1 s" in str(error.value)


def test_what_cannot_change_any_more_is_not_waited_for() -> None:
    patient = Scripted(answers=[unhealthy("it is dead", is_final=True)])
    with pytest.raises(StepFailed, match=r"it is dead\. Look at"):
        ask(patient)
    assert patient.asked == 1


class Stopped(Exception):
    """The job was told to stop."""


def test_a_job_can_be_stopped_before_a_try_and_in_a_long_wait() -> None:
    patient = Scripted(answers=[ILL], interval_seconds=1000, within_seconds=2000)
    calls: list[float] = []

    def stop_at_third() -> None:
        calls.append(time.monotonic())
        if len(calls) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        prove(patient, Scene(), stop_at_third)
    assert patient.asked == 1
    # Before the try, and then each second of the wait.
    assert max(later - earlier for earlier, later in itertools.pairwise(calls)) < 10


def test_the_hosts_clock_may_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = iter(range(0, 10**9, 3600))
    monkeypatch.setattr(time, "time", lambda: next(hours))
    assert ask(Scripted(answers=[ILL, ILL, WELL])) == "the patient: fine at try 3"


# Several.


def test_each_of_several_tells_its_line() -> None:
    told = prove_all([Scripted(answers=[WELL]), Scripted(answers=[ILL, WELL])], Scene(), go_on)
    assert told == "the patient: fine at try 1\nthe patient: fine at try 2"


def test_none_is_asked_after_one_that_is_ill() -> None:
    ill, after = Scripted(answers=[ILL], within_seconds=0.01), Scripted(answers=[WELL])
    with pytest.raises(StepFailed, match="it coughs"):
        prove_all([ill, after], Scene(), go_on)
    assert after.asked == 0


def test_one_that_is_ill_counts_more_than_one_that_knows_nothing() -> None:
    unsure = Scripted(answers=[WHO_KNOWS], within_seconds=0.01)
    ill, well = Scripted(answers=[ILL], within_seconds=0.01), Scripted(answers=[WELL])
    with pytest.raises(StepFailed) as error:
        prove_all([unsure, ill], Scene(), go_on)
    assert type(error.value) is StepFailed
    with pytest.raises(Inconclusive, match="it sleeps"):
        prove_all([unsure, well], Scene(), go_on)


# Reading them.


def test_what_older_journals_hold_is_read() -> None:
    old = {"url": "http://127.0.0.1/{version}", "status": [200], "text": None, "headers": {}}
    old |= {"timeout_seconds": 5.0, "interval_seconds": 1.0, "within_seconds": 60.0}
    [check] = checks_of(old, "1.2")
    assert (type(check), str(check)) == (KINDS["http"], "http://127.0.0.1/1.2")
    assert checks_of(None, "1") == checks_of([], "1") == checks_of({}, "1") == []


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({"kind": "htpp", "url": "http://x"}, "no kind 'htpp' of probe: there are http, tcp"),
        ([{"kind": "tcp", "prot": 1}], "unknown fields: prot"),
        ({"kind": "tcp"}, "does not read: .*port"),
    ],
)
def test_what_does_not_read_is_refused(probe: Any, said: str) -> None:
    with pytest.raises(Refused, match=said):
        checks_of(probe, "1")


# In a deployment.


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, and where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def quickly(**probe: Any) -> dict[str, Any]:
    return {"within_seconds": 0.05, "interval_seconds": 0.02, **probe}


def test_several_probes_of_a_deployment(probed: Host, web: Health, closed_port: int) -> None:
    http = probed.given["probe"]
    listens = quickly(kind="tcp", port=web.server.server_port)
    answer = probed.deploy("1", probe=[http, listens])
    outcome, detail = steps(answer, "post_release")["probe"]
    assert (outcome, len(detail.splitlines())) == (SUCCEEDED, 2)
    assert detail.splitlines()[1].startswith(f"127.0.0.1:{web.server.server_port}: accepts")
    answer = probed.deploy("2", probe=[http, quickly(kind="tcp", port=closed_port)])
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert f"Probing 127.0.0.1:{closed_port} failed: no connection" in answer["error"]
    # What ran before was proven by both of its own.
    assert steps(answer, "restore")["probe_restored"][1] == detail


def test_an_inconclusive_deployment_can_be_asked_again(host: Host, web: Health) -> None:
    host.deploy("1")
    gate = quickly(url=web.gate("inconclusive"), inconclusive_status=[503])
    share = host.share("2", probe=gate)
    answer = host.run(share)
    assert (answer["outcome"], answer["live"]) == (INCONCLUSIVE, "2")
    assert outcomes(answer)["post_release"] == INCONCLUSIVE
    assert steps(answer, "post_release")["probe"] == (INCONCLUSIVE, answer["error"])
    assert "proved nothing: it answered status 503" in answer["error"]
    assert "out of its load balancer" not in answer["error"]
    assert host.context == {"retcode": 1}
    # Neither good nor bad, and there is a way back still.
    journal = host.journal
    assert (journal.outcome, host.health) == (INCONCLUSIVE, "version 2")
    assert journal.releases["2-2"].mark == UNPROVEN
    assert journal.saved is not None
    assert journal.saved["version"] == "1"
    assert host.run(share)["outcome"] == INCONCLUSIVE
    web.open("inconclusive")
    answer = host.run(share)
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "2")
    assert [one.get("again", False) for one in answer["stages"]] == [True, True, True, False]
    assert (host.journal.releases["2-2"].mark, host.journal.saved) == (GOOD, None)


def test_asked_again_it_may_be_ill(host: Host, web: Health) -> None:
    host.deploy("1")
    url = web.gate("ill")
    share = host.share("2", probe=quickly(url=url, inconclusive_status=[503]))
    assert host.run(share)["outcome"] == INCONCLUSIVE
    ill = {**share, "probe": quickly(url=url)}
    answer = host.run(ill, "post_release")
    assert (answer["outcome"], answer["live"], host.health) == (RESTORED, "1", "version 1")
    assert host.journal.releases["2-2"].mark == BAD


def test_after_an_inconclusive_one_the_next_that_fails_goes_back_past_it(
    host: Host, web: Health
) -> None:
    host.deploy("1")
    unsure = quickly(url=web.gate("never"), inconclusive_status=[503])
    assert host.deploy("2", probe=unsure)["outcome"] == INCONCLUSIVE
    answer = host.deploy("3", probe=quickly(url=web.gate("never")))
    assert (answer["outcome"], answer["live"], host.health) == (RESTORED, "1", "version 1")


def test_what_ran_before_and_cannot_be_told_is_not_called_restored(host: Host, web: Health) -> None:
    name = "later-closed"
    host.deploy("1", probe=quickly(url=web.gate(name), status=[200, 503]))
    journal = host.journal
    assert journal.proven is not None
    journal.proven["probe"] = quickly(url=web.gate(name), inconclusive_status=[503])
    journal.write()
    answer = host.deploy("2", probe=quickly(url=web.gate(name)))
    assert (answer["outcome"], answer["live"]) == (FAILED, "1")
    assert outcomes(answer)["restore"] == INCONCLUSIVE
    assert "was not put back to what ran before: Probing" in answer["error"]


def test_a_journal_of_before_is_gone_back_with(probed: Host) -> None:
    probed.deploy("1")
    journal = Journal.load(str(probed.journal_path), "shop", "production")
    assert journal.proven is not None
    journal.proven = {"settings": {}, "probe": dict(probed.given["probe"])}
    journal.saved = {"pointer": probed.live and str(Path(probed.root, "releases", "1-1"))}
    journal.saved |= {"version": "1", **journal.proven}
    journal.write()
    broken = probed.build("2", {"health": "out of order"})
    answer = probed.deploy("2", artifact=broken)
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert steps(answer, "restore")["probe_restored"][0] == SUCCEEDED


def test_a_probe_that_does_not_read_is_no_reason_to_stay_with_a_bad_release(
    probed: Host,
) -> None:
    probed.deploy("1")
    journal = probed.journal
    assert journal.proven is not None
    journal.proven["probe"] = {"kind": "of another time"}
    journal.write()
    broken = probed.build("2", {"health": "out of order"})
    answer = probed.deploy("2", artifact=broken)
    assert (answer["outcome"], answer["live"]) == (FAILED, "1")
    assert "no kind 'of another time' of probe" in answer["error"]
    assert probed.health == "version 1"


def test_a_host_without_unix_can_import_all_of_it() -> None:
    """As on Windows: what Unix alone has is imported where it is used."""
    code = (
        "import sys, socket\n"
        "import salt.channel.client\n"
        "for name in ('fcntl', 'grp', 'pwd', 'resource', 'termios'): sys.modules[name] = None\n"
        "del socket.AF_UNIX\n"
        "import pushguide.host.run, pushguide.host.health, pushguide.host.drain\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
