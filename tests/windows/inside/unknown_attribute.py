"""An attribute that a task's settings do not have."""

from __future__ import annotations

import win32com.client


def set_one() -> None:
    """Set one, as a mistaken version of Salt's module would."""
    import minion  # noqa: F401  # with it comes the stand-in

    service = win32com.client.Dispatch("Schedule.Service")
    service.Connect()
    service.NewTask(0).Settings.Prioritty = 1
