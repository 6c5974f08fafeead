"""Scheduled tasks of a Windows host.

Salt's own ``task`` module tells, runs, stops, creates and deletes them. It adds actions and cannot
change one, and whatever it edits it registers anew. So the action and whether a task is enabled are
changed here, by the same COM object.

Source: Microsoft's documentation of Task Scheduler 2.0 (ITaskFolder.RegisterTaskDefinition,
IRegisteredTask, TASK_LOGON_TYPE).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pushguide.errors import StepFailed
from pushguide.host import process

RUNNING = "Running"
_EXECUTE = 0
_CREATE_OR_UPDATE = 6
#: Logon types for which Windows wants the password again each time that a task is registered.
_WITH_PASSWORD = (1, 6)


class Action(NamedTuple):
    """What a task runs."""

    program: str
    arguments: str
    directory: str


class Task:
    """A scheduled task.

    Args:
        name: its name.
        folder: the folder that it lies in, such as ``\\Shop``.
        salt: Salt's execution modules.
    """

    def __init__(self, name: str, folder: str, salt: Mapping[str, Any]) -> None:
        self.name = name
        self.folder = folder
        self.salt = salt

    def __str__(self) -> str:
        return f"task {self.folder.rstrip(chr(92))}{chr(92)}{self.name}"

    # What is there.

    def info(self) -> dict[str, Any] | None:
        """What the scheduler tells of the task; None if there is none."""
        if self.folder != "\\" and not self._has_folder():
            return None
        found = self.salt["task.info"](self.name, self.folder)
        return found if isinstance(found, dict) else None

    def is_enabled(self) -> bool:
        """Whether the scheduler runs it when its time has come."""
        return bool((self.info() or {}).get("enabled"))

    def is_running(self) -> bool:
        """Whether an instance of it runs."""
        return (self.info() or {}).get("status") == RUNNING

    def action(self) -> Action | None:
        """What it runs; None if there is no task."""
        if self.info() is None:
            return None
        with self._registered() as (_, task):
            one = self._only_action(task.Definition)
            return Action(one.Path or "", one.Arguments or "", one.WorkingDirectory or "")

    def demand_changeable(self) -> None:
        """Refuse a task whose action cannot be changed.

        Raises:
            StepFailed: it has several actions, or keeps a password.
        """
        with self._registered() as (_, task):
            self._only_action(task.Definition)
            if task.Definition.Principal.LogonType in _WITH_PASSWORD:
                raise StepFailed(
                    f"The {self} keeps a password, which Windows wants again whenever the task is "
                    "changed: let it run as a managed service account, System, LocalService or "
                    "NetworkService."
                )

    # What changes it.

    def set_action(self, action: Action) -> None:
        """Change what it runs, and nothing else, and read back that it is so."""
        with self._registered() as (folder, task):
            definition = task.Definition
            one = self._only_action(definition)
            one.Path, one.Arguments, one.WorkingDirectory = action
            principal = definition.Principal
            folder.RegisterTaskDefinition(
                self.name,
                definition,
                _CREATE_OR_UPDATE,
                principal.UserID,
                None,
                principal.LogonType,
            )
        found = self.action()
        if found != action:
            raise StepFailed(f"The {self} was given {action.program} and runs {found}.")

    def set_enabled(self, enabled: bool) -> None:
        """Enable or disable it, and read back that it is so."""
        with self._registered() as (_, task):
            task.Enabled = enabled
        if self.is_enabled() != enabled:
            raise StepFailed(f"The {self} is {'not ' if enabled else ''}enabled still.")

    def create(self, action: Action, settings: Mapping[str, Any]) -> None:
        """Create it, disabled.

        Args:
            action: what it runs.
            settings: ``user_name``, and trigger and settings as Salt's ``task.create_task`` takes
                them.
        """
        if self.folder != "\\" and not self._has_folder():
            self.salt["task.create_folder"](self.folder.lstrip("\\"))
        made = self.salt["task.create_task"](
            self.name,
            self.folder,
            action_type="Execute",
            cmd=action.program,
            arguments=action.arguments,
            start_in=action.directory,
            enabled=False,
            **settings,
        )
        if made is not True or self.action() != action:
            raise StepFailed(f"Creating the {self} failed: {made}.")

    def delete(self) -> None:
        """Delete it."""
        self.salt["task.delete_task"](self.name, self.folder)
        if self.info() is not None:
            raise StepFailed(f"Deleting the {self} failed: it is there still.")

    def run(self) -> None:
        """Run it now; whether it runs well is told by :meth:`info` later."""
        if self.salt["task.run"](self.name, self.folder) is not True:
            raise StepFailed(f"The scheduler did not run the {self}.")

    def end(self, seconds: float) -> None:
        """End its running instance, and wait until it has ended."""
        self.salt["task.stop"](self.name, self.folder)
        if not process.wait_until(lambda: not self.is_running(), seconds):
            raise StepFailed(f"The {self} was told to end and runs {seconds:g} s later still.")

    # How.

    def _has_folder(self) -> bool:
        above, _, name = self.folder.rpartition("\\")
        return name in self.salt["task.list_folders"](above or "\\")

    def _only_action(self, definition: Any) -> Any:
        found = [one for one in definition.Actions if one.Type == _EXECUTE]
        if len(found) != 1 or definition.Actions.Count != 1:
            raise StepFailed(
                f"The {self} has {definition.Actions.Count} actions, of which {len(found)} run a "
                "program: it should have one that does."
            )
        return found[0]

    @contextlib.contextmanager
    def _registered(self) -> Iterator[tuple[Any, Any]]:
        """Its folder and itself, as the scheduler has them."""
        import pythoncom
        import salt.utils.winapi
        import win32com.client

        with salt.utils.winapi.Com():
            try:
                service = win32com.client.Dispatch("Schedule.Service")
                service.Connect()
                folder = service.GetFolder(self.folder)
                yield folder, folder.GetTask(self.name)
            except pythoncom.com_error as err:
                raise StepFailed(f"Asking the scheduler for the {self} failed: {err}.") from err
