"""A module that is a Windows service, whose program says which version it is."""

from __future__ import annotations

from typing import Any

from tests.support.ports import answer_on, free_port
from tests.windows.channel import Windows
from tests.windows.module import Module
from tests.windows.programs import built

VERSIONS = ("1.0", "1.1", "1.2")


class Worker(Module):
    """A module that is a service."""

    def __init__(self, windows: Windows, name: str, **settings: Any) -> None:
        self.port = free_port()
        usual = {
            "service": name,
            "executable": r"bin\worker.exe",
            "arguments": str(self.port),
            "create": {"start_type": "manual"},
            "stop_timeout_seconds": 3,
            "start_timeout_seconds": 10,
            "settle_seconds": 0.5,
        }
        super().__init__(windows, name, "windows_service", {**usual, **settings})
        self.program = built("service")
        for version in VERSIONS:
            files = {"bin/worker.exe": self.program, "bin/version.txt": version.encode()}
            self.build(version, files)

    def says(self) -> str | None:
        """What the service answers, None if nothing does."""
        return answer_on(self.port)

    def with_words(self, words: str) -> dict[str, Any]:
        """Settings with arguments that make the program do something wrong."""
        return {"arguments": f"{self.port} {words}"}

    def probe_for(self, text: str) -> list[dict[str, Any]]:
        """A probe that wants the service to say a text."""
        url = f"http://127.0.0.1:{self.port}/"
        asked = {"kind": "http", "url": url, "text": text}
        return [{**asked, "within_seconds": 0.5, "interval_seconds": 0.1}]

    def service(self, function: str, *arguments: Any, **named: Any) -> Any:
        """One of Salt's functions for the service."""
        return self.windows.salt(f"service.{function}", self.name, *arguments, **named)

    def info(self) -> dict[str, Any]:
        """What Salt tells of the service."""
        found: dict[str, Any] = self.service("info")
        return found

    def setup(self) -> dict[str, Any]:
        """How the service is set up, as the product reads it."""
        found: dict[str, Any] = self.windows.call("services.setup", self.name)
        return found

    def remove(self) -> None:
        """End and delete the service."""
        if self.service("available"):
            self.windows.call("services.end", self.name)
            self.service("delete")
