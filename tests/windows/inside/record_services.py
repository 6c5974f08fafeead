"""What the service control manager says, above all its numbers of errors."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import win32service
from record_parts import PREFIX, Facts, done, outcome, wait_until

NAME = f"{PREFIX}-service"
PROGRAM = Path(__file__).with_name("sample_service.py")
ALL = win32service.SERVICE_ALL_ACCESS
SAME = win32service.SERVICE_NO_CHANGE


def is_there() -> bool:
    """Whether this machine has such a service already."""
    return bool(outcome(lambda: _open_and_close()) == "done")


def facts(scratch: Path) -> Facts:
    """Find out.

    Args:
        scratch: an empty directory.
    """
    with _manager() as manager:
        found: Facts = {
            "open one that is not there": done(lambda: _open_and_close()),
            "create one": done(lambda: _create(manager, _command(scratch))),
            "create it again": done(lambda: _create(manager, _command(scratch))),
        }
        with _service() as service:
            found |= _running(service, scratch)
            found |= _not_starting(service, scratch)
            found |= _deleted_while_it_runs(manager, service, scratch)
    wait_until(lambda: not is_there(), "the end of the deleted service")
    found["open one that was deleted"] = done(lambda: _open_and_close())
    return found


def remove() -> None:
    """Stop and delete it, if it is there."""
    if not is_there():
        return
    with _service() as service:
        done(lambda: _stop(service))
        done(lambda: win32service.DeleteService(service))


# --- what is found out ----------------------------------------------------------------------


def _running(service: Any, scratch: Path) -> Facts:
    other = _command(scratch, "3")
    found: Facts = {
        "stop one that does not run": done(lambda: _stop(service)),
        "start one": done(lambda: _start(service)),
    }
    _wait_for(service, win32service.SERVICE_RUNNING)
    found |= {
        "start one that runs": done(lambda: _start(service)),
        "it has a process": outcome(lambda: _status(service)["ProcessId"] > 0),
        "change its binary path while it runs": done(lambda: _change(service, path=other)),
        "the binary path is as it was given": _path(service) == other,
        "stop one that runs": done(lambda: _stop(service)),
    }
    _wait_for(service, win32service.SERVICE_STOPPED)
    _start(service)
    _wait_for(service, win32service.SERVICE_RUNNING)
    _stop(service)
    found["state of one that takes its time to stop"] = _status(service)["CurrentState"]
    found["stop one that is about to stop"] = done(lambda: _stop(service))
    _wait_for(service, win32service.SERVICE_STOPPED)
    return found


def _not_starting(service: Any, scratch: Path) -> Facts:
    _change(service, start_type=win32service.SERVICE_DISABLED)
    found: Facts = {"start one that is disabled": done(lambda: _start(service))}
    _change(service, start_type=win32service.SERVICE_DEMAND_START)
    _change(service, path=rf'"{scratch}\none.exe"')
    found["start one whose program is missing"] = done(lambda: _start(service))
    bare = f"{scratch}\\none.exe --word"
    _change(service, path=bare)
    found["a binary path without quotes is kept"] = _path(service) == bare
    return found


def _deleted_while_it_runs(manager: Any, service: Any, scratch: Path) -> Facts:
    _change(service, path=_command(scratch))
    _start(service)
    _wait_for(service, win32service.SERVICE_RUNNING)
    found: Facts = {
        "delete one that runs": done(lambda: win32service.DeleteService(service)),
        "delete it again": done(lambda: win32service.DeleteService(service)),
        "create one with the name of one that is to be deleted": done(
            lambda: _create(manager, _command(scratch))
        ),
        "change one that is to be deleted": done(lambda: _change(service, path="other.exe")),
    }
    _stop(service)
    _wait_for(service, win32service.SERVICE_STOPPED)
    started = done(lambda: _start(service))
    if started == "done":
        _wait_for(service, win32service.SERVICE_RUNNING)
        _stop(service)
        _wait_for(service, win32service.SERVICE_STOPPED)
    return {**found, "start one that is to be deleted": started}


# --- the service control manager ------------------------------------------------------------


def _command(scratch: Path, *more: str) -> str:
    words = " ".join([NAME, str(scratch), *more])
    return f'"{sys.executable}" "{PROGRAM}" {words}'


@contextlib.contextmanager
def _manager() -> Iterator[Any]:
    handle = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_ALL_ACCESS)
    try:
        yield handle
    finally:
        win32service.CloseServiceHandle(handle)


@contextlib.contextmanager
def _service() -> Iterator[Any]:
    with _manager() as manager:
        handle = win32service.OpenService(manager, NAME, ALL)
        try:
            yield handle
        finally:
            win32service.CloseServiceHandle(handle)


def _open_and_close() -> str:
    with _service():
        return "done"


def _create(manager: Any, command: str) -> None:
    kind, start = win32service.SERVICE_WIN32_OWN_PROCESS, win32service.SERVICE_DEMAND_START
    handle = win32service.CreateService(
        manager, NAME, NAME, ALL, kind, start, 1, command, None, 0, None, None, None
    )
    win32service.CloseServiceHandle(handle)


def _change(service: Any, start_type: int = SAME, path: str | None = None) -> None:
    win32service.ChangeServiceConfig(
        service, SAME, start_type, SAME, path, None, 0, None, None, None, None
    )


def _path(service: Any) -> str:
    return str(win32service.QueryServiceConfig(service)[3])


def _status(service: Any) -> dict[str, Any]:
    return dict(win32service.QueryServiceStatusEx(service))


def _start(service: Any) -> None:
    win32service.StartService(service, None)


def _stop(service: Any) -> None:
    win32service.ControlService(service, win32service.SERVICE_CONTROL_STOP)


def _wait_for(service: Any, state: int) -> None:
    wait_until(lambda: _status(service)["CurrentState"] == state, f"state {state} of the service")
