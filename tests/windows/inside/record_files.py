"""What Windows does with files and directories in use, with long paths, and with links."""

from __future__ import annotations

import _winapi
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from record_parts import Facts, done, outcome


def facts(scratch: Path) -> Facts:
    """Find out.

    Args:
        scratch: an empty directory.
    """
    found: Facts = {}
    for place, (name, find_out) in enumerate({**FILES, **LINKS}.items()):
        where = scratch / str(place)
        where.mkdir()
        found[name] = outcome(lambda find_out=find_out, where=where: find_out(where))
    return found


# --- files and directories ------------------------------------------------------------------


def _file(where: Path, name: str = "file") -> Path:
    file = where / name
    file.write_text(name)
    return file


def _with_open(file: Path, work: Callable[[], Any]) -> Any:
    with file.open("rb"):
        return done(work)


def _rename_open(where: Path) -> Any:
    file = _file(where)
    return _with_open(file, lambda: file.rename(where / "other"))


def _remove_open(where: Path) -> Any:
    file = _file(where)
    return _with_open(file, file.unlink)


def _replace_open(where: Path) -> Any:
    file = _file(where)
    return _with_open(file, lambda: _file(where, "other").replace(file))


def _rename_directory_in_use(where: Path) -> Any:
    (where / "directory").mkdir()
    file = _file(where / "directory")
    return _with_open(file, lambda: (where / "directory").rename(where / "other"))


def _replace_read_only(where: Path) -> Any:
    file = _file(where)
    file.chmod(stat.S_IREAD)
    try:
        return done(lambda: _file(where, "other").replace(file))
    finally:
        file.chmod(stat.S_IWRITE)


def _remove_read_only(where: Path) -> Any:
    file = _file(where)
    file.chmod(stat.S_IREAD)
    try:
        return done(file.unlink)
    finally:
        if file.exists():
            file.chmod(stat.S_IWRITE)


def _long_path(where: Path) -> Any:
    return done(lambda: os.makedirs(where / ("d" * 120) / ("e" * 120)))


def _long_path_with_prefix(where: Path) -> Any:
    return done(lambda: os.makedirs(rf"\\?\{where}\{'d' * 120}\{'e' * 120}"))


def _case(where: Path) -> Any:
    _file(where, "Name")
    return (where / "nAME").exists()


def _hard_link(where: Path) -> Any:
    file = _file(where)
    os.link(file, where / "other")
    return file.stat().st_nlink


FILES: dict[str, Callable[[Path], Any]] = {
    "rename an open file": _rename_open,
    "remove an open file": _remove_open,
    "replace an open file": _replace_open,
    "rename a directory that holds an open file": _rename_directory_in_use,
    "replace a read-only file": _replace_read_only,
    "remove a read-only file": _remove_read_only,
    "make a path of more than 260 characters": _long_path,
    r"the same with \\?\ in front": _long_path_with_prefix,
    "another case names the same file": _case,
    "links of a file with a hard link": _hard_link,
}


# --- junctions and symbolic links -----------------------------------------------------------


def _targets(where: Path) -> tuple[Path, Path, Path]:
    """Two directories with a file each, and where a link may be."""
    for name in ("1", "2"):
        (where / name).mkdir()
        (where / name / "file").write_text(name)
    return where / "1", where / "2", where / "link"


def _behind(link: Path) -> Any:
    return outcome(lambda: (link / "file").read_text())


def _junction(link: Path, target: Path) -> None:
    _winapi.CreateJunction(str(target), str(link))


def _make_junction(where: Path) -> Any:
    one, _, link = _targets(where)
    return [done(lambda: _junction(link, one)), _behind(link)]


def _make_it_again(where: Path) -> Any:
    one, two, link = _targets(where)
    _junction(link, one)
    return [done(lambda: _junction(link, two)), _behind(link)]


def _move_over_it(where: Path) -> Any:
    one, two, link = _targets(where)
    _junction(link, one)
    _junction(where / "new", two)
    return [done(lambda: (where / "new").replace(link)), _behind(link)]


def _move_aside_and_in(where: Path) -> Any:
    one, two, link = _targets(where)
    _junction(link, one)
    _junction(where / "new", two)
    aside = done(lambda: link.rename(where / "old"))
    return [aside, done(lambda: (where / "new").rename(link)), _behind(link)]


def _move_aside_in_use(where: Path) -> Any:
    one, _, link = _targets(where)
    _junction(link, one)
    return outcome(lambda: _with_open(link / "file", lambda: link.rename(where / "old")))


def _remove_in_use(where: Path) -> Any:
    one, _, link = _targets(where)
    _junction(link, one)
    removed = outcome(lambda: _with_open(link / "file", lambda: os.rmdir(link)))
    return [removed, (one / "file").exists()]


def _remove_junction(where: Path) -> Any:
    one, _, link = _targets(where)
    _junction(link, one)
    return [done(lambda: os.rmdir(link)), link.exists(), (one / "file").exists()]


def _remove_target_in_use(where: Path) -> Any:
    one, _, link = _targets(where)
    _junction(link, one)
    return outcome(lambda: _with_open(link / "file", lambda: one.rename(where / "old")))


def _symbolic_link(where: Path) -> Any:
    one, _, link = _targets(where)
    return [done(lambda: link.symlink_to(one, target_is_directory=True)), _behind(link)]


def _move_over_symbolic_link(where: Path) -> Any:
    one, two, link = _targets(where)
    made = done(lambda: link.symlink_to(one, target_is_directory=True))
    done(lambda: (where / "new").symlink_to(two, target_is_directory=True))
    return [made, done(lambda: (where / "new").replace(link)), _behind(link)]


LINKS: dict[str, Callable[[Path], Any]] = {
    "make a junction": _make_junction,
    "make a junction where there is one": _make_it_again,
    "move a junction over another one": _move_over_it,
    "move a junction aside and another one in": _move_aside_and_in,
    "move a junction aside through which a file is open": _move_aside_in_use,
    "remove a junction": _remove_junction,
    "remove a junction through which a file is open": _remove_in_use,
    "rename what a junction leads to while a file there is open": _remove_target_in_use,
    "make a symbolic link to a directory": _symbolic_link,
    "move a symbolic link over another one": _move_over_symbolic_link,
}
