"""The service control manager, where Salt's own ``service`` module does not reach.

That one starts, stops, creates and deletes services. It does not tell a service's process, it puts
quotes around whatever it is given as binary path, and it does not know what Windows does when a
service fails, nor which services depend on one.

Source: Microsoft's documentation of QueryServiceStatusEx, QueryServiceConfig, ChangeServiceConfig,
EnumDependentServices and SERVICE_FAILURE_ACTIONS.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from pushguide.errors import StepFailed
from pushguide.host.windows import calls

T = TypeVar("T")

STOPPED, START_PENDING, STOP_PENDING, RUNNING = 1, 2, 3, 4
PAUSED = 7
STATES = {
    STOPPED: "stopped",
    START_PENDING: "about to start",
    STOP_PENDING: "about to stop",
    RUNNING: "running",
    5: "about to continue",
    6: "about to pause",
    PAUSED: "paused",
}

AUTO, DISABLED = 2, 4
START_TYPES = {0: "boot", 1: "system", AUTO: "auto", 3: "manual", DISABLED: "disabled"}

#: What Windows does when the process of a service ends unexpectedly.
RESTART = 1
_ACTIONS = {0: "nothing", RESTART: "restart", 2: "reboot", 3: "run a command"}

_OWN_PROCESS = 0x10
_UNKNOWN_LEVEL = 124
_NO_SUCH_SERVICE = 1060
#: The database of services is locked, or the service control manager takes no call right now.
_SOON_OVER = (1055, 1722, 1723)
_PAUSES_SECONDS = (0.5, 2.0)
_HINTS = {
    5: " May the minion do that?",
    1055: " Another program changes services: deploy again.",
    1072: " It is marked for deletion: close what has it open (services.msc, often), or restart "
    "the machine, and create it again.",
}


def program_of(binary_path: str) -> str:
    """The program of a service's binary path, which is a command line.

    Without quotes Windows tries each place where it could end; a program ends with ``.exe``.
    """
    text = binary_path.strip()
    if text.startswith('"'):
        return text[1:].partition('"')[0]
    end = text.lower().find(".exe")
    return text[: end + 4] if end >= 0 else text.partition(" ")[0]


def command_line(program: str, arguments: str) -> str:
    """A binary path: the program in quotes, so that no part of it is taken for another one."""
    return f'"{program}" {arguments}'.rstrip()


class Status(NamedTuple):
    """What a service does."""

    state: int
    pid: int
    exit_code: int

    def __str__(self) -> str:
        told = STATES.get(self.state, f"in state {self.state}")
        if self.state == STOPPED and self.exit_code:
            return f"{told} with error {self.exit_code}"
        return told


class Setup(NamedTuple):
    """How a service is set up.

    Attributes:
        binary_path: the command line that it is started with.
        start_type: when Windows starts it.
        is_delayed: whether Windows does so some minutes after it has itself started.
        recovery: what Windows does when its process ends unexpectedly, as pywin32 has it; None
            if that cannot be told.
        account: who it runs as.
        has_own_process: whether it shares its process with no other service.
    """

    binary_path: str
    start_type: int
    is_delayed: bool
    recovery: dict[str, Any] | None
    account: str
    has_own_process: bool

    def __str__(self) -> str:
        start = START_TYPES.get(self.start_type, str(self.start_type))
        delayed = " (delayed)" if self.is_delayed else ""
        actions = [
            _ACTIONS.get(kind, str(kind)) + (f" after {delay / 1000:g} s" if kind else "")
            for kind, delay in (self.recovery or {}).get("Actions") or ()
        ]
        return f"start {start}{delayed}, {self.account}, recovery: {', '.join(actions) or 'none'}"


class Scm:
    """The service control manager of this host."""

    # What is there.

    def status(self, name: str) -> Status | None:
        """What a service does; None if there is no such service."""
        import win32service

        told = self._ask(
            name, win32service.SERVICE_QUERY_STATUS, "Reading", win32service.QueryServiceStatusEx
        )
        if told is None:
            return None
        # An error of the service's own stands in a place of its own (ERROR_SERVICE_SPECIFIC_ERROR).
        code = told["ServiceSpecificExitCode"] if told["Win32ExitCode"] == 1066 else 0
        return Status(
            int(told["CurrentState"]), int(told["ProcessId"]), int(code or told["Win32ExitCode"])
        )

    def setup(self, name: str) -> Setup | None:
        """How a service is set up; None if there is no such service."""
        import win32service

        def read(service: Any) -> Setup:
            told = win32service.QueryServiceConfig(service)
            return Setup(
                binary_path=str(told[3]),
                start_type=int(told[1]),
                is_delayed=bool(_more(service, "DELAYED_AUTO_START_INFO")),
                recovery=_plain(_more(service, "FAILURE_ACTIONS")),
                account=str(told[7]),
                has_own_process=bool(told[0] & _OWN_PROCESS),
            )

        return self._ask(name, win32service.SERVICE_QUERY_CONFIG, "Reading", read)

    def running_dependents(self, name: str) -> list[str]:
        """The services that run and cannot do so without this one."""
        import win32service

        found = self._ask(
            name,
            win32service.SERVICE_ENUMERATE_DEPENDENTS,
            "Asking for what depends on",
            lambda service: win32service.EnumDependentServices(
                service, win32service.SERVICE_ACTIVE
            ),
        )
        return [str(one[0]) for one in found or ()]

    def demand_no_dependents(self, name: str) -> None:
        """Refuse to stop a service that others need which run: Windows would not do it.

        Raises:
            StepFailed: naming them.
        """
        if found := self.running_dependents(name):
            raise StepFailed(
                f"Services that run depend on the service {name}, so Windows does not stop it: "
                f"{', '.join(found)}. Stop them before the deployment, and start them afterwards."
            )

    # What changes it.

    def demand_changeable(self, name: str) -> None:
        """Prove that a service can be changed, by a change of nothing.

        Raises:
            StepFailed: the minion may not do it, or the service is marked for deletion.
        """
        self._change_config(name)

    def set_binary_path(self, name: str, binary_path: str) -> None:
        """Change the command line of a service, and nothing else; it counts at the next start."""
        self._change_config(name, binary_path=binary_path)

    def set_start_type(self, name: str, start_type: int, is_delayed: bool) -> None:
        """Change when Windows starts a service."""
        self._change_config(name, start_type=start_type)
        if start_type == AUTO:
            self._change_more(name, "DELAYED_AUTO_START_INFO", is_delayed)

    def set_recovery(self, name: str, recovery: Mapping[str, Any]) -> None:
        """Change what Windows does when the process of a service ends unexpectedly."""
        actions = tuple((kind, delay) for kind, delay in recovery.get("Actions") or ())
        self._change_more(name, "FAILURE_ACTIONS", {**recovery, "Actions": actions})

    @contextlib.contextmanager
    def without_recovery(self, name: str) -> Iterator[None]:
        """Let Windows not start a service again whose process is ended by force."""
        before = self.setup(name)
        recovery = before.recovery if before else None
        if not recovery or not recovery["Actions"]:
            yield
            return
        # Proves that it can be put back before it is put aside.
        self.set_recovery(name, recovery)
        self.set_recovery(name, {**recovery, "Actions": ()})
        try:
            yield
        finally:
            self.set_recovery(name, recovery)

    # How.

    def _change_config(
        self, name: str, binary_path: str | None = None, start_type: int | None = None
    ) -> None:
        import win32service

        same = win32service.SERVICE_NO_CHANGE
        wanted = same if start_type is None else start_type
        self._change(
            name,
            win32service.SERVICE_CHANGE_CONFIG,
            lambda service: win32service.ChangeServiceConfig(
                service, same, wanted, same, binary_path, None, 0, None, None, None, None
            ),
        )

    def _change_more(self, name: str, what: str, wanted: Any) -> None:
        import win32service

        # Who lets Windows start a service again has to be allowed to start it.
        access = win32service.SERVICE_CHANGE_CONFIG | win32service.SERVICE_START
        level = getattr(win32service, f"SERVICE_CONFIG_{what}")
        self._change(
            name, access, lambda service: win32service.ChangeServiceConfig2(service, level, wanted)
        )

    def _change(self, name: str, access: int, change: Callable[[Any], object]) -> None:
        if self._ask(name, access, "Changing", lambda service: (change(service),)) is None:
            raise StepFailed(f"Changing the service {name} failed: it is not there any more.")

    def _ask(self, name: str, access: int, doing: str, ask: Callable[[Any], T]) -> T | None:
        """What comes of asking an open service; None if there is no such service.

        What is soon over is waited for: another program may change services right now.
        """
        for left in (*_PAUSES_SECONDS, None):
            try:
                return self._ask_once(name, access, ask)
            except calls.errors() as err:
                code = getattr(err, "winerror", 0)
                if code == _NO_SUCH_SERVICE:
                    return None
                if left is None or code not in _SOON_OVER:
                    raise StepFailed(
                        f"{doing} the service {name} failed: {calls.in_words(err)}."
                        f"{_HINTS.get(code, '')}"
                    ) from err
                time.sleep(left)
        raise AssertionError("the last try either answers or raises")

    def _ask_once(self, name: str, access: int, ask: Callable[[Any], T]) -> T:
        import win32service

        manager = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_CONNECT)
        try:
            service = win32service.OpenService(manager, name, access)
            try:
                return ask(service)
            finally:
                win32service.CloseServiceHandle(service)
        finally:
            win32service.CloseServiceHandle(manager)


def _more(service: Any, what: str) -> Any:
    """What stands beside a service's configuration; None where Windows does not know it."""
    import pywintypes
    import win32service

    try:
        return win32service.QueryServiceConfig2(
            service, getattr(win32service, f"SERVICE_CONFIG_{what}")
        )
    except pywintypes.error as err:
        if err.winerror == _UNKNOWN_LEVEL:
            return None
        raise


def _plain(recovery: dict[str, Any] | None) -> dict[str, Any] | None:
    """Recovery actions as plain data: JSON knows no tuples."""
    if recovery is None:
        return None
    return {**recovery, "Actions": [[*one] for one in recovery.get("Actions") or ()]}
