"""What runs on a Linux host: Tomcats, and services with their systemd unit and ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pushguide.host.discovery.processes import Process, running
from pushguide.host.discovery.roots import Roots
from pushguide.host.discovery.tomcats import is_tomcat, tomcats


def look(
    salt: Mapping[str, Any], roots: Roots, named: Sequence[str]
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """What runs here, and what could not be looked at.

    Args:
        salt: Salt's execution modules.
        roots: where the module's releases are.
        named: units to tell of even if they stand still.
    """
    processes = [*running()]
    rest = [one for one in processes if not is_tomcat(one)]
    services = _services(rest, roots)
    units = {one["systemd_unit"] for one in services}
    still = [one for one in map(_unit_name, named) if one not in units]
    services += [one for one in (_standing(salt, unit) for unit in still) if one]
    return {"tomcats": tomcats(processes, roots), "services": services}, []


def _services(processes: Sequence[Process], roots: Roots) -> list[dict[str, Any]]:
    """What listens, or runs out of a release: processes of one unit are one service."""
    groups: dict[object, list[Process]] = {}
    for one in processes:
        if one.unit or _is_ours(one, roots):
            groups.setdefault(one.unit or one.directory, []).append(one)
    found = []
    for some in groups.values():
        ports = sorted({port for one in some for port in one.ports})
        is_ours = any(_is_ours(one, roots) for one in some)
        if ports or is_ours:
            first = min(some, key=lambda one: one.pid)
            found.append(
                {
                    "systemd_unit": first.unit,
                    "port": ports[0] if len(ports) == 1 else None,
                    "ports": ports,
                    "user": first.user,
                    "state": "running",
                    "pid": first.pid,
                    "is_ours": is_ours,
                }
            )
    return found


def _is_ours(process: Process, roots: Roots) -> bool:
    """Whether a process works in a release, or was started with a path below one."""
    places = [process.directory, process.executable, *process.arguments]
    return any(roots.hold(one) for one in places if one and one.startswith("/"))


def _standing(salt: Mapping[str, Any], unit: str) -> dict[str, Any] | None:
    """A unit that runs no process that listens; None if there is no such unit."""
    if "service.available" not in salt or not salt["service.available"](unit):
        return None
    state = "running" if salt["service.status"](unit) else "stopped"
    nothing: dict[str, Any] = {
        "port": None,
        "ports": [],
        "user": None,
        "pid": None,
        "is_ours": False,
    }
    return {"systemd_unit": unit, "state": state, **nothing}


def _unit_name(name: str) -> str:
    return name if "." in name else f"{name}.service"
