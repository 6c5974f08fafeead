"""The modes and times that files and directories of a release get."""

from __future__ import annotations

import os

from pushguide.host.archive.entries import Entry

OPEN_MODE = 0o755  # of directories and executables
FILE_MODE = 0o644


def mode_of(entry: Entry) -> int:
    """The mode of a file."""
    return OPEN_MODE if entry.executable else FILE_MODE


def set_time(place: int | str, entry: Entry) -> None:
    """Give a file its entry's time; one that is none, or that no file system knows, is left."""
    if entry.mtime is not None and 0 <= entry.mtime < 2**34:
        os.utime(place, (entry.mtime, entry.mtime))
