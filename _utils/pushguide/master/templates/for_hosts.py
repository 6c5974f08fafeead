"""What a template says about hosts, in the form in which they get it."""

from __future__ import annotations

from typing import Any

from pushguide.master.allowed import Allowed
from pushguide.master.fields import Strict
from pushguide.master.templates.configuration import HookChange
from pushguide.master.templates.drain import FunctionDrain
from pushguide.master.templates.health import CommandProbe
from pushguide.master.templates.hooks import Hooks, HookUse, StageHook
from pushguide.master.templates.library import ModuleTemplate
from pushguide.words import STAGES


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
        "hooks": _hooks(template.hooks, allowed),
    }


def _change(change: Strict, allowed: Allowed) -> dict[str, Any]:
    """A change of the configuration."""
    if isinstance(change, HookChange):
        return {"kind": change.kind, **_use(change.hook, change, allowed)}
    return change.model_dump(mode="json")


def _hooks(hooks: Hooks, allowed: Allowed) -> dict[str, Any]:
    """The hooks of the stages that have any."""
    return {
        stage: [_stage_hook(one, allowed) for one in uses]
        for stage in STAGES
        if (uses := getattr(hooks, stage))
    }


def _stage_hook(use: StageHook, allowed: Allowed) -> dict[str, Any]:
    return {
        **_use(use.hook, use, allowed),
        "undo": _use(use.undo, use, allowed) if use.undo else None,
        "forward_only": use.forward_only,
    }


def _use(name: str, use: HookUse, allowed: Allowed) -> dict[str, Any]:
    """What is run under a name, with the values of a use for its variables."""
    hook = allowed.hooks[name]
    return {
        "hook": name,
        "call": hook.call,
        "variables": hook.filled(use.variables),
        "timeout_seconds": use.timeout_seconds,
    }
