"""The service control manager, where Salt's own ``service`` module does not reach.

That one starts, stops, creates and deletes services. It does not tell a service's process, it puts
quotes around whatever it is given as binary path, and it does not know what Windows does when a
service fails.

Source: Microsoft's documentation of QueryServiceStatusEx, ChangeServiceConfig and
SERVICE_FAILURE_ACTIONS.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from pushguide.errors import StepFailed

_NO_SUCH_SERVICE = 1060


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


class Scm:
    """The service control manager of this host."""

    def pid(self, name: str) -> int | None:
        """The process of a service, None if it has none."""
        import win32service

        with self._service(name, win32service.SERVICE_QUERY_STATUS) as service:
            status = win32service.QueryServiceStatusEx(service)
        return int(status["ProcessId"]) or None

    def binary_path(self, name: str) -> str | None:
        """The command line of a service; None if there is no such service."""
        import pywintypes
        import win32service

        try:
            with self._service(name, win32service.SERVICE_QUERY_CONFIG) as service:
                return str(win32service.QueryServiceConfig(service)[3])
        except pywintypes.error as err:
            if err.winerror == _NO_SUCH_SERVICE:
                return None
            raise StepFailed(
                f"Reading the service {name} failed: {err.strerror}. May the minion do that?"
            ) from err

    def set_binary_path(self, name: str, binary_path: str) -> None:
        """Change the command line of a service, and nothing else; it counts at the next start."""
        import pywintypes
        import win32service

        same = win32service.SERVICE_NO_CHANGE
        try:
            with self._service(name, win32service.SERVICE_CHANGE_CONFIG) as service:
                win32service.ChangeServiceConfig(
                    service, same, same, same, binary_path, None, 0, None, None, None, None
                )
        except pywintypes.error as err:
            raise StepFailed(
                f"Changing the program of the service {name} failed: {err.strerror}."
            ) from err

    @contextlib.contextmanager
    def without_recovery(self, name: str) -> Iterator[None]:
        """Let Windows not start a service again whose process is ended by force."""
        before = self._failure_actions(name)
        if not before or not before.get("Actions"):
            yield
            return
        self._set_failure_actions(name, {**before, "Actions": ()})
        try:
            yield
        finally:
            self._set_failure_actions(name, before)

    def _failure_actions(self, name: str) -> dict[str, Any] | None:
        import pywintypes
        import win32service

        with self._service(name, win32service.SERVICE_QUERY_CONFIG) as service:
            try:
                found: dict[str, Any] = win32service.QueryServiceConfig2(
                    service, win32service.SERVICE_CONFIG_FAILURE_ACTIONS
                )
            except pywintypes.error:
                return None
        return found

    def _set_failure_actions(self, name: str, actions: dict[str, Any]) -> None:
        import win32service

        # To start a service again one has to be allowed to start it.
        access = win32service.SERVICE_CHANGE_CONFIG | win32service.SERVICE_START
        with self._service(name, access) as service:
            win32service.ChangeServiceConfig2(
                service, win32service.SERVICE_CONFIG_FAILURE_ACTIONS, actions
            )

    @contextlib.contextmanager
    def _service(self, name: str, access: int) -> Iterator[Any]:
        import win32service

        manager = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_CONNECT)
        try:
            service = win32service.OpenService(manager, name, access)
            try:
                yield service
            finally:
                win32service.CloseServiceHandle(service)
        finally:
            win32service.CloseServiceHandle(manager)
