"""What a template says that may hold names of the master's configuration, as hosts get it."""

from __future__ import annotations

from typing import Any

from pushguide.master.allowed import Allowed
from pushguide.master.templates.configuration import HookChange
from pushguide.master.templates.drain import FunctionDrain
from pushguide.master.templates.health import CommandProbe
from pushguide.master.templates.template import Template


def for_hosts(template: Template, allowed: Allowed) -> dict[str, Any]:
    """The fields ``probe``, ``warm_up``, ``drain``, ``configuration`` and ``signature`` of a share.

    Names become what the master's configuration says of them: hosts take no name from anybody.
    """
    probes = []
    for probe in template.probe or []:
        data = probe.model_dump(mode="json")
        if isinstance(probe, CommandProbe):
            data["words"] = allowed.commands[probe.command]
        probes.append(data)
    drain = template.drain.model_dump(mode="json") if template.drain else None
    if drain and isinstance(template.drain, FunctionDrain):
        drain |= allowed.functions[template.drain.function]
    changes = []
    for change in template.configuration:
        data = change.model_dump(mode="json")
        if isinstance(change, HookChange):
            data["call"] = allowed.hooks[change.hook]
        changes.append(data)
    return {
        "configuration": changes,
        "probe": probes or None,
        "warm_up": template.warm_up.model_dump(mode="json") if template.warm_up else None,
        "drain": drain,
        "signature": template.signature.model_dump(mode="json") if template.signature else None,
    }
