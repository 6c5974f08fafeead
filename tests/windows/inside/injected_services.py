"""Faults of the service control manager while a service is deployed."""

from __future__ import annotations

import contextlib
import functools
import json
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import minion
import psutil
import pywintypes
import win32service
from faults import Faults
from injections import Injections, State

from pushguide.host import process
from pushguide.host.windows import scm, service_control
from pushguide.host.windows.scm import Scm

#: What each function fails with in turn: the SCM is away, access is denied, its database is
#: locked, the service is marked for deletion, does not answer or is not started, ...
ERRORS: dict[str, tuple[int, ...]] = {
    "OpenSCManager": (1722, 5),
    "OpenService": (5, 1722),
    "QueryServiceStatusEx": (5, 1722),
    "QueryServiceConfig": (5, 1722),
    "QueryServiceConfig2": (5, 1722),
    "EnumDependentServices": (5,),
    "EnumServicesStatusEx": (1722,),
    "ChangeServiceConfig": (1055, 1072, 5),
    "ChangeServiceConfig2": (1072, 5),
    "StartService": (1053, 1055, 1072),
    "ControlService": (1053, 1061, 1062),
    "CreateService": (1072, 1073),
    "DeleteService": (5, 1072),
}
METHODS = (
    "status",
    "setup",
    "running_dependents",
    "demand_changeable",
    "set_binary_path",
    "set_start_type",
    "set_recovery",
)
FUNCTIONS = ("service.start", "service.stop", "service.create", "service.delete")
PATIENCE_SECONDS = 20

RUNNING = 4
STATES = {1: "stopped", 2: "about to start", 3: "about to stop", RUNNING: "running"}


def failing(name: str, number: int) -> Exception:
    """The error of a function."""
    codes = ERRORS[name]
    code = codes[number % len(codes)]
    return pywintypes.error(code, name, f"this was made to fail with {code}")


@functools.cache
def passage() -> tuple[Faults, dict[str, Any]]:
    """Let all go through here: what Windows does, and what the product and Salt call."""
    functions = minion.functions()
    made = Faults(failing)
    for name in ERRORS:
        setattr(win32service, name, made.of_windows(name, getattr(win32service, name)))
    for name in METHODS:
        setattr(Scm, name, made.call(name, getattr(Scm, name)))
    return made, {name: made.call(name, functions[name]) for name in FUNCTIONS}


class Services:
    """One service, as Windows tells of it.

    Args:
        name: the service.
        port: where it answers.
    """

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self.faults, self.functions = passage()

    def state(self) -> State:
        """How it is set up, and which version answers."""
        with self._open() as service:
            if service is None:
                return {"live": self._says()}
            told = win32service.QueryServiceConfig(service)
            return {
                "live": self._says(),
                "does": win32service.QueryServiceStatusEx(service)["CurrentState"],
                "program": told[3],
                "start_type": told[1],
                "account": told[7],
                "recovery": json.loads(json.dumps(win32service.QueryServiceConfig2(service, 2))),
                "is_delayed": win32service.QueryServiceConfig2(service, 3),
            }

    def words(self, state: State) -> Sequence[str]:
        """What an error has to say of it."""
        if "program" not in state:
            return [self.name]
        does = f"The service {self.name} is {STATES[state['does']]}"
        return [does, state["program"], "restart" if state["recovery"]["Actions"] else "none"]

    def put(self, state: State) -> None:
        """Make it so again."""
        self._end()
        if "program" not in state:
            self._wait(lambda: self._is_gone() and self.state() == state)
            return
        with self._open() as service:
            same = win32service.SERVICE_NO_CHANGE
            more = (None, 0, None, None, None, None)
            win32service.ChangeServiceConfig(
                service, same, state["start_type"], same, state["program"], *more
            )
            actions = tuple((kind, delay) for kind, delay in state["recovery"]["Actions"])
            win32service.ChangeServiceConfig2(service, 2, {**state["recovery"], "Actions": actions})
            if state["does"] == RUNNING:
                self._wait(lambda: self._begins(service))
                self._wait(lambda: self.state() == state)

    def _is_gone(self) -> bool:
        """Delete it, which Windows does when nothing has it open and its process has ended."""
        with self._open() as service:
            if service is None:
                return True
            with contextlib.suppress(pywintypes.error):
                win32service.DeleteService(service)
        return False

    def _begins(self, service: Any) -> bool:
        try:
            win32service.StartService(service, None)
        except pywintypes.error:
            return False
        return True

    def _end(self) -> None:
        mine = f"\\{self.name}\\releases\\".casefold()
        for one in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if mine in one.exe().casefold():
                    one.kill()
                    one.wait(PATIENCE_SECONDS)

    def _says(self) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            return None

    @contextlib.contextmanager
    def _open(self) -> Any:
        manager = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_CONNECT)
        try:
            access = win32service.SERVICE_ALL_ACCESS
            service = win32service.OpenService(manager, self.name, access)
        except pywintypes.error:
            service = None
        try:
            yield service
        finally:
            for one in filter(None, (service, manager)):
                win32service.CloseServiceHandle(one)

    @staticmethod
    def _wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the service did not come to what it was before")
            time.sleep(0.05)


def run(share: Mapping[str, Any], port: int, **how: Any) -> dict[str, Any]:
    """Deploy with every fault."""
    process._POLL_SECONDS = service_control._POLL_SECONDS = 0.05
    service_control._NOTICE_SECONDS = 0.5
    scm._PAUSES_SECONDS = (0.01,)
    host = Services(share["settings"]["service"], port)
    return Injections(host, "windows_service", share, not share["probe"]).run(**how)
