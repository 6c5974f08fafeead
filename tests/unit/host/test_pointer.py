"""The live link: never missing, never in anybody's way."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pushguide.errors import StepFailed
from pushguide.host.pointer import Link


@pytest.fixture
def link(tmp_path: Path) -> Link:
    return Link(str(tmp_path / "live"))


def test_point_read_save_and_restore(link: Link, tmp_path: Path) -> None:
    link.check()
    assert (link.read(), link.save()) == (None, None)
    link.point_at("/srv/1")
    saved = link.save()
    link.point_at("/srv/2")
    assert link.read() == os.readlink(link.path) == "/srv/2"
    link.restore(saved)
    assert link.read() == "/srv/1"
    assert link.to("/srv/3") == "/srv/3"
    link.restore(None)
    assert list(tmp_path.iterdir()) == []
    link.restore(None)
    assert str(link) == link.path


def test_a_reader_never_finds_the_link_missing(link: Link, tmp_path: Path) -> None:
    targets = [tmp_path / "a", tmp_path / "b"]
    for one in targets:
        one.mkdir()
        (one / "health").write_text(one.name)
    link.point_at(str(targets[0]))
    ended = threading.Event()
    seen: list[str] = []
    problems: list[Exception] = []

    def read() -> None:
        while not ended.is_set():
            try:
                seen.append((tmp_path / "live" / "health").read_text())
            except OSError as err:
                problems.append(err)
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(500):
            link.point_at(str(targets[number % 2]))
    finally:
        ended.set()
        reader.join()
    assert problems == []
    assert {*seen} == {"a", "b"}


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_something_else_in_the_place_of_the_link_is_refused(link: Link, kind: str) -> None:
    path = Path(link.path)
    if kind == "directory":
        path.mkdir()
        (path / "content").write_text("")
    else:
        path.write_text("content")
    with pytest.raises(StepFailed, match="not a symbolic link") as error:
        link.check()
    assert link.path in str(error.value)
    assert path.exists()
    assert not path.is_symlink()


def test_a_real_directory_is_never_replaced(link: Link) -> None:
    content = Path(link.path, "content")
    content.parent.mkdir()
    content.write_text("")
    with pytest.raises(OSError, match="directory"):
        link.point_at("/srv/1")
    assert content.exists()


def test_a_link_that_leads_nowhere_is_a_link(link: Link) -> None:
    os.symlink("/nowhere/at/all", link.path)
    link.check()
    link.point_at("/srv/1")
    assert link.read() == "/srv/1"


def test_what_a_crash_left_behind_is_no_hindrance(link: Link) -> None:
    os.symlink("/srv/0", f"{link.path}.new")
    link.point_at("/srv/1")
    assert link.read() == "/srv/1"
    assert not os.path.lexists(f"{link.path}.new")


def test_a_directory_that_is_not_there_is_found_beforehand(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="missing or not writable"):
        Link(str(tmp_path / "none" / "live")).check()
