"""A Windows service: what starts and stops it, and which release it runs."""

from __future__ import annotations

import ntpath
import time
from collections.abc import Mapping
from typing import Any

from salt.exceptions import CommandExecutionError

from pushguide.errors import StepFailed
from pushguide.host import process
from pushguide.host.windows.programs import release_of
from pushguide.host.windows.scm import Scm, command_line, program_of

_DISABLED = "Disabled"
_OWN_PROCESS = "Win32 Own Process"
_RUNNING, _STOPPED = "Running", "Stopped"


class ServiceProgram:
    """The live pointer of a Windows service: its binary path.

    Args:
        name: the service.
        executable: the program, below a release directory.
        arguments: what the program is given.
        salt: Salt's execution modules.
        scm: the service control manager.
        create: how to create the service if there is none; None to refuse that.
    """

    def __init__(
        self,
        name: str,
        executable: str,
        arguments: str,
        salt: Mapping[str, Any],
        scm: Scm,
        create: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.executable = ntpath.normpath(executable)
        self.arguments = arguments
        self.salt = salt
        self.scm = scm
        self.create = create

    def __str__(self) -> str:
        return f"service {self.name}"

    def check(self) -> None:
        """Prove that the service is there, or may be created.

        Raises:
            StepFailed: it is missing, disabled, or shares its process with others.
        """
        if self.scm.binary_path(self.name) is None:
            if self.create is None:
                raise StepFailed(
                    f"There is no service {self.name} on this host: create it, or let the "
                    "template do so (create)."
                )
            return
        info = self.salt["service.info"](self.name)
        if info["StartType"] == _DISABLED:
            raise StepFailed(f"The service {self.name} is disabled: enable it first.")
        if _OWN_PROCESS not in info["ServiceType"]:
            raise StepFailed(
                f"The service {self.name} has no process of its own ({info['ServiceType']}): it "
                "cannot be given another program."
            )

    def read(self) -> str | None:
        """The release directory whose program the service runs."""
        found = self.save()
        return release_of(program_of(found), self.executable) if found is not None else None

    def point_at(self, path: str) -> None:
        """Let the service run the program of a release, and read back that it would."""
        program = ntpath.join(path, self.executable)
        if self.scm.binary_path(self.name) is None:
            self._create(program)
        else:
            self.restore(self.to(path))
        if self.read() != path:
            raise StepFailed(
                f"The service {self.name} was given {program} and has {self.save()}: somebody "
                "else has changed it."
            )

    def to(self, path: str) -> str:
        """The binary path that runs the program of a release."""
        return command_line(ntpath.join(path, self.executable), self.arguments)

    def save(self) -> str | None:
        """The binary path as it is; None if there is no service."""
        return self.scm.binary_path(self.name)

    def restore(self, saved: str | None) -> None:
        """Put a binary path back, or delete the service if there was none."""
        if saved is not None:
            self.scm.set_binary_path(self.name, saved)
            if self.save() != saved:
                raise StepFailed(f"The service {self.name} was given {saved} and has {self.save()}")
        elif self.save() is not None:
            self.salt["service.delete"](self.name)

    def _create(self, program: str) -> None:
        try:
            self.salt["service.create"](
                self.name,
                bin_path=program,
                exe_args=self.arguments or None,
                **(self.create or {}),
            )
        except CommandExecutionError as err:
            raise StepFailed(f"Creating the service {self.name} failed: {err}") from err


class WindowsServiceControl:
    """A Windows service, through Salt's own ``service`` module.

    Args:
        name: the service.
        salt: Salt's execution modules.
        scm: the service control manager.
        start_seconds: how long it may take to start.
        may_kill: whether its process may be ended by force.
    """

    def __init__(
        self,
        name: str,
        salt: Mapping[str, Any],
        scm: Scm,
        start_seconds: float,
        may_kill: bool,
    ) -> None:
        self.name = name
        self.salt = salt
        self.scm = scm
        self.start_seconds = start_seconds
        self.may_kill = may_kill

    def check(self) -> str:
        """Whether the service is there is proven by its pointer."""
        return f"service {self.name}"

    def pid(self) -> int | None:
        """The service's process."""
        pid = self.scm.pid(self.name) if self.scm.binary_path(self.name) is not None else None
        return pid if pid and process.is_alive(pid) else None

    def start(self) -> str:
        """Start the service; it has to say that it runs, and to have a process."""
        try:
            runs = self.salt["service.start"](self.name, timeout=self.start_seconds)
        except CommandExecutionError as err:
            raise StepFailed(
                f"{err}. Look at the event log of this host (Application and System)."
            ) from err
        pid = self.pid()
        if not runs or pid is None:
            status = self.salt["service.info"](self.name)["Status"]
            raise StepFailed(
                f"The service {self.name} does not run {self.start_seconds:g} s after its start: "
                f"it is {status}. Look at the event log of this host."
            )
        return f"process {pid}"

    def stop(self, grace_seconds: float) -> str:
        """Stop the service for certain: what counts is that its process is gone."""
        pid = self.pid()
        deadline = time.monotonic() + grace_seconds
        said = self._ask_to_stop(grace_seconds)
        if pid is None:
            return "was not running"
        if process.wait_until(lambda: not process.is_alive(pid), deadline - time.monotonic()):
            return f"process {pid} stopped"
        if not self.may_kill:
            raise StepFailed(
                f"Stopping the service {self.name} failed: {said}, and its process {pid} lives "
                f"{grace_seconds:g} s later. The template does not let it be ended by force (kill)."
            )
        with self.scm.without_recovery(self.name):
            return f"process {pid} {process.terminate(pid, 0)}"

    def _ask_to_stop(self, seconds: float) -> str:
        try:
            stopped = self.salt["service.stop"](self.name, timeout=seconds)
        except CommandExecutionError as err:
            return str(err)
        return "it says that it has stopped" if stopped else "it does not stop"
