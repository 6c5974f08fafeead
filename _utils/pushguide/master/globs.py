"""Globs: names as a shell has them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def matches(globs: Iterable[str], name: str) -> bool:
    """Whether a name is one of some names or globs, in which * and ? stand for characters."""
    return any(fnmatchcase(name, one) for one in globs)
