"""Faults of the SIMULATED Task Scheduler while a task is deployed."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import minion
import simulated_tasks
import task_store
from faults import Faults
from injections import Injections, State

from pushguide.host import process

#: What each of COM's methods fails with in turn: the scheduler's service is away, access is
#: denied, the credentials of the task are broken, the task is disabled, ...
ERRORS: dict[str, tuple[int, ...]] = {
    "Connect": (0x800706BA, 0x80070005),
    "NewTask": (0x800706BA,),
    "GetFolder": (0x800706BA, 0x80070005),
    "GetTasks": (0x80070005, 0x800706BA),
    "GetFolders": (0x80070005,),
    "CreateFolder": (0x80070005, 0x800700B7),
    "GetTask": (0x80070005, 0x800706BA),
    "RegisterTaskDefinition": (0x80070005, 0x8004130F),
    "DeleteTask": (0x80070005, 0x800706BA),
    "Definition": (0x800706BA, 0x80070005),
    "Enabled": (0x80070005, 0x800706BA),
    "LastTaskResult": (0x800706BA,),
    "State": (0x800706BA,),
    "Run": (0x8004130F, 0x80070005, 0x80041326),
    "Stop": (0x80070005, 0x8004130B),
}
CLASSES = (simulated_tasks.Service, simulated_tasks.Folder, simulated_tasks.Task)
FUNCTIONS = (
    "task.info",
    "task.list_tasks",
    "task.list_folders",
    "task.create_folder",
    "task.create_task",
    "task.delete_task",
)
PATIENCE_SECONDS = 20


def failing(name: str, number: int) -> Exception:
    """The error of a method."""
    codes = ERRORS[name]
    return simulated_tasks.error(codes[number % len(codes)])


@functools.cache
def passage() -> tuple[Faults, dict[str, Any]]:
    """Let all go through here: what COM does, and what the product calls of Salt's."""
    functions = minion.functions()
    made = Faults(failing)
    for one in CLASSES:
        for name, member in list(vars(one).items()):
            if name not in ERRORS:
                continue
            if isinstance(member, property):
                setter = member.fset and made.of_windows(name, member.fset)
                setattr(one, name, property(made.of_windows(name, member.fget), setter))
            else:
                setattr(one, name, made.of_windows(name, member))
    return made, {name: made.call(name, functions[name]) for name in FUNCTIONS}


class Tasks:
    """One task, as the stand-in keeps it."""

    def __init__(self, name: str, folder: str) -> None:
        self.name = name
        self.folder = folder
        self.faults, self.functions = passage()

    def state(self) -> State:
        """The whole definition of the task, and the version that its program is of."""
        self._wait_for_its_end()
        kept = self._kept()
        if kept is None:
            return {"live": None}
        [action] = kept["definition"]["Actions"]
        version = Path(action["Path"]).with_name("version.txt")
        live = version.read_text() if version.exists() else None
        return {"live": live, "definition": kept["definition"]}

    def put(self, state: State) -> None:
        """Make it so again."""
        with task_store.STATE.open() as kept:
            tasks = kept["folders"][self.folder]
            if "definition" not in state:
                tasks.pop(self.name, None)
            else:
                new = task_store.new(json.loads(json.dumps(state["definition"])))
                tasks[self.name] = new

    def words(self, state: State) -> Sequence[str]:
        """What an error has to say of it."""
        if "definition" not in state:
            return [self.name]
        definition = state["definition"]
        enabled = "enabled" if definition["Settings"]["Enabled"] else "disabled"
        return [f"{self.name} is {enabled}", definition["Actions"][0]["Path"]]

    def _kept(self) -> dict[str, Any] | None:
        with task_store.STATE.open() as state:
            found: dict[str, Any] | None = state["folders"][self.folder].get(self.name)
        return found

    def _wait_for_its_end(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (kept := self._kept()) is not None and kept["run"]:
            if time.monotonic() > deadline:
                raise TimeoutError("the task's instance did not end")
            time.sleep(0.05)


def run(share: Mapping[str, Any], may_succeed: bool, **how: Any) -> dict[str, Any]:
    """Deploy with every fault."""
    process._POLL_SECONDS = 0.05
    host = Tasks(share["settings"]["task"], share["settings"]["folder"])
    return Injections(host, "windows_task", share, may_succeed).run(**how)
