"""Links, whatever a platform has: symbolic links, and on Windows junctions too."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from pushguide.host.windows import reparse


def is_link(path: str) -> bool:
    """Whether there is a link; what is not there is none."""
    try:
        return leads_elsewhere(os.lstat(path))
    except OSError:
        return False


def leads_elsewhere(status: os.stat_result) -> bool:
    """Whether this is the state of a link: Python takes a junction for a directory."""
    is_junction = getattr(status, "st_reparse_tag", 0) == reparse.MOUNT_POINT
    return stat.S_ISLNK(status.st_mode) or is_junction


def is_directory(path: str) -> bool:
    """Whether there is a directory, and not a link to one."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and not leads_elsewhere(status)


def target_of(path: str) -> str | None:
    """Where the link at a place leads; None where there is none that reads, or no such place."""
    if not os.path.isabs(path):
        return None
    try:
        return reparse.read(path) if os.name == "nt" else os.readlink(path)
    except OSError:
        return None


def walk(
    top: str, onerror: Callable[[OSError], None] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """The directories of a tree with the names of what else is in them; no link is followed.

    Args:
        top: the directory.
        onerror: called with what does not read; it is passed over by default.
    """
    for directory, below, names in os.walk(top, onerror=onerror):
        if os.name == "nt":  # elsewhere os.walk does so itself
            below[:] = [one for one in below if is_directory(os.path.join(directory, one))]
        yield directory, names
