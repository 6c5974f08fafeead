"""A Windows service: a .NET worker, a Java service wrapper, or any other program that is one."""

from __future__ import annotations

from typing import Any

from pushguide.errors import StepFailed
from pushguide.host.control import Control
from pushguide.host.pointer import Pointer
from pushguide.host.types.service import Service
from pushguide.host.windows import scm
from pushguide.host.windows.scm import Scm
from pushguide.host.windows.service import ServiceProgram
from pushguide.host.windows.service_control import WindowsServiceControl


class WindowsService(Service):
    """A service that is stopped, given the program of the new release, and started again."""

    def make_pointer(self) -> Pointer:
        """The binary path of the service."""
        return self.program

    @property
    def program(self) -> ServiceProgram:
        """The program of the service."""
        return ServiceProgram(
            self.settings["service"],
            self.settings["executable"],
            self.settings.get("arguments") or "",
            self.salt,
            self.scm,
            self.settings.get("create"),
        )

    def make_control(self) -> Control:
        """The service control manager."""
        return WindowsServiceControl(
            self.settings["service"],
            self.salt,
            self.scm,
            float(self.settings.get("start_timeout_seconds", 60)),
            bool(self.settings.get("kill", True)),
        )

    @property
    def scm(self) -> Scm:
        """The service control manager."""
        return Scm()

    def take_state(self) -> dict[str, Any]:
        """How the service is set up, and whether it ran; the rest is for the record."""
        name = self.settings["service"]
        setup, status = self.scm.setup(name), self.scm.status(name)
        state = super().take_state()
        state["ran"] = status is not None and status.state not in (scm.STOPPED, scm.STOP_PENDING)
        if setup and status:
            state["service"] = {
                "start_type": scm.START_TYPES.get(setup.start_type, setup.start_type),
                "is_delayed": setup.is_delayed,
                "account": setup.account,
                "recovery": setup.recovery,
                "state": str(status),
                "pid": status.pid or None,
                "in_words": f"{status}, {setup}",
            }
        return state

    def before_in_words(self) -> str:
        """The version that ran before, and how the service was set up."""
        service = self.saved.get("service")
        told = super().before_in_words()
        return f"{told}; {self.pointer}: {service['in_words']}" if service else told

    def before_start(self) -> None:
        """Put recovery actions back that a job which died had put aside."""
        self.program.put_recovery_back(self.saved["pointer"])

    def state_in_words(self) -> str:
        """What the service does and runs now."""
        name = self.settings["service"]
        setup = self.scm.setup(name)
        if setup is None:
            return f"There is no service {name}."
        try:
            does: object = self.scm.status(name)
        except StepFailed as err:
            does = f"in a state that cannot be told ({err})"
        return f"The service {name} is {does}, with the program {setup.binary_path} ({setup})."

    def log_hint(self) -> str:
        """Where Windows writes what services say."""
        return " (the event log of this host)"
