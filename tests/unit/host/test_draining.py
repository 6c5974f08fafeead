"""Hosts that leave their load balancer for a release, and come back whatever happens."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pushguide.errors import StepFailed
from pushguide.host.drain import draining
from pushguide.host.types.static_site import StaticSite
from pushguide.words import (
    FAILED,
    GOOD_OUTCOMES,
    INCONCLUSIVE,
    RESTORED,
    SKIPPED,
    SUCCEEDED,
    UNCHANGED,
    UNPROVEN,
    WARNING,
)
from tests.support.health import Health
from tests.support.host import Host, killed_at, outcomes, steps


class Ready:
    """The file that a balancer's health check asks for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir()
        path.write_text("ready to serve\n")

    @property
    def is_in(self) -> bool:
        """Whether the balancer would send somebody here."""
        return self.path.exists() and self.path.read_text() == "ready to serve\n"


@pytest.fixture
def ready(tmp_path: Path) -> Ready:
    return Ready(tmp_path / "balancer" / "ready")


@pytest.fixture
def drained(probed: Host, ready: Ready) -> Host:
    """A host with a probe that is taken out for each release."""
    probed.given["drain"] = {"kind": "file", "path": str(ready.path)}
    return probed


class Watched(StaticSite):
    """Notes at each switch whether the host was in."""

    seen: list[bool]
    ready: Ready

    def release(self) -> None:
        self.seen.append(self.ready.is_in)
        super().release()

    def ask(self, probe: object, version: str) -> Any:
        self.seen.append(self.ready.is_in)
        return super().ask(probe, version)


def watched(host: Host, ready: Ready) -> list[bool]:
    """What the host's type will have seen at switch and probe."""
    seen: list[bool] = []
    host.project_type = type("Watched", (Watched,), {"seen": seen, "ready": ready})
    return seen


def saved(host: Host) -> dict[str, Any]:
    found = host.journal.saved
    assert found is not None
    return found


def broken(host: Host, version: str) -> Any:
    return host.build(version, {"health": "out of order"})


def test_it_is_out_from_the_switch_to_the_proof(drained: Host, ready: Ready) -> None:
    drained.deploy("1")
    seen = watched(drained, ready)
    answer = drained.deploy("2")
    assert answer["outcome"] == SUCCEEDED
    assert steps(answer, "pre_release")["drain"] == (SUCCEEDED, f"removed {ready.path}")
    assert steps(answer, "post_release")["put_back"] == (SUCCEEDED, f"made {ready.path}")
    assert (seen, ready.is_in) == ([False, False], True)


def test_without_a_drain_it_stays_in(probed: Host, ready: Ready) -> None:
    seen = watched(probed, ready)
    answer = probed.deploy("1")
    assert steps(answer, "pre_release")["drain"] == (SKIPPED, "the template has no drain")
    assert steps(answer, "post_release")["put_back"] == (SKIPPED, "it was not taken out")
    assert seen == [True, True]


def test_what_is_live_already_is_not_taken_out(drained: Host, ready: Ready) -> None:
    artifact = drained.build("1")
    drained.deploy("1", artifact=artifact)
    inode = ready.path.stat().st_ino
    answer = drained.deploy("1", artifact=artifact)
    assert answer["outcome"] == UNCHANGED
    assert steps(answer, "pre_release")["drain"] == (SKIPPED, "the release is live already")
    assert ready.path.stat().st_ino == inode


def test_a_release_that_fails_is_put_back_too(drained: Host, ready: Ready) -> None:
    drained.deploy("1")
    seen = watched(drained, ready)
    answer = drained.deploy("2", artifact=broken(drained, "2"))
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert [*steps(answer, "restore")] == ["switch_back", "probe_restored", "put_back_restored"]
    # Out while it was bad, and until what ran before was proven.
    assert (seen, ready.is_in) == ([False, False, False], True)
    assert "out of its load balancer" not in answer["error"]
    assert drained.journal.saved is None


def test_what_cannot_be_restored_stays_out_and_says_so(drained: Host, ready: Ready) -> None:
    drained.deploy("1")
    (drained.root / "live" / "health").write_text("broken meanwhile")
    answer = drained.deploy("2", artifact=broken(drained, "2"))
    assert (answer["outcome"], ready.path.exists()) == (FAILED, False)
    assert answer["error"].endswith("This host stays out of its load balancer.")
    assert drained.journal.error == answer["error"]
    # The next good one brings it back, as it was.
    answer = drained.deploy("3")
    assert answer["outcome"] == SUCCEEDED
    assert steps(answer, "pre_release")["drain"] == (UNCHANGED, "it is out already")
    assert ready.is_in


def test_without_restoring_it_stays_out(drained: Host, ready: Ready) -> None:
    answer = drained.deploy("1", artifact=broken(drained, "1"), restore_on_failure=False)
    assert (answer["outcome"], ready.path.exists()) == (FAILED, False)
    assert answer["error"].endswith("This host stays out of its load balancer.")


def test_putting_back_that_fails_is_said_loudly(drained: Host, ready: Ready) -> None:
    drained.deploy("1")

    class Clumsy(StaticSite):
        def switch(self) -> None:
            super().switch()
            # The directory is gone: nothing can be made in it.
            ready.path.parent.rename(ready.path.parent.with_name("gone"))

    drained.project_type = Clumsy
    answer = drained.deploy("2")
    assert (answer["outcome"], answer["live"]) == (FAILED, "1")
    assert answer["error"].count("Putting this host back into its load balancer failed") == 2
    assert answer["error"].endswith("This host stays out of its load balancer.")
    assert outcomes(answer)["restore"] == FAILED
    ready.path.parent.with_name("gone").rename(ready.path.parent)
    drained.project_type = StaticSite
    assert drained.deploy("3")["outcome"] == SUCCEEDED
    assert ready.is_in


def test_a_host_that_cannot_be_taken_out_is_left_alone(drained: Host, ready: Ready) -> None:
    drained.deploy("1")
    before = drained.files()
    ready.path.write_bytes(b"x" * 100_000)
    answer = drained.deploy("2")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert "Taking this host out of its load balancer failed" in answer["error"]
    # Nothing was switched, stopped or started, and the release is not to blame.
    assert [*steps(answer, "restore")] == ["put_back_restored"]
    assert drained.journal.releases["2-2"].mark == UNPROVEN
    assert before.items() <= drained.files().items()
    ready.path.write_text("ready to serve\n")
    assert drained.deploy("3")["outcome"] == SUCCEEDED


def test_what_a_type_does_after_the_drain_is_undone_as_a_whole(drained: Host, ready: Ready) -> None:
    class Stopping(StaticSite):
        def pre_release(self) -> None:
            super().pre_release()
            raise StepFailed("the task cannot be stopped")

    drained.deploy("1")
    drained.project_type = Stopping
    answer = drained.deploy("2")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert [*steps(answer, "restore")] == ["switch_back", "probe_restored", "put_back_restored"]
    assert ready.is_in


def test_half_way_out_is_undone(host: Host, web: Health) -> None:
    """What was begun may have worked, whatever came back: it is taken back."""
    host.deploy("1")
    web.open("back")
    host.given["drain"] = {
        "kind": "http",
        "out": {"url": web.gate("out"), "method": "GET"},
        "back": {"url": web.gate("back"), "method": "GET"},
    }
    answer = host.deploy("2")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert "/gate/out: it answered status 503, not 200" in answer["error"]
    assert steps(answer, "restore")["put_back_restored"][0] == SUCCEEDED
    assert web.is_asked("back")
    assert host.journal.saved is None


def test_an_inconclusive_one_stays_out_until_it_is_known(
    drained: Host, ready: Ready, web: Health
) -> None:
    drained.deploy("1")
    gate = {"url": web.gate("draining"), "inconclusive_status": [503], "within_seconds": 0.02}
    share = drained.share("2", probe=gate)
    answer = drained.run(share)
    assert (answer["outcome"], ready.path.exists()) == (INCONCLUSIVE, False)
    assert answer["error"].endswith("This host stays out of its load balancer.")
    assert saved(drained)["drained"]["drain"] == drained.given["drain"]
    web.open("draining")
    answer = drained.run(share, "post_release")
    assert (answer["outcome"], ready.is_in) == (SUCCEEDED, True)


def test_it_is_put_back_as_it_was_taken_out(drained: Host, ready: Ready) -> None:
    """Whatever the template says by then."""
    answer = drained.deploy("1", artifact=broken(drained, "1"), restore_on_failure=False)
    del drained.given["drain"]
    answer = drained.deploy("2")
    assert steps(answer, "pre_release")["drain"] == (UNCHANGED, "it is out already")
    assert (answer["outcome"], ready.is_in) == (SUCCEEDED, True)


def test_who_was_out_before_stays_out(drained: Host, ready: Ready) -> None:
    ready.path.unlink()
    answer = drained.deploy("1")
    assert steps(answer, "pre_release")["drain"][0] == UNCHANGED
    outcome, detail = steps(answer, "post_release")["put_back"]
    assert (outcome, "put it back by hand" in detail) == (WARNING, True)
    assert (answer["outcome"], ready.path.exists()) == (SUCCEEDED, False)


def test_the_journal_knows_before_it_happens(drained: Host, ready: Ready) -> None:
    """Killed at each change: run again, it succeeds, and is in."""
    drained.deploy("1")
    killed = 0
    for number in range(2, 200):
        share = drained.share(str(number))
        if not killed_at(number - 1, lambda share=share: drained.run(share)):
            break
        killed += 1
        if not ready.is_in:
            assert "drained" in saved(drained)
        answer = drained.run(share)
        assert answer["outcome"] in GOOD_OUTCOMES, (number, answer["error"])
        assert ready.is_in, number
    assert killed > 30


def test_killed_at_each_change_and_then_another_one_fails(drained: Host, ready: Ready) -> None:
    drained.deploy("0")
    killed = 0
    for number in range(1, 400, 2):
        share = drained.share(str(number))
        if not killed_at((number + 1) // 2, lambda share=share: drained.run(share)):
            break
        killed += 1
        later = str(number + 1)
        answer = drained.deploy(later, artifact=broken(drained, later))
        assert answer["outcome"] == RESTORED, (number, answer["error"])
        assert ready.is_in, number
    assert killed > 30


def test_run_again_it_changes_nothing_and_says_so(drained: Host, ready: Ready) -> None:
    """A job that ended between the drain and the end of its stage."""
    drained.deploy("1")

    class Ended(StaticSite):
        def drain(self) -> None:
            super().drain()
            raise SystemExit(1)

    share = drained.share("2")
    drained.project_type = Ended
    with pytest.raises(SystemExit):
        drained.run(share)
    assert not ready.path.exists()
    drained.project_type = StaticSite
    answer = drained.run(share, "pre_release")
    assert steps(answer, "pre_release")["drain"] == (UNCHANGED, "it is out already")
    assert drained.run(share)["outcome"] == SUCCEEDED
    assert ready.is_in


def test_killed_between_the_journal_and_the_balancer_it_is_taken_out_again(
    drained: Host, ready: Ready
) -> None:
    share = drained.share("1")
    drained.run(share, "prepare")
    journal = drained.journal
    found = {"was_out": False, "file": {"text": "ready to serve\n", "mode": 0o644}}
    found["file"] |= {"uid": ready.path.stat().st_uid, "gid": ready.path.stat().st_gid}
    state = {"pointer": None, "version": None, "settings": {}, "probe": None, "untouched": True}
    state["drained"] = {"drain": drained.given["drain"], "is_out": False, **found}
    journal.saved = state
    journal.write()
    answer = drained.run(share, "pre_release")
    assert steps(answer, "pre_release")["drain"] == (SUCCEEDED, f"removed {ready.path}")
    assert drained.run(share)["outcome"] == SUCCEEDED
    assert ready.is_in


# Waiting.


@contextmanager
def customers(count: int) -> Iterator[tuple[int, list[socket.socket]]]:
    """A port with connections to it; yields it, and the customers' ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        theirs = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        ours = [server.accept()[0] for _ in range(count)]
        try:
            yield port, theirs
        finally:
            for one in (*theirs, *ours):
                one.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "_POLL_SECONDS", 0.02)


@pytest.mark.usefixtures("impatient")
def test_connections_are_waited_for(drained: Host) -> None:
    with customers(2) as (port, theirs):
        tries: list[int] = []

        class Patient(StaticSite):
            def between_tries(self) -> None:
                tries.append(1)
                if len(tries) == 5:
                    for one in theirs:
                        one.close()

        drained.project_type = Patient
        # Our own ends stay, half closed: they are no established connections any more.
        drained.given["drain"] |= {"port": port, "wait_seconds": 60}
        answer = drained.deploy("1")
    assert steps(answer, "pre_release")["drain"][0] == SUCCEEDED
    assert len(tries) >= 5


@pytest.mark.usefixtures("impatient")
def test_those_that_are_left_are_a_warning(drained: Host, ready: Ready) -> None:
    with customers(2) as (port, _):
        drained.given["drain"] |= {"port": port, "wait_seconds": 0.1}
        answer = drained.deploy("1")
    outcome, detail = steps(answer, "pre_release")["drain"]
    assert outcome == WARNING
    assert "2 connections are left after 0.1 s: the deployment goes on" in detail
    assert (answer["outcome"], ready.is_in) == (SUCCEEDED, True)


def test_a_job_that_is_told_to_stop_stops_waiting_and_is_out(drained: Host, ready: Ready) -> None:
    class Told(StaticSite):
        def between_tries(self) -> None:
            raise StepFailed("the deployment was aborted")

    drained.project_type = Told
    drained.given["drain"] |= {"settle_seconds": 1000}
    answer = drained.deploy("1", restore_on_failure=False)
    assert answer["error"].startswith("the deployment was aborted")
    assert saved(drained)["drained"]["is_out"] is True
    assert not ready.path.exists()
