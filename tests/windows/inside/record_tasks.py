"""What the Task Scheduler's COM objects are and say, as far as the stand-in claims it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import scheduler
import task_definitions
from record_parts import PREFIX, Facts, done, outcome, wait_until

FOLDER = rf"\{PREFIX}"
NAME = "task"
CREATE_OR_UPDATE = 6
WITH_PASSWORD, SERVICE_ACCOUNT = 1, 5
SYSTEM = "System"
READY, RUNNING = 3, 4
#: Results of a task that has not run, and of one that runs.
UNDER_WAY = (0x41303, 0x41301)


def is_there() -> bool:
    """Whether this machine has such a folder already."""
    return bool(done(lambda: scheduler.connected().GetFolder(FOLDER)) == "done")


def remove() -> None:
    """Delete the folder and all in it, if it is there."""
    if is_there():
        service = scheduler.connected()
        scheduler.empty(service.GetFolder(FOLDER))
        service.GetFolder(scheduler.ROOT).DeleteFolder(FOLDER.strip(scheduler.ROOT), 0)


def facts(_: Path) -> Facts:
    """Find out; no directory is needed for it."""
    service = scheduler.connected()
    found = _attributes(service)
    found["get a folder that is not there"] = done(lambda: service.GetFolder(FOLDER))
    service.GetFolder(scheduler.ROOT).CreateFolder(FOLDER.strip(scheduler.ROOT))
    folder = service.GetFolder(FOLDER)
    return (
        found | _registering(service, folder) | _folders(service, folder) | _runs(service, folder)
    )


# --- what things are ------------------------------------------------------------------------


def _attributes(service: Any) -> Facts:
    """Every attribute that the stand-in has, with what it is in a new thing."""
    definition = service.NewTask(0)
    found = _read("a new task", definition, task_definitions.NEW)
    action = definition.Actions.Create(task_definitions.EXECUTE)
    found |= _read("a new action", action, task_definitions.action(task_definitions.EXECUTE))
    for kind in task_definitions.TRIGGERS:
        trigger = definition.Triggers.Create(kind)
        found |= _read(f"a new trigger of kind {kind}", trigger, task_definitions.trigger(kind))
    return found


def _read(what: str, thing: Any, known: dict[str, Any]) -> Facts:
    found: Facts = {}
    for name, value in known.items():
        if isinstance(value, dict):
            found |= _read(f"{what}: {name}", getattr(thing, name), value)
        elif isinstance(value, list):
            found[f"{what}: {name}.Count"] = getattr(thing, name).Count
        else:
            found[f"{what}: {name}"] = outcome(lambda name=name: getattr(thing, name))
    return found


# --- what is said ---------------------------------------------------------------------------


def _registering(service: Any, folder: Any) -> Facts:
    whole = _definition(service, "pass")
    no_action = service.NewTask(0)
    no_program = service.NewTask(0)
    no_program.Actions.Create(task_definitions.EXECUTE)
    found: Facts = {
        "register a task": done(lambda: _register(folder, whole)),
        "register it again": done(lambda: _register(folder, whole)),
        "register a task under a name that cannot be": done(
            lambda: _register(folder, whole, "a:b")
        ),
        "register a task without an action": done(lambda: _register(folder, no_action, "none")),
        "register a task without a program": done(lambda: _register(folder, no_program, "none")),
        "register a task with a password that is not given": done(
            lambda: folder.RegisterTaskDefinition(
                "none", whole, CREATE_OR_UPDATE, SYSTEM, None, WITH_PASSWORD
            )
        ),
        "register what is no XML": done(
            lambda: folder.RegisterTask("none", r"C:\none.xml", CREATE_OR_UPDATE, "", "", 3)
        ),
        "get a task that is not there": done(lambda: folder.GetTask("none")),
        "get a task by another case": outcome(lambda: folder.GetTask(NAME.upper()).Name),
    }
    task = folder.GetTask(NAME)
    changed = task.Definition
    (action,) = changed.Actions
    action.Arguments = "-V"
    found["a changed action before it is registered"] = _arguments(folder)
    _register(folder, changed)
    found["and after that"] = _arguments(folder)
    return found


def _folders(service: Any, folder: Any) -> Facts:
    root = service.GetFolder(scheduler.ROOT)
    name = FOLDER.strip(scheduler.ROOT)
    return {
        "create a folder that is there": done(lambda: root.CreateFolder(name)),
        "delete a folder that is not empty": done(lambda: root.DeleteFolder(name, 0)),
        "name and path of a folder": [folder.Name, folder.Path],
        "tasks in the folder": [one.Name for one in folder.GetTasks(0)],
        "folders in the folder": len(list(folder.GetFolders(0))),
    }


def _runs(service: Any, folder: Any) -> Facts:
    """What is told of tasks that have run, each of them once."""
    _register(folder, _definition(service, "pass"), "not run")
    found = _told(folder, "not run")
    found["not run: when it ran last, in years"] = folder.GetTask("not run").LastRunTime.year
    for code in (0, 2):
        name = f"ended with {code}"
        _register(folder, _definition(service, f"raise SystemExit({code})"), name)
        found |= _run_to_its_end(folder, name)
    lost = _definition(service, "", program=rf"C:\{PREFIX}-none.exe")
    _register(folder, lost, "without its program")
    found |= _run_to_its_end(folder, "without its program")
    return found | _stopped(service, folder) | _disabled(service, folder)


def _stopped(service: Any, folder: Any) -> Facts:
    _register(folder, _definition(service, "import time; time.sleep(600)"), "stopped")
    task = folder.GetTask("stopped")
    task.Run("")
    wait_until(lambda: task.State == RUNNING, "the task's begin")
    found = _told(folder, "stopped", "running")
    found["running: run it"] = done(lambda: task.Run(""))
    found["running: stop it"] = done(lambda: task.Stop(0))
    wait_until(lambda: task.State != RUNNING, "the task's end")
    found |= _told(folder, "stopped")
    found["stopped: stop it"] = done(lambda: task.Stop(0))
    return found


def _disabled(service: Any, folder: Any) -> Facts:
    _register(folder, _definition(service, "pass"), "disabled")
    task = folder.GetTask("disabled")
    task.Enabled = False
    found = _told(folder, "disabled")
    found["disabled: run it"] = done(lambda: task.Run(""))
    found["delete a task"] = done(lambda: folder.DeleteTask("disabled", 0))
    found["delete it again"] = done(lambda: folder.DeleteTask("disabled", 0))
    return found


def _definition(service: Any, code: str, program: str = sys.executable) -> Any:
    definition = service.NewTask(0)
    action = definition.Actions.Create(task_definitions.EXECUTE)
    action.Path = program
    action.Arguments = f'-c "{code}"'
    return definition


def _register(folder: Any, definition: Any, name: str = NAME) -> None:
    folder.RegisterTaskDefinition(name, definition, CREATE_OR_UPDATE, SYSTEM, None, SERVICE_ACCOUNT)


def _arguments(folder: Any) -> str:
    (action,) = folder.GetTask(NAME).Definition.Actions
    return str(action.Arguments).partition(" ")[0]


def _run_to_its_end(folder: Any, name: str) -> Facts:
    """Run a task that has not run, and tell of it when it has."""
    task = folder.GetTask(name)
    found = {f"{name}: run it": done(lambda: task.Run(""))}
    wait_until(
        lambda: task.LastTaskResult not in UNDER_WAY and task.State == READY, f"the end of {name}"
    )
    return found | _told(folder, name)


def _told(folder: Any, name: str, what: str = "") -> Facts:
    """What the scheduler tells of a task."""
    task = folder.GetTask(name)
    return {
        f"{what or name}: state": task.State,
        f"{what or name}: last result": task.LastTaskResult & 0xFFFFFFFF,
        f"{what or name}: enabled": bool(task.Enabled),
    }
