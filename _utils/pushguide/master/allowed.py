"""What templates may name, and only the master's configuration holds.

A template cannot smuggle a command past operations: it says a name, and what is run under that
name stands in the master's configuration, under ``pushguide:commands``, ``pushguide:functions``
and ``pushguide:hooks``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pushguide.errors import Refused
from pushguide.master import bounds, credentials, hooks
from pushguide.master.bounds import SelfService
from pushguide.master.calls import call_of, problem_of_words, problems_of_call, where, words_of
from pushguide.master.fields import NAME_PATTERN
from pushguide.master.hooks import Hook

#: The keys of the master's configuration that hold such names.
KEYS = ("commands", "functions", "hooks")


@dataclass(frozen=True)
class Allowed:
    """What stands behind the names.

    Attributes:
        commands: the words of each command.
        functions: of each name the calls ``out`` and ``back``, as function, arg and kwarg.
        hooks: of each name what is run, and the variables that it may be given.
        credentials: the names of credentials; what stands behind them is not for templates.
        self_service: what templates in the database may name; None where there are none.
    """

    commands: dict[str, list[str]] = field(default_factory=dict)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
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
    commands, functions, found = {}, {}, {}
    for name, value in _named(given, "commands", problems):
        words = words_of(value)
        if words:
            commands[name] = words
        else:
            problems.append(problem_of_words(where("commands", name), value))
    for name, value in _named(given, "functions", problems):
        wrong = [*_problems_of_calls(where("functions", name), value)]
        if not wrong:
            functions[name] = {way: call_of(value[way]) for way in ("out", "back")}
        problems += wrong
    for name, value in _named(given, "hooks", problems):
        hook, wrong = hooks.read(where("hooks", name), value)
        if hook:
            found[name] = hook
        problems += wrong
    self_service, more = bounds.read(given)
    return Allowed(commands, functions, found, self_service=self_service), [*problems, *more]


def _named(given: Mapping[str, Any], key: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    values = given.get(key) or {}
    if not isinstance(values, Mapping):
        problems.append(f"{where(key)} is not a mapping of names.")
        return
    for name, value in values.items():
        if isinstance(name, str) and NAME_PATTERN.match(name):
            yield name, value
        else:
            problems.append(
                f"{where(key, str(name))}: a name is letters, digits, '.', '_' and '-', 64 at "
                "the most."
            )


def _problems_of_calls(place: str, value: object) -> Iterator[str]:
    if not isinstance(value, Mapping) or {*value} != {"out", "back"}:
        yield f"{place}: give out and back, each with a function."
        return
    for way, call in value.items():
        yield from problems_of_call(place, call, f"{way}:")
