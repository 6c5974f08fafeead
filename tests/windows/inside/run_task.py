"""SIMULATED: run a task's actions to their end, in a process that no client's end takes with it.

Usage: ``python run_task.py FOLDER TASK``
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

sys.path.insert(0, r"C:\lab")

import task_store

#: Where Windows starts programs that name no directory.
SYSTEM = r"%SystemRoot%\system32"


def main(folder: str, name: str) -> None:
    """Run one action after the other and note what the last one ended with."""
    with task_store.STATE.open() as state:
        actions = state["folders"][folder][name]["definition"]["Actions"]
    result = 0
    for action in actions:
        result = _run(folder, name, action)
    with task_store.STATE.open() as state:
        if task := state["folders"].get(folder, {}).get(name):
            if task["run"] and task["run"]["stop"]:
                result = task_store.STOPPED_BY_USER
            task.update(last_result=result, run=None)


def _run(folder: str, name: str, action: dict[str, Any]) -> int:
    line = f'"{os.path.expandvars(action["Path"])}" {action["Arguments"]}'
    where = action["WorkingDirectory"] or SYSTEM
    with task_store.STATE.open() as state:
        run = state["folders"][folder][name]["run"]
        if run["stop"]:
            return task_store.STOPPED_BY_USER
        try:
            process = subprocess.Popen(
                line,
                cwd=os.path.expandvars(where),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return task_store.FILE_NOT_FOUND
        run["pid"] = process.pid
    return process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
