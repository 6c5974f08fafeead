"""Paths of Windows: which ones are the same, and how long ones are given to it.

Windows refuses a path of 260 characters, and a directory's of 248, unless ``\\\\?\\`` is in front.
Then it is taken as it is: it has to be absolute, with backslashes alone, without ``.`` and ``..``.

Source: Microsoft's documentation, "Maximum Path Length Limitation" and "Naming Files, Paths, and
Namespaces".
"""

from __future__ import annotations

import ntpath
import os

_EXTENDED, _EXTENDED_SHARE = "\\\\?\\", "\\\\?\\UNC\\"
_SHARE = "\\\\"


def extended(path: str) -> str:
    """A path as it is given to the system: on Windows of any length, elsewhere as it is.

    It is for the top of a tree, before anything is joined to it; what is stored or given to other
    programs is the plain path.

    Args:
        path: the path; one that is not absolute is taken from the current directory.
    """
    return path if os.name != "nt" else with_prefix(os.path.abspath(path))


def with_prefix(path: str) -> str:
    """An absolute path of Windows with the prefix that takes its length off the limits."""
    if path.startswith(_EXTENDED):
        return path
    if path.startswith(_SHARE):
        return _EXTENDED_SHARE + path[len(_SHARE) :]
    return _EXTENDED + path


def plain(path: str) -> str:
    """A path of Windows without that prefix, as people and programs write it."""
    if path.startswith(_EXTENDED_SHARE):
        return _SHARE + path[len(_EXTENDED_SHARE) :]
    return path.removeprefix(_EXTENDED)


def is_same(one: str, other: str) -> bool:
    """Whether two paths of this host are the same, as far as their spelling tells."""
    return _folded(one) == _folded(other)


def _folded(path: str) -> str:
    if os.name != "nt":
        return os.path.normpath(path)
    return ntpath.normcase(ntpath.normpath(plain(path)))


def as_this_host_has_it(path: str) -> str:
    """A path as this host tells it back: on Windows with backslashes, elsewhere as it is."""
    return ntpath.normpath(path) if os.name == "nt" else path
