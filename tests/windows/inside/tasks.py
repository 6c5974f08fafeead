"""Scheduled tasks, as the project's own code sees them, and as this machine has them."""

from __future__ import annotations

from typing import Any

import minion
import pythoncom
import win32com.client
from record_parts import code_of

from pushguide.host.windows.tasks import Task

ROOT = "\\"
NO_SUCH_FOLDER = -2147024893
NO_SUCH_FILE = -2147024894


def set_enabled(name: str, folder: str, enabled: bool) -> None:
    """Enable or disable a task."""
    Task(name, folder, minion.functions()).set_enabled(enabled)


def reset(folder: str) -> None:
    r"""Begin again without a task in a folder of the root, such as ``\tests``."""
    service = scheduler()
    try:
        empty(service.GetFolder(folder))
    except pythoncom.com_error as err:
        if code_of(err) not in (NO_SUCH_FOLDER, NO_SUCH_FILE):
            raise
        service.GetFolder(ROOT).CreateFolder(folder.strip(ROOT))


def scheduler() -> Any:
    """The Task Scheduler, real or simulated."""
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
