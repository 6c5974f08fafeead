"""Junctions of NTFS: directories that lead to another one, by what is written at their place.

A junction is a reparse point with the tag of mount points. It takes no privilege, unlike a symbolic
link. Written over an existing junction, the new target takes the place of the old one in one write:
there is no moment without it.

Source: Microsoft's documentation, "Reparse Point Operations" and [MS-FSCC] 2.1.2.5, "Mount Point
Reparse Data Buffer".
"""

from __future__ import annotations

import contextlib
import ntpath
import struct
from collections.abc import Iterator
from typing import Any

from pushguide.host.windows.paths import plain, with_prefix

MOUNT_POINT = 0xA0000003
SET, GET, DELETE = 0x900A4, 0x900A8, 0x900AC  # FSCTL_..._REPARSE_POINT
MOST_BYTES = 16 * 1024

GENERIC_WRITE = 0x40000000
_SHARE_ALL = 0x7
_OPEN_EXISTING = 3
#: The place itself is opened and not what it leads to, and it may be a directory.
OPEN_ITSELF = 0x00200000 | 0x02000000

_NOT_THERE = (2, 3)  # ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND
_NOT_A_REPARSE_POINT = 4390

_HEADER = struct.Struct("<IHH")
_NAMES = struct.Struct("<HHHH")
_IN_THE_SYSTEM = "\\??\\"


def buffer_of(target: str) -> bytes:
    """What is written to make a junction.

    Args:
        target: the directory that it leads to: an absolute path of a local drive.
    """
    shown = ntpath.normpath(plain(target))
    substitute, name = (f"{text}\0".encode("utf-16-le") for text in (_IN_THE_SYSTEM + shown, shown))
    names = _NAMES.pack(0, len(substitute) - 2, len(substitute), len(name) - 2)
    data = names + substitute + name
    return _HEADER.pack(MOUNT_POINT, len(data), 0) + data


def target_in(buffer: bytes) -> str | None:
    """Where a reparse point leads, by what was read of it; None of one that is no junction."""
    tag, length, _ = _HEADER.unpack_from(buffer)
    if tag != MOUNT_POINT:
        return None
    data = buffer[_HEADER.size : _HEADER.size + length]
    start, size, _, _ = _NAMES.unpack_from(data)
    path = data[_NAMES.size + start : _NAMES.size + start + size].decode("utf-16-le")
    return plain("\\\\?\\" + path[len(_IN_THE_SYSTEM) :]) if path.startswith("\\??\\") else path


def read(path: str) -> str | None:
    """Where a junction leads; None where there is none.

    Args:
        path: its place.

    Raises:
        OSError: it cannot be read.
    """
    import win32file

    try:
        with _opened(path, 0) as handle:
            return target_in(bytes(win32file.DeviceIoControl(handle, GET, None, MOST_BYTES)))
    except OSError as err:
        if getattr(err, "winerror", None) in (*_NOT_THERE, _NOT_A_REPARSE_POINT):
            return None
        raise


def write(path: str, target: str) -> None:
    """Lead a junction to a directory, in one write.

    Args:
        path: its place: a junction, or an empty directory, which becomes one.
        target: the directory.

    Raises:
        OSError: it cannot be written, or there is something else.
    """
    _control(path, SET, buffer_of(target))


def clear(path: str) -> None:
    """Make an empty directory of a junction; what it led to stays as it is.

    Raises:
        OSError: it cannot be written, or is no junction.
    """
    _control(path, DELETE, _HEADER.pack(MOUNT_POINT, 0, 0))


def _control(path: str, code: int, data: bytes) -> None:
    import win32file

    with _opened(path, GENERIC_WRITE) as handle:
        win32file.DeviceIoControl(handle, code, data, None)


@contextlib.contextmanager
def _opened(path: str, access: int) -> Iterator[Any]:
    import pywintypes
    import win32file

    try:
        handle = win32file.CreateFile(
            with_prefix(ntpath.abspath(path)),
            access,
            _SHARE_ALL,
            None,
            _OPEN_EXISTING,
            OPEN_ITSELF,
            None,
        )
        try:
            yield handle
        finally:
            handle.Close()
    except pywintypes.error as err:
        raise OSError(0, err.strerror, path, err.winerror) from err
