"""``windows_task`` on a Windows Python, with Salt's own module and a SIMULATED Task Scheduler.

The scheduler is a stand-in; what a task runs really runs.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.host import outcomes, steps
from tests.support.waiting import wait_until
from tests.windows.channel import Windows
from tests.windows.module import Module
from tests.windows.programs import built

VERSIONS = ("1.0", "1.1")
CREATE = {"trigger": {"trigger_type": "Daily", "start_time": "03:00"}, "user_name": "System"}


@pytest.fixture(scope="module")
def program() -> bytes:
    """A program that writes the version that lies beside it."""
    return built("job")


class Job(Module):
    """A module that is a scheduled task."""

    def __init__(self, windows: Windows, name: str, program: bytes) -> None:
        self.out = windows.drive / "out" / f"{name}.txt"
        self.out.parent.mkdir(exist_ok=True)
        settings = {
            "task": "Send mail",
            "executable": r"bin\job.exe",
            "arguments": self.words(name),
            "create": CREATE,
            "run_now": True,
            "run_within_seconds": 30,
            "wait_seconds": 2,
        }
        super().__init__(windows, name, "windows_task", settings)
        for version in VERSIONS:
            self.build(version, {"bin/job.exe": program, "bin/version.txt": version.encode()})

    @staticmethod
    def words(name: str, *more: int) -> str:
        """The arguments of the program."""
        return " ".join([rf"C:\out\{name}.txt", *map(str, more)])

    def task(self, function: str, *arguments: Any) -> Any:
        """One of Salt's functions for the task."""
        return self.windows.salt(f"task.{function}", "Send mail", *arguments)

    def program(self) -> str:
        """The program of the task."""
        (action,) = self.task("info")["actions"]
        return str(action["cmd"])


@pytest.fixture
def job(windows: Windows, program: bytes, request: pytest.FixtureRequest) -> Job:
    """A scheduler without tasks, and a module that nobody has deployed."""
    windows.call("task_store.reset")
    name = "task-" + request.node.name.replace("[", "-").replace("]", "")[:55]
    return Job(windows, name, program)


def test_the_task_is_created_and_run(job: Job) -> None:
    answer = job.deploy("1.0")
    assert {*outcomes(answer).values()} == {"succeeded"}, answer
    assert job.out.read_text() == "1.0"
    info = job.task("info")
    assert job.program() == rf"C:\srv\{job.name}\releases\1.0-1\bin\job.exe"
    assert info["enabled"] is True
    assert info["triggers"][0]["trigger_type"] == "Daily"


def test_the_second_version_and_the_way_back(job: Job) -> None:
    job.deploy("1.0")
    job.deploy("1.1")
    assert (job.out.read_text(), len(job.task("info")["actions"])) == ("1.1", 1)
    answer = job.deploy("1.0", kind="rollback")
    assert {*outcomes(answer).values()} <= {"succeeded", "unchanged"}, answer
    assert job.out.read_text() == "1.0"


def test_again_changes_nothing(job: Job) -> None:
    job.deploy("1.0")
    job.out.unlink()
    answer = job.deploy("1.0")
    assert {*outcomes(answer).values()} == {"unchanged"}, answer
    assert not job.out.exists()


def test_a_run_that_fails_brings_the_old_program_back(job: Job) -> None:
    job.deploy("1.0")
    answer = job.deploy("1.1", settings={"arguments": job.words(job.name, 0, 1)})
    assert outcomes(answer).get("post_release") == "failed", answer
    assert outcomes(answer).get("restore") == "succeeded", answer
    assert job.program().endswith(r"1.0-1\bin\job.exe")
    assert job.task("info")["enabled"] is True


def test_a_task_that_was_not_enabled_stays_so(job: Job) -> None:
    job.deploy("1.0")
    job.windows.call("tasks.set_enabled", "Send mail", False)
    answer = job.deploy("1.1", settings={"run_now": False})
    assert "failed" not in outcomes(answer).values(), answer
    assert job.task("info")["enabled"] is False
    assert job.program().endswith(r"1.1-2\bin\job.exe")


@pytest.mark.parametrize("running", ["fail", "end"])
def test_an_instance_that_runs(job: Job, running: str) -> None:
    slow = {"arguments": job.words(job.name, 60), "run_now": False}
    job.deploy("1.0", settings=slow)
    job.task("run")
    wait_until(lambda: job.task("status") == "Running", "the instance")
    answer = job.deploy("1.1", settings={"running": running, "run_now": False})
    if running == "fail":
        assert "runs 2 s later still" in steps(answer, "release")["wait_for_instance"][1]
        assert job.program().endswith(r"1.0-1\bin\job.exe")
        assert job.task("info")["enabled"] is True
    else:
        assert "was ended" in steps(answer, "release")["wait_for_instance"][1]
        assert job.program().endswith(r"1.1-2\bin\job.exe")
    job.task("stop")


def test_the_first_deployment_that_fails_leaves_no_task(job: Job) -> None:
    answer = job.deploy("1.0", settings={"arguments": job.words(job.name, 0, 1)})
    assert outcomes(answer).get("restore") == "succeeded", answer
    assert "Send mail" not in job.windows.salt("task.list_tasks")


def test_a_missing_task_is_refused_without_create(job: Job) -> None:
    answer = job.deploy("1.0", settings={"create": None})
    assert "There is no task" in steps(answer, "prepare")["check_runtime"][1]
