"""A scheduled task of Windows, whose program lies in a release."""

from __future__ import annotations

import contextlib
import json
import ntpath
import time
from collections.abc import Mapping
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host import process
from pushguide.host.base import ProjectType
from pushguide.host.pointer import Pointer
from pushguide.host.steps import Note, also_on_failure, skipped, step, unchanged, warning
from pushguide.host.waiting import pause
from pushguide.host.windows.programs import release_of
from pushguide.host.windows.tasks import Action, Task

#: A second as the scheduler tells it, on the host's clock.
_SECOND = "%Y-%m-%d %H:%M:%S"
_PAUSE_SECONDS = 0.1


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
        with also_on_failure(self.enable_again), also_on_failure(self.switch_back):
            self.end_started()
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
        info = self.task.info() or {}
        known = {key: info.get(key) for key in ("status", "last_run", "triggers")}
        return {**super().take_state(), "enabled": bool(info.get("enabled")), "task": known}

    def before_in_words(self) -> str:
        """The version that ran before, and whether the task was enabled."""
        enabled = "enabled" if self.saved["enabled"] else "not enabled"
        told = f"; {self.task}: {enabled}" if self.saved["pointer"] else ""
        return f"{super().before_in_words()}{told}"

    def state_in_words(self) -> str:
        """Whether the task is enabled and at work, and what it runs."""
        info, action = self.task.info(), self.task.action()
        if info is None or action is None:
            return f"There is no {self.task}."
        enabled = "enabled" if info["enabled"] else "disabled"
        return f"The {self.task} is {enabled} ({info['status']}) and runs {action.program}."

    def runtime_is_there(self) -> str:
        """What every type needs; and a task that is to be run may be run."""
        told = super().runtime_is_there()
        settings = (self.task.info() or {}).get("settings", {})
        if self.settings.get("run_now") and not settings.get("allow_demand_start", True):
            raise StepFailed(
                f"The {self.task} may not be run on demand: let it, or leave run_now out of the "
                "template."
            )
        return told

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
        """Wait until no instance runs or is queued; end them or give up, as the template says."""
        if not self.task.is_at_work():
            return unchanged("no instance runs")
        within = float(self.settings.get("wait_seconds", 300))
        if process.wait_until(lambda: not self._is_at_work(), within):
            return "an instance has ended"
        if self.settings.get("running", "fail") != "end":
            raise StepFailed(
                f"An instance of the {self.task} runs {within:g} s later still: wait for it and "
                "deploy again, or let the template end it (running: end)."
            )
        self.task.end(within)
        return f"an instance that ran {within:g} s later still was ended"

    def _is_at_work(self) -> bool:
        self.between_tries()
        return self.task.is_at_work()

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
        if not self.task.is_enabled():
            return warning("it is not enabled, so it could not be run as a proof")
        within = float(self.settings.get("run_within_seconds", 300))
        before = self._last_run()
        while before[:19] == time.strftime(_SECOND):
            pause(
                _PAUSE_SECONDS, self.between_tries
            )  # two runs in a second could not be told apart
        self.task.run()

        def has_ended() -> bool:
            return not self._is_at_work() and self._last_run() != before

        if not process.wait_until(has_ended, within):
            raise StepFailed(
                f"The {self.task} has not come to its end {within:g} s after its start."
            )
        result = self.task.last_result()
        if result != 0:
            words = (self.task.info() or {}).get("last_run_result")
            raise StepFailed(
                f"The {self.task} was run and ended with {result} (0x{result:x}). In Windows's "
                f"words: {words}."
            )
        return "ran, and ended with 0"

    def _last_run(self) -> str:
        return str((self.task.info() or {}).get("last_run"))

    # Steps of restore.

    @step(changes=True)
    def end_started(self) -> Note | str | None:
        """End what the release has started."""
        with contextlib.suppress(StepFailed):
            self.task.set_enabled(False)
        if not self.task.is_at_work():
            return unchanged("no instance runs")
        self.task.end(float(self.settings.get("wait_seconds", 300)))
        return "an instance was ended"

    @step(changes=True)
    def enable_again(self) -> Note | str | None:
        """Enable the task, if it was enabled before."""
        return self._enable(bool(self.saved.get("enabled")))
