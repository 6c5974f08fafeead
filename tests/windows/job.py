"""A module that is a scheduled task, whose program writes which version it is."""

from __future__ import annotations

from typing import Any

from tests.windows.channel import Windows
from tests.windows.module import Module
from tests.windows.programs import built
from tests.windows.under_test import TASK_FOLDER

VERSIONS = ("1.0", "1.1", "1.2")
CREATE = {"trigger": {"trigger_type": "Daily", "start_time": "03:00"}, "user_name": "System"}


class Job(Module):
    """A module that is a scheduled task."""

    def __init__(self, windows: Windows, name: str, **settings: Any) -> None:
        self.out = windows.drive / "out" / f"{name}.txt"
        self.out.parent.mkdir(exist_ok=True)
        usual = {
            "task": "Send mail",
            "folder": TASK_FOLDER,
            "executable": r"bin\job.exe",
            "arguments": self.words(name),
            "create": CREATE,
            "run_now": True,
            "run_within_seconds": 30,
            "wait_seconds": 2,
        }
        super().__init__(windows, name, "windows_task", {**usual, **settings})
        content = built("job")
        for version in VERSIONS:
            self.build(version, {"bin/job.exe": content, "bin/version.txt": version.encode()})

    @staticmethod
    def words(name: str, *more: int) -> str:
        """The arguments of the program."""
        return " ".join([rf"C:\out\{name}.txt", *map(str, more)])

    def task(self, function: str, *arguments: Any, **named: Any) -> Any:
        """One of Salt's functions for the task."""
        return self.windows.salt(f"task.{function}", "Send mail", TASK_FOLDER, *arguments, **named)

    def kept(self) -> dict[str, Any]:
        """The task as the simulated scheduler keeps it, the whole of it."""
        found: dict[str, Any] = self.windows.call("task_store.kept", TASK_FOLDER, "Send mail")
        return found

    def runs(self) -> bool:
        """Whether an instance of it runs."""
        return bool(self.task("status") == "Running")

    def program(self) -> str:
        """The program of the task."""
        (action,) = self.task("info")["actions"]
        return str(action["cmd"])
