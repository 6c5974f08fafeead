"""Links of any platform, and the removal of trees that hold some."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from pushguide.host import removal
from pushguide.host.links import is_directory, is_link, leads_elsewhere, target_of, walk
from pushguide.host.removal import remove_tree


def test_a_junction_is_a_link_though_python_has_it_as_a_directory() -> None:
    junction = SimpleNamespace(st_mode=stat.S_IFDIR | 0o777, st_reparse_tag=0xA0000003)
    directory = SimpleNamespace(st_mode=stat.S_IFDIR | 0o777, st_reparse_tag=0)
    assert leads_elsewhere(cast("os.stat_result", junction))
    assert not leads_elsewhere(cast("os.stat_result", directory))


def test_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert is_directory(str(tmp_path))
    for name in ("file", "none"):
        path = str(tmp_path / name)
        assert (is_link(path), is_directory(path), target_of(path)) == (False, False, None)
    assert target_of("IIS shop/admin") is None


@pytest.mark.skipif(os.name == "nt", reason="it makes symbolic links")
def test_links_are_told_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").touch()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    up = str(tmp_path / "a" / "up")
    assert (is_link(up), is_directory(up), target_of(up)) == (True, False, str(tmp_path))
    assert [names for _, names in walk(str(tmp_path))] == [[], [], ["file"]]


def test_a_directory_that_never_goes_is_an_error_and_no_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is the current directory of a process on Windows, or a mount point."""
    top = tmp_path / "top"
    (top / "kept").mkdir(parents=True)
    (top / "file").touch()

    def refuse(path: str, **_: object) -> None:
        raise PermissionError(13, "it is in use", path)

    monkeypatch.setattr(removal.os, "rmdir", refuse)
    with pytest.raises(PermissionError, match="it is in use"):
        remove_tree(str(top))
