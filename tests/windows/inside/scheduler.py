"""The Task Scheduler of this machine, real or simulated, without the project's code."""

from __future__ import annotations

from typing import Any

import win32com.client

ROOT = "\\"


def connected() -> Any:
    """Its service."""
    service = win32com.client.Dispatch("Schedule.Service")
    service.Connect()
    return service


def empty(folder: Any) -> None:
    """Stop and delete what is in a folder."""
    for task in list(folder.GetTasks(0)):
        task.Stop(0)
        folder.DeleteTask(task.Name, 0)
    for inner in list(folder.GetFolders(0)):
        empty(inner)
        folder.DeleteFolder(inner.Name, 0)
