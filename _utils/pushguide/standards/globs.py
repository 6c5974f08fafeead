"""Globs: which paths a rule means.

A pattern is compared with paths below the release, ``/`` between their parts, without regard to
case. ``*`` is any text inside a part, ``?`` one character, ``[0-9]`` one of these, and ``**`` as a
whole part any number of directories. Without a ``/`` a pattern means that name in any directory;
with one it begins at the top of the release, as ``/index.html`` does. A ``/`` at the end means
directories alone. What lies below a directory that is meant is meant too.

Matching takes at most the product of both lengths: no pattern can hold anybody up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

MOST_LENGTH = 200
MOST_WILDCARDS = 12

_STAR, _ANY = object(), object()

T = TypeVar("T")
Token = Any  # _STAR, _ANY, one character, or a set of them


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
            _tokens(part)
    except ValueError as err:
        return str(err)
    return None


class Globs:
    """Patterns, any of which may match.

    Args:
        patterns: the patterns; each has to be one (:func:`problem_of`).
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._names: dict[str, bool] = {}
        self._suffixes: list[tuple[str, bool]] = []
        self._others: list[tuple[tuple[tuple[Token, ...], ...], bool]] = []
        for pattern in patterns:
            self._add(pattern.lower())
        self._ends = tuple(suffix for suffix, _ in self._suffixes)

    def _add(self, pattern: str) -> None:
        directories_only = pattern.endswith("/")
        body = pattern.rstrip("/")
        if "/" in body:
            parts = [_tokens(one) for one in body.lstrip("/").split("/")]
        elif not set(body) & set("*?["):
            self._names[body] = self._names.get(body, True) and directories_only
            return
        elif body[0] == "*" and not set(body[1:]) & set("*?["):
            self._suffixes.append((body[1:], directories_only))
            return
        else:
            parts = [(_STAR, _STAR), _tokens(body)]
        self._others.append((tuple(parts), directories_only))

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
        if name.endswith(self._ends) and any(
            name.endswith(suffix) and (is_directory or not only) for suffix, only in self._suffixes
        ):
            return True
        if not self._others:
            return False
        parts = [*directory.split("/"), name] if directory else [name]
        return any(
            (is_directory or not only) and _fits(tokens, parts, _is_deep, _part_fits)
            for tokens, only in self._others
        )

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


def _tokens(part: str) -> tuple[Token, ...]:
    """The tokens of one part of a pattern.

    Raises:
        ValueError: a bracket is not closed, or holds nothing.
    """
    if part == "**":
        return (_STAR, _STAR)
    found: list[Token] = []
    place = 0
    while place < len(part):
        character = part[place]
        if character == "[":
            end = part.find("]", place + 1)
            if end < place + 2:
                raise ValueError("close '[' with ']', and name characters between them")
            found.append(_characters(part[place + 1 : end]))
            place = end
        else:
            found.append({"*": _STAR, "?": _ANY}.get(character, character))
        place += 1
    return tuple(found)


def _characters(text: str) -> frozenset[str]:
    """The characters that ``a-z0`` stands for."""
    found: set[str] = set()
    place = 0
    while place < len(text):
        if text[place + 1 : place + 2] == "-" and place + 2 < len(text):
            first, last = ord(text[place]), ord(text[place + 2])
            if not first <= last <= first + 256:
                raise ValueError(f"'{text[place : place + 3]}' is no range of characters")
            found |= {chr(one) for one in range(first, last + 1)}
            place += 3
        else:
            found.add(text[place])
            place += 1
    return frozenset(found)


def _fits(
    pattern: Sequence[Any],
    text: Sequence[T],
    is_star: Callable[[Any], bool],
    is_one: Callable[[Any, T], bool],
) -> bool:
    """Whether a text fits a pattern; only the last star is ever tried again."""
    here = there = mark = 0
    star = -1
    while there < len(text):
        if here < len(pattern) and is_star(pattern[here]):
            star, mark = here, there
            here += 1
        elif here < len(pattern) and is_one(pattern[here], text[there]):
            here += 1
            there += 1
        elif star >= 0:
            mark += 1
            here, there = star + 1, mark
        else:
            return False
    return all(is_star(one) for one in pattern[here:])


def _is_deep(tokens: tuple[Token, ...]) -> bool:
    return tokens == (_STAR, _STAR)


def _part_fits(tokens: tuple[Token, ...], part: str) -> bool:
    return _fits(tokens, part, lambda one: one is _STAR, _character_fits)


def _character_fits(token: Token, character: str) -> bool:
    return token is _ANY or (
        character in token if isinstance(token, frozenset) else token == character
    )
