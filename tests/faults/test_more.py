"""Faults beyond the five: halves of them, several at once, and what breaks by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psutil
import pytest

from tests.faults.checks import NEW, OLD, check_recovered, lease_is_over, served
from tests.faults.conftest import HOSTS
from tests.faults.injections import STRATEGY, Fault, Injection, inject
from tests.faults.ledger import Entry, Ledger
from tests.faults.servers import ArtifactServer, DatabaseProxy
from tests.faults.targets import DatabaseFault, MasterFault, MinionFault, RunnerFault, kill_all
from tests.support.need import need
from tests.support.salt_lab import Lab
from tests.support.waiting import wait_until

VICTIM = HOSTS[0]
EXTRA_HOST = "f4"


def expect(entry: Entry, state: str, recovered: str) -> None:
    """Nothing was lost, and it came as it should."""
    assert entry.problems == []
    assert (entry.state, entry.recovered) == (state, recovered)


# Halves, and several at once.


class MinionWithoutItsJob(MinionFault):
    """The minion is killed; its job lives on, ends, and finds nobody to return to."""

    def strike(self, caught: list[Injection]) -> None:
        """Kill all but the job."""
        for one in caught:
            directory = self.lab.journals(one.victim) / one.name / "production"
            job = psutil.Process(json.loads((directory / "job").read_text())["pid"])
            kill_all(self.lab.daemons[one.victim].pid, but=[job])
            assert job.is_running()

    def restore(self, caught: list[Injection]) -> None:
        """Start it when the job has ended."""
        for one in caught:
            one.wait_for_end_on_victim()
        super().restore(caught)


def test_a_minion_dies_and_its_job_lives_on(lab: Lab, ledger: Ledger) -> None:
    entry = ledger.open("minion without its job", "mid-release")
    inject(MinionWithoutItsJob(lab), [entry], VICTIM)
    expect(entry, "succeeded", "itself")


class MinionBetweenJobs(MinionFault):
    """The minion is killed when its prepare is done, and is away when the next job is sent."""

    def injection(self, entry: Entry, victim: str) -> Injection:
        """A host is held in prepare, and all others wait for it."""
        strategy = {**STRATEGY, "prepare": "all_first"}
        return Injection(self.lab, entry, victim, "mid-prepare", "under_way", strategy=strategy)

    def strike(self, caught: list[Injection]) -> None:
        """Kill the minion of another host than the one that is held."""
        kill_all(self.lab.daemons[HOSTS[1]].pid)

    def restore(self, caught: list[Injection]) -> None:
        """Start it when the next job is at work."""
        for one in caught:
            one.wait_at("prepare-pre_release")
        self.lab.start(HOSTS[1])


def test_a_minion_is_away_between_two_jobs(lab: Lab, ledger: Ledger) -> None:
    entry = ledger.open("minion between jobs", "prepare-pre_release")
    inject(MinionBetweenJobs(lab), [entry], VICTIM)
    expect(entry, "succeeded", "itself")


class EverythingFault(Fault):
    """The power fails: runner, master and all minions are killed."""

    def strike(self, caught: list[Injection]) -> None:
        """Kill them."""
        for one in caught:
            kill_all(one.process.pid)
        for pid in (self.lab.master.pid, *(self.lab.daemons[host].pid for host in HOSTS)):
            kill_all(pid)

    def restore(self, caught: list[Injection]) -> None:
        """Start them."""
        self.lab.restart_master()
        for host in HOSTS:
            self.lab.start(host)


@pytest.mark.timeout(400)
def test_the_power_fails(lab: Lab, ledger: Ledger) -> None:
    points = ("mid-prepare", "mid-release", "mid-post_release")
    entries = [ledger.open("everything", point) for point in points]
    inject(EverythingFault(lab), entries, VICTIM)
    for entry in entries:
        expect(entry, "running", "resume")


class WhileGoingBack(Injection):
    """The release fails on the victim, which is caught on its way back to what ran before."""

    def shut(self) -> None:
        """Let the release fail once, and the way back be held."""
        self.sign("fail-once").touch()
        super().shut()


@pytest.mark.parametrize("kind", [MinionFault, RunnerFault, MasterFault, DatabaseFault])
def test_a_host_is_caught_on_its_way_back(
    lab: Lab, ledger: Ledger, proxy: DatabaseProxy, kind: type[Fault]
) -> None:
    fault = DatabaseFault(lab, proxy) if kind is DatabaseFault else kind(lab)
    fault.injection = lambda entry, victim: WhileGoingBack(lab, entry, victim)  # type: ignore[method-assign]
    entry = ledger.open(fault.target, "mid-restore")
    inject(fault, [entry], VICTIM)
    assert entry.problems == []


# Time.


class HangFault(Fault):
    """A step hangs longer than the stage may take; nothing is killed or cut."""

    def injection(self, entry: Entry, victim: str) -> Injection:
        """A deployment whose stages may take a few seconds."""
        strategy = {**STRATEGY, "stage_timeout_seconds": 8}
        return Injection(self.lab, entry, victim, strategy=strategy)

    def strike(self, caught: list[Injection]) -> None:
        """Wait for the end of the deployment; the gate stays shut until then."""
        for one in caught:
            one.process.communicate(timeout=60)
            assert served(one.module, one.victim) == OLD


@pytest.mark.parametrize("point", ["mid-release", "mid-post_release"])
def test_a_step_that_hangs_is_stopped_and_undone(lab: Lab, ledger: Ledger, point: str) -> None:
    entry = ledger.open("hanging step", point)
    inject(HangFault(lab), [entry], VICTIM)
    expect(entry, "failed", "retry")


class StoppedRunner(Fault):
    """salt-run is stopped past its lease, taken over by a second one, and comes back.

    Args:
        lab: the lab.
        comes_back_early: while the second one is still at work; else when it has ended.
    """

    def __init__(self, lab: Lab, comes_back_early: bool) -> None:
        super().__init__(lab)
        self.comes_back_early = comes_back_early
        self.before: object = None

    def strike(self, caught: list[Injection]) -> None:
        """Stop it until its lease is over."""
        for one in caught:
            os.kill(one.process.pid, signal.SIGSTOP)
            wait_until(lambda one=one: lease_is_over(self.lab, one.module), "the end of the lease")
            self.second = subprocess.Popen(
                self.lab.words("pushguide.resume", deployment=one.number),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_until(lambda one=one: not lease_is_over(self.lab, one.module), "the takeover")
            if self.comes_back_early:
                os.kill(one.process.pid, signal.SIGCONT)
                one.process.communicate(timeout=60)

    def restore(self, caught: list[Injection]) -> None:
        """Let it come back."""
        assert self.second.wait(60) == 0
        for one in caught:
            before = one.module.files(), self.lab.show(one.number)
            if not self.comes_back_early:
                os.kill(one.process.pid, signal.SIGCONT)
                one.process.communicate(timeout=60)
            assert one.process.returncode == 1
            assert (one.module.files(), self.lab.show(one.number)) == before


@pytest.mark.parametrize("comes_back_early", [True, False])
def test_a_runner_that_was_thought_dead_changes_nothing(
    lab: Lab, ledger: Ledger, comes_back_early: bool
) -> None:
    entry = ledger.open("stopped runner", "mid-release")
    entry.point += ", back early" if comes_back_early else ", back late"
    fault = StoppedRunner(lab, comes_back_early)
    fault.injection = lambda entry, victim: Injection(lab, entry, victim, "mid-release")  # type: ignore[method-assign]
    inject(fault, [entry], VICTIM)
    expect(entry, "succeeded", "itself")


@pytest.fixture
def wrong_clock(lab: Lab) -> Iterator[str]:
    """A minion whose clock is an hour ahead: a simulation, in its Python alone."""
    minion = lab.add_minion(EXTRA_HOST)
    minion.environ["PYTHONPATH"] = str(Path(__file__).parent / "files" / "clock")
    lab.start(EXTRA_HOST)
    lab.salt(EXTRA_HOST, "saltutil.sync_all")
    yield EXTRA_HOST
    lab.stop(EXTRA_HOST)


def test_a_clock_is_wrong_by_an_hour(lab: Lab, ledger: Ledger, wrong_clock: str) -> None:
    entry = ledger.open("clock of a host (simulated)", "all of it")
    one = Injection(lab, entry, wrong_clock, "no gate", hosts=[VICTIM, wrong_clock])
    one.deploy_old()
    assert one.module.journal(wrong_clock)["stages"]["prepare"]["started"] > time.time() + 3000
    began = time.monotonic()
    for answer in (one.module.deploy(NEW), one.module.run("rollback"), one.module.deploy(NEW)):
        assert answer.returncode == 0, answer
        one.number = answer.data["deployment"]
        rows = lab.query(
            "SELECT host, stage, started_at FROM stage_result WHERE deployment_id = ?", one.number
        )
        assert {host for host, _, _ in rows} == {*one.hosts}
        for host, stage, started_at in rows:
            off = datetime.now(timezone.utc) - started_at.replace(tzinfo=timezone.utc)
            if abs(off) > timedelta(minutes=1):
                entry.wrong.append(f"{stage} on {host} began {off} ago by the record")
    entry.state, entry.recovered = lab.state(one.number), "itself"
    entry.seconds = time.monotonic() - began
    check_recovered(lab, one.module, one.number, entry, one.hosts)
    expect(entry, "succeeded", "itself")


# Things that go wrong by themselves.


def test_the_database_is_away_at_submit(lab: Lab, ledger: Ledger, proxy: DatabaseProxy) -> None:
    entry = ledger.open("database", "submit")
    one = Injection(lab, entry, VICTIM, "no gate")
    one.deploy_old()
    before = one.module.files(), one.module.rows()
    began = time.monotonic()
    proxy.stop()
    answer = one.module.deploy(NEW)
    proxy.start()
    assert answer.returncode == 1
    assert "Check that it runs" in answer.problems
    assert (one.module.files(), one.module.rows()) == before
    assert lease_is_over(lab, one.module)
    answer = one.module.deploy(NEW)
    assert answer.returncode == 0, answer
    entry.state, entry.recovered = "refused", "deploy"
    entry.seconds = time.monotonic() - began
    check_recovered(lab, one.module, answer.data["deployment"], entry, one.hosts)
    assert entry.problems == []


class GarbageFault(Fault):
    """The artifact server answers with other bytes."""

    def injection(self, entry: Entry, victim: str) -> Injection:
        """A module with a server of its own."""
        self.server = ArtifactServer(self.lab.artifacts)
        self.server.start()
        source = {"directory": str(self.lab.artifacts), "url": self.server.url}
        return Injection(self.lab, entry, victim, "before-prepare", source=source)

    def strike(self, caught: list[Injection]) -> None:
        """Answer with garbage from now on."""
        self.server.gives_garbage = True

    def restore(self, caught: list[Injection]) -> None:
        """Answer with the artifact again."""
        for one in caught:
            one.wait_for_end_on_victim()
            assert "sha256" in one.module.journal(one.victim)["error"]
            assert served(one.module, one.victim) == OLD
        self.server.gives_garbage = False

    def close(self) -> None:
        """Stop the server."""
        self.server.stop()


def test_the_artifact_server_answers_garbage(lab: Lab, ledger: Ledger) -> None:
    entry = ledger.open("artifact server", "garbage")
    inject(GarbageFault(lab), [entry], VICTIM)
    expect(entry, "failed", "retry")


class FullDiskFault(Fault):
    """The victim's disk is full when its release is unpacked.

    Args:
        lab: the lab.
        root: the module's root on the victim, a disk of its own.
    """

    def __init__(self, lab: Lab, root: Path) -> None:
        super().__init__(lab)
        self.root = root

    def injection(self, entry: Entry, victim: str) -> Injection:
        """A module that is caught between the look at the space and the need of it."""
        one = Injection(self.lab, entry, victim, "before-unpack")
        assert one.module.root(victim) == self.root
        return one

    def strike(self, caught: list[Injection]) -> None:
        """Fill it."""
        with (self.root / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass

    def restore(self, caught: list[Injection]) -> None:
        """Make room."""
        for one in caught:
            one.wait_for_end_on_victim()
        (self.root / "filler").unlink()


@pytest.fixture
def small_disk(lab: Lab) -> Iterator[Path]:
    """A disk of 4 MiB, at the root of the module that the next test deploys."""
    root = lab.hosts / VICTIM / "disk-of-a-host-mid-prepare"
    root.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(root)]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    need("tmpfs", mounted.returncode == 0, f"mounting a small disk failed: {mounted.stderr}")
    yield root
    subprocess.run(["umount", str(root)], check=True)


def test_the_disk_of_a_host_is_full(lab: Lab, ledger: Ledger, small_disk: Path) -> None:
    entry = ledger.open("disk of a host", "mid-prepare")
    inject(FullDiskFault(lab, small_disk), [entry], VICTIM)
    expect(entry, "failed", "retry")
