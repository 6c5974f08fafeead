"""SIMULATED: the Task Scheduler's folders and tasks, between processes."""

from __future__ import annotations

from typing import Any

from kept import Kept

ROOT = "\\"
NEVER_RUN = 0x41303
RUNNING = 0x41301
STOPPED_BY_USER = 0x41306
FILE_NOT_FOUND = 0x80070002

STATE = Kept("tasks", lambda: {"folders": {ROOT: {}}})


def reset() -> None:
    """Begin again without a task."""
    STATE.reset()


def new(definition: dict[str, Any]) -> dict[str, Any]:
    """A task that has not run.

    ``run`` is, while it does, the process of its first action, and whether it is to stop.
    """
    return {"definition": definition, "last_result": NEVER_RUN, "last_run": None, "run": None}


def in_folder(path: str, name: str) -> str:
    """The path of a folder in another one."""
    return f"{path.rstrip(ROOT)}{ROOT}{name}"


def known(named: dict[str, Any], name: str) -> str | None:
    """The name that something has, whatever the case that it is asked for in."""
    return next((one for one in named if one.casefold() == name.casefold()), None)
