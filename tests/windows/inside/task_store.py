"""SIMULATED: the Task Scheduler's folders and tasks, between processes."""

from __future__ import annotations

from typing import Any

import task_definitions
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


def kept(folder: str, name: str) -> dict[str, Any]:
    """A task, the whole of it."""
    with STATE.open() as state:
        found: dict[str, Any] = state["folders"][folder][name]
    return found


def queue(folder: str, name: str) -> None:
    """Let a task have an instance that waits for its turn."""
    with STATE.open() as state:
        state["folders"][folder][name]["run"] = {"pid": None, "stop": False, "queued": True}


def fill(folder: str, name: str, program: str, arguments: str) -> None:
    """Make a task as an administrator may have made it, with a value wherever one can be."""
    made = task_definitions.definition().as_data()
    for part in ("RegistrationInfo", "Principal"):
        made[part] = {key: value or f"some {key}" for key, value in made[part].items()}
    made["Principal"].update(LogonType=2, RunLevel=1)
    settings = made["Settings"]
    settings.update({key: not one for key, one in settings.items() if isinstance(one, bool)})
    settings.update(Enabled=True, MultipleInstances=1, RestartCount=3, RestartInterval="PT5M")
    made["Triggers"] = [task_definitions.trigger(kind) for kind in task_definitions.TRIGGERS]
    for one in made["Triggers"]:
        one.update(StartBoundary="2026-11-01T03:00:00", EndBoundary="2030-01-01T00:00:00")
    action = {**task_definitions.action(task_definitions.EXECUTE), "Id": "an action"}
    made["Actions"] = [{**action, "Path": program, "Arguments": arguments}]
    with STATE.open() as state:
        state["folders"][folder][name] = new(made)
