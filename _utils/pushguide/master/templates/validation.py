"""Validation: a template is looked at as a whole, and every problem is told at once, with its
place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from pushguide.errors import BadTemplate
from pushguide.master.allowed import Allowed
from pushguide.master.bounds import Bounds, beyond
from pushguide.master.fields import NAME_PATTERN, Location, TypeSettings
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates import project_types
from pushguide.master.templates.defaults import Defaults
from pushguide.master.templates.hooks import problems_of_hooks
from pushguide.master.templates.inventory import problems_of_places
from pushguide.master.templates.layers import Layer, as_said, laid, who_says
from pushguide.master.templates.secrecy import problems_of_secrets
from pushguide.master.templates.sentences import sentences
from pushguide.master.templates.template import MAY_STAND, OVERRIDABLE, Platforms, Template

Place = Callable[[Location], str]


@dataclass(frozen=True)
class Validation:
    """Validates what is said about one module.

    Attributes:
        path: where it stands, for people: ``pushguide:modules:<name>``.
        settings_class: finds the settings class of a project type.
        allowed: what it may name of the master's configuration.
        defaults: what operations say for all modules.
        bounds: what it may name besides, where it is kept in the database.
    """

    path: str
    settings_class: project_types.Finder
    allowed: Allowed
    defaults: Defaults = field(default_factory=Defaults)
    bounds: Bounds | None = None

    def validate(self, name: str, data: object) -> tuple[dict[str, Platforms], str, list[str]]:
        """Validate it.

        Args:
            name: the module's name.
            data: what is said about it.

        Returns:
            The templates of each environment that is right, the default environment's name, and
            every problem, with its path.
        """
        path = self.path
        if not NAME_PATTERN.match(str(name)):
            return {}, "", [f"{path}: a name is letters, digits, '.', '_' and '-', 64 at the most."]
        if not isinstance(data, Mapping):
            return {}, "", [f"{path}: is {type(data).__name__}, not a mapping."]
        environments = data.get("environments")
        if not isinstance(environments, Mapping) or not environments:
            told = "name at least one, such as production, with hosts."
            return {}, "", [f"{path}:environments: {told}"]
        common = {key: value for key, value in data.items() if key != "environments"}
        templates, problems = {}, []
        for environment, own in environments.items():
            where = f"{path}:environments:{environment}"
            if not NAME_PATTERN.match(str(environment)) or not isinstance(own, Mapping):
                problems.append(f"{where}: is no environment (a name with hosts).")
                continue
            found, more = self._environment(common, str(environment), own, where)
            problems.extend(one for one in more if one not in problems)
            if found:
                templates[str(environment)] = found
        problems += self._problems_of_build(common.get("deploy_on_build"), environments)
        default, more = _default(environments, path)
        return templates, default, problems + more

    def _problems_of_build(self, wanted: object, environments: Mapping[str, Any]) -> Iterator[str]:
        if isinstance(wanted, str) and wanted not in environments:
            yield (
                f"{self.path}:deploy_on_build: there is no environment {wanted!r}; "
                f"{did_you_mean(wanted, map(str, environments))}"
            )

    def _environment(
        self, common: Mapping[str, Any], name: str, own: Mapping[str, Any], where: str
    ) -> tuple[Platforms | None, list[str]]:
        """The templates of one environment, None if they are wrong; and every problem."""
        strange = [
            f"{where}:{key}: unknown key; {did_you_mean(str(key), (*OVERRIDABLE, 'hosts'))}"
            for key in own
            if key not in MAY_STAND
        ]
        known = {key: value for key, value in own.items() if key in MAY_STAND and key != "default"}
        layers = [
            *self.defaults.layers(common.get("type"), name),
            Layer(self.path, common),
            Layer(where, known),
        ]
        merged = laid(layers)

        def place(location: Location) -> str:
            said_by = who_says(layers, location)
            top = where if location[:1] == ("hosts",) else said_by.place if said_by else self.path
            return ":".join([top, *map(str, location)])

        found = [*strange, *self._problems(merged, layers, place)]
        if found or not merged.get("windows"):
            return None if found else Platforms(Template(**merged), tuple(layers)), found
        top = f"{where if 'windows' in own else self.path}:windows"
        for_windows = self._on_windows(layers, merged, top)
        windows = laid(for_windows)

        def place_on_windows(location: Location) -> str:
            return ":".join([top, *map(str, location)])

        # What is the same on all hosts is right.
        found = [*self._problems(windows, for_windows, place_on_windows)]
        if found:
            return None, found
        usual, other = Template(**merged), Template(**windows)
        return Platforms(usual, tuple(layers), other, tuple(for_windows)), found

    def _on_windows(
        self, layers: Sequence[Layer], merged: Mapping[str, Any], place: str
    ) -> list[Layer]:
        """What the template of the Windows hosts is made of, where they have one of their own."""
        own = {key: value for key, value in merged["windows"].items() if value is not None}
        left_out = {"windows"}
        below: list[Layer] = []
        if own.get("type", merged["type"]) != merged["type"]:
            left_out.add("settings")
            of_type = self.defaults.of_type(own["type"])
            settings = {key: one for key, one in of_type.values.items() if key == "settings"}
            below = [of_type._replace(values=settings)]
        rest = [
            one._replace(values={key: one.values[key] for key in one.values if key not in left_out})
            for one in layers
        ]
        return [*rest, *below, Layer(place, own)]

    def _problems(
        self, merged: Mapping[str, Any], layers: Sequence[Layer], place: Place
    ) -> Iterator[str]:
        """Every problem of one template, each with the place of the line to mend."""
        template = settings = None
        found = []
        try:
            template = Template.model_validate(merged, context=vars(self.allowed))
        except ValidationError as err:

            def as_written(location: Location) -> str:
                return place(_as_written(location, merged))

            found = [*sentences(err, as_written, Template, beside=["environments"])]
        yield from found
        for location, problem in problems_of_places(merged):
            yield f"{place(location)}: {problem}"
        for location, problem in problems_of_hooks(merged, self.allowed.hooks):
            yield f"{place(location)}: {problem}"
        for location, problem in problems_of_secrets(merged):
            if not any(one.startswith(f"{place(location)}: ") for one in found):
                yield f"{place(location)}: {problem}"
        project_type = merged.get("type")
        if not isinstance(project_type, str):
            return
        try:
            of_type = self.settings_class(project_type)
        except BadTemplate as err:
            yield f"{place(('type',))}: {err}"
            return
        try:
            settings = of_type(**(merged.get("settings") or {}))
        except ValidationError as err:
            yield from sentences(err, lambda at: place(("settings", *at)), of_type)
        except TypeError:
            yield f"{place(('settings',))}: is not a mapping."
        if self.bounds and template and settings:
            yield from self._beyond(self.bounds, template, settings, layers, place)

    @staticmethod
    def _beyond(
        bounds: Bounds,
        template: Template,
        settings: TypeSettings,
        layers: Sequence[Layer],
        place: Place,
    ) -> Iterator[str]:
        """What the template itself names that is not for it. What operations say for all is."""
        for found, problem in beyond(bounds, ((), template), (("settings",), settings)):
            location = as_said(found, layers)
            said_by = who_says(layers, location)
            if said_by is None or said_by.is_own:
                yield f"{place(location)}: {problem}"


def _default(environments: Mapping[str, Any], path: str) -> tuple[str, list[str]]:
    """The environment that commands take when told nothing."""
    claimed = [
        name
        for name, own in environments.items()
        if isinstance(own, Mapping) and own.get("default")
    ]
    if len(environments) == 1:
        return str(next(iter(environments))), []
    if len(claimed) != 1:
        return "", [f"{path}:environments: give exactly one of them default: true."]
    return str(claimed[0]), []


def _as_written(location: Location, given: Mapping[str, Any]) -> Location:
    """A location as the template has it: pydantic puts the kind of what has kinds between."""
    if location[:1] == ("windows",):
        return ("windows", *_as_written(location[1:], given["windows"]))
    if location[:1] == ("probe",):
        place = location[1:2] if isinstance(given.get("probe"), list) else ()
        return (*location[:1], *place, *location[3:])
    if location[:1] == ("hooks",) and location[2:] and _is_name(location[:3], given):
        return location[:3]
    if location[:1] == ("configuration",):
        return (*location[:2], *location[3:])
    if location[:1] in (("drain",), ("source",)):
        return (*location[:1], *location[2:])
    return location


def _is_name(location: Location, given: Mapping[str, Any]) -> bool:
    """Whether a hook is written as a name alone."""
    found: Any = given
    for part in location:
        found = found[part]
    return isinstance(found, str)
