"""The templates that there are, in this master's pillar and in the database, which are validated
when they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pushguide.errors import BadTemplate, Refused
from pushguide.master.allowed import Allowed
from pushguide.master.bounds import Bounds, hosts_beyond
from pushguide.master.revision import Revision
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates import project_types
from pushguide.master.templates.company import people_of, standards_of, teams_of
from pushguide.master.templates.defaults import Defaults, defaults_of
from pushguide.master.templates.freezes import Freeze, freezes_of
from pushguide.master.templates.inventory import values_in
from pushguide.master.templates.people import People, Team
from pushguide.master.templates.standards import CompanyStandards, layers, merge
from pushguide.master.templates.template import Platforms, Template, settings_of
from pushguide.master.templates.validation import Validation
from pushguide.standards.rules import Rule


@dataclass(frozen=True)
class ModuleTemplate:
    """The template of one module in one environment, with its type's settings filled in, and the
    rules of the code standards that hold for it.

    ``windows`` is that of the Windows hosts, where they have one of their own. ``written`` are the
    values of the inventory that stand there themselves: those of the environment, and those of the
    template. ``platforms`` is what it was read as, with who says what. ``bounds`` is what binds a
    template of the database."""

    module: str
    environment: str
    template: Template
    settings: dict[str, Any]
    rules: tuple[Rule, ...] = ()
    windows: ModuleTemplate | None = None
    written: dict[str, dict[str, Any]] = field(default_factory=dict)
    platforms: Platforms | None = None
    bounds: Bounds | None = None

    def demand_hosts(self, hosts: list[str]) -> None:
        """Refuse hosts that a template of the database may not mean.

        Raises:
            Refused: naming them.
        """
        strangers = hosts_beyond(self.bounds, hosts) if self.bounds else []
        if strangers:
            raise Refused(
                f"The template of {self.module} is kept in the database and means hosts that such "
                f"a template may not mean: {', '.join(strangers)}. Change its hosts, or "
                "pushguide:self_service:hosts in the master's configuration."
            )


class Library:
    """The templates in the master's pillar, and those in the database.

    Args:
        opts: the master's opts.
        saved: reads the newest revisions out of the database; there are none if not given.
        modules: the pillar's ``pushguide:modules``; compiled from opts if not given.
        standards: the pillar's ``pushguide:standards``, where modules are given.
        people: likewise its ``pushguide:people``.
        teams: likewise its ``pushguide:teams``.
        freezes: likewise its ``pushguide:freezes``.
        inventory: the pillar's ``pushguide:inventory``, where modules are given.
        defaults: the pillar's ``pushguide``, for what it says of all modules, likewise.
    """

    def __init__(
        self,
        opts: Mapping[str, Any],
        saved: Callable[[], Mapping[str, Revision]] | None = None,
        modules: Mapping[str, Any] | None = None,
        standards: object = None,
        people: object = None,
        teams: object = None,
        freezes: object = None,
        inventory: object = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        self.opts = opts
        self.given: Mapping[str, Any] = {
            **(defaults or {}),
            "standards": standards,
            "people": people,
            "teams": teams,
            "freezes": freezes,
            "inventory": inventory,
        }
        if modules is None:
            modules, self.given = master_pillar(opts)
        self.of_pillar = modules
        self._saved = saved
        self.settings_class = project_types.finder(opts)
        self.allowed = Allowed.from_opts(opts)
        self._validated: dict[str, tuple[dict[str, Platforms], str, list[str]]] = {}

    @cached_property
    def saved(self) -> dict[str, Revision]:
        """The templates in the database, without deleted ones."""
        found = self._saved() if self._saved else {}
        return {name: one for name, one in found.items() if not one.is_deleted}

    @cached_property
    def modules(self) -> dict[str, Any]:
        """What is said of each module, wherever it stands."""
        return {**{name: one.data for name, one in self.saved.items()}, **self.of_pillar}

    def get(self, module: str, environment: str | None = None) -> ModuleTemplate:
        """The template of a module in an environment, its default one if not given.

        Raises:
            Refused: there is no such module or environment.
            BadTemplate: its template is wrong; every problem is named, with its path.
        """
        templates, default = self._valid(module)
        chosen = environment or default
        if chosen not in templates:
            raise Refused(
                f"{module} has no environment {chosen!r}: {did_you_mean(str(chosen), templates)}"
            )
        platforms = templates[chosen]
        found = replace(
            self._filled_in(module, chosen, platforms.usual),
            platforms=platforms,
            bounds=self.bounds_of(module),
        )
        if platforms.windows is None:
            return found
        on_windows = self._filled_in(module, chosen, platforms.windows)
        rules = tuple(dict.fromkeys([*found.rules, *on_windows.rules]))
        return replace(found, rules=rules, windows=on_windows)

    def _filled_in(self, module: str, environment: str, template: Template) -> ModuleTemplate:
        settings = settings_of(template, self.settings_class).model_dump(mode="json")
        rules, _ = self._rules(_path(module, module in self.saved), template)
        holding = tuple(one for one in rules.values() if one.holds_for(template.type))
        environments = self.modules[module]["environments"]
        (own,) = [one for name, one in environments.items() if str(name) == environment]
        written = {"environment": values_in(own), "template": values_in(self.modules[module])}
        return ModuleTemplate(module, environment, template, settings, holding, written=written)

    def rules_of(self, module: str) -> set[str]:
        """The names of the rules that hold for a module, in any of its environments.

        Raises:
            Refused: there is no such module, or its template is wrong.
        """
        templates, _ = self._valid(module)
        return {
            rule.name
            for platforms in templates.values()
            for template in platforms.templates
            for rule in self._rules(_path(module, module in self.saved), template)[0].values()
            if rule.holds_for(template.type)
        }

    def environments(self, module: str) -> dict[str, Template]:
        """The templates of a module's environments; none where it is not there, or wrong."""
        if module not in self.modules:
            return {}
        return {name: one.usual for name, one in self._validate(module)[0].items()}

    def default_environment(self, module: str) -> str:
        """The environment that commands take when told nothing; empty if there is none."""
        return self._validate(module)[1] if module in self.modules else ""

    def team_of(self, module: str) -> str | None:
        """The team of a module, however wrong the rest of its template may be."""
        given = self.modules.get(module)
        team = given.get("team") if isinstance(given, Mapping) else None
        return team if isinstance(team, str) else None

    def overview(self) -> dict[str, Any]:
        """Every module: its type, environments and hosts, or what is wrong with its template."""
        answer = {}
        for module in sorted(map(str, self.modules)):
            templates, default, problems = self._validate(module)
            answer[module] = (
                {"problems": problems}
                if problems
                else {
                    "type": next(iter(templates.values())).usual.type,
                    "description": next(iter(templates.values())).usual.description,
                    "environments": {
                        name: {"hosts": one.usual.target.model_dump(), "default": name == default}
                        for name, one in templates.items()
                    },
                }
            )
        return answer

    def _valid(self, module: str) -> tuple[dict[str, Platforms], str]:
        """The templates of a module, and the name of its default environment."""
        if module not in self.modules:
            also = " or in the database" if self.saved else ""
            raise Refused(
                f"There is no module {module!r} in the master's pillar (pushguide:modules){also}: "
                f"{did_you_mean(str(module), map(str, self.modules))}"
            )
        templates, default, problems = self._validate(module)
        if problems:
            raise BadTemplate(problems)
        return templates, default

    def _validate(self, module: str) -> tuple[dict[str, Platforms], str, list[str]]:
        if module not in self._validated:
            self._validated[module] = self._validated_now(module)
        return self._validated[module]

    def _validated_now(self, module: str) -> tuple[dict[str, Platforms], str, list[str]]:
        if module in self.saved and module in self.of_pillar:
            return {}, "", [self._clash(module)]
        return self.validate(module, self.modules[module], is_saved=module in self.saved)

    def validate(
        self, module: str, data: object, is_saved: bool
    ) -> tuple[dict[str, Platforms], str, list[str]]:
        """Validate what is said of a module, whether it is in the library or not.

        Args:
            module: the module's name.
            data: what is said.
            is_saved: whether it is, or would be, kept in the database.

        Returns:
            The templates of each environment that is right, the default environment's name, and
            every problem, with its path.
        """
        team = data.get("team") if isinstance(data, Mapping) else None
        allowed = self.allowed.self_service
        templates, default, problems = Validation(
            path=_path(module, is_saved),
            settings_class=self.settings_class,
            allowed=self.allowed,
            defaults=self.defaults,
            bounds=(allowed.of(str(team)) if allowed else Bounds()) if is_saved else None,
        ).validate(module, data)
        found = [
            one
            for platforms in templates.values()
            for template in platforms.templates
            for one in self._rules(_path(module, is_saved), template)[1]
        ]
        return templates, default, [*problems, *dict.fromkeys(found)]

    def _clash(self, module: str) -> str:
        return (
            f"{module} has two templates, and one name has one owner: pushguide:modules:{module} "
            f"in the master's pillar, and {self.saved[module]} in the database. Take the one out "
            "of the pillar, or delete the other: salt-run pushguide.template_delete."
        )

    def bounds_of(self, module: str) -> Bounds | None:
        """What binds a module's template; None where it stands in the pillar."""
        if module not in self.saved:
            return None
        allowed = self.allowed.self_service
        return allowed.of(self.team_of(module)) if allowed else Bounds()

    def _rules(self, path: str, template: Template) -> tuple[dict[str, Rule], list[str]]:
        of_all = layers(self.standards, template.type, f"{path}:standards", template.standards)
        return merge(of_all)

    @cached_property
    def people(self) -> People:
        """Who has which role on everything, by the pillar.

        Raises:
            BadTemplate: it does not validate.
        """
        return people_of(self.given.get("people"))

    @cached_property
    def teams(self) -> dict[str, Team]:
        """The teams of the pillar.

        Raises:
            BadTemplate: they do not validate.
        """
        return teams_of(self.given.get("teams"))

    @cached_property
    def freezes(self) -> dict[str, Freeze]:
        """The freezes of the pillar, by name.

        Raises:
            BadTemplate: they do not validate.
        """
        return freezes_of(self.given.get("freezes"))

    @cached_property
    def defaults(self) -> Defaults:
        """What operations say for all modules.

        Raises:
            BadTemplate: it does not validate.
        """
        return defaults_of(self.given, project_types.names(self.opts))

    @cached_property
    def inventory(self) -> Mapping[str, Any]:
        """What the master's pillar says of the hosts of modules.

        Raises:
            BadTemplate: it is no mapping.
        """
        given = self.given.get("inventory")
        if given is None or isinstance(given, Mapping):
            return given or {}
        raise BadTemplate("pushguide:inventory in the master's pillar is not a mapping.")

    @cached_property
    def standards(self) -> CompanyStandards:
        """The company's code standards.

        Raises:
            BadTemplate: they do not validate.
        """
        return standards_of(self.given.get("standards"), project_types.names(self.opts))


def master_pillar(opts: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """``pushguide:modules``, and all of ``pushguide``, in the pillar of the master's own id
    (``<master>_master``).

    Raises:
        BadTemplate: the pillar does not render, or the key is no mapping.
    """
    import salt.pillar

    pillar = salt.pillar.Pillar(
        dict(opts), {"id": opts["id"]}, opts["id"], opts.get("saltenv") or "base"
    ).compile_pillar()
    if pillar.get("_errors"):
        raise BadTemplate([f"The master's pillar: {one}" for one in pillar["_errors"]])
    ours = pillar.get("pushguide")
    given = ours if isinstance(ours, Mapping) else {}
    modules = given.get("modules")
    if modules is None:
        return {}, given
    if not isinstance(modules, Mapping):
        raise BadTemplate("pushguide:modules in the master's pillar is not a mapping.")
    return modules, given


def _path(module: str, is_saved: bool) -> str:
    """Where what is said of a module stands, for people."""
    return f"template of {module}" if is_saved else f"pushguide:modules:{module}"
