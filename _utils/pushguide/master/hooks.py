"""Hooks, as the master's configuration has them: what is run, and which variables a template may
give it."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pushguide.master.calls import (
    CALL_KEYS,
    call_of,
    problem_of_words,
    problems_of_call,
    words_of,
)
from pushguide.master.suggest import did_you_mean

#: What every hook is told; no variable may be called so.
TOLD = ("module", "version", "environment", "path")
MOST_CHARACTERS = 256
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_PLACE = re.compile(r"\{(\w+)\}")
_KEYS = ("command", "variables")
_INTERPRETER = re.compile(r"((ba|da|k|z)?sh|python|perl|ruby|node|php)[\d.]*\Z")
#: The option behind which such a one takes a program.
_INLINE = re.compile(r"-[a-z]*[cer]\Z")


@dataclass(frozen=True)
class Variable:
    """A variable that a template may give.

    Attributes:
        pattern: the regular expression that the whole of a value has to match.
        default: the value where a template gives none; None if it has to.
    """

    pattern: str
    default: str | None = None

    def problem_of(self, value: object) -> str | None:
        """What is wrong with a value, None if nothing is. It is not repeated."""
        if isinstance(value, bool) or not isinstance(value, str | int):
            return f"is {type(value).__name__}: give a text, in quotes."
        text = str(value)
        if len(text) > MOST_CHARACTERS:
            return f"is {len(text)} characters long: {MOST_CHARACTERS} at the most."
        if not text.isprintable():
            return "holds what cannot be printed: give one line of plain text."
        if not re.fullmatch(self.pattern, text):
            return f"does not match the whole of {self.pattern!r}."
        return None


@dataclass(frozen=True)
class Hook:
    """What stands behind a name.

    Attributes:
        call: function, arg and kwarg; or the words of a command.
        variables: the variables that a template may give, by name.
    """

    call: dict[str, Any]
    variables: dict[str, Variable] = field(default_factory=dict)

    @property
    def is_command(self) -> bool:
        """Whether it is a command, which can be ended."""
        return "command" in self.call

    def filled(self, given: Mapping[str, Any]) -> dict[str, str]:
        """The value of each variable: the given one, else its default."""
        values = {name: given.get(name, one.default) for name, one in self.variables.items()}
        return {name: str(value) for name, value in values.items()}

    def problems_of(self, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """What is wrong with the values of its variables; of each problem the name too."""
        for name, one in self.variables.items():
            if name in given:
                problem = one.problem_of(given[name])
            else:
                problem = "is missing." if one.default is None else None
            if problem:
                yield name, problem


def read(place: str, value: object) -> tuple[Hook | None, list[str]]:
    """Read a hook.

    Args:
        place: where it stands, for people.
        value: what stands there.

    Returns:
        The hook, None if it is wrong; and every problem.
    """
    if isinstance(value, Mapping) and "command" in value:
        call, problems = _command(place, value)
        taken = [*TOLD, "id"]
    else:
        problems = [*problems_of_call(place, value, keys=(*CALL_KEYS, *_KEYS))]
        if problems or not isinstance(value, Mapping):
            return None, problems
        call = call_of(value)
        taken = [*TOLD, *map(str, call["kwarg"])]
    variables, more = _variables(place, value.get("variables"), taken)
    problems += more
    return (None if problems else Hook(call, variables)), problems


def _command(place: str, value: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    problems = [
        f"{place}: {key} has no place beside command: {did_you_mean(str(key), _KEYS)}"
        for key in value
        if key not in _KEYS
    ]
    words, variables = words_of(value["command"]), value.get("variables")
    if words:
        names = [*map(str, variables)] if isinstance(variables, Mapping) else []
        problems += _problems_of_places(place, words, names)
    else:
        problems.append(problem_of_words(f"{place}: command", value["command"]))
    return {"command": words}, problems


def _variables(
    place: str, given: object, taken: Sequence[str]
) -> tuple[dict[str, Variable], list[str]]:
    if given is not None and not isinstance(given, Mapping):
        return {}, [f"{place}: variables is not a mapping of names."]
    found, problems = {}, []
    for name, value in (given or {}).items():
        here = f"{place}: variables:{name}"
        if not isinstance(name, str) or not _NAME.match(name):
            problems.append(f"{here}: a name is letters, digits and '_', 64 at the most.")
        elif name in taken:
            problems.append(f"{here}: the hook is told {name} already; choose another name.")
        variable, more = _variable(here, value)
        problems += more
        if variable:
            found[str(name)] = variable
    return found, problems


def _variable(here: str, value: object) -> tuple[Variable | None, list[str]]:
    keys = ("pattern", "default")
    if not isinstance(value, Mapping) or not isinstance(value.get("pattern"), str):
        return None, [f"{here}: give a pattern, such as {{pattern: '[a-z]+'}}."]
    problems = [
        f"{here}: {key} is unknown: {did_you_mean(str(key), keys)}"
        for key in value
        if key not in keys
    ]
    variable = Variable(value["pattern"])
    try:
        re.compile(variable.pattern)
    except re.error as err:
        return None, [*problems, f"{here}: pattern is no regular expression: {err}."]
    if "default" in value:
        problem = variable.problem_of(value["default"])
        problems += [f"{here}: default {problem}"] if problem else []
        variable = Variable(variable.pattern, str(value["default"]))
    return (None if problems else variable), problems


def _problems_of_places(place: str, words: list[str], names: list[str]) -> list[str]:
    """What is wrong with the places of a command that are filled in."""
    places = [{*_PLACE.findall(word)} & {*names, *TOLD} for word in words]
    used = {name for some in places for name in some}
    problems = [
        f"{place}: variables:{name}: no word of the command holds {{{name}}}."
        for name in names
        if name not in used
    ]
    if places[0]:
        problems.append(f"{place}: command: the program itself has to be named in full.")
    elif any(places) and _is_script(words, places):
        problems.append(
            f"{place}: command: a shell would read what is filled in as commands. Name the program "
            "itself, or let a script read it from its arguments or from PUSHGUIDE_VERSION and such."
        )
    return problems


def _is_script(words: list[str], places: list[set[str]]) -> bool:
    """Whether something is filled in where a shell, or such an interpreter, reads a program."""
    for at, word in enumerate(words):
        name = ntpath.basename(word).lower().removesuffix(".exe")
        options = [one.lower() for one in words[at + 1 :]]
        # Windows lets cmd.exe run a .bat, and that reads the arguments once more.
        if name == "cmd" or name.endswith((".bat", ".cmd")):
            return True
        if name in ("powershell", "pwsh") and "-file" not in options:
            return True
        if _INTERPRETER.match(name) and any(
            _INLINE.match(before) and filled
            for before, filled in zip(options, places[at + 2 :], strict=False)
        ):
            return True
    return False
