"""What the master says to a job while it works, and hosts that go back from half-way."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushguide.host import orders, unconfirmed
from pushguide.host.run import run_stages
from pushguide.host.steps import Note, step
from pushguide.host.types.static_site import StaticSite
from pushguide.words import BAD, RESTORE, STAGES
from tests.support.health import Health
from tests.support.host import Host, in_a_process, killed_at, outcomes, steps
from tests.support.waiting import wait_until

PLACE = ("shop", "production")


class Meeting(StaticSite):
    """A site whose stages meet a test: at a step of its own, between the others."""

    at = ""
    do: Callable[[], None] = staticmethod(lambda: None)

    def pre_release(self) -> None:
        """Meet before the switch."""
        super().pre_release()
        self.meet_before()

    def post_release(self) -> None:
        """Meet after the switch."""
        self.meet_after()
        super().post_release()

    @step(changes=False)
    def meet_before(self) -> Note | str | None:
        """Let the test act."""
        return self._meet("before")

    @step(changes=False)
    def meet_after(self) -> Note | str | None:
        """Let the test act."""
        return self._meet("after")

    def _meet(self, where: str) -> str:
        if self.at == where:
            type(self).do()
        return where


@pytest.fixture
def meeting(tmp_path: Path) -> Host:
    """A host with 1.0 live, whose next job meets the test."""

    class Mine(Meeting):
        pass

    host = Host(tmp_path, Mine)
    assert host.deploy("1.0")["outcome"] == "succeeded"
    return host


def meet(host: Host, at: str, do: Callable[[], Any]) -> None:
    host.project_type.at = at  # type: ignore[attr-defined]
    host.project_type.do = staticmethod(do)  # type: ignore[attr-defined]


def stop(host: Host, number: int, kill_after: float | None = None) -> bool:
    return orders.stop(host.opts, *PLACE, number, number, "abort by mia", kill_after)


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_job_that_is_told_to_stop_goes_back(meeting: Host, at: str) -> None:
    meet(meeting, at, lambda: stop(meeting, 2))
    answer = meeting.deploy("1.1")
    assert (answer["outcome"], answer["error"]) == ("restored", "abort by mia")
    assert (answer["live"], meeting.health) == ("1.0", "version 1.0")
    release = meeting.journal.releases["1.1-2"]
    assert release.mark != BAD  # nothing is wrong with it
    assert meeting.journal.saved is None


def test_a_job_that_is_told_to_stop_in_prepare_has_changed_nothing_live(host: Host) -> None:
    host.deploy("1.0")
    share = host.share("1.1")

    class Stopped(StaticSite):
        def prepare(self) -> None:
            self.check_runtime()
            stop(host, 2)
            super().prepare()

    host.project_type = Stopped
    answer = host.run(share)
    assert (answer["outcome"], answer["error"]) == ("stopped_short", "abort by mia")
    assert outcomes(answer) == {"prepare": "failed"}
    assert host.health == "version 1.0"


def test_an_order_for_another_deployment_is_not_obeyed(meeting: Host) -> None:
    meet(meeting, "before", lambda: stop(meeting, 7))
    assert meeting.deploy("1.1")["outcome"] == "succeeded"


def test_what_is_proven_is_not_stopped_any_more(meeting: Host) -> None:
    share = meeting.share("1.1")

    class Late(StaticSite):
        def retire(self) -> None:
            stop(meeting, 2)
            super().retire()

    meeting.project_type = Late
    assert meeting.run(share)["outcome"] == "succeeded"
    assert meeting.health == "version 1.1"


def test_a_stopped_deployment_can_be_run_again(meeting: Host) -> None:
    meet(meeting, "after", lambda: stop(meeting, 2))
    share = meeting.share("1.1")
    meeting.run(share)
    meet(meeting, "", lambda: None)
    answer = meeting.run({**share, "token": 3})
    assert (answer["outcome"], meeting.health) == ("succeeded", "version 1.1")


def test_a_probe_that_waits_hears_that_it_is_to_stop(host: Host, web: Health) -> None:
    host.deploy("1.0")
    host.given["probe"] = {"url": web.gate("told-to-stop"), "within_seconds": 60}
    share = host.share("1.1")
    thread = threading.Thread(
        target=lambda: (
            wait_until(lambda: web.is_asked("told-to-stop"), "the probe"),
            stop(host, 2),
        )
    )
    thread.start()
    began = time.monotonic()
    answer = host.run(share)
    thread.join()
    assert (answer["outcome"], answer["error"]) == ("restored", "abort by mia")
    assert host.health == "version 1.0"
    assert time.monotonic() - began < 30


def test_a_job_ends_when_its_time_is_used_up(meeting: Host) -> None:
    meet(meeting, "after", lambda: time.sleep(0.3))
    answer = meeting.deploy("1.1", stage_timeout_seconds=0.2)
    assert answer["outcome"] == "restored"
    assert "stage_timeout_seconds" in answer["error"]
    assert meeting.health == "version 1.0"


def test_a_job_that_hangs_is_killed_and_its_host_put_back(meeting: Host, tmp_path: Path) -> None:
    share = meeting.share("1.1")
    reached = tmp_path / "reached"
    meet(meeting, "after", lambda: (reached.touch(), time.sleep(600)))

    def kill() -> None:
        wait_until(reached.exists, "the step that hangs")
        assert orders.is_busy(meeting.opts, *PLACE)
        assert stop(meeting, 2, kill_after=0.2) is False

    thread = threading.Thread(target=kill)
    thread.start()
    assert in_a_process(lambda: meeting.run(share)) == -9
    thread.join()
    assert meeting.health == "version 1.1"
    answer = meeting.run({**share, "reason": "it hung"}, [RESTORE])
    assert (answer["outcome"], answer["error"]) == ("restored", "it hung")
    assert meeting.health == "version 1.0"


def test_a_minion_that_runs_jobs_in_threads_is_not_killed_for_one(
    host: Host, tmp_path: Path
) -> None:
    directory = tmp_path / "x"
    directory.mkdir()
    (directory / "job").write_text(f'{{"pid": {os.getpid()}}}')
    orders.kill(str(directory))
    (directory / "job").write_text('{"pid": "nonsense"}')
    orders.kill(str(directory))
    (directory / "job").unlink()
    orders.kill(str(directory))


def test_going_back_from_what_never_came_here_changes_nothing(host: Host) -> None:
    host.deploy("1.0")
    before = host.files(), host.journal_path.read_text()
    answer = host.run({**host.share("1.1"), "reason": "aborted"}, [RESTORE])
    assert (answer["outcome"], answer["live"], answer["stages"]) == ("stopped_short", "1.0", [])
    assert answer["deployment"] == 2
    assert (host.files(), host.journal_path.read_text()) == before


def test_going_back_from_what_is_done_leaves_it(host: Host) -> None:
    host.deploy("1.0")
    share = host.share("1.1")
    host.run(share)
    answer = host.run({**share, "reason": "aborted"}, [RESTORE])
    assert (answer["outcome"], host.health) == ("succeeded", "version 1.1")


def test_killed_at_each_change_and_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a job dies, going back ends at the old version, or stays at the proven new one."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    seen = set()
    change = 0
    while True:
        change += 1
        host = Host(tmp_path / str(change))
        host.deploy("1.0")
        share = host.share("1.1")
        if not killed_at(change, lambda host=host, share=share: host.run(share)):
            break
        answer = host.run({**share, "reason": "it died"}, [RESTORE])
        seen.add(answer["outcome"])
        wanted = "1.1" if answer["outcome"] == "succeeded" else "1.0"
        assert (answer["live"], host.health) == (wanted, f"version {wanted}"), change
        assert host.journal.doing is None
    assert seen == {"stopped_short", "restored", "succeeded"}
    assert change > 30


# Releases that somebody has to confirm.


def confirm(host: Host, number: int, by: str = "mia") -> None:
    assert orders.give(host.opts, *PLACE, orders.CONFIRM, number, number, by=by)


def test_a_confirmed_release_stays(meeting: Host) -> None:
    meet(meeting, "after", lambda: confirm(meeting, 2))
    answer = meeting.deploy("1.1", confirm_within_seconds=30)
    assert answer["outcome"] == "succeeded"
    assert steps(answer, "post_release")["await_confirmation"] == ("succeeded", "confirmed by mia")
    assert meeting.journal.unconfirmed is None


def test_a_release_that_nobody_confirms_goes_back(meeting: Host) -> None:
    answer = meeting.deploy("1.1", confirm_within_seconds=0.3)
    assert (answer["outcome"], meeting.health) == ("restored", "version 1.0")
    assert "Nobody confirmed the release within 0.3 s" in answer["error"]
    assert meeting.journal.unconfirmed is None


def test_a_confirmation_of_another_deployment_counts_for_nothing(meeting: Host) -> None:
    meet(meeting, "after", lambda: confirm(meeting, 9))
    answer = meeting.deploy("1.1", confirm_within_seconds=0.3)
    assert answer["outcome"] == "restored"


def test_a_host_whose_job_died_while_it_waited_goes_back_later(meeting: Host) -> None:
    share = meeting.share("1.1", confirm_within_seconds=0.5)
    meet(meeting, "after", lambda: os.kill(os.getpid(), 9))
    assert in_a_process(lambda: meeting.run(share)) == -9
    assert meeting.health == "version 1.1"
    meet(meeting, "", lambda: None)

    def run(share: dict[str, Any], stages: list[str]) -> dict[str, Any]:
        return run_stages(meeting.project_type, share, stages, meeting.salt, {}, meeting.opts, {})

    salt = {"pushguide_static_site.run": run}
    wait_until(lambda: unconfirmed.settle(meeting.opts, salt), "the end of its time")
    assert meeting.health == "version 1.0"
    assert unconfirmed.settle(meeting.opts, salt) == {}


def test_the_steps_can_be_told_without_doing_anything(host: Host) -> None:
    answer = host.run(host.share("1.0", test=True))
    assert [*answer["steps"]] == [*STAGES]
    assert answer["steps"]["release"] == ["switch"]
    assert "fetch" in answer["steps"]["prepare"]
    assert not host.journal_path.exists()
    assert not (host.root / "releases").exists()


def test_a_clock_that_is_set_back_does_not_change_what_there_is_to_go_back_to(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    host.deploy("1.0")
    host.deploy("1.1")
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    answer = host.deploy("1.2")
    assert [one.version for one in host.journal.good_releases()] == ["1.2", "1.1", "1.0"]
    assert all(0 <= one["seconds"] < 60 for one in answer["stages"])
