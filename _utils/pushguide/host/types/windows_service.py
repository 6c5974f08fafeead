"""A Windows service: a .NET worker, a Java service wrapper, or any other program that is one."""

from __future__ import annotations

from typing import Any

from pushguide.host.control import Control
from pushguide.host.pointer import Pointer
from pushguide.host.types.service import Service
from pushguide.host.windows.scm import Scm
from pushguide.host.windows.service import ServiceProgram, WindowsServiceControl


class WindowsService(Service):
    """A service that is stopped, given the program of the new release, and started again."""

    def make_pointer(self) -> Pointer:
        """The binary path of the service."""
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
        """The program, whether it ran, and how the service was set up, for the record."""
        state = super().take_state()
        if self.pointer.save() is not None:
            info = self.salt["service.info"](self.settings["service"])
            state["service"] = {key: info[key] for key in ("StartType", "ServiceAccount", "Status")}
        return state

    def log_hint(self) -> str:
        """Where Windows writes what services say."""
        return " (the event log of this host)"
