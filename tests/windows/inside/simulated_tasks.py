"""SIMULATED Task Scheduler: COM's Schedule.Service as Salt's win_task uses it.

Actions really run, when they are asked to: triggers are kept and never fire. Whoever a task is
said to run as, it runs as the one who runs everything here. Attributes, methods and values that
win_task does not use raise AttributeError or Refused, which Salt does not take for an answer of
Windows.
"""

from __future__ import annotations

import copy
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pythoncom
import task_definitions
import task_store
import win32com.client
from task_definitions import Refused, Thing

CREATE_OR_UPDATE = 6
NO_REGISTRATION_TRIGGERS = 0x20  # there are none here
LOGON_WITH_PASSWORD = 1
IGNORE_NEW_INSTANCE = 2
DISABLED, QUEUED, READY, RUNNING = 1, 2, 3, 4
PATIENCE_SECONDS = 60

#: What COM shows for a time that never was.
NEVER = datetime(1999, 11, 30, tzinfo=timezone.utc)

NOT_FOUND = 0x80070002
NO_SUCH_FOLDER = 0x80070003
WRONG_NAME = 0x8007007B
NOT_EMPTY = 0x80070091
EXISTS = 0x800700B7
WRONG_PASSWORD = 0x8007052E
MISSING_PART = 0x80041319
MALFORMED = 0x8004131A
IS_DISABLED = 0x80041326


def stand_in() -> None:
    """Let win32com give out this scheduler."""
    real = win32com.client.Dispatch

    def dispatch(name: Any, *more: Any, **named: Any) -> Any:
        return Service() if name == "Schedule.Service" else real(name, *more, **named)

    win32com.client.Dispatch = dispatch


def error(code: int) -> pythoncom.com_error:
    """An error as COM raises it."""
    told = (0, None, None, None, 0, code - (1 << 32))
    return pythoncom.com_error(-2147352567, "Exception occurred.", told, None)


class Service:
    """ITaskService."""

    def Connect(self) -> None:  # noqa: N802  # COM's names, here and below
        """Connect to this machine."""

    def NewTask(self, flags: int) -> Thing:  # noqa: N802
        """A definition to fill in."""
        _only(flags, 0)
        return task_definitions.definition()

    def GetFolder(self, path: str) -> Folder:  # noqa: N802
        """A folder that is there."""
        return Folder(path)

    def GetRunningTasks(self, flags: int) -> Tasks:  # noqa: N802
        """What runs, in any folder."""
        _only(flags, 0)
        with task_store.STATE.open() as state:
            places = [(path, name) for path, tasks in state["folders"].items() for name in tasks]
        return Tasks(one for one in (Task(*place) for place in places) if one.State == RUNNING)


class Tasks(list["Task"]):
    """IRunningTaskCollection."""

    @property
    def Count(self) -> int:  # noqa: N802
        """How many there are."""
        return len(self)


class Folder:
    """ITaskFolder."""

    def __init__(self, path: str) -> None:
        with task_store.STATE.open() as state:
            found = task_store.known(state["folders"], path)
        if found is None:
            raise error(NO_SUCH_FOLDER)
        self.Path = found
        self.Name = found.rpartition(task_store.ROOT)[2] or task_store.ROOT

    def GetTasks(self, flags: int) -> list[Task]:  # noqa: N802
        """Its tasks."""
        _only(flags, 0)
        with task_store.STATE.open() as state:
            return [Task(self.Path, name) for name in state["folders"][self.Path]]

    def GetTask(self, name: str) -> Task:  # noqa: N802
        """One of its tasks."""
        with task_store.STATE.open() as state:
            found = task_store.known(state["folders"][self.Path], name)
        if found is None:
            raise error(NOT_FOUND)
        return Task(self.Path, found)

    def RegisterTaskDefinition(  # noqa: N802
        self, name: str, definition: Thing, flags: int, user: Any, password: Any, logon: int
    ) -> Task:
        """Make a task, or change what one is."""
        _only(flags & ~NO_REGISTRATION_TRIGGERS, CREATE_OR_UPDATE)
        if re.search(r'[\\/:*?"<>|]', name) or not name:
            raise error(WRONG_NAME)
        values = definition.as_data()
        if not values["Actions"] or not all(one["Path"] for one in values["Actions"]):
            raise error(MISSING_PART)
        if logon == LOGON_WITH_PASSWORD and not password:
            raise error(WRONG_PASSWORD)
        with task_store.STATE.open() as state:
            tasks = state["folders"][self.Path]
            found = task_store.known(tasks, name) or name
            tasks.setdefault(found, task_store.new(values))["definition"] = values
        return Task(self.Path, found)

    def RegisterTask(self, name: str, xml: str, *_: Any) -> None:  # noqa: N802
        """Make a task of XML, which this scheduler does not read."""
        if not xml.lstrip().startswith("<"):
            raise error(MALFORMED)
        raise Refused("tasks in XML are not simulated")

    def DeleteTask(self, name: str, flags: int) -> None:  # noqa: N802
        """Remove a task."""
        _only(flags, 0)
        found = self.GetTask(name).Name
        with task_store.STATE.open() as state:
            del state["folders"][self.Path][found]

    def GetFolders(self, flags: int) -> list[Folder]:  # noqa: N802
        """The folders in it."""
        _only(flags, 0)
        with task_store.STATE.open() as state:
            paths = list(state["folders"])
        inside = task_store.in_folder(self.Path, "")
        return [Folder(one) for one in paths if one.rpartition("\\")[0] + "\\" == inside != one]

    def CreateFolder(self, name: str) -> Folder:  # noqa: N802
        """Make a folder in it."""
        path = task_store.in_folder(self.Path, name)
        with task_store.STATE.open() as state:
            if task_store.known(state["folders"], path):
                raise error(EXISTS)
            above = self.Path
            for part in name.split("\\"):  # those above it are made with it
                above = task_store.in_folder(above, part)
                state["folders"].setdefault(above, {})
        return Folder(path)

    def DeleteFolder(self, name: str, flags: int) -> None:  # noqa: N802
        """Remove a folder in it, which has to be empty."""
        _only(flags, 0)
        folder = Folder(task_store.in_folder(self.Path, name))
        if folder.GetTasks(0) or folder.GetFolders(0):
            raise error(NOT_EMPTY)
        with task_store.STATE.open() as state:
            del state["folders"][folder.Path]


class Task:
    """IRegisteredTask, and IRunningTask, whose name is all that Salt asks of it."""

    NumberOfMissedRuns = 0
    NextRunTime = NEVER  # triggers never fire

    def __init__(self, folder: str, name: str) -> None:
        self.folder = folder
        self.Name = name

    @property
    def Definition(self) -> Thing:  # noqa: N802
        """What it is; a change counts once it is registered."""
        return Thing("TaskDefinition", self._kept()["definition"])

    @property
    def Enabled(self) -> bool:  # noqa: N802
        """Whether it can run."""
        return bool(self.Definition.Settings.Enabled)

    @Enabled.setter
    def Enabled(self, enabled: bool) -> None:  # noqa: N802
        with task_store.STATE.open() as state:
            kept = state["folders"][self.folder][self.Name]
            kept["definition"]["Settings"]["Enabled"] = enabled

    @property
    def State(self) -> int:  # noqa: N802
        """Whether it runs."""
        if run := self._kept()["run"]:
            return QUEUED if run.get("queued") else RUNNING
        return READY if self.Enabled else DISABLED

    @property
    def LastTaskResult(self) -> int:  # noqa: N802
        """What its last action ended with, as a signed number."""
        kept = self._kept()
        code = task_store.RUNNING if kept["run"] else int(kept["last_result"])
        return code - (1 << 32) if code >= 1 << 31 else code

    @property
    def LastRunTime(self) -> datetime:  # noqa: N802
        """When it began to run."""
        began = self._kept()["last_run"]
        return datetime.fromisoformat(began) if began else NEVER

    def Run(self, parameters: str) -> None:  # noqa: N802
        """Begin to run its actions."""
        _only(parameters, "")
        settings = self.Definition.Settings
        if not settings.Enabled:
            raise error(IS_DISABLED)
        if not settings.AllowDemandStart or settings.MultipleInstances != IGNORE_NEW_INSTANCE:
            raise Refused("a run with these settings is not simulated")
        with task_store.STATE.open() as state:
            kept = state["folders"][self.folder][self.Name]
            if kept["run"]:
                return  # the new instance is ignored
            kept["run"] = {"pid": None, "stop": False}
            kept["last_run"] = datetime.now(timezone.utc).replace(microsecond=0).isoformat()
        subprocess.Popen(
            [sys.executable, r"C:\lab\run_task.py", self.folder, self.Name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait(lambda run: run is None or run["pid"] is not None)

    def Stop(self, flags: int) -> None:  # noqa: N802
        """End what it runs, if it does."""
        _only(flags, 0)
        with task_store.STATE.open() as state:
            kept = state["folders"][self.folder][self.Name]
            run = kept["run"]
            if run is None:
                return
            if run.get("queued"):
                kept.update(last_result=task_store.STOPPED_BY_USER, run=None)
                return
            run["stop"] = True
            if run["pid"]:
                os.kill(run["pid"], signal.SIGTERM)
        self._wait(lambda run: run is None)

    def _wait(self, enough: Callable[[Any], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not enough(self._kept()["run"]):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the simulated scheduler did not get {self.Name} to change")
            time.sleep(0.05)

    def _kept(self) -> dict[str, Any]:
        with task_store.STATE.open() as state:
            kept = state["folders"].get(self.folder, {}).get(self.Name)
        if kept is None:
            raise error(NOT_FOUND)
        return copy.deepcopy(kept)


def _only(value: Any, expected: Any) -> None:
    if value != expected:
        raise Refused(f"{value!r} is not simulated, only {expected!r}")
