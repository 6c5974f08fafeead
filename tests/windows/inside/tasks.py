"""Scheduled tasks, as the project's own code sees them, and a folder to begin with."""

from __future__ import annotations

import minion
import pythoncom
import scheduler
from record_parts import code_of

from pushguide.host.windows.tasks import Task

NO_SUCH_FOLDER = -2147024893
NO_SUCH_FILE = -2147024894


def set_enabled(name: str, folder: str, enabled: bool) -> None:
    """Enable or disable a task."""
    Task(name, folder, minion.functions()).set_enabled(enabled)


def reset(folder: str) -> None:
    r"""Begin again without a task in a folder of the root, such as ``\tests``."""
    service = scheduler.connected()
    try:
        scheduler.empty(service.GetFolder(folder))
    except pythoncom.com_error as err:
        if code_of(err) not in (NO_SUCH_FOLDER, NO_SUCH_FILE):
            raise
        service.GetFolder(scheduler.ROOT).CreateFolder(folder.strip(scheduler.ROOT))
