"""Scheduled tasks, as the project's own code sees them."""

from __future__ import annotations

import minion

from pushguide.host.windows.tasks import Task


def set_enabled(name: str, enabled: bool) -> None:
    """Enable or disable a task."""
    Task(name, "\\", minion.functions()).set_enabled(enabled)
