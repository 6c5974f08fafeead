"""Hooks in the stages: where they come in, when they are skipped, and how they are undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pushguide.errors import PushguideError, StepFailed, Stopped
from pushguide.host.bringing import Bringing
from pushguide.host.hooks import Hook
from pushguide.host.steps import Note, skipped
from pushguide.words import LIVE_STAGES, RESTORE

_POST_RELEASE = LIVE_STAGES[-1]
#: The steps before which the hooks of a stage come in. Where it has none of them, it ends with its
#: hooks. A type may order its steps as it likes.
_BEFORE = {
    "await_confirmation": _POST_RELEASE,
    "put_back": _POST_RELEASE,
    "mark_good": _POST_RELEASE,
    "probe_restored": RESTORE,
    "put_back_restored": RESTORE,
}


class Hooked(Bringing):
    """Runs the hooks of the template in each stage, whatever a project type makes of the stage."""

    #: The stage that runs, as long as its hooks have not come in.
    due: str | None = None

    def go_through(self, stage: str, steps: Callable[[], None]) -> None:
        """Go through a stage, or through restore.

        Args:
            stage: its name.
            steps: runs the steps that the type has in it.
        """
        self.due = stage
        steps()
        self.run_due_hooks()

    def before_step(self, name: str) -> None:
        """Run the hooks of the stage, if they come in before this step."""
        if _BEFORE.get(name) == self.due:
            self.run_due_hooks()

    def run_due_hooks(self) -> None:
        """Run the hooks of the stage, or undo those that were begun; once."""
        stage, self.due = self.due, None
        if stage == RESTORE:
            self.undo_hooks()
        elif stage:
            for given in self.share.hooks.get(stage) or ():
                self.run_hook(stage, given)

    def run_hook(self, stage: str, given: Mapping[str, Any]) -> None:
        """Run one hook, as a step of its own."""
        why_not = self._why_not(given)
        if why_not:
            self.recorder.run(_step(given), lambda: skipped(why_not), changes=False)
        else:
            self.recorder.run(_step(given), partial(self._begin, stage, given), changes=True)

    def _why_not(self, given: Mapping[str, Any]) -> str:
        if self.is_live_already:
            return "the release was live already"
        if given.get("forward_only") and self.share.kind == "rollback":
            return "this is a rollback, and the hook is forward_only"
        return ""

    def _begin(self, stage: str, given: Mapping[str, Any]) -> Note | str | None:
        told = {
            "module": self.share.module,
            "version": self.share.version,
            "environment": self.share.environment,
            "path": self.new_path,
        }
        self._note(stage, given, told)
        return self._run(given, told)

    def _note(self, stage: str, given: Mapping[str, Any], told: Mapping[str, str]) -> None:
        """Note on disk that a hook begins, and how it would be undone."""
        saved = self.journal.saved
        if saved is None or stage not in LIVE_STAGES:
            return
        saved.pop("untouched", None)
        if given.get("undo"):
            begun = {**given["undo"], "of": given["hook"], "told": told}
            noted = saved.setdefault("hooks", [])
            if begun not in noted:
                noted.append(begun)
        self.journal.write()

    def undo_hooks(self) -> None:
        """Undo the hooks that were begun, the last one first, and all of them even if one fails.

        Raises:
            StepFailed: some could not be undone; they stay noted.
        """
        failed = []
        for begun in reversed([*(self.journal.saved or {}).get("hooks", ())]):
            try:
                self.recorder.run(_step(begun), partial(self._undo, begun), changes=True)
            except PushguideError as err:
                failed.append(str(err))
        if failed:
            raise StepFailed(" ".join(failed))

    def _undo(self, begun: Mapping[str, Any]) -> Note | str | None:
        ran = self._run(begun, begun["told"])
        if self.journal.saved is not None:
            self.journal.saved["hooks"].remove(begun)
        return f"undoes {begun['of']}; {ran}"

    def _run(self, given: Mapping[str, Any], told: Mapping[str, str]) -> str:
        name = given["hook"]
        hook = Hook(
            hook=name,
            call=given["call"],
            variables=given["variables"],
            timeout_seconds=given["timeout_seconds"],
        )
        try:
            return hook.run(told, self.secrets, self.between_tries)
        except Stopped:
            raise
        except StepFailed as err:
            raise StepFailed(
                f"The hook {name} failed: {err}. What it runs stands in pushguide:hooks:{name} of "
                "the master's configuration."
            ) from None


def _step(given: Mapping[str, Any]) -> str:
    """The name under which a hook is reported."""
    return f"hook {given['hook']}"
