"""What stands in the master's pillar for all modules: standards, people and teams."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import ValidationError

from pushguide.errors import BadTemplate
from pushguide.master.fields import NAME_PATTERN
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates.people import People, Team
from pushguide.master.templates.sentences import sentences
from pushguide.master.templates.standards import CompanyStandards, layers, merge

_PATH = "pushguide:standards"
_PEOPLE = "pushguide:people"
_TEAMS = "pushguide:teams"


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


def people_of(given: object) -> People:
    """Read who has which role on everything.

    Args:
        given: the value of ``pushguide:people``; None for nobody.

    Raises:
        BadTemplate: it does not validate; every problem is named, with its path.
    """
    if given is None:
        return People()
    if not isinstance(given, Mapping):
        raise BadTemplate(f"{_PEOPLE}: is {type(given).__name__}, not a mapping.")
    try:
        return People(**given)
    except ValidationError as err:
        told = sentences(err, lambda at: ":".join([_PEOPLE, *map(str, at)]), People)
        raise BadTemplate([*told]) from err


def teams_of(given: object) -> dict[str, Team]:
    """Read the teams.

    Args:
        given: the value of ``pushguide:teams``; None for none.

    Raises:
        BadTemplate: they do not validate; every problem is named, with its path.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadTemplate(f"{_TEAMS}: is {type(given).__name__}, not a mapping.")
    teams, problems = {}, []
    for name, value in given.items():
        path = f"{_TEAMS}:{name}"
        if not isinstance(value, Mapping) or not NAME_PATTERN.match(str(name)):
            problems.append(f"{path}: is no team (a name with people).")
            continue
        try:
            teams[str(name)] = Team(**value)
        except ValidationError as err:
            problems += sentences(err, _below(path), Team)
    if problems:
        raise BadTemplate(problems)
    return teams


def _below(path: str) -> Callable[[tuple[object, ...]], str]:
    return lambda location: ":".join([path, *map(str, location)])
