"""Controls: how a type's process is started, stopped and looked at."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pushguide.errors import StepFailed
from pushguide.host import process
from pushguide.host.journal import replace_file


class Control(Protocol):
    """What starts and stops the process of a module."""

    def check(self) -> str:
        """Prove that the process can be controlled at all; raise StepFailed if not."""

    def pid(self) -> int | None:
        """The process that runs now, None if there is none."""

    def start(self) -> str:
        """Start it; answer in words."""

    def stop(self, grace_seconds: float) -> str:
        """Stop it for certain; answer in words."""


#: The environment variable by which a process is known whose pid was not written down any more.
_MARK = "PUSHGUIDE_PID_FILE"

#: What was started from this process and may still run: kept, so that its end is noticed.
_children: list[subprocess.Popen[bytes]] = []


class CommandControl:
    """A command that pushguide starts itself and finds again.

    The command stays in the foreground; what it starts, in its own process group, is stopped
    together with it.

    Args:
        command: the command, as a string in shell words or a list. No shell runs it.
        directory: the working directory.
        pid_file: where the pid is kept, with the time at which that process started.
        log_file: where its output goes.
        user: the user it runs as; the minion's own by default.
        environment: tells the variables to add, when they are needed: they may hold secrets.
    """

    def __init__(
        self,
        command: str | list[str],
        directory: str,
        pid_file: str,
        log_file: str,
        user: str | None,
        environment: Callable[[], Mapping[str, str]],
    ) -> None:
        self.command = shlex.split(command) if isinstance(command, str) else list(command)
        self.directory = directory
        self.pid_file = pid_file
        self.log_file = log_file
        self.user = user
        self.environment = environment

    def check(self) -> str:
        """Prove that the user exists and that pid and log files can be written."""
        for path in (self.pid_file, self.log_file):
            if not os.access(os.path.dirname(path), os.W_OK):
                raise StepFailed(f"The directory of {path} is missing or not writable.")
        process.identity(self.user)
        return f"starts {self.command[0]}"

    def pid(self) -> int | None:
        """The process: out of the pid file, or, should that be lost, found by its mark."""
        uid = process.identity(self.user).get("user", os.geteuid())
        return self._pid_in_file() or process.find_leader(_MARK, self.pid_file, uid)

    def _pid_in_file(self) -> int | None:
        """The process in the pid file, if it is still the same one and lives."""
        try:
            with open(self.pid_file, encoding="utf-8") as handle:
                known = json.load(handle)
            pid = int(known["pid"])
            same = process.start_time(pid) == known["started"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if same and process.is_alive(pid) else None

    def start(self) -> str:
        """Start the command, in a session of its own so that it outlives the job."""
        running = self.pid()
        if running:
            return f"process {running} runs already"
        environment = {**os.environ, **self.environment(), _MARK: self.pid_file}
        with open(self.log_file, "ab") as log:
            try:
                child = subprocess.Popen(  # noqa: S603 - no shell, the template's own command
                    self.command,
                    cwd=self.directory,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    **process.identity(self.user),
                )
            except OSError as err:
                raise StepFailed(
                    f"Starting {shlex.join(self.command)} in {self.directory} failed: {err}."
                ) from err
        _children[:] = [child, *(one for one in _children if one.poll() is None)]
        known = {"pid": child.pid, "started": process.start_time(child.pid)}
        replace_file(self.pid_file, json.dumps(known))
        return f"process {child.pid}"

    def stop(self, grace_seconds: float) -> str:
        """Stop the process for certain."""
        pid = self.pid()
        if pid is None:
            return "was not running"
        return f"process {pid} {process.terminate(pid, grace_seconds, group=True)}"


class SystemdControl:
    """A systemd unit, through Salt's own ``service`` module.

    Args:
        unit: the unit's name.
        salt: Salt's execution modules.
    """

    def __init__(self, unit: str, salt: Mapping[str, Any]) -> None:
        self.unit = unit
        self.salt = salt

    def check(self) -> str:
        """Prove that the unit exists."""
        if not self.salt["service.available"](self.unit):
            raise StepFailed(
                f"There is no systemd unit {self.unit!r} on this host: install it, with "
                "ExecStart in the live link of the module's root."
            )
        return f"unit {self.unit}"

    def pid(self) -> int | None:
        """The unit's main process."""
        shown = self.salt["service.show"](self.unit)
        pid = int(shown.get("MainPID") or 0)
        return pid if pid and process.is_alive(pid) else None

    def start(self) -> str:
        """Start the unit."""
        if not self.salt["service.start"](self.unit):
            raise StepFailed(
                f"Starting the unit {self.unit} failed: look at journalctl -u {self.unit}."
            )
        return f"unit {self.unit} started"

    def stop(self, grace_seconds: float) -> str:
        """Stop the unit; what counts is that its process is gone, not what systemd says."""
        pid = self.pid()
        self.salt["service.stop"](self.unit, no_block=True)
        if pid is None:
            return "was not running"
        if process.wait_until(lambda: not process.is_alive(pid), grace_seconds):
            return f"process {pid} stopped"
        return f"process {pid} {process.terminate(pid, 0)}"
