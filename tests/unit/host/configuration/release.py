"""A release that is being configured, in plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pushguide.host import configuration
from pushguide.host.pillar import Secrets
from pushguide.share import Share


class Release:
    """A release directory, and the pillar of the host that it lies on."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.pillar: dict[str, Any] = {}
        self.salt: dict[str, Any] = {
            "pillar.get": lambda path, default="", **_: self.pillar.get(path, default),
            "pillar.items": lambda **_: {},
        }

    def file(self, name: str, content: str | bytes) -> Path:
        """Put a file there, as CI does."""
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def configure(self, *changes: Mapping[str, Any]) -> configuration.Configured:
        """Make changes, as a host does."""
        share = Share("shop", "production", "static_site", "deploy", 1, 1, "1.4", None, "/x", {})
        values = configuration.Values(share, "web1", Secrets(self.salt))
        return configuration.configure(changes, str(self.top), values)
