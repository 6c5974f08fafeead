"""Removing a tree, read-only or not."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Callable
from typing import Any

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
    if sys.version_info >= (3, 12):
        shutil.rmtree(path, onexc=_once_more)
    else:
        shutil.rmtree(path, onerror=lambda function, place, _: _once_more(function, place))


def discard(path: str) -> None:
    """Remove a directory that is in nobody's way, as far as that works."""
    with contextlib.suppress(OSError):
        remove_tree(path)


def _once_more(function: Callable[..., Any], path: str, error: BaseException | None = None) -> None:
    if not os.path.lexists(path):
        return
    with contextlib.suppress(OSError):
        os.chmod(os.path.dirname(path), _WRITABLE)
    if os.name == "nt" or (os.path.isdir(path) and not os.path.islink(path)):
        os.chmod(path, _WRITABLE)
    if function in (os.unlink, os.remove):
        os.unlink(path)
    elif os.path.isdir(path) and not os.path.islink(path):
        remove_tree(path)
    else:
        os.unlink(path)
