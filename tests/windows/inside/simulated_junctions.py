"""SIMULATED: junctions, which Wine 8 says that it makes and does not.

It stands in for the calls of pywin32 by which a junction is made, read and unmade, with the rules
that Microsoft documents, and refuses every other call with such a handle. In the place of a
junction there is a symbolic link of the machine that Wine runs on, which Wine follows: what a
program reads through the junction is really there. What makes such links are programs of that
machine; Wine can start these and not wait for them, so each leaves a file when it has ended.

Source: Microsoft's documentation, "Reparse Point Operations" and [MS-FSCC] 2.1.2.5; no code is
shared with what is tested.
"""

from __future__ import annotations

import _winapi
import ctypes
import itertools
import ntpath
import os
import subprocess
import time
from typing import Any

import pywintypes
import win32file

FSCTL_SET_REPARSE_POINT = 0x000900A4
FSCTL_GET_REPARSE_POINT = 0x000900A8
FSCTL_DELETE_REPARSE_POINT = 0x000900AC
IO_REPARSE_TAG_MOUNT_POINT = 0xA0000003
FILE_FLAG_OPEN_REPARSE_POINT = 0x00200000
FILE_FLAG_BACKUP_SEMANTICS = 0x02000000
GENERIC_WRITE = 0x40000000
OPEN_EXISTING = 3
MAXIMUM_REPARSE_DATA_BUFFER_SIZE = 16 * 1024

ERROR_FILE_NOT_FOUND = 2
ERROR_ACCESS_DENIED = 5
ERROR_DIR_NOT_EMPTY = 145
ERROR_DIRECTORY = 267
ERROR_NOT_A_REPARSE_POINT = 4390
ERROR_INVALID_REPARSE_DATA = 4392
ERROR_REPARSE_TAG_MISMATCH = 4394

ANSWERS = r"C:\simulated\junctions"
PATIENCE_SECONDS = 20
_SHELL = r"Z:\bin\sh"
_numbers = itertools.count()


class MountPoint(ctypes.LittleEndianStructure):
    """The beginning of REPARSE_DATA_BUFFER, up to PathBuffer."""

    _pack_ = 1
    _fields_ = (
        ("ReparseTag", ctypes.c_uint32),
        ("ReparseDataLength", ctypes.c_uint16),
        ("Reserved", ctypes.c_uint16),
        ("SubstituteNameOffset", ctypes.c_uint16),
        ("SubstituteNameLength", ctypes.c_uint16),
        ("PrintNameOffset", ctypes.c_uint16),
        ("PrintNameLength", ctypes.c_uint16),
    )


HEADER_SIZE = MountPoint.SubstituteNameOffset.offset


class Handle:
    """An open place, which may be a junction."""

    def __init__(self, path: str, access: int) -> None:
        self.path = path
        self.access = access
        self.is_open = True

    def Close(self) -> None:  # noqa: N802  # as pywin32 has it
        """Close it."""
        self.is_open = False


def stand_in() -> None:
    """Stand in for the two functions; every other file and every other handle is Wine's."""
    real_open, real_control = win32file.CreateFile, win32file.DeviceIoControl

    def create_file(path: str, access: int, share: int, *more: Any) -> Any:
        _, disposition, flags, _ = more
        if not flags & FILE_FLAG_OPEN_REPARSE_POINT:
            return real_open(path, access, share, *more)
        if disposition != OPEN_EXISTING or not flags & FILE_FLAG_BACKUP_SEMANTICS:
            raise _error(ERROR_ACCESS_DENIED, "CreateFile")  # as of a directory opened as a file
        if _target_of(path) is None and not os.path.exists(path):
            raise _error(ERROR_FILE_NOT_FOUND, "CreateFile")
        return Handle(path, access)

    def device_io_control(handle: Any, code: int, data: Any, out: Any, *more: Any) -> Any:
        if not isinstance(handle, Handle):
            return real_control(handle, code, data, out, *more)
        assert handle.is_open, "the handle is closed"
        return _control(handle, code, data, out)

    win32file.CreateFile, win32file.DeviceIoControl = create_file, device_io_control


def _control(handle: Handle, code: int, data: Any, out: Any) -> bytes:
    if code == FSCTL_GET_REPARSE_POINT and data is None and out:
        target = _target_of(handle.path)
        if target is None:
            raise _error(ERROR_NOT_A_REPARSE_POINT, "DeviceIoControl")
        return _buffer_of(target)
    assert out is None, "this operation writes nothing back"
    if not handle.access & GENERIC_WRITE:
        raise _error(ERROR_ACCESS_DENIED, "DeviceIoControl")
    if code == FSCTL_SET_REPARSE_POINT:
        _set(handle.path, bytes(data))
    elif code == FSCTL_DELETE_REPARSE_POINT:
        _delete(handle.path, bytes(data))
    else:
        raise NotImplementedError(f"SIMULATED junctions know no control code {code:#x}")
    return b""


def _set(path: str, data: bytes) -> None:
    target = _target_in(data)
    place = _unix_path(path)
    if _target_of(path) is None:
        if not os.path.isdir(path):
            raise _error(ERROR_DIRECTORY, "DeviceIoControl")
        if os.listdir(path):
            raise _error(ERROR_DIR_NOT_EMPTY, "DeviceIoControl")
        _unix('rmdir "$1" && ln -s "$2" "$1"', place, _unix_path(target))
    else:
        _unix('ln -s "$2" "$1.next" && mv -T "$1.next" "$1"', place, _unix_path(target))


def _delete(path: str, data: bytes) -> None:
    if len(data) != HEADER_SIZE or int.from_bytes(data[4:6], "little") != 0:
        raise _error(ERROR_INVALID_REPARSE_DATA, "DeviceIoControl")
    if int.from_bytes(data[:4], "little") != IO_REPARSE_TAG_MOUNT_POINT:
        raise _error(ERROR_REPARSE_TAG_MISMATCH, "DeviceIoControl")
    if _target_of(path) is None:
        raise _error(ERROR_NOT_A_REPARSE_POINT, "DeviceIoControl")
    _unix('rm "$1" && mkdir "$1"', _unix_path(path))


def _target_in(data: bytes) -> str:
    """The path in a buffer that has to be right to the last byte."""
    if not ctypes.sizeof(MountPoint) < len(data) <= MAXIMUM_REPARSE_DATA_BUFFER_SIZE:
        raise _error(ERROR_INVALID_REPARSE_DATA, "DeviceIoControl")
    head = MountPoint.from_buffer_copy(data)
    if head.ReparseTag != IO_REPARSE_TAG_MOUNT_POINT:
        raise _error(ERROR_REPARSE_TAG_MISMATCH, "DeviceIoControl")
    names = data[ctypes.sizeof(MountPoint) :]
    end = head.PrintNameOffset + head.PrintNameLength
    is_right = (
        head.ReparseDataLength == len(data) - HEADER_SIZE
        and head.Reserved == 0
        and head.SubstituteNameOffset == 0
        # Between the names and behind them there is a null, and a path is shown: what has none
        # cannot be used by every program.
        and head.PrintNameOffset == head.SubstituteNameLength + 2
        and head.PrintNameLength > 0
        and len(names) == end + 2
        and names[head.SubstituteNameLength : head.PrintNameOffset] == names[end:] == b"\0\0"
    )
    substitute = names[: head.SubstituteNameLength].decode("utf-16-le")
    shown = names[head.PrintNameOffset : end].decode("utf-16-le")
    if not is_right or substitute != f"\\??\\{shown}" or not ntpath.isabs(shown):
        raise _error(ERROR_INVALID_REPARSE_DATA, "DeviceIoControl")
    assert ntpath.normpath(shown) == shown, "the system does not look at '.', '..' and '/' here"
    return shown


def _buffer_of(target: str) -> bytes:
    """A buffer as another program may have made it: its names lie the other way round."""
    shown, substitute = (f"{text}\0".encode("utf-16-le") for text in (target, f"\\??\\{target}"))
    head = MountPoint(ReparseTag=IO_REPARSE_TAG_MOUNT_POINT)
    head.ReparseDataLength = ctypes.sizeof(MountPoint) - HEADER_SIZE + len(shown + substitute)
    head.PrintNameOffset, head.PrintNameLength = 0, len(shown) - 2
    head.SubstituteNameOffset, head.SubstituteNameLength = len(shown), len(substitute) - 2
    return bytes(head) + shown + substitute


def _error(number: int, function: str) -> pywintypes.error:
    return pywintypes.error(number, function, "SIMULATED")


# --- the machine that Wine runs on ------------------------------------------------------------


def _target_of(path: str) -> str | None:
    """Where the symbolic link in a place leads, by the path of Windows."""
    if not os.path.exists(path):  # there is none, or it leads nowhere
        target = _unix('readlink "$1" || true', _unix_path(path))
        return _dos_path(target) if target else None
    place = ntpath.abspath(path.removeprefix("\\\\?\\"))
    above, name = ntpath.split(place)
    real = os.path.realpath(place)
    itself = ntpath.join(os.path.realpath(above), name)
    return None if ntpath.normcase(real) == ntpath.normcase(itself) else real


def _unix_path(path: str) -> str:
    """The machine's path of a place, of which the last parts need not be there."""
    kernel = ctypes.CDLL("kernel32")
    kernel.wine_get_unix_file_name.argtypes = [ctypes.c_wchar_p]
    kernel.wine_get_unix_file_name.restype = ctypes.c_void_p
    found = kernel.wine_get_unix_file_name(path)
    if found:
        return os.fsdecode(ctypes.string_at(found) or b"")
    above, name = ntpath.split(path)
    return f"{_unix_path(above)}/{name}"


def _dos_path(path: str) -> str:
    """The path of Windows for one of the machine."""
    kernel = ctypes.CDLL("kernel32")
    kernel.wine_get_dos_file_name.argtypes = [ctypes.c_char_p]
    kernel.wine_get_dos_file_name.restype = ctypes.c_void_p
    found = kernel.wine_get_dos_file_name(os.fsencode(path))
    return ctypes.wstring_at(found).removeprefix("\\\\?\\")


def _unix(script: str, *arguments: str) -> str:
    """Run a script of the machine's shell, and give what it writes."""
    os.makedirs(ANSWERS, exist_ok=True)
    answer = ntpath.join(ANSWERS, f"{os.getpid()}-{next(_numbers)}")
    told = f'out=$({script}) && printf "%s" "$out" > "$0.part" && mv "$0.part" "$0"'
    command = [_SHELL, "-c", told, _unix_path(answer), *arguments]
    _winapi.CreateProcess(
        _SHELL, subprocess.list2cmdline(command), None, None, False, 0, None, None, None
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not os.path.exists(answer):
        assert time.monotonic() < deadline, f"{script} of {arguments} did not end well"
        time.sleep(0.002)
    with open(answer, encoding="utf-8") as said:
        text = said.read()
    os.remove(answer)
    return text
