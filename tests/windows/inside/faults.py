"""Faults: each call of the host's code to Windows fails in its turn.

A call is one of Salt's functions, a method of the project's own, or, where neither surrounds it,
a function of Windows itself. What fails is always a function of Windows, with an error that it
really has: so what Salt makes of that is what Salt really makes of it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

ONCE, FOR_GOOD = "once", "for good"

#: Makes the error of a function of Windows; the number says which one of several.
Failing = Callable[[str, int], Exception]


#: Where a call comes from: the functions and lines of the host's code that have led to it.
Way = tuple[tuple[str, int], ...]


class Call(NamedTuple):
    """A call that was made."""

    name: str
    way: Way
    #: The functions of Windows that it has called.
    inside: list[str]


class Place(NamedTuple):
    """A call that is to fail, at one function of Windows inside it.

    A call that comes the same way again and again, such as one that waits, is one place.
    """

    name: str
    way: Way
    inside: int
    number: int


class Faults:
    """Counts calls, and lets one of them fail: once, or from then on."""

    def __init__(self, failing: Failing) -> None:
        self.failing = failing
        self.is_on = False
        self.place: Place | None = None
        self.how = ONCE
        self.calls: list[Call] = []
        self.current: Call | None = None
        self.failed = ""

    @contextmanager
    def armed(self, place: Place | None = None, how: str = ONCE) -> Iterator[None]:
        """Count the calls of a block, and let the one at a place fail."""
        self.place, self.how, self.calls, self.failed = place, how, [], ""
        self.is_on = True
        try:
            yield
        finally:
            self.is_on = False

    def places(self) -> list[Place]:
        """Where a call can fail, of those that were counted: each at another function in turn."""
        found: dict[Way, Place] = {}
        for call in self.calls:
            if call.inside and call.way not in found:
                number = len(found)
                found[call.way] = Place(call.name, call.way, number % len(call.inside), number)
        return [*found.values()]

    def call(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that is counted as one call, whatever it calls itself."""

        @functools.wraps(function)
        def counted(*arguments: Any, **named: Any) -> Any:
            if not self.is_on or self.current is not None:
                return function(*arguments, **named)
            self.current = Call(name, _way(name), [])
            self.calls.append(self.current)
            try:
                return function(*arguments, **named)
            finally:
                self.current = None

        return counted

    def of_windows(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of Windows, which fails if the call that surrounds it is to fail there."""

        @functools.wraps(function)
        def inner(*arguments: Any, **named: Any) -> Any:
            if self.is_on and self.current is not None:
                self.current.inside.append(name)
                self._fail_in_turn(name, self.current)
            return function(*arguments, **named)

        return self.call(name, inner)

    def _fail_in_turn(self, name: str, call: Call) -> None:
        place = self.place
        if place is None or call.name != place.name:
            return
        if self.failed:
            fails = self.how == FOR_GOOD
        else:
            fails = call.way == place.way and len(call.inside) - 1 == place.inside
        if fails:
            error = self.failing(name, place.number)
            self.failed = self.failed or f"{call.name} at {name}, {_shown(place.way)}: {error}"
            raise error


def _way(name: str) -> Way:
    found = []
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if "pushguide" in code.co_filename:
            found.append((code.co_name, frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]
    return ((name, 0), *found)


def _shown(way: Way) -> str:
    return " < ".join(f"{name}:{line}" for name, line in way[1:7])
