"""Nearest names, for messages about unknown ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the nearest known name, or lists them all.

    >>> did_you_mean("verison", ["module", "version"])
    'did you mean version?'
    """
    names = sorted(known)
    near = [one for one in names if len(name) > 2 and one.startswith(name)]
    near = near or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}."
