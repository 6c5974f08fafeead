"""What a deployment takes from the inventory: each value that its template leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from pushguide.errors import Refused
from pushguide.master.inventory.precedence import Known
from pushguide.master.inventory.resolving import Inventory, Question, Stock
from pushguide.master.plan import HostFacts
from pushguide.master.templates import project_types
from pushguide.master.templates.inventory import PLACES, names_in
from pushguide.master.templates.library import ModuleTemplate
from pushguide.master.templates.sentences import sentences
from pushguide.master.templates.template import Template

_KERNEL = "kernel"
_PLACE = re.compile(r"\{inventory\.([\w-]+)\}")
_NAMED_AT_MOST = 20
_PROBLEMS_AT_MOST = 50


def grains_of(chosen: ModuleTemplate) -> list[str]:
    """The grains that have to be asked for the inventory of a module; none if it uses none."""
    facts = chosen.template.inventory.values()
    grains = [one.grain for one in facts if one.grain]
    return [*grains, _KERNEL] if chosen.windows and facts else grains


def used_by(chosen: ModuleTemplate, kernel: str | None) -> set[str]:
    """The names of the inventory that a module's template holds, for hosts with a kernel."""
    template = _of_kernel(chosen, kernel).template
    return names_in(template.model_dump(mode="json", include={*PLACES}))


def take(
    inventory: Inventory,
    chosen: ModuleTemplate,
    facts: Mapping[str, HostFacts],
    settings_class: project_types.Finder,
) -> dict[str, dict[str, Any]]:
    """What the hosts of a deployment are told of the inventory.

    Args:
        inventory: knows who to ask.
        chosen: the module in its environment.
        facts: what the hosts said, with the grains of :func:`grains_of`.
        settings_class: finds the settings class of a project type.

    Returns:
        Of each host each value by name: ``value``, ``from`` (who said so), and ``seen_at`` and
        ``is_stale`` where it was not heard just now.

    Raises:
        Refused: a value is missing, or is not what it should be; every problem is named.
    """
    kernels = {host: one.grains.get(_KERNEL) for host, one in facts.items()}
    names = {
        kernel: used_by(chosen, kernel) if chosen.template.inventory else set()
        for kernel in {*kernels.values()}
    }
    if not any(names.values()):
        return {}
    wanted = {host: names[kernel] for host, kernel in kernels.items()}
    grains = {host: one.grains for host, one in facts.items()}
    stock = inventory.known(Question(chosen, wanted, grains))
    problems = [*stock.problems, *_missing(stock, wanted, chosen)]
    if not problems:
        problems = [*_problems_of_values(stock, kernels, chosen, settings_class)]
    if problems:
        raise Refused(_shortened(problems))
    return {
        host: {name: told(one) for name, one in sorted(stock.values.get(host, {}).items())}
        for host in facts
    }


def told(known: Known) -> dict[str, Any]:
    """A value as plain data."""
    one = known.believed
    heard = {"seen_at": one.seen_at.isoformat(timespec="seconds")} if one.seen_at else {}
    stale = {"is_stale": True} if one.is_stale else {}
    return {"value": one.value, "from": one.source, **heard, **stale}


def _of_kernel(chosen: ModuleTemplate, kernel: str | None) -> ModuleTemplate:
    return chosen.windows if chosen.windows and kernel == "Windows" else chosen


def _missing(stock: Stock, wanted: Mapping[str, set[str]], chosen: ModuleTemplate) -> Iterator[str]:
    without: dict[str, list[str]] = {}
    for host, names in wanted.items():
        for name in sorted(names - {*stock.values.get(host, {})}):
            without.setdefault(name, []).append(host)
    for name, hosts in sorted(without.items()):
        yield (
            f"Nobody says what {name} of {chosen.module} is on {_named(hosts)}. See salt-run "
            f"pushguide.inventory {chosen.module}, and say it in the master's pillar "
            f"(pushguide:inventory:{chosen.module}:<host>:{name}) for instance."
        )
    for host, runtime in stock.runtimes.items():
        if runtime.problem and any(host in hosts for hosts in without.values()):
            yield f"{host} was looked at: {runtime.problem}."


def _problems_of_values(
    stock: Stock,
    kernels: Mapping[str, str | None],
    chosen: ModuleTemplate,
    settings_class: project_types.Finder,
) -> Iterator[str]:
    """What the values make of the template: it has to be right with them too.

    Hosts with the same values are looked at once.
    """
    alike: dict[tuple[Any, ...], list[str]] = {}
    for host, known in stock.values.items():
        values = tuple(sorted((name, one.believed.value) for name, one in known.items()))
        alike.setdefault((kernels[host] == "Windows", values), []).append(host)
    for (is_windows, values), hosts in alike.items():
        template = _of_kernel(chosen, "Windows" if is_windows else None).template
        for problem in _problems_with(template, dict(values), settings_class):
            yield f"With its inventory the template is wrong for {_named(hosts)}: {problem}"


def _problems_with(
    template: Template, values: Mapping[str, Any], settings_class: project_types.Finder
) -> Iterator[str]:
    filled = _filled(template.model_dump(mode="json", include={*PLACES}), values)
    whole = {**template.model_dump(mode="json", exclude={*PLACES}), **filled}
    for model, given, top in (
        (Template, whole, ()),
        (settings_class(template.type), filled["settings"], ("settings",)),
    ):
        try:
            model.model_validate(given)
        except ValidationError as err:
            yield from sentences(err, partial(_place, top), model)


def _place(top: tuple[str, ...], location: tuple[Any, ...]) -> str:
    return ":".join(map(str, [*top, *location]))


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """Plain data with the values of the inventory in their places."""
    if isinstance(value, str):
        return _PLACE.sub(lambda one: str(values.get(one[1], one[0])), value)
    if isinstance(value, dict):
        return {key: _filled(one, values) for key, one in value.items()}
    return [_filled(one, values) for one in value] if isinstance(value, list) else value


def _named(hosts: list[str]) -> str:
    more = len(hosts) - _NAMED_AT_MOST
    shown = ", ".join(sorted(hosts)[:_NAMED_AT_MOST])
    return f"{shown} and {more} more hosts" if more > 0 else shown


def _shortened(problems: list[str]) -> list[str]:
    more = len(problems) - _PROBLEMS_AT_MOST
    rest = [f"And {more} more of such problems."] if more > 0 else []
    return [*problems[:_PROBLEMS_AT_MOST], *rest]
