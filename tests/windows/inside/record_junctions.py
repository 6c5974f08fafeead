"""What Windows says to a junction that is made, read, pointed elsewhere and unmade in its place.

These are the calls that the project makes, and that are simulated under Wine. Nothing of the
project is used for it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import win32file
from record_parts import Facts, done, outcome

SET, GET, DELETE = 0x000900A4, 0x000900A8, 0x000900AC
MOUNT_POINT, SYMBOLIC_LINK = 0xA0000003, 0xA000000C
READ, WRITE = 0x80000000, 0x40000000
SHARE_ALL = 7
OPEN_EXISTING = 3
ITSELF = 0x02000000 | 0x00200000
MOST_BYTES = 16 * 1024


def facts(scratch: Path) -> Facts:
    """Find out.

    Args:
        scratch: an empty directory.
    """
    found: Facts = {}
    for place, (name, find_out) in enumerate(QUESTIONS.items()):
        where = scratch / str(place)
        for directory in ("1", "2", "link"):
            (where / directory).mkdir(parents=True)
        for directory in ("1", "2"):
            (where / directory / "file").write_text(directory)
        found[f"reparse point: {name}"] = outcome(
            lambda find_out=find_out, where=where: find_out(where)
        )
        done(lambda where=where: _control(where / "link", DELETE, _header(MOUNT_POINT)))
    return found


# --- what is found out ----------------------------------------------------------------------


def _make(where: Path) -> Any:
    return [done(lambda: _point(where, "1")), _behind(where), _target(where) == str(where / "1")]


def _elsewhere(where: Path) -> Any:
    _point(where, "1")
    return [done(lambda: _point(where, "2")), _behind(where), _target(where) == str(where / "2")]


def _elsewhere_in_use(where: Path) -> Any:
    _point(where, "1")
    with (where / "link" / "file").open() as file:
        changed = done(lambda: _point(where, "2"))
        return [changed, file.read(), _behind(where)]


def _nowhere(where: Path) -> Any:
    return [done(lambda: _point(where, "none")), _behind(where)]


def _not_empty(where: Path) -> Any:
    (where / "link" / "file").touch()
    return done(lambda: _point(where, "1"))


def _none(where: Path) -> Any:
    return outcome(lambda: _target(where))


def _missing(where: Path) -> Any:
    return done(lambda: _control(where / "missing", GET, None, MOST_BYTES))


def _unmake(where: Path) -> Any:
    _point(where, "1")
    unmade = done(lambda: _control(where / "link", DELETE, _header(MOUNT_POINT)))
    left = [one.name for one in (where / "link").iterdir()]
    return [unmade, left, (where / "1" / "file").exists()]


def _unmake_none(where: Path) -> Any:
    return done(lambda: _control(where / "link", DELETE, _header(MOUNT_POINT)))


def _unmake_with_more(where: Path) -> Any:
    _point(where, "1")
    return done(lambda: _control(where / "link", DELETE, _header(MOUNT_POINT) + b"more"))


def _unmake_another_kind(where: Path) -> Any:
    _point(where, "1")
    return done(lambda: _control(where / "link", DELETE, _header(SYMBOLIC_LINK)))


def _wrong_length(where: Path) -> Any:
    data = bytearray(_buffer(where / "1"))
    data[4:6] = struct.pack("<H", len(data))
    return done(lambda: _control(where / "link", SET, bytes(data)))


def _only_reading(where: Path) -> Any:
    return done(lambda: _control(where / "link", SET, _buffer(where / "1"), access=READ))


QUESTIONS: dict[str, Callable[[Path], Any]] = {
    "make one of an empty directory": _make,
    "point it elsewhere": _elsewhere,
    "point it elsewhere while a file is open through it": _elsewhere_in_use,
    "point it at what is not there": _nowhere,
    "make one of a directory with a file": _not_empty,
    "read a directory that is none": _none,
    "read what is not there": _missing,
    "unmake it": _unmake,
    "unmake a directory that is none": _unmake_none,
    "unmake it with more bytes than the header has": _unmake_with_more,
    "unmake it as another kind": _unmake_another_kind,
    "make one with a wrong length": _wrong_length,
    "make one without the right to write": _only_reading,
}


# --- the calls ------------------------------------------------------------------------------


def _point(where: Path, target: str) -> None:
    _control(where / "link", SET, _buffer(where / target))


def _behind(where: Path) -> Any:
    return outcome(lambda: (where / "link" / "file").read_text())


def _target(where: Path) -> str:
    """Where it leads, as it is shown."""
    data = _control(where / "link", GET, None, MOST_BYTES)
    start, length = struct.unpack_from("<HH", data, 12)
    return data[16 + start : 16 + start + length].decode("utf-16-le")


def _control(
    path: Path, code: int, data: bytes | None, out: int | None = None, access: int = READ | WRITE
) -> bytes:
    handle = win32file.CreateFile(str(path), access, SHARE_ALL, None, OPEN_EXISTING, ITSELF, None)
    try:
        return bytes(win32file.DeviceIoControl(handle, code, data, out, None))
    finally:
        handle.Close()


def _header(tag: int) -> bytes:
    return struct.pack("<LHH", tag, 0, 0)


def _buffer(target: Path) -> bytes:
    """REPARSE_DATA_BUFFER of a junction."""
    substitute, shown = rf"\??\{target}".encode("utf-16-le"), str(target).encode("utf-16-le")
    names = substitute + b"\0\0" + shown + b"\0\0"
    places = struct.pack("<HHHH", 0, len(substitute), len(substitute) + 2, len(shown))
    return struct.pack("<LHH", MOUNT_POINT, len(places + names), 0) + places + names
