"""Globs: which paths a rule means.

A pattern is compared with paths below the release, ``/`` between their parts, without regard to
case. ``*`` is any text inside a part, ``?`` one character, ``[0-9]`` one of these, and ``**`` as a
whole part any number of directories. Without a ``/`` a pattern means that name in any directory;
with one it begins at the top of the release, as ``/index.html`` does. A ``/`` at the end means
directories alone. What lies below a directory that is meant is meant too.

Matching takes at most the product of both lengths: no pattern can hold anybody up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MOST_LENGTH = 200
MOST_WILDCARDS = 12


def problem_of(pattern: str) -> str | None:
    """Why a text is no pattern; None for one that is."""
    if not pattern.strip("/"):
        return "give a path or a name"
    if len(pattern) > MOST_LENGTH:
        return f"give at most {MOST_LENGTH} characters"
    if "\\" in pattern:
        return "write '/' between the parts of a path"
    if any(ord(one) < 32 for one in pattern):
        return "give one line without control characters"
    if {"..", ".", ""} & {*pattern.strip("/").split("/")}:
        return "give a path without '.', '..' and empty parts"
    if sum(map(pattern.count, "*?[")) > MOST_WILDCARDS:
        return f"give at most {MOST_WILDCARDS} wildcards"
    if any("**" in part and part != "**" for part in pattern.split("/")):
        return "'**' stands alone between two '/'"
    try:
        for part in pattern.split("/"):
            _Part(part)
    except ValueError as err:
        return str(err)
    return None


class Globs:
    """Patterns, any of which may match.

    Args:
        patterns: the patterns; each has to be one (:func:`problem_of`).
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        #: What patterns without a '/' say, each with whether it means directories alone.
        self._names: dict[str, bool] = {}
        self._name_parts: list[tuple[_Part, bool]] = []
        #: The others: the directory or name that they begin with, their parts, and the same.
        self._paths: list[tuple[str | None, list[_Part], bool]] = []
        suffixes = [self._add(pattern.lower()) for pattern in patterns]
        self._suffixes = tuple(one for one in suffixes if one is not None)

    def _add(self, pattern: str) -> str | None:
        """Take up a pattern; answer with the end of names that it means, if it says no more."""
        only_directories = pattern.endswith("/")
        body = pattern.rstrip("/")
        part = _Part(body.rpartition("/")[2])
        if "/" in body:
            parts = [_Part(one) for one in body.lstrip("/").split("/")]
            self._paths.append((parts[0].literal, parts, only_directories))
        elif part.literal is not None:
            self._names[body] = self._names.get(body, True) and only_directories
        elif part.suffix is not None and not only_directories:
            return part.suffix
        else:
            self._name_parts.append((part, only_directories))
        return None

    def match(self, directory: str, name: str, is_directory: bool = False) -> bool:
        """Whether any pattern matches a path; what lies above it is not looked at.

        Args:
            directory: the directory in lower case, empty at the top.
            name: the name in it, in lower case.
            is_directory: whether the path is a directory.
        """
        of_name = self._names.get(name)
        if of_name is not None and (is_directory or not of_name):
            return True
        if self._suffixes and name.endswith(self._suffixes):
            return True
        for part, only_directories in self._name_parts:
            if (is_directory or not only_directories) and part.fits(name):
                return True
        if not self._paths:
            return False
        path = f"{directory}/{name}" if directory else name
        for first, parts, only_directories in self._paths:
            may = (is_directory or not only_directories) and path.startswith(first or "")
            if may and _fits(parts, path.split("/")):
                return True
        return False

    def covers(self, path: str) -> bool:
        """Whether any pattern matches a path that is no directory, or a directory above it."""
        directory, _, name = path.lower().rpartition("/")
        if self.match(directory, name):
            return True
        while directory:
            directory, _, name = directory.rpartition("/")
            if self.match(directory, name, is_directory=True):
                return True
        return False


class _Part:
    """What one part of a pattern means.

    Between its stars stand pieces of fixed length: the first and the last have their places, and
    of the others the earliest place that fits is as good as any. So nothing is ever tried again.

    Raises:
        ValueError: a bracket is not closed, or holds nothing.
    """

    def __init__(self, part: str) -> None:
        self.is_deep = part == "**"
        pieces = _pieces(part)
        has_wildcards = bool({*part} & {*"*?["})
        self.literal = None if has_wildcards else part
        #: The end of the names that it means, where it is no more than that.
        self.suffix = part[1:] if part[:1] == "*" and not {*part[1:]} & {*"*?["} else None
        self._first, *rest = (re.compile(expression, re.DOTALL) for expression, _ in pieces)
        self._rest = [*zip(rest, (length for _, length in pieces[1:]), strict=True)]

    def fits(self, text: str) -> bool:
        """Whether a part of a path fits."""
        if self.literal is not None:
            return text == self.literal
        if not self._rest:
            return bool(self._first.fullmatch(text))
        found = self._first.match(text)
        *middle, (last, length) = self._rest
        for piece, _ in middle:
            found = found and piece.search(text, found.end())
        return bool(
            found and len(text) - length >= found.end() and last.match(text, len(text) - length)
        )


def _pieces(part: str) -> list[tuple[str, int]]:
    """What stands before, between and after the stars: as expressions, with their lengths."""
    found = [("", 0)]
    place = 0
    while place < len(part):
        character = part[place]
        if character == "*":
            found.append(("", 0))
        else:
            expression, taken = _one(part, place)
            place += taken - 1
            found[-1] = (found[-1][0] + expression, found[-1][1] + 1)
        place += 1
    return found


def _one(part: str, place: int) -> tuple[str, int]:
    """What means one character, as an expression, and how much of the pattern it takes."""
    if part[place] == "?":
        return ".", 1
    if part[place] != "[":
        return re.escape(part[place]), 1
    end = part.find("]", place + 1)
    if end < place + 2:
        raise ValueError("close '[' with ']', and name characters between them")
    inside = part[place + 1 : end]
    ranges = ""
    for first, last, alone in re.findall("(.)-(.)|(.)", inside):
        if first > last:
            raise ValueError(f"'{first}-{last}' is no range of characters")
        ranges += re.escape(alone) or f"{re.escape(first)}-{re.escape(last)}"
    return f"[{ranges}]", end + 1 - place


def _fits(pattern: Sequence[_Part], parts: Sequence[str]) -> bool:
    """Whether the parts of a path fit a pattern; only the last ``**`` is ever tried again."""
    here = there = mark = 0
    deep = -1
    while there < len(parts):
        if here < len(pattern) and pattern[here].is_deep:
            deep, mark = here, there
            here += 1
        elif here < len(pattern) and pattern[here].fits(parts[there]):
            here += 1
            there += 1
        elif deep >= 0:
            mark += 1
            here, there = deep + 1, mark
        else:
            return False
    return all(one.is_deep for one in pattern[here:])
