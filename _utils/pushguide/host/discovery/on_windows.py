"""What runs on a Windows host: services, sites of IIS and scheduled tasks, through Salt's own
``service``, ``win_iis`` and ``task``.

Windows itself brings some hundred services and tasks: those that run out of its own directory, and
the scheduler's folder ``\\Microsoft``, are passed over.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from salt.exceptions import CommandExecutionError, SaltInvocationError

from pushguide.errors import StepFailed
from pushguide.host.discovery.roots import Roots
from pushguide.host.windows import processes
from pushguide.host.windows.scm import Scm, program_of

_OF_WINDOWS = re.compile(
    r"(\\\?\?\\|\\SystemRoot\\|%SystemRoot%|system32\\|[A-Z]:\\Windows\\)", re.I
)
_FOLDER_OF_WINDOWS = "Microsoft"
_DEEPEST = 4

Found = Iterator[dict[str, Any]]


def look(
    salt: Mapping[str, Any], roots: Roots, named: Sequence[str]
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """What runs here, and what could not be looked at.

    Args:
        salt: Salt's execution modules.
        roots: where the module's releases are.
        named: services to tell of even if they are of Windows itself.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    not_told = []
    looks: dict[str, tuple[str, Callable[[], Found]]] = {
        "sites": ("win_iis.list_sites", lambda: _sites(salt, roots)),
        "services": ("service.get_all", lambda: _services(salt, roots, named)),
        "tasks": ("task.list_tasks", lambda: _tasks(salt, roots)),
    }
    for sort, (function, work) in looks.items():
        if function not in salt:
            continue  # no IIS here, for instance
        try:
            found[sort] = [*work()]
        except (CommandExecutionError, SaltInvocationError, StepFailed) as err:
            not_told.append(f"{sort}: {err}"[:300])
    return found, not_told


def _sites(salt: Mapping[str, Any], roots: Roots) -> Found:
    for name, one in salt["win_iis.list_sites"]().items():
        ports = sorted({int(each["port"]) for each in one["bindings"].values()})
        yield {
            "site": name,
            "pool": one["apppool"],
            "port": ports[0] if len(ports) == 1 else None,
            "ports": ports,
            "state": str(one["state"]).lower(),
            "is_ours": roots.hold(str(one["sourcepath"])),
        }


def _services(salt: Mapping[str, Any], roots: Roots, named: Sequence[str]) -> Found:
    for name in salt["service.get_all"]():
        try:
            one = salt["service.info"](name)
        except CommandExecutionError:
            continue  # it was deleted meanwhile, or may not be seen
        program = program_of(str(one["BinaryPath"]))
        is_ours = roots.hold(program)
        if _OF_WINDOWS.match(program) and not is_ours and name not in named:
            continue
        status = Scm().status(name) if one["Status"] == "Running" else None
        pid = status.pid if status else None
        ports = processes.listening_ports(pid)
        yield {
            "service": name,
            "port": ports[0] if len(ports) == 1 else None,
            "ports": ports,
            "user": one["ServiceAccount"],
            "state": str(one["Status"]).lower(),
            "pid": pid,
            "is_ours": is_ours,
        }


def _tasks(salt: Mapping[str, Any], roots: Roots) -> Found:
    for folder in _folders(salt, "\\", 0):
        for name in salt["task.list_tasks"](folder):
            one = salt["task.info"](name, folder)
            if not isinstance(one, Mapping):
                continue  # it was deleted meanwhile
            programs = [str(each.get("cmd") or "") for each in one.get("actions") or []]
            yield {
                "task": name,
                "folder": folder,
                "state": str(one["status"]).lower(),
                "enabled": bool(one["enabled"]),
                "is_ours": any(roots.hold(each.strip('"')) for each in programs if each),
            }


def _folders(salt: Mapping[str, Any], folder: str, depth: int) -> Iterator[str]:
    yield folder
    if depth >= _DEEPEST:
        return
    for name in salt["task.list_folders"](folder):
        if depth or name != _FOLDER_OF_WINDOWS:
            yield from _folders(salt, ntpath.join(folder, name), depth + 1)
