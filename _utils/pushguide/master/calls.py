"""Calls and commands, as the master's configuration has them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pushguide.master.suggest import did_you_mean

_FUNCTION = re.compile(r"\w+\.\w+\Z")
CALL_KEYS = ("function", "arg", "kwarg")


def where(*path: str) -> str:
    """The place of a key below ``pushguide``, for people."""
    return f"pushguide:{':'.join(path)} in the master's configuration"


def words_of(value: object) -> list[str]:
    """The words of a command; none if it is not one."""
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError:
            return []
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        return []
    return value


def problem_of_words(place: str, value: object) -> str:
    """What is wrong with what is no command."""
    return f"{place} is {value!r}: give a command line, or a list of its words."


def problems_of_call(
    place: str, call: object, way: str = "", keys: Sequence[str] = CALL_KEYS
) -> Iterator[str]:
    """What is wrong with the call of a function.

    Args:
        place: where it stands.
        call: what stands there.
        way: the key of the call at that place, with ``:`` behind it.
        keys: the keys that it may have.
    """
    if not isinstance(call, Mapping) or not _FUNCTION.match(str(call.get("function"))):
        told = way.removesuffix(":") or "it"
        yield f"{place}: {told} names no function, such as lb.disable."
        return
    for key in call:
        if key not in keys:
            yield f"{place}: {way}{key} is unknown: {did_you_mean(str(key), keys)}"
    if not isinstance(call.get("arg", []), list):
        yield f"{place}: {way}arg is not a list."
    if not isinstance(call.get("kwarg", {}), Mapping):
        yield f"{place}: {way}kwarg is not a mapping."


def call_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """The call of a function, in the form in which hosts get it."""
    return {
        "function": value["function"],
        "arg": list(value.get("arg") or []),
        "kwarg": dict(value.get("kwarg") or {}),
    }
