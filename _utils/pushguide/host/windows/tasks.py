"""Scheduled tasks of a Windows host.

Salt's own ``task`` module tells, creates and deletes them. It adds actions and cannot change one,
whatever it edits it registers anew, and it does not say why a task does not run. So the action,
whether a task is enabled, and its runs are seen to here, by the same COM object.

Source: Microsoft's documentation of Task Scheduler 2.0 (ITaskFolder.RegisterTaskDefinition,
IRegisteredTask, TASK_CREATION, TASK_LOGON_TYPE).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pushguide.errors import StepFailed
from pushguide.host import process
from pushguide.host.windows import calls

#: What the scheduler says of a task of which an instance runs, or waits for another one's end.
AT_WORK = ("Running", "Queued")
_EXECUTE = 0
#: Create or update; a trigger that fires when a task is registered does not.
_CREATE_OR_UPDATE, _NO_REGISTRATION_TRIGGERS = 0x6, 0x20
#: Logon types for which Windows wants the password again each time that a task is registered.
_WITH_PASSWORD = (1, 6)
#: Salt would let these run only while somebody is logged on as one of them.
_SERVICE_ACCOUNT = 5
_SERVICE_ACCOUNTS = {
    "LocalService": r"NT AUTHORITY\LOCALSERVICE",
    "NetworkService": r"NT AUTHORITY\NETWORKSERVICE",
}


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
        if not self._has_folder():
            return None
        # Windows knows it in any case, Salt only as it is written.
        name = _known(self.name, calls.call(self.salt, "task.list_tasks", self.folder))
        found = calls.call(self.salt, "task.info", name, self.folder) if name else None
        return found if isinstance(found, dict) else None

    def is_enabled(self) -> bool:
        """Whether the scheduler runs it when its time has come."""
        return bool((self.info() or {}).get("enabled"))

    def is_at_work(self) -> bool:
        """Whether an instance of it runs, or is about to."""
        return (self.info() or {}).get("status") in AT_WORK

    def last_result(self) -> int:
        """What its last run ended with: the exit code of its program, or an error of Windows."""
        with self._registered() as (_, task):
            return int(task.LastTaskResult) & 0xFFFFFFFF

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
            _register(folder, task.Name, definition)
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
        if not self._has_folder():
            calls.call(self.salt, "task.create_folder", self.folder.lstrip("\\"))
        made = calls.call(
            self.salt,
            "task.create_task",
            self.name,
            self.folder,
            action_type="Execute",
            cmd=action.program,
            arguments=action.arguments,
            start_in=action.directory,
            enabled=False,
            **{**settings, "user_name": "System"},
        )
        if made is not True or self.action() != action:
            raise StepFailed(
                f"Creating the {self} failed: task.create_task answered {made}. May the minion do "
                "that?"
            )
        account = _SERVICE_ACCOUNTS.get(settings.get("user_name") or "")
        if account is not None:
            with self._registered() as (folder, task):
                definition = task.Definition
                principal = definition.Principal
                principal.UserID, principal.LogonType = account, _SERVICE_ACCOUNT
                _register(folder, task.Name, definition)

    def delete(self) -> None:
        """Delete it."""
        calls.call(self.salt, "task.delete_task", self.name, self.folder)
        if self.info() is not None:
            raise StepFailed(f"Deleting the {self} failed: it is there still.")

    def run(self) -> None:
        """Run it now; whether it runs well is told by :meth:`info` later."""
        with self._registered() as (_, task):
            task.Run("")

    def end(self, seconds: float) -> None:
        """End its instances, and wait until they have ended."""
        with self._registered() as (_, task):
            task.Stop(0)
        if not process.wait_until(lambda: not self.is_at_work(), seconds):
            raise StepFailed(f"The {self} was told to end and runs {seconds:g} s later still.")

    # How.

    def _has_folder(self) -> bool:
        """Whether there is its folder, and each one above it."""
        above = "\\"
        for part in filter(None, self.folder.split("\\")):
            found = _known(part, calls.call(self.salt, "task.list_folders", above))
            if found is None:
                return False
            above = f"{above.rstrip(chr(92))}\\{found}"
        return True

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
                raise StepFailed(
                    f"The scheduler refused what was asked of the {self}: {calls.in_words(err)}."
                ) from err


def _register(folder: Any, name: str, definition: Any) -> None:
    """Register a definition again, for the same account."""
    principal = definition.Principal
    folder.RegisterTaskDefinition(
        name,
        definition,
        _CREATE_OR_UPDATE | _NO_REGISTRATION_TRIGGERS,
        principal.UserID or None,  # a task of a group has none
        None,
        principal.LogonType,
    )


def _known(name: str, names: Iterable[str]) -> str | None:
    """A name as it is written where it is kept; its case does not matter to Windows."""
    return next((one for one in names if one.casefold() == name.casefold()), None)
