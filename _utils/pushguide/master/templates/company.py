"""What stands in the master's pillar for all modules: ``pushguide:standards``."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from pushguide.errors import BadTemplate
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates.standards import CompanyStandards, layers, merge
from pushguide.master.templates.template import sentences

_PATH = "pushguide:standards"


def standards_of(
    given: object, project_types: Mapping[str, object] | list[str]
) -> CompanyStandards:
    """Read the company's code standards.

    Args:
        given: the value of ``pushguide:standards``; None for none.
        project_types: the types that there are.

    Raises:
        BadTemplate: they do not validate; every problem is named, with its path.
    """
    if given is None:
        return CompanyStandards()
    if not isinstance(given, Mapping):
        raise BadTemplate(f"{_PATH}: is {type(given).__name__}, not a mapping.")
    try:
        found = CompanyStandards(**given)
    except ValidationError as err:
        told = sentences(err, lambda at: ":".join([_PATH, *map(str, at)]), CompanyStandards)
        raise BadTemplate([*told]) from err
    problems = [
        f"{_PATH}:types:{name}: there is no such project type; {did_you_mean(name, project_types)}"
        for name in found.types
        if name not in project_types
    ]
    for name in (*found.types, ""):
        _, more = merge(layers(found, name, "", {}))
        problems += [one for one in more if one not in problems]
    if problems:
        raise BadTemplate(problems)
    return found
