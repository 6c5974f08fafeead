"""What templates may name, and only the master's configuration holds.

A template cannot smuggle a command past operations: it says a name, and what is run under that
name stands in the master's configuration, under ``pushguide:commands``, ``pushguide:functions``
and ``pushguide:hooks``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pushguide.errors import Refused
from pushguide.master import bounds, credentials
from pushguide.master.bounds import SelfService
from pushguide.master.fields import NAME_PATTERN
from pushguide.master.suggest import did_you_mean

#: The keys of the master's configuration that hold such names.
KEYS = ("commands", "functions", "hooks")

_FUNCTION = re.compile(r"\w+\.\w+\Z")
_CALL_KEYS = ("function", "arg", "kwarg")


@dataclass(frozen=True)
class Allowed:
    """What stands behind the names.

    Attributes:
        commands: the words of each command.
        functions: of each name the calls ``out`` and ``back``, as function, arg and kwarg.
        hooks: of each name the call, as function, arg and kwarg.
        credentials: the names of credentials; what stands behind them is not for templates.
        self_service: what templates in the database may name; None where there are none.
    """

    commands: dict[str, list[str]] = field(default_factory=dict)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    hooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    credentials: tuple[str, ...] = ()
    self_service: SelfService | None = None

    @classmethod
    def from_opts(cls, opts: Mapping[str, Any]) -> Allowed:
        """Read what is allowed out of the master's opts.

        Raises:
            Refused: it is not as it should be; every problem is named.
        """
        given = opts.get("pushguide")
        ours = given if isinstance(given, Mapping) else {}
        found, problems = read(ours)
        secrets, more = credentials.read(ours)
        if problems or more:
            raise Refused([*problems, *more])
        return replace(found, credentials=tuple(sorted(secrets)))


def read(given: Mapping[str, Any]) -> tuple[Allowed, list[str]]:
    """Read what stands under the :data:`KEYS` and the bounds, and tell every problem."""
    problems: list[str] = []
    commands, functions, hooks = {}, {}, {}
    for name, value in _named(given, "commands", problems):
        words = _words(value)
        if words:
            commands[name] = words
        else:
            problems.append(
                f"{_where('commands', name)} is {value!r}: give a command line, or a list of its "
                "words."
            )
    for name, value in _named(given, "functions", problems):
        wrong = [*_problems_of_calls(_where("functions", name), value)]
        if not wrong:
            functions[name] = {way: _call(value[way]) for way in ("out", "back")}
        problems += wrong
    for name, value in _named(given, "hooks", problems):
        wrong = [*_problems_of_call(_where("hooks", name), value, "")]
        if not wrong:
            hooks[name] = _call(value)
        problems += wrong
    self_service, more = bounds.read(given)
    return Allowed(commands, functions, hooks, self_service=self_service), [*problems, *more]


def _where(*path: str) -> str:
    return f"pushguide:{':'.join(path)} in the master's configuration"


def _named(given: Mapping[str, Any], key: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    values = given.get(key) or {}
    if not isinstance(values, Mapping):
        problems.append(f"{_where(key)} is not a mapping of names.")
        return
    for name, value in values.items():
        if isinstance(name, str) and NAME_PATTERN.match(name):
            yield name, value
        else:
            problems.append(
                f"{_where(key, str(name))}: a name is letters, digits, '.', '_' and '-', 64 at "
                "the most."
            )


def _words(value: object) -> list[str]:
    """The words of a command; none if it is not one."""
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError:
            return []
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        return []
    return value


def _problems_of_calls(where: str, value: object) -> Iterator[str]:
    if not isinstance(value, Mapping) or {*value} != {"out", "back"}:
        yield f"{where}: give out and back, each with a function."
        return
    for way, call in value.items():
        yield from _problems_of_call(where, call, f"{way}:")


def _problems_of_call(where: str, call: object, way: str) -> Iterator[str]:
    if not isinstance(call, Mapping) or not _FUNCTION.match(str(call.get("function"))):
        told = way.removesuffix(":") or "it"
        yield f"{where}: {told} names no function, such as lb.disable."
        return
    for key in call:
        if key not in _CALL_KEYS:
            yield f"{where}: {way}{key} is unknown: {did_you_mean(str(key), _CALL_KEYS)}"
    if not isinstance(call.get("arg", []), list):
        yield f"{where}: {way}arg is not a list."
    if not isinstance(call.get("kwarg", {}), Mapping):
        yield f"{where}: {way}kwarg is not a mapping."


def _call(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "function": value["function"],
        "arg": list(value.get("arg") or []),
        "kwarg": dict(value.get("kwarg") or {}),
    }
