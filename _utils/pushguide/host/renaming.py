"""Renaming, so that it lasts, and waiting for who has a file open just then.

Windows refuses to rename, replace or remove what somebody has open: a virus scanner that looks at
each new file, or a job that reads the journal. Such are done in a moment, so it is tried again for
a while. Elsewhere nobody is in the way.

Source: Microsoft's documentation of MoveFileEx (MOVEFILE_WRITE_THROUGH).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.02
_REPLACE_EXISTING, _WRITE_THROUGH = 0x1, 0x8


def replace(old: str, new: str) -> None:
    """Rename a file over another one.

    Raises:
        OSError: it cannot be renamed.
    """
    if os.name == "nt":
        patiently(lambda: _move(old, new, _REPLACE_EXISTING | _WRITE_THROUGH))
    else:
        os.replace(old, new)


def rename(old: str, new: str) -> None:
    """Rename a file or a directory to a name that nothing has.

    Raises:
        OSError: it cannot be renamed.
    """
    if os.name == "nt":
        patiently(lambda: _move(old, new, _WRITE_THROUGH))
    else:
        os.rename(old, new)


def patiently(action: Callable[[], T]) -> T:
    """Do something with a file that may be in use on Windows for a moment.

    Raises:
        OSError: it cannot be done, or it stays in use.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return action()
        except PermissionError:
            if os.name != "nt" or time.monotonic() >= deadline:
                raise
        time.sleep(_POLL_SECONDS)


def _move(old: str, new: str, flags: int) -> None:
    """Rename, and return when the new name is on disk: Windows has no other way to flush it."""
    import pywintypes
    import win32file

    try:
        win32file.MoveFileEx(old, new, flags)
    except pywintypes.error as err:
        raise OSError(0, err.strerror, old, err.winerror, new) from err
