"""The templates that this master knows: read from its pillar, validated when they are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pushguide.errors import BadTemplate, Refused
from pushguide.master.allowed import Allowed
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates import project_types
from pushguide.master.templates.company import standards_of
from pushguide.master.templates.standards import CompanyStandards, layers, merge
from pushguide.master.templates.template import Platforms, Template, settings_of, validate
from pushguide.standards.rules import Rule


@dataclass(frozen=True)
class ModuleTemplate:
    """The template of one module in one environment, with its type's settings filled in, and the
    rules of the code standards that hold for it.

    ``windows`` is that of the Windows hosts, where they have one of their own."""

    module: str
    environment: str
    template: Template
    settings: dict[str, Any]
    rules: tuple[Rule, ...] = ()
    windows: ModuleTemplate | None = None


class Library:
    """The templates in the master's pillar.

    Args:
        opts: the master's opts.
        modules: the pillar's ``pushguide:modules``; compiled from opts if not given.
        standards: the pillar's ``pushguide:standards``, where modules are given.
    """

    def __init__(
        self,
        opts: Mapping[str, Any],
        modules: Mapping[str, Any] | None = None,
        standards: object = None,
    ) -> None:
        self.opts = opts
        if modules is None:
            modules, standards = master_pillar(opts)
        self.modules = modules
        self.given_standards = standards
        self.settings_class = project_types.finder(opts)
        self.allowed = Allowed.from_opts(opts)

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
        usual, windows = templates[chosen]
        found = self._filled_in(module, chosen, usual)
        if windows is None:
            return found
        on_windows = self._filled_in(module, chosen, windows)
        rules = tuple(dict.fromkeys([*found.rules, *on_windows.rules]))
        return replace(found, rules=rules, windows=on_windows)

    def _filled_in(self, module: str, environment: str, template: Template) -> ModuleTemplate:
        settings = settings_of(template, self.settings_class).model_dump(mode="json")
        rules, _ = self._rules(module, template)
        holding = tuple(one for one in rules.values() if one.holds_for(template.type))
        return ModuleTemplate(module, environment, template, settings, holding)

    def rules_of(self, module: str) -> set[str]:
        """The names of the rules that hold for a module, in any of its environments.

        Raises:
            Refused: there is no such module, or its template is wrong.
        """
        templates, _ = self._valid(module)
        return {
            rule.name
            for platforms in templates.values()
            for template in filter(None, platforms)
            for rule in self._rules(module, template)[0].values()
            if rule.holds_for(template.type)
        }

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
            raise Refused(
                f"There is no module {module!r} in the master's pillar (pushguide:modules): "
                f"{did_you_mean(str(module), map(str, self.modules))}"
            )
        templates, default, problems = self._validate(module)
        if problems:
            raise BadTemplate(problems)
        return templates, default

    def _validate(self, module: str) -> tuple[dict[str, Platforms], str, list[str]]:
        templates, default, problems = validate(
            module, self.modules[module], self.settings_class, self.allowed
        )
        found = [
            one
            for platforms in templates.values()
            for template in filter(None, platforms)
            for one in self._rules(module, template)[1]
        ]
        return templates, default, [*problems, *dict.fromkeys(found)]

    def _rules(self, module: str, template: Template) -> tuple[dict[str, Rule], list[str]]:
        path = f"pushguide:modules:{module}:standards"
        return merge(layers(self.standards, template.type, path, template.standards))

    @cached_property
    def standards(self) -> CompanyStandards:
        """The company's code standards.

        Raises:
            BadTemplate: they do not validate.
        """
        return standards_of(self.given_standards, project_types.names(self.opts))


def master_pillar(opts: Mapping[str, Any]) -> tuple[Mapping[str, Any], object]:
    """``pushguide:modules`` and ``pushguide:standards`` in the pillar of the master's own id
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
    ours = pillar.get("pushguide") or {}
    modules = ours.get("modules") if isinstance(ours, Mapping) else None
    standards = ours.get("standards") if isinstance(ours, Mapping) else None
    if modules is None:
        return {}, standards
    if not isinstance(modules, Mapping):
        raise BadTemplate("pushguide:modules in the master's pillar is not a mapping.")
    return modules, standards
