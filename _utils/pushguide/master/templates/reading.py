"""Reading: a template that somebody hands over, as YAML or as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import salt.utils.yaml
import yaml
from salt.utils.yamlloader import SaltYamlSafeLoader

from pushguide.errors import Refused

_TEXT_AT_MOST = 128 * 1024
#: Salt's command line leaves it there, before a text of several lines.
_NAMED = "template="


class Written(NamedTuple):
    """A template as it was handed over.

    Attributes:
        data: what stands under ``pushguide:modules:<name>`` in a pillar.
        text: the same as YAML, as a person wrote it.
    """

    data: dict[str, Any]
    text: str


def read(module: str, template: object) -> Written:
    """Read a template.

    Args:
        module: the module that it is for.
        template: a mapping, or YAML: what stands under the module's name in a pillar, or the whole
            of it from ``pushguide`` on.

    Raises:
        Refused: it is neither, too long, no YAML, or says something twice; every problem is named.
    """
    text = template.removeprefix(_NAMED) if isinstance(template, str) else None
    _demand_short(text or "")
    given = template if text is None else _loaded(text)
    data = _unwrapped(module, given)
    problems = [*_odd(data)]
    if problems:
        raise Refused(problems)
    plain: dict[str, Any] = json.loads(json.dumps(data))
    if text is None or data != given:  # there is no text, or it is that of a whole pillar
        text = as_yaml(plain)
        _demand_short(text)
    return Written(plain, text if text.endswith("\n") else f"{text}\n")


def _demand_short(text: str) -> None:
    if len(text) > _TEXT_AT_MOST:
        raise Refused(f"template is {len(text)} characters long: {_TEXT_AT_MOST} at the most.")


def team_in(template: object) -> str | None:
    """The team that a template names, whatever else is wrong with it."""
    try:
        team = read("", template).data.get("team")
    except Refused:
        return None
    return team if isinstance(team, str) else None


def as_yaml(data: Mapping[str, Any]) -> str:
    """A template as YAML, in the order of its keys."""
    return str(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=96))


def as_pillar(module: str, data: Mapping[str, Any]) -> str:
    """A template as the pillar has it: Salt keeps its order in mappings of its own."""
    plain = json.loads(json.dumps(data, default=str))
    return as_yaml({"pushguide": {"modules": {module: plain}}})


def _loaded(text: str) -> Any:
    try:
        if any(isinstance(one, yaml.AliasEvent) for one in yaml.parse(text, yaml.SafeLoader)):
            raise Refused("template uses an alias (*name): write it out.")
        return salt.utils.yaml.load(text, Loader=SaltYamlSafeLoader)
    except yaml.YAMLError as err:
        raise Refused(f"template is no YAML: {' '.join(str(err).split())}.") from err


def _unwrapped(module: str, data: Any) -> dict[Any, Any]:
    """What stands under the module's name, if all of a pillar was given."""
    if isinstance(data, Mapping) and {*data} == {"pushguide"}:
        ours = data["pushguide"]
        modules = ours.get("modules") if isinstance(ours, Mapping) else None
        if not isinstance(modules, Mapping) or {*ours} != {"modules"} or len(modules) != 1:
            raise Refused("template: of a pillar give pushguide:modules with one module alone.")
        [(name, data)] = modules.items()
        if module and name != module:
            raise Refused(f"template is that of {name!r}, and module is {module!r}.")
    if not isinstance(data, Mapping):
        raise Refused(f"template is {type(data).__name__}: give a mapping, or YAML of one.")
    return dict(data)


def _odd(value: object, path: str = "template") -> Iterator[str]:
    """What in a template is no plain data."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if isinstance(key, str):
                yield from _odd(one, f"{path}:{key}")
            else:
                yield f"{path}: the key {key!r} is {type(key).__name__}: write it in quotes."
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from _odd(one, f"{path}:{place}")
    elif not (value is None or isinstance(value, str | int | float)):
        yield f"{path}: is {type(value).__name__}: write it in quotes."
