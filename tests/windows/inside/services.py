"""Services, as the project's own code sees them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import win32service

from pushguide.host.windows import processes
from pushguide.host.windows.scm import RESTART, Scm


def pid(name: str) -> int | None:
    """The process of a service."""
    status = Scm().status(name)
    return status.pid if status and status.pid else None


def set_binary_path(name: str, binary_path: str) -> None:
    """Change the command line of a service."""
    Scm().set_binary_path(name, binary_path)


def end(name: str) -> None:
    """End the process of a service by force, if it has one."""
    status = Scm().status(name)
    began = processes.start_time(status.pid) if status else None
    if status and began:
        processes.end(status.pid, began)


def setup(name: str) -> dict[str, Any]:
    """How a service is set up."""
    found = Scm().setup(name)
    return found._asdict() if found else {}


def set_recovery(name: str, *delays: int) -> None:
    """Let Windows start a service again, so many milliseconds after its process has ended."""
    actions = [[RESTART, one] for one in delays]
    Scm().set_recovery(name, {"ResetPeriod": 600, "Actions": actions})


def pause(name: str) -> None:
    """Let a service pause."""
    win32service.ControlService(_open(name), win32service.SERVICE_CONTROL_PAUSE)


_held: list[Any] = []


def hold_and_delete(name: str) -> None:
    """Delete a service that something has open, so that it is marked for deletion."""
    _held.append(_open(name))
    win32service.DeleteService(_open(name))


def let_go() -> None:
    """Close what was held."""
    while _held:
        win32service.CloseServiceHandle(_held.pop())


def sleeper(*more: str) -> tuple[int, float]:
    """A process that sleeps, and when it began; it has more words, if some are given."""
    words = [sys.executable, "-c", "import time; time.sleep(600)", *more]
    began = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    _children.append(began)
    return began.pid, float(processes.start_time(began.pid) or 0)


_children: list[subprocess.Popen[bytes]] = []


def _open(name: str) -> Any:
    manager = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_CONNECT)
    return win32service.OpenService(manager, name, win32service.SERVICE_ALL_ACCESS)
