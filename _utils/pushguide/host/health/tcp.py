"""Health by TCP: something accepts connections on a port."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import ClassVar

from pushguide.host.health.check import Answer, Check, Scene, healthy, inconclusive, unhealthy


@dataclass(kw_only=True)
class TcpCheck(Check):
    """A port that a healthy release accepts connections on."""

    kind: ClassVar[str] = "tcp"

    port: int | str
    host: str = "127.0.0.1"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def ask(self, scene: Scene) -> Answer:
        """One connection, closed again at once."""
        try:
            port = int(self.port)
        except ValueError:
            return inconclusive(f"the port is {self.port!r} on this host, which is no number")
        try:
            with socket.create_connection((self.host, port), self.timeout_seconds):
                return healthy("accepts connections")
        except (OSError, OverflowError) as err:
            return unhealthy(f"no connection ({err})")
