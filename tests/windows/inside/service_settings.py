"""SIMULATED: what Wine's service control manager does not know of a service.

Recovery actions and delayed starts are kept, and nothing is done by them. What a service needs is
what :func:`depend` was told; a service that others need which really run does not take the order
to stop.
"""

from __future__ import annotations

from typing import Any

import pywintypes
import win32service
from kept import Kept

DEPENDENT_SERVICES_RUNNING = 1051

#: What is kept, and what a service has of it at first.
FRESH: dict[int, Any] = {
    win32service.SERVICE_CONFIG_FAILURE_ACTIONS: {
        "ResetPeriod": 0,
        "RebootMsg": "",
        "Command": "",
        "Actions": (),
    },
    win32service.SERVICE_CONFIG_DELAYED_AUTO_START_INFO: False,
}
STATE = Kept("services", dict)


def stand_in() -> None:
    """Let win32service know these things too."""
    real = {name: getattr(win32service, name) for name in REPLACED}
    names: dict[int, str] = {}

    def open_service(manager: Any, name: str, access: int) -> Any:
        handle = real["OpenService"](manager, name, access)
        names[int(handle)] = name
        return handle

    def create_service(manager: Any, name: str, *more: Any) -> Any:
        handle = real["CreateService"](manager, name, *more)
        names[int(handle)] = name
        return handle

    def query(handle: Any, level: int) -> Any:
        if level not in FRESH:
            return real["QueryServiceConfig2"](handle, level)
        with STATE.open() as state:
            kept = state.get(names[int(handle)].casefold(), {}).get(str(level), FRESH[level])
        return _as_pywin32(kept)

    def change(handle: Any, level: int, wanted: Any) -> None:
        if level not in FRESH:
            return real["ChangeServiceConfig2"](handle, level, wanted)
        if isinstance(wanted, dict):
            wanted = {**FRESH[level], **{key: one for key, one in wanted.items() if one}}
        with STATE.open() as state:
            state.setdefault(names[int(handle)].casefold(), {})[str(level)] = wanted
        return None

    def delete(handle: Any) -> None:
        real["DeleteService"](handle)
        with STATE.open() as state:
            state.pop(names[int(handle)].casefold(), None)

    def dependents(handle: Any, wanted: int) -> Any:
        return tuple(
            (name, shown, status)
            for name, shown, status in win32service.EnumServicesStatus(_manager(), 0x30, wanted)
            if names[int(handle)].casefold() == _needed(name)
        )

    def control(handle: Any, code: int) -> Any:
        if code == win32service.SERVICE_CONTROL_STOP and dependents(
            handle, win32service.SERVICE_ACTIVE
        ):
            said = "A stop control has been sent to a service that other running services need."
            raise pywintypes.error(DEPENDENT_SERVICES_RUNNING, "ControlService", said)
        return real["ControlService"](handle, code)

    ours = (open_service, create_service, query, change, delete, dependents, control)
    for name, function in zip(REPLACED, ours, strict=True):
        setattr(win32service, name, function)


REPLACED = (
    "OpenService",
    "CreateService",
    "QueryServiceConfig2",
    "ChangeServiceConfig2",
    "DeleteService",
    "EnumDependentServices",
    "ControlService",
)


def depend(name: str, other: str) -> None:
    """Let a service need another one."""
    with STATE.open() as state:
        state.setdefault(name.casefold(), {})["needs"] = other.casefold()


def _needed(name: str) -> str | None:
    with STATE.open() as state:
        found: str | None = state.get(name.casefold(), {}).get("needs")
    return found


def _manager() -> Any:
    access = win32service.SC_MANAGER_CONNECT | win32service.SC_MANAGER_ENUMERATE_SERVICE
    return win32service.OpenSCManager(None, None, access)


def _as_pywin32(kept: Any) -> Any:
    if not isinstance(kept, dict):
        return kept
    return {**kept, "Actions": tuple((kind, delay) for kind, delay in kept["Actions"])}
