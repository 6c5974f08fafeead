"""The templates that this master knows: read from its pillar, validated when they are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pushguide.errors import BadTemplate, Refused
from pushguide.master.allowed import Allowed
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates import project_types
from pushguide.master.templates.template import Template, settings_of, validate


@dataclass(frozen=True)
class ModuleTemplate:
    """The template of one module in one environment, with its type's settings filled in."""

    module: str
    environment: str
    template: Template
    settings: dict[str, Any]


class Library:
    """The templates in the master's pillar.

    Args:
        opts: the master's opts.
        modules: the pillar's ``pushguide:modules``; compiled from opts if not given.
    """

    def __init__(self, opts: Mapping[str, Any], modules: Mapping[str, Any] | None = None) -> None:
        self.opts = opts
        self.modules = master_pillar(opts) if modules is None else modules
        self.settings_class = project_types.finder(opts)
        self.allowed = Allowed.from_opts(opts)

    def get(self, module: str, environment: str | None = None) -> ModuleTemplate:
        """The template of a module in an environment, its default one if not given.

        Raises:
            Refused: there is no such module or environment.
            BadTemplate: its template is wrong; every problem is named, with its path.
        """
        if module not in self.modules:
            raise Refused(
                f"There is no module {module!r} in the master's pillar (pushguide:modules): "
                f"{did_you_mean(str(module), map(str, self.modules))}"
            )
        templates, default, problems = self._validate(module)
        if problems:
            raise BadTemplate(problems)
        chosen = environment or default
        if chosen not in templates:
            raise Refused(
                f"{module} has no environment {chosen!r}: {did_you_mean(str(chosen), templates)}"
            )
        template = templates[chosen]
        settings = settings_of(template, self.settings_class).model_dump(mode="json")
        return ModuleTemplate(module, chosen, template, settings)

    def overview(self) -> dict[str, Any]:
        """Every module: its type, environments and hosts, or what is wrong with its template."""
        answer = {}
        for module in sorted(map(str, self.modules)):
            templates, default, problems = self._validate(module)
            answer[module] = (
                {"problems": problems}
                if problems
                else {
                    "type": next(iter(templates.values())).type,
                    "description": next(iter(templates.values())).description,
                    "environments": {
                        name: {"hosts": one.target.model_dump(), "default": name == default}
                        for name, one in templates.items()
                    },
                }
            )
        return answer

    def _validate(self, module: str) -> tuple[dict[str, Template], str, list[str]]:
        return validate(module, self.modules[module], self.settings_class, self.allowed)


def master_pillar(opts: Mapping[str, Any]) -> Mapping[str, Any]:
    """``pushguide:modules`` in the pillar of the master's own id (``<master>_master``).

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
    if modules is None:
        return {}
    if not isinstance(modules, Mapping):
        raise BadTemplate("pushguide:modules in the master's pillar is not a mapping.")
    return modules
