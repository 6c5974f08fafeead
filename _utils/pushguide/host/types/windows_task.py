"""A scheduled task of Windows, whose program lies in a release."""

from __future__ import annotations

import contextlib
import json
import ntpath
from collections.abc import Mapping
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host import process
from pushguide.host.base import ProjectType
from pushguide.host.pointer import Pointer
from pushguide.host.steps import Note, skipped, step, unchanged
from pushguide.host.windows.programs import release_of
from pushguide.host.windows.tasks import RUNNING, Action, Task

_SUCCEEDED = "The operation completed successfully"


class TaskAction:
    """The live pointer of a scheduled task: the program that it runs.

    Args:
        task: the task.
        executable: the program, below a release directory.
        arguments: what it is given; None to leave them as they are.
        create: how the task is created if there is none; None to refuse that.
    """

    def __init__(
        self,
        task: Task,
        executable: str,
        arguments: str | None,
        create: Mapping[str, Any] | None,
    ) -> None:
        self.task = task
        self.executable = ntpath.normpath(executable)
        self.arguments = arguments
        self.create = create

    def __str__(self) -> str:
        return str(self.task)

    def check(self) -> None:
        """Prove that the task is there and can be changed, or may be created.

        Raises:
            StepFailed: it is missing, or cannot be given another program.
        """
        if self.task.info() is not None:
            self.task.demand_changeable()
        elif self.create is None:
            raise StepFailed(
                f"There is no {self.task} on this host: create it, or let the template do so "
                "(create)."
            )

    def read(self) -> str | None:
        """The release directory whose program the task runs."""
        found = self.task.action()
        return release_of(found.program.strip('"'), self.executable) if found else None

    def point_at(self, path: str) -> None:
        """Let the task run the program of a release."""
        action = self._action(path)
        if self.task.info() is None:
            self.task.create(action, self.create or {})
        else:
            self.task.set_action(action)

    def to(self, path: str) -> str:
        """The saved form of an action that runs the program of a release: JSON."""
        return json.dumps(self._action(path))

    def save(self) -> str | None:
        """The action as it is; None if there is no task."""
        found = self.task.action()
        return json.dumps(found) if found else None

    def restore(self, saved: str | None) -> None:
        """Put an action back, or delete the task if there was none."""
        if saved is not None:
            self.task.set_action(Action(*json.loads(saved)))
        elif self.task.info() is not None:
            self.task.delete()

    def _action(self, path: str) -> Action:
        found = self.task.action()
        arguments = self.arguments
        if arguments is None:
            arguments = found.arguments if found else ""
        return Action(ntpath.join(path, self.executable), arguments, path)


class WindowsTask(ProjectType):
    """A scheduled task that is disabled, given the program of the new release, and enabled."""

    # The stages.

    def release(self) -> None:
        """Let no instance run while the program changes."""
        if not self.is_live_already:
            self.disable()
            self.wait_for_instance()
            self.switch()
        self.enable()

    def post_release(self) -> None:
        """Run it now if the template says so, then prove what every type proves."""
        self.run_now()
        super().post_release()

    def restore(self) -> None:
        """Put the program back, and let the task be enabled again if it was."""
        self.settings = self.saved["settings"]
        try:
            self.end_started()
            self.switch_back()
        finally:
            self.enable_again()
        self.probe_restored()
        self.put_back_restored()

    # What is meant.

    def make_pointer(self) -> Pointer:
        """The action of the task."""
        settings = self.settings
        return TaskAction(
            self.task, settings["executable"], settings.get("arguments"), self._creation()
        )

    @property
    def task(self) -> Task:
        """The task."""
        return Task(self.settings["task"], self.settings.get("folder") or "\\", self.salt)

    def _creation(self) -> dict[str, Any] | None:
        """How the task is created, as Salt's module takes it."""
        create = self.settings.get("create")
        if create is None:
            return None
        given = {key: value for key, value in create.items() if value is not None}
        trigger = {key: value for key, value in given.pop("trigger").items() if value is not None}
        return {**given, **trigger}

    def take_state(self) -> dict[str, Any]:
        """The action, and whether the task was enabled."""
        return {**super().take_state(), "enabled": self.task.is_enabled()}

    # The steps.

    @step(changes=True)
    def disable(self) -> Note | str | None:
        """Let the scheduler begin no other instance."""
        if not self.task.is_enabled():
            return unchanged(f"{self.task} is not enabled")
        self.task.set_enabled(False)
        return f"{self.task} disabled"

    @step(changes=True)
    def wait_for_instance(self) -> Note | str | None:
        """Wait until no instance runs; end it or give up, as the template says."""
        if not self.task.is_running():
            return unchanged("no instance runs")
        within = float(self.settings.get("wait_seconds", 300))
        if process.wait_until(lambda: not self._runs(), within):
            return "an instance has ended"
        if self.settings.get("running", "fail") != "end":
            raise StepFailed(
                f"An instance of the {self.task} runs {within:g} s later still: wait for it and "
                "deploy again, or let the template end it (running: end)."
            )
        self.task.end(within)
        return f"an instance that ran {within:g} s later still was ended"

    def _runs(self) -> bool:
        self.between_tries()
        return self.task.is_running()

    @step(changes=True)
    def enable(self) -> Note | str | None:
        """Enable the task, if it was enabled before or has just been created."""
        return self._enable(self.saved.get("enabled") or self.saved["pointer"] is None)

    def _enable(self, was: bool) -> Note | str:
        if not was:
            return unchanged("it was not enabled before")
        if self.task.is_enabled():
            return unchanged(f"{self.task} is enabled")
        self.task.set_enabled(True)
        return f"{self.task} enabled"

    @step(changes=True)
    def run_now(self) -> Note | str | None:
        """Run the task and wait for its result, if the template says so."""
        if not self.settings.get("run_now"):
            return skipped("it runs when its time has come")
        if self.is_live_already:
            return skipped("the release was live already")
        within = float(self.settings.get("run_within_seconds", 300))
        before = (self.task.info() or {}).get("last_run")
        self.task.run()

        def has_ended() -> bool:
            self.between_tries()
            info = self.task.info() or {}
            return info.get("status") != RUNNING and info.get("last_run") != before

        if not process.wait_until(has_ended, within):
            raise StepFailed(
                f"The {self.task} has not come to its end {within:g} s after its start."
            )
        result = (self.task.info() or {}).get("last_run_result")
        if result != _SUCCEEDED:
            raise StepFailed(f"The {self.task} was run and ended with: {result}.")
        return f"ran: {result}"

    # Steps of restore.

    @step(changes=True)
    def end_started(self) -> Note | str | None:
        """End what the release has started."""
        with contextlib.suppress(StepFailed):
            self.task.set_enabled(False)
        if not self.task.is_running():
            return unchanged("no instance runs")
        self.task.end(float(self.settings.get("wait_seconds", 300)))
        return "an instance was ended"

    @step(changes=True)
    def enable_again(self) -> Note | str | None:
        """Enable the task, if it was enabled before."""
        return self._enable(bool(self.saved.get("enabled")))
