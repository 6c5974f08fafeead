"""What operations say for all modules: ``defaults``, and what differs by project type and by
environment, in the master's pillar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pushguide.errors import BadTemplate
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates.layers import Layer
from pushguide.master.templates.template import OVERRIDABLE

#: What an environment may say and nobody for all modules: it is a module's own, or has a place
#: for all already, as people and code standards have.
_NOT_FOR_ALL = ("root", "inventory", "settings", "people", "standards", "windows")
#: What may be said for all modules.
KEYS = tuple(key for key in OVERRIDABLE if key not in _NOT_FOR_ALL)
#: Settings are those of a project type.
KEYS_OF_TYPE = (*KEYS, "settings")

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Defaults:
    """What holds where a template says nothing else.

    Attributes:
        everywhere: for all modules.
        types: for those of a project type, by its name.
        environments: for all modules in an environment, by its name.
    """

    everywhere: Values = field(default_factory=dict)
    types: Mapping[str, Values] = field(default_factory=dict)
    environments: Mapping[str, Values] = field(default_factory=dict)

    def layers(self, project_type: object, environment: str) -> Iterator[Layer]:
        """What lies under a template, the lowest first."""
        yield Layer("pushguide:defaults", self.everywhere, is_own=False)
        yield self.of_type(project_type)
        place = f"pushguide:environments:{environment}"
        yield Layer(place, self.environments.get(environment, {}), is_own=False)

    def of_type(self, project_type: object) -> Layer:
        """What is said for a project type."""
        found = self.types.get(str(project_type), {})
        return Layer(f"pushguide:types:{project_type}", found, is_own=False)


def defaults_of(given: Mapping[str, Any], project_types: list[str]) -> Defaults:
    """Read what operations say for all modules.

    What their values are is looked at with each template that they come to be part of.

    Args:
        given: the master's pillar, what is below ``pushguide``.
        project_types: the types that there are.

    Raises:
        BadTemplate: something else than a mapping stands there, or an unknown key.
    """
    problems: list[str] = []
    everywhere = _mapping(given.get("defaults"), "pushguide:defaults", KEYS, problems)
    types = _each(given.get("types"), "pushguide:types", KEYS_OF_TYPE, problems)
    environments = _each(given.get("environments"), "pushguide:environments", KEYS, problems)
    problems += [
        f"pushguide:types:{name}: there is no such project type; "
        f"{did_you_mean(name, project_types)}"
        for name in types
        if name not in project_types
    ]
    if problems:
        raise BadTemplate(problems)
    return Defaults(everywhere, types, environments)


def _each(
    given: object, path: str, keys: tuple[str, ...], problems: list[str]
) -> dict[str, Values]:
    if given is not None and not isinstance(given, Mapping):
        problems.append(f"{path}: is {type(given).__name__}, not a mapping of names.")
    named = given.items() if isinstance(given, Mapping) else ()
    return {str(name): _mapping(one, f"{path}:{name}", keys, problems) for name, one in named}


def _mapping(given: object, path: str, keys: tuple[str, ...], problems: list[str]) -> Values:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        problems.append(f"{path}: is {type(given).__name__}, not a mapping.")
        return {}
    problems += [
        f"{path}:{key}: is nothing that can be said here; {did_you_mean(str(key), keys)}"
        for key in given
        if key not in keys
    ]
    return given
