"""What a job leaves on its host when it is stopped, or breaks down, and nobody puts it back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checks import NEW, served
from tests.faults.conftest import HOSTS
from tests.faults.injections import STRATEGY, Fault, Injection, inject
from tests.faults.ledger import Entry, Ledger
from tests.support.need import need
from tests.support.salt_lab import Lab

VICTIM = HOSTS[0]


class Hangs(Fault):
    """A step hangs longer than the stage may take, and is stopped.

    Args:
        lab: the lab.
        kind: the kind of injection.
        template: more of the template.
    """

    def __init__(self, lab: Lab, kind: type[Injection] = Injection, **template: Any) -> None:
        super().__init__(lab)
        self.kind = kind
        self.template = template

    def injection(self, entry: Entry, victim: str) -> Injection:
        """A deployment whose stages may take a few seconds."""
        strategy = {**STRATEGY, "stage_timeout_seconds": 8}
        return self.kind(self.lab, entry, victim, strategy=strategy, **self.template)

    def strike(self, caught: list[Injection]) -> None:
        """Wait for the end of the deployment; the gate stays shut until then."""
        for one in caught:
            one.process.communicate(timeout=90)


@pytest.mark.parametrize("point", ["mid-release", "mid-post_release"])
def test_what_a_stopped_job_has_left_live_is_known(lab: Lab, ledger: Ledger, point: str) -> None:
    """All stages were one job, which returned nothing; the host stays as it is."""
    entry = ledger.open("hanging step, host stays", point)

    class Stays(Hangs):
        def strike(self, caught: list[Injection]) -> None:
            super().strike(caught)
            assert served(caught[0].module, VICTIM) == NEW

    inject(Stays(lab, restore_on_failure=False), [entry], VICTIM)
    assert entry.problems == []
    assert (entry.state, entry.recovered) == ("failed", "retry")


class OnTheWayBack(Injection):
    """The release fails on the victim, and the proof that it is back where it was hangs."""

    def shut(self) -> None:
        """Let the release fail once, and the way back be held."""
        self.sign("fail-once").touch()
        super().shut()


def test_a_way_back_that_hangs_is_stopped_too(lab: Lab, ledger: Ledger) -> None:
    entry = ledger.open("hanging step", "probe-restore")
    inject(Hangs(lab, OnTheWayBack), [entry], VICTIM)
    assert entry.problems == []
    assert (entry.state, entry.recovered) == ("failed", "retry")


class FullJournalDisk(Fault):
    """The disk with the victim's journal is full when the switch is to be written down.

    Args:
        lab: the lab.
        directory: where the journal is, a disk of its own.
    """

    def __init__(self, lab: Lab, directory: Path) -> None:
        super().__init__(lab)
        self.directory = directory

    def injection(self, entry: Entry, victim: str) -> Injection:
        """The module whose journal is there."""
        one = Injection(self.lab, entry, victim)
        assert self.lab.journals(victim) / one.name == self.directory
        return one

    def strike(self, caught: list[Injection]) -> None:
        """Fill it."""
        with (self.directory / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass

    def restore(self, caught: list[Injection]) -> None:
        """Make room when the deployment has ended."""
        for one in caught:
            one.process.communicate(timeout=90)
        (self.directory / "filler").unlink()


@pytest.fixture
def journal_disk(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of 128 KiB for the journal of the module that the next test deploys."""
    directory = lab.journals(VICTIM) / f"disk-of-a-journal-{request.param}"
    directory.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(directory)]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    need("tmpfs", mounted.returncode == 0, f"mounting a small disk failed: {mounted.stderr}")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.parametrize(
    ("point", "journal_disk"),
    [(one, one) for one in ("mid-prepare", "mid-pre_release", "mid-release", "mid-post_release")],
    indirect=["journal_disk"],
)
def test_the_disk_of_a_journal_is_full(
    lab: Lab, ledger: Ledger, journal_disk: Path, point: str
) -> None:
    entry = ledger.open("disk of a journal", point)
    inject(FullJournalDisk(lab, journal_disk), [entry], VICTIM)
    assert entry.problems == []
    assert (entry.state, entry.recovered) == ("failed", "retry")
