"""What a host finds in its live release, and that a deployment goes on all the same."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from pushguide.errors import Refused
from pushguide.host import standards
from pushguide.host.journal import Release
from pushguide.standards.builtin import BUILT_IN
from pushguide.standards.listing import Entry
from pushguide.words import SKIPPED, SUCCEEDED, WARNING
from tests.support.host import Host, steps

RULES = [one.for_host() for one in BUILT_IN if one.on_hosts]


@pytest.fixture
def judged(host: Host) -> Host:
    """A host whose deployments bring rules for the live release."""
    host.given["standards"] = RULES
    return host


def step_of(answer: dict[str, Any]) -> tuple[str, str]:
    return steps(answer, "prepare")["check_standards"]


def live_of(host: Host) -> Path:
    return (host.root / "live").resolve()


def test_a_release_that_is_as_it_was_unpacked(judged: Host) -> None:
    assert step_of(judged.deploy("1")) == (SKIPPED, "no release of ours is live")
    assert step_of(judged.deploy("2")) == (SUCCEEDED, "1 entries of 1-1")


def test_without_rules_nothing_is_looked_at(host: Host) -> None:
    host.deploy("1")
    (live_of(host) / "a.log").write_text("...")
    assert step_of(host.deploy("2")) == (SKIPPED, "no rules for the live release")


def test_a_log_that_was_written_into_the_release(judged: Host) -> None:
    judged.deploy("1")
    live = live_of(judged)
    (live / "logs").mkdir()
    (live / "logs" / "a.log").write_text("...")
    answer = judged.deploy("2")
    outcome, detail = step_of(answer)
    assert outcome == WARNING
    assert "1-1, which is live, is against the code standards" in detail
    for told in ("no-logs: logs/a.log is there", "untouched: logs/a.log was written after"):
        assert told in detail
    assert (answer["outcome"], judged.health) == (SUCCEEDED, "version 2")


def test_a_file_that_was_changed_by_hand(judged: Host) -> None:
    judged.deploy("1")
    (live_of(judged) / "health").write_text("version 1, mended\n")
    found = standards.live_findings(judged.opts, "shop", "production", RULES)
    assert found
    assert [(rule, path) for rule, _, path, _ in found["findings"]] == [("untouched", "health")]
    assert (found["version"], found["release"], found["complete"]) == ("1", "1-1", True)


def test_a_time_to_come_is_no_change(judged: Host, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    os.utime(file, (time.time() + 9e5, time.time() + 9e5))  # as an archive may have it
    made = time.time() + 1
    release = Release("1-1", "1", "", str(tmp_path / "there"), 1, made)
    (tmp_path / "there").mkdir()
    file.rename(tmp_path / "there" / "file")
    assert standards.findings_in(release, RULES)["findings"] == []


def test_a_directory_that_has_grown(judged: Host) -> None:
    judged.deploy("1")
    for number in range(5):
        (live_of(judged) / f"{number}").write_text("x")
    rule = {"name": "few", "kind": "max_files", "level": "error", "at_most": 5}
    found = standards.live_findings(judged.opts, "shop", "production", [rule])
    assert found
    assert found["findings"] == [["few", "error", "", "has 6 files, and 5 are the bound"]]


def test_where_nothing_is_live(judged: Host) -> None:
    assert standards.live_findings(judged.opts, "shop", "production", RULES) is None
    judged.deploy("1")
    assert standards.live_findings(judged.opts, "shop", "staging", RULES) is None


def test_rules_that_do_not_read_fail_no_deployment(judged: Host) -> None:
    judged.deploy("1")
    answer = judged.deploy("2", standards=[{"name": "x", "colour": "red"}])
    outcome, detail = step_of(answer)
    assert (outcome, answer["outcome"]) == (WARNING, SUCCEEDED)
    assert "A rule of the code standards does not read" in detail
    with pytest.raises(Refused):
        standards.live_findings(judged.opts, "shop", "production", [{"colour": "red"}])


def test_everything_is_listed_and_nothing_followed(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"123")
    (tmp_path / "link").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"\xff")).write_bytes(b"")
    entries, is_complete = standards.listed(str(tmp_path), time.time() + 60)
    assert is_complete
    assert sorted(entries) == [
        Entry("d", "directory"),
        Entry("d/f", size=3),
        Entry("link", "link", target="/etc"),
        Entry("pipe", "other"),
        Entry("\ufffd"),
    ]


def test_a_listing_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        (tmp_path / f"file-{number}").write_text("")
    monkeypatch.setattr(standards, "MOST_ENTRIES", 4)
    entries, is_complete = standards.listed(str(tmp_path), 0)
    assert (len(entries), is_complete) == (4, False)
    monkeypatch.setattr(standards, "MOST_ENTRIES", 40)
    monkeypatch.setattr(standards, "MOST_PATH_BYTES", 15)
    assert len(standards.listed(str(tmp_path), 0)[0]) == 2


def test_only_so_much_is_answered(tmp_path: Path) -> None:
    for number in range(230):
        (tmp_path / f"{number}.bak").write_text("")
    release = Release("1-1", "1", "", str(tmp_path), 1, time.time() + 60)
    found = standards.findings_in(release, RULES)
    assert (len(found["findings"]), found["count"]) == (200, 230)
    told = standards.in_words(found)
    assert told
    assert "; and 225 more" in told
