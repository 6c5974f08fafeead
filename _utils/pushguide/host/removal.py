"""Removing a tree, read-only or not."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Callable
from typing import Any

from pushguide.host.links import is_directory
from pushguide.host.windows.paths import extended

_WRITABLE = stat.S_IRUSR | stat.S_IWUSR | stat.S_IXUSR


def remove_tree(path: str) -> None:
    """Remove a directory with everything in it.

    What is in a read-only directory cannot be removed by who is not root, and on Windows no
    read-only file can: such are made writable first. A file that has other names keeps its mode
    under Linux, where its directory is what counts.

    Args:
        path: the directory.

    Raises:
        OSError: something cannot be removed.
    """
    _remove(extended(path), set())


def discard(path: str) -> None:
    """Remove a directory that is in nobody's way, as far as that works."""
    with contextlib.suppress(OSError):
        remove_tree(path)


def _remove(path: str, tried: set[str]) -> None:
    def once_more(_: Callable[..., Any], place: str, error: Any) -> None:
        error = error[1] if isinstance(error, tuple) else error
        if place in tried:
            raise error
        tried.add(place)
        if os.path.lexists(place):
            _make_removable(place)
            if is_directory(place):
                _remove(place, tried)
            else:
                os.unlink(place)

    if sys.version_info >= (3, 12):
        shutil.rmtree(path, onexc=once_more)
    else:
        shutil.rmtree(path, onerror=once_more)


def _make_removable(path: str) -> None:
    with contextlib.suppress(OSError):
        os.chmod(os.path.dirname(path), _WRITABLE)
    if os.name == "nt" or is_directory(path):
        os.chmod(path, _WRITABLE)
