"""What starts and stops a Windows service."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host import process
from pushguide.host.windows import processes, scm
from pushguide.host.windows.calls import call
from pushguide.host.windows.scm import Scm, Status

_POLL_SECONDS = 0.1
#: How long a process may take to end by force, and Windows to notice that it has ended.
_END_SECONDS, _NOTICE_SECONDS = 10.0, 2.0


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
        """The service's process, if it runs the program that it would be started with.

        Windows may have started the old program again, by a recovery action.
        """
        status = self.scm.status(self.name)
        if status is None or not processes.is_alive(status.pid):
            return None
        return None if self._runs_another(status.pid) else status.pid

    def start(self) -> str:
        """Start the service; it has to say that it runs, and to have a process."""
        setup = self.scm.setup(self.name)
        if setup is not None and setup.start_type == scm.DISABLED:
            # Salt would make it a manual one.
            raise StepFailed(f"The service {self.name} has been disabled meanwhile: enable it.")
        status = self.scm.status(self.name)
        if status and processes.is_alive(status.pid) and self._runs_another(status.pid):
            self.stop(self.start_seconds)
        call(self.salt, "service.start", self.name, timeout=0)
        self._settled({scm.START_PENDING}, self.start_seconds)
        pid, status = self.pid(), self.scm.status(self.name)
        if pid is None or status is None or status.state != scm.RUNNING:
            raise StepFailed(
                f"The service {self.name} does not run after its start (it may take "
                f"{self.start_seconds:g} s): it is {status}. Look at the event log of this host "
                "(Application and System)."
            )
        return f"process {pid}"

    def stop(self, grace_seconds: float) -> str:
        """Stop the service for certain: what counts is that its process is gone."""
        deadline = time.monotonic() + grace_seconds
        # One that is about to start takes no other order.
        status = self._settled({scm.START_PENDING}, grace_seconds)
        began = processes.start_time(status.pid) if status and status.pid else None
        if status is None or began is None:
            return "was not running"
        said = self._ask_to_stop()
        if process.wait_until(
            lambda: not processes.is_alive(status.pid, began), deadline - time.monotonic()
        ):
            self._settled({scm.RUNNING, scm.STOP_PENDING}, _NOTICE_SECONDS)
            return f"process {status.pid} stopped"
        self.scm.demand_no_dependents(self.name)
        if not self.may_kill:
            raise StepFailed(
                f"Stopping the service {self.name} failed: {said}, and its process {status.pid} "
                f"lives {grace_seconds:g} s later. The template does not let it be ended by force "
                "(kill)."
            )
        with self.scm.without_recovery(self.name):
            self._kill(status.pid, began)
        return f"process {status.pid} killed"

    def _kill(self, pid: int, began: float) -> None:
        processes.end(pid, began)
        if not process.wait_until(lambda: not processes.is_alive(pid, began), _END_SECONDS):
            raise StepFailed(
                f"Ending process {pid} of the service {self.name} by force failed: it lives "
                f"{_END_SECONDS:g} s later."
            )
        self._settled({scm.RUNNING, scm.STOP_PENDING}, _NOTICE_SECONDS)

    def _ask_to_stop(self) -> str:
        try:
            call(self.salt, "service.stop", self.name, timeout=0)
        except StepFailed as err:
            return str(err)
        return "it was asked to stop"

    def _runs_another(self, pid: int) -> bool:
        setup = self.scm.setup(self.name)
        return setup is not None and processes.runs_another_program(
            pid, scm.program_of(setup.binary_path)
        )

    def _settled(self, states: Container[int], seconds: float) -> Status | None:
        """What the service does when it has left some states, or time is up."""
        deadline = time.monotonic() + seconds
        while (status := self.scm.status(self.name)) is not None:
            if status.state not in states or time.monotonic() >= deadline:
                break
            time.sleep(_POLL_SECONDS)
        return status
