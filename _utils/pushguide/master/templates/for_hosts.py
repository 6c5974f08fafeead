"""What a template says about hosts, in the form in which they get it."""

from __future__ import annotations

from typing import Any

from pushguide.master.allowed import Allowed
from pushguide.master.fields import Strict
from pushguide.master.templates.configuration import HookChange
from pushguide.master.templates.drain import FunctionDrain
from pushguide.master.templates.health import CommandProbe
from pushguide.master.templates.library import ModuleTemplate


def for_hosts(chosen: ModuleTemplate, allowed: Allowed) -> dict[str, Any]:
    """The fields of a share that may be others on Windows hosts, those among them in ``windows``;
    and its field ``signature``.

    Names become what the master's configuration says of them: hosts take no name from anybody.
    """
    usual = _of_platform(chosen, allowed)
    signature = chosen.template.signature
    return {
        **usual,
        "signature": signature.model_dump(mode="json") if signature else None,
        "windows": _differences(chosen, usual, allowed),
    }


def _differences(
    chosen: ModuleTemplate, usual: dict[str, Any], allowed: Allowed
) -> dict[str, Any] | None:
    """The fields that are others on Windows hosts."""
    if chosen.windows is None:
        return None
    here = {**usual, **_place(chosen)}
    there = {**_of_platform(chosen.windows, allowed), **_place(chosen.windows)}
    return {key: value for key, value in there.items() if value != here[key]}


def _place(chosen: ModuleTemplate) -> dict[str, Any]:
    return {"type": chosen.template.type, "root": chosen.template.root}


def _of_platform(chosen: ModuleTemplate, allowed: Allowed) -> dict[str, Any]:
    template, probes = chosen.template, []
    for probe in template.probe or []:
        data = probe.model_dump(mode="json")
        if isinstance(probe, CommandProbe):
            data["words"] = allowed.commands[probe.command]
        probes.append(data)
    drain = template.drain.model_dump(mode="json") if template.drain else None
    if drain and isinstance(template.drain, FunctionDrain):
        drain |= allowed.functions[template.drain.function]
    return {
        "settings": chosen.settings,
        "unpacking": template.unpacking.model_dump(mode="json"),
        "configuration": [_change(one, allowed) for one in template.configuration],
        "probe": probes or None,
        "warm_up": template.warm_up.model_dump(mode="json") if template.warm_up else None,
        "drain": drain,
    }


def _change(change: Strict, allowed: Allowed) -> dict[str, Any]:
    """A change of the configuration."""
    data = change.model_dump(mode="json")
    return {**data, "call": allowed.hooks[change.hook]} if isinstance(change, HookChange) else data
