"""The journal: what is on disk at any moment, and who may write it."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import IO, Any

import pytest

from pushguide.errors import Fenced, PushguideError, Refused
from pushguide.host import facts, file_lock
from pushguide.host.journal import Journal, Release, opened, read_all, replace_file
from pushguide.host.pointer import Pointer
from pushguide.host.types.static_site import StaticSite
from pushguide.words import BAD, GOOD, SUCCEEDED
from tests.support.host import Host, die, in_a_process


def a_journal(path: Path) -> Journal:
    return Journal(str(path), "shop", "production")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    journal = a_journal(tmp_path / "journal.json")
    journal.admit(7, 70, "deploy", "1.4")
    journal.releases["1.4-7"] = Release("1.4-7", "1.4", "ab", "/srv/releases/1.4-7", 7, 1.5)
    journal.mark("1.4-7", BAD, "it did not answer")
    journal.write()
    again = Journal.load(journal.path, "shop", "production")
    assert again == journal
    assert again.releases["1.4-7"].reason == "it did not answer"


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    journal = Journal.load(str(tmp_path / "none"), "shop", "production")
    assert (journal.deployment, journal.releases) == (None, {})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"format": 1, "module"',
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"format": 1}',
        b'{"format": 1, "releases": []}',
        b'{"format": 1, "releases": {"a": {"name": "a"}}, "module": "m", "environment": "e"}',
        b'{"format": 1, "releases": {}, "module": "m", "environment": "e", "colour": "red"}',
    ],
)
def test_a_corrupt_journal_is_an_error_that_names_the_file(host: Host, content: bytes) -> None:
    host.journal_path.parent.mkdir(parents=True)
    host.journal_path.write_bytes(content)
    with pytest.raises(PushguideError, match="journal") as error:
        host.deploy("1")
    assert str(host.journal_path) in str(error.value)
    assert host.journal_path.read_bytes() == content
    assert list(host.root.iterdir()) == []


def test_a_journal_of_another_format_is_left_alone(host: Host) -> None:
    host.deploy("1")
    newer = {**json.loads(host.journal_path.read_text()), "format": 99}
    host.journal_path.write_text(json.dumps(newer))
    with pytest.raises(PushguideError, match="another version of pushguide"):
        host.deploy("2")
    assert json.loads(host.journal_path.read_text()) == newer


def test_a_reader_never_sees_half_a_journal(tmp_path: Path) -> None:
    journal = a_journal(tmp_path / "journal.json")
    journal.write()
    ended = threading.Event()
    seen: set[Any] = set()
    problems: list[Exception] = []

    def read() -> None:
        while not ended.is_set():
            try:
                seen.add(Journal.load(journal.path, "shop", "production").deployment)
            except PushguideError as err:
                problems.append(err)
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(200):
            journal.deployment = number
            journal.error = "x" * (100 * number)
            journal.write()
    finally:
        ended.set()
        reader.join()
    assert problems == []
    assert len(seen) > 1


def test_replacing_a_file_keeps_its_mode_and_owner(tmp_path: Path) -> None:
    path = tmp_path / "secret.xml"
    path.write_text("old")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 2345)
    before = path.stat()
    (tmp_path / "secret.xml.new").write_text("left behind by a crash")
    replace_file(str(path), "new\r\n")
    after = path.stat()
    assert path.read_bytes() == b"new\r\n"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_a_new_file_gets_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    replace_file(str(tmp_path / "one"), "", 0o600)
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o600


# Fencing.


def test_an_older_token_is_refused_and_nothing_is_changed(host: Host) -> None:
    older, newer = host.share("1"), host.share("2")
    host.run(newer)
    before = (host.files(), host.journal_path.read_bytes())
    with pytest.raises(Fenced, match="token 1") as error:
        host.run(older)
    assert "#2 has been here with 2" in str(error.value)
    assert (host.files(), host.journal_path.read_bytes()) == before


def test_the_same_token_may_go_on(host: Host) -> None:
    share = host.share("1")
    host.run(share, "prepare")
    assert host.run(share)["outcome"] == SUCCEEDED


def test_a_new_deployment_starts_afresh(host: Host) -> None:
    host.deploy("1")
    first = host.journal
    host.run(host.share("2"), "prepare")
    journal = host.journal
    assert first.target == {"how": "new", "name": "1-1"}
    assert journal.target == {"how": "new", "name": "2-2"}
    assert journal.saved is None
    assert list(journal.stages) == ["prepare"]
    assert journal.live == "1-1"


def test_admit_keeps_what_the_same_deployment_has_done(tmp_path: Path) -> None:
    journal = a_journal(tmp_path / "journal.json")
    journal.admit(1, 1, "deploy", "1")
    journal.stages["prepare"] = {"outcome": SUCCEEDED}
    journal.saved = {"pointer": None}
    journal.admit(1, 2, "deploy", "1")
    assert journal.token == 2
    assert (journal.stages, journal.saved) == (
        {"prepare": {"outcome": SUCCEEDED}},
        {"pointer": None},
    )


def test_what_ran_before_is_remembered_until_something_is_proven(probed: Host) -> None:
    probed.deploy("1")
    assert probed.journal.saved is None
    before = str(probed.root / "releases" / "1-1")
    broken = {"health": "out of order"}
    for version in ("2", "3"):
        artifact = probed.build(version, broken)
        probed.deploy(version, artifact=artifact, restore_on_failure=False)
        saved = probed.journal.saved
        assert saved is not None
        assert (saved["pointer"], saved["version"]) == (before, "1")
    probed.deploy("4", artifact=probed.build("4", broken))
    assert probed.journal.saved is None
    assert probed.health == "version 1"


# What a reader sees while a step runs.


class Reading(StaticSite):
    """Reads the journal on disk in the middle of switch."""

    seen: Journal

    def make_pointer(self) -> Any:
        pointer = super().make_pointer()
        point_at = pointer.point_at

        def watched(path: str) -> None:
            Reading.seen = Journal.load(self.journal.path, "shop", "production")
            point_at(path)

        pointer.point_at = watched  # type: ignore[method-assign]
        return pointer


def test_a_reader_knows_what_is_being_done_and_how_to_go_back(host: Host) -> None:
    host.deploy("1")
    host.project_type = Reading
    host.deploy("2")
    seen = Reading.seen
    assert seen.doing is not None
    assert (seen.doing["stage"], seen.doing["step"]) == ("release", "switch")
    assert (seen.deployment, seen.token, seen.version) == (2, 2, "2")
    assert seen.live == "1-1"
    assert seen.saved is not None
    assert (seen.saved["pointer"], seen.saved["version"]) == (seen.releases["1-1"].path, "1")
    assert seen.releases["1-1"].mark == GOOD
    assert list(seen.stages) == ["prepare", "pre_release"]
    assert host.journal.doing is None
    assert host.journal.live == "2-2"


def test_what_was_being_done_stays_on_disk_when_the_process_is_killed(host: Host) -> None:
    host.deploy("1")

    class Dying(StaticSite):
        def place(self, artifact: str, destination: str) -> str:
            die()
            return ""

    host.project_type = Dying
    share = host.share("2")
    assert in_a_process(lambda: host.run(share)) == -9
    assert host.journal.doing is not None
    assert (host.journal.doing["stage"], host.journal.doing["step"]) == ("prepare", "unpack")
    assert facts.inspect(host.opts, "shop", "production", {})["module"]["doing"]["step"] == "unpack"


def test_a_journal_that_a_switch_was_broken_off_from_asks_the_link(host: Host) -> None:
    host.deploy("1")

    class Dying(StaticSite):
        def make_pointer(self) -> Pointer:
            pointer = super().make_pointer()
            switch = pointer.point_at

            def point_at(path: str) -> None:
                switch(path)
                die()

            pointer.point_at = point_at  # type: ignore[method-assign]
            return pointer

    host.project_type = Dying
    share = host.share("2")
    assert in_a_process(lambda: host.run(share)) == -9
    assert host.journal.live == "1-1"
    told = facts.result(host.opts, "shop", "production", 2)
    assert told is not None
    assert (told["outcome"], told["live"]) == (None, "2")
    assert facts.current(host.opts) == {"shop@production": "2"}


# The lock.


def test_a_second_job_is_refused(host: Host) -> None:
    share = host.share("1")

    def second() -> None:
        try:
            host.run(share)
        except Refused as err:
            os._exit(3 if "Another job is at work on shop" in str(err) else 4)

    with opened(host.opts, "shop", "production"):
        assert in_a_process(second) == 3
        with pytest.raises(Refused, match="Another job"):
            host.run(share)
    assert list(host.root.iterdir()) == []
    assert host.run(share)["outcome"] == SUCCEEDED


def test_a_job_that_may_wait_goes_on_when_the_other_has_ended(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    usual = file_lock.try_lock

    def tried(handle: IO[str]) -> bool:
        got = usual(handle)
        if not got:
            waits.set()
        return got

    share = host.share("1", busy_timeout_seconds=60)
    answers: list[dict[str, Any]] = []
    second = threading.Thread(target=lambda: answers.append(host.run(share)))
    with opened(host.opts, "shop", "production"):
        monkeypatch.setattr(file_lock, "try_lock", tried)
        second.start()
        assert waits.wait(20)
        assert list(host.root.iterdir()) == []
    second.join(20)
    assert [one["outcome"] for one in answers] == [SUCCEEDED]


def test_a_job_that_was_overtaken_while_it_waited_is_refused(host: Host) -> None:
    """What decides is what the journal says once the other job has ended."""
    older, newer = host.share("1"), host.share("2")
    with opened(host.opts, "shop", "production") as journal:
        journal.admit(newer["deployment"], newer["token"], "deploy", "2")
        journal.write()
    with pytest.raises(Fenced):
        host.run({**older, "busy_timeout_seconds": 1})


def test_other_modules_and_environments_are_not_in_the_way(host: Host) -> None:
    with opened(host.opts, "shop", "staging"), opened(host.opts, "blog", "production"):
        assert host.deploy("1")["outcome"] == SUCCEEDED


def test_the_lock_of_a_killed_job_is_gone(host: Host) -> None:
    def killed() -> None:
        with opened(host.opts, "shop", "production"):
            die()

    assert in_a_process(killed) == -9
    assert host.deploy("1")["outcome"] == SUCCEEDED


def test_a_place_for_the_journal_that_cannot_be_made_is_refused(host: Host, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    host.opts["pushguide_dir"] = str(tmp_path / "file" / "below")
    with pytest.raises(Refused, match="pushguide_dir"):
        host.deploy("1")


# A journal that cannot be written any more.


class BlocksJournal(StaticSite):
    """Puts something in the way of the journal in the middle of release."""

    def make_pointer(self) -> Any:
        pointer = super().make_pointer()
        point_at = pointer.point_at

        def blocked(path: str) -> None:
            point_at(path)
            os.mkdir(f"{self.journal.path}.new")

        pointer.point_at = blocked  # type: ignore[method-assign]
        return pointer


def test_a_journal_that_cannot_be_written_stops_the_deployment_and_says_so(host: Host) -> None:
    host.deploy("1")
    host.project_type = BlocksJournal
    share = host.share("2")
    with pytest.raises(PushguideError, match="Writing the journal") as error:
        host.run(share)
    assert str(host.journal_path) in str(error.value)
    assert host.journal.doing is not None
    assert host.journal.doing["step"] == "switch"
    # Once there is room again, the same deployment goes on.
    os.rmdir(f"{host.journal_path}.new")
    host.project_type = StaticSite
    assert host.run(share)["outcome"] == SUCCEEDED
    assert (host.health, host.journal.live) == ("version 2", "2-2")


# Reading all of them.


def test_all_journals_are_read_whatever_else_lies_there(host: Host) -> None:
    host.deploy("1")
    staging = host.root.parent / "staging"
    staging.mkdir()
    host.run(host.share("1", environment="staging", root=str(staging)), "prepare")
    top = host.journal_path.parents[2]
    (top / "notes.txt").write_text("")
    (top / "shop" / "notes.txt").write_text("")
    (top / "empty").mkdir()
    found = read_all(host.opts)
    assert [(one.module, one.environment) for one in found] == [
        ("shop", "production"),
        ("shop", "staging"),
    ]
    assert read_all(host.opts, "blog") == []
    assert facts.current(host.opts) == {"shop@production": "1", "shop@staging": None}


def test_facts(host: Host) -> None:
    assert facts.inspect(host.opts, "shop", "production", {})["module"] is None
    assert facts.result(host.opts, "shop", "production", 1) is None
    assert facts.journal(host.opts, "shop", "production") is None
    first = host.deploy("1")
    answer = host.deploy("2")
    told = facts.result(host.opts, "shop", "production", 2)
    assert told
    assert told.pop("busy") is False
    assert told.pop("clock") >= answer.pop("clock")
    assert told == answer
    assert facts.result(host.opts, "shop", "production", 1) is None
    assert first["live"] == "1"
    summary = facts.inspect(host.opts, "shop", "production", {})["module"]
    assert (summary["live"], summary["good"], summary["deployment"]) == ("2", ["2", "1"], 2)
    listed = facts.releases(host.opts, "shop")
    assert [(one["version"], one["live"], one["present"]) for one in listed] == [
        ("1", False, True),
        ("2", True, True),
    ]
    assert facts.journal(host.opts, "shop", "production") == {
        **host.journal.to_dict(),
        "path": str(host.journal_path),
    }


def test_every_step_that_changes_something_is_noted_on_disk_before_it_begins(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[tuple[str, str]] = []
    write = Journal.write

    def watched(self: Journal) -> None:
        if self.doing:
            noted.append((self.doing["stage"], self.doing["step"]))
        write(self)

    monkeypatch.setattr(Journal, "write", watched)
    host.deploy("1")
    assert noted == [("prepare", "fetch"), ("prepare", "unpack"), ("release", "switch")]
    for version in "23456":
        noted.clear()
        host.deploy(version)
    assert noted[-1] == ("post_release", "retire")
