"""A real Windows service, for Wine's real service control manager.

Usage, as the service's command: ``python sample_service.py NAME DIRECTORY [STOP_SECONDS]``

While it runs it has ``running.txt`` open in the directory, with the number of its process in it;
it takes ``STOP_SECONDS`` to stop. If there is no such directory it does not start.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import servicemanager
import win32event
import win32service
import win32serviceutil

NAME, DIRECTORY, *MORE = sys.argv[1:]


class Sample(win32serviceutil.ServiceFramework):
    """Runs until it is told to stop."""

    _svc_name_ = NAME
    _svc_display_name_ = NAME

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.told_to_stop = win32event.CreateEvent(None, 0, 0, None)

    def SvcStop(self) -> None:  # noqa: N802  # pywin32's names
        """Begin to stop."""
        self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING, waitHint=1000)
        win32event.SetEvent(self.told_to_stop)

    def SvcRun(self) -> None:  # noqa: N802
        """Run, from start to stop; pywin32's own says that it runs before anything does."""
        with (Path(DIRECTORY) / "running.txt").open("w") as running:
            running.write(str(os.getpid()))
            running.flush()
            self.ReportServiceStatus(win32service.SERVICE_RUNNING)
            win32event.WaitForSingleObject(self.told_to_stop, win32event.INFINITE)
            time.sleep(float(MORE[0]) if MORE else 0)


if __name__ == "__main__":
    servicemanager.Initialize()
    servicemanager.PrepareToHostSingle(Sample)
    servicemanager.StartServiceCtrlDispatcher()
