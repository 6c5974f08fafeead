"""Jobs that are killed: at every single change they make, and what comes after them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushguide.errors import StepFailed
from pushguide.host.journal import Journal
from pushguide.host.steps import Note
from pushguide.host.types.static_site import StaticSite
from pushguide.words import GOOD, GOOD_OUTCOMES, RESTORED, SUCCEEDED
from tests.support.health import Health
from tests.support.host import Host, killed_at


@pytest.fixture(autouse=True)
def without_flushing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system outlives the processes that are killed here: what they wrote is not lost."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def hosts(top: Path, web: Health) -> Iterator[Host]:
    """Hosts without end, each in a directory of its own, with a probe."""
    number = 0
    while True:
        number += 1
        host = Host(top / str(number))
        host.probe_version(web, 0.02)
        yield host


def demand_consistent(host: Host) -> Journal:
    """The journal says what is live, and all it calls good is whole."""
    journal = host.journal
    assert journal.doing is None
    assert journal.live == host.live
    for release in journal.good_releases():
        assert Path(release.path, "health").read_text().strip() == f"version {release.version}"
    assert not [name for name in host.releases if name.endswith((".partial", ".removed"))]
    assert not (host.root / ".incoming").exists()
    return journal


def demand_served(host: Host, versions: set[str]) -> None:
    """What is live is one of these versions, and whole."""
    assert host.health in {f"version {one}" for one in versions}


def test_killed_at_each_change_and_run_again(tmp_path: Path, web: Health) -> None:
    """The same deployment goes on and succeeds, and a rollback works after it."""
    changes = 0
    for changes, host in enumerate(hosts(tmp_path, web), start=1):
        host.given["keep_releases"] = 1
        for version in ("0", "1"):
            host.deploy(version)
        share = host.share("2")
        if not killed_at(changes, lambda host=host, share=share: host.run(share)):
            break
        demand_served(host, {"1", "2"})
        answer = host.run({**share, "token": share["token"] + 1})
        assert answer["outcome"] in GOOD_OUTCOMES, (changes, answer["error"])
        assert (answer["live"], host.health) == ("2", "version 2")
        journal = demand_consistent(host)
        assert journal.releases["2-3"].mark == GOOD
        host.number += 1
        answer = host.rollback("1")
        assert (answer["outcome"], host.health) == (SUCCEEDED, "version 1"), changes
        demand_consistent(host)
    assert changes > 30


@pytest.mark.parametrize("first", [False, True], ids=["later", "first"])
def test_killed_at_each_change_and_then_another_one_fails(
    tmp_path: Path, web: Health, first: bool
) -> None:
    """It goes back to what was proven last, never to what the killed one left behind."""
    changes = 0
    for changes, host in enumerate(hosts(tmp_path, web), start=1):
        if not first:
            host.deploy("1")
        share = host.share("2")
        if not killed_at(changes, lambda host=host, share=share: host.run(share)):
            break
        known = host.journal.releases if host.journal_path.exists() else {}
        proven = any(one.version == "2" and one.is_good for one in known.values())
        before = "2" if proven else None if first else "1"
        share = host.share("3", artifact=host.build("3", {"health": "out of order"}))
        served = host.health
        host.run(share, "prepare")
        assert host.health == served, changes
        answer = host.run(share)
        assert (answer["outcome"], answer["live"]) == (RESTORED, before), changes
        assert host.health == (before and f"version {before}"), changes
        assert demand_consistent(host).live == host.live
        assert host.deploy("4")["outcome"] == SUCCEEDED
        demand_consistent(host)
    assert changes > 30


def test_killed_at_each_change_while_it_goes_back(tmp_path: Path, web: Health) -> None:
    """Whatever it got done: the next version that fails ends at the proven one."""
    changes = 0
    for changes, host in enumerate(hosts(tmp_path, web), start=1):
        host.deploy("1")
        broken = host.build("2", {"health": "out of order"})
        share = host.share("2", artifact=broken)
        host.run(share, "prepare")
        if not killed_at(changes, lambda host=host, share=share: host.run(share)):
            break
        again = host.run(share) if changes % 2 else host.deploy("3", artifact=broken)
        assert (again["outcome"], again["live"]) == (RESTORED, "1"), (changes, again["error"])
        assert host.health == "version 1"
        demand_consistent(host)
    assert changes > 10


class FailsWhileToldTo(StaticSite):
    """Fails its probe while a file says so: what was wrong may be well when the host is back."""

    def ask(self, probe: object, version: str) -> Note | str:
        """Fail, or ask."""
        if os.path.exists(os.path.join(self.share.root, "fail")) and version == "2":
            raise StepFailed("It was told to fail.")
        return super().ask(probe, version)


def test_killed_while_it_goes_back_and_then_well(tmp_path: Path, web: Health) -> None:
    """What was half undone is not taken for done: the answer is what is served."""
    changes = 0
    for changes, host in enumerate(hosts(tmp_path, web), start=1):
        host.project_type = FailsWhileToldTo
        host.deploy("1")
        share = host.share("2")
        host.run(share, "prepare")
        (host.root / "fail").touch()
        if not killed_at(changes, lambda host=host, share=share: host.run(share)):
            break
        (host.root / "fail").unlink()
        answer = host.run(share)
        assert answer["outcome"] == SUCCEEDED, (changes, answer["error"])
        assert (answer["live"], host.health) == ("2", "version 2"), changes
        demand_consistent(host)
    assert changes > 10


def test_a_job_that_is_ended_in_good_order_can_be_run_again(host: Host) -> None:
    """As when a minion is stopped: SystemExit goes through everything."""
    host.deploy("1")
    for stage, method in (
        ("prepare", "unpack"),
        ("pre_release", "save"),
        ("release", "switch"),
        ("post_release", "mark_good"),
    ):
        usual = host.project_type

        def ended(self: object) -> None:
            raise SystemExit(1)

        host.project_type = type("Ended", (usual,), {method: ended})
        share = host.share(f"2-{stage}")
        with pytest.raises(SystemExit):
            host.run(share)
        assert host.journal.doing is None
        assert host.journal.stages[stage]["outcome"] == "failed"
        host.project_type = usual
        assert host.run(share)["outcome"] == SUCCEEDED
        demand_consistent(host)
