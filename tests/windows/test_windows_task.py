"""``windows_task`` on a Windows Python, with Salt's own module and a SIMULATED Task Scheduler.

The scheduler is a stand-in; what a task runs really runs.
"""

from __future__ import annotations

import pytest

from tests.support.host import outcomes, steps
from tests.support.waiting import wait_until
from tests.windows import scenarios
from tests.windows.channel import Windows
from tests.windows.job import CREATE, Job
from tests.windows.under_test import TASK_FOLDER


@pytest.fixture
def job(windows: Windows, request: pytest.FixtureRequest) -> Job:
    """A scheduler without tasks, and a module that nobody has deployed."""
    windows.call("tasks.reset", TASK_FOLDER)
    name = "task-" + request.node.name.replace("[", "-").replace("]", "")[:55]
    return Job(windows, name)


@pytest.mark.scenario("windows_task", scenarios.FIRST)
def test_the_task_is_created_and_run(job: Job) -> None:
    answer = job.deploy("1.0")
    assert {*outcomes(answer).values()} == {"succeeded"}, answer
    assert job.out.read_text() == "1.0"
    info = job.task("info")
    assert job.program() == rf"C:\srv\{job.name}\releases\1.0-1\bin\job.exe"
    assert info["enabled"] is True
    assert info["triggers"][0]["trigger_type"] == "Daily"


@pytest.mark.scenario("windows_task", scenarios.SECOND)
@pytest.mark.scenario("windows_task", scenarios.ROLLBACK)
def test_the_second_version_and_the_way_back(job: Job) -> None:
    job.deploy("1.0")
    job.deploy("1.1")
    assert (job.out.read_text(), len(job.task("info")["actions"])) == ("1.1", 1)
    answer = job.deploy("1.0", kind="rollback")
    assert {*outcomes(answer).values()} <= {"succeeded", "unchanged"}, answer
    assert job.out.read_text() == "1.0"


@pytest.mark.scenario("windows_task", scenarios.AGAIN)
def test_again_changes_nothing(job: Job) -> None:
    job.deploy("1.0")
    job.out.unlink()
    answer = job.deploy("1.0")
    assert {*outcomes(answer).values()} == {"unchanged"}, answer
    assert not job.out.exists()


@pytest.mark.scenario("windows_task", scenarios.FAILED_HEALTH)
def test_a_run_that_fails_brings_the_old_program_back(job: Job) -> None:
    job.deploy("1.0")
    answer = job.deploy("1.1", settings={"arguments": job.words(job.name, 0, 1)})
    assert outcomes(answer).get("post_release") == "failed", answer
    assert outcomes(answer).get("restore") == "succeeded", answer
    assert job.program().endswith(r"1.0-1\bin\job.exe")
    assert job.task("info")["enabled"] is True


def test_a_task_that_was_not_enabled_stays_so(job: Job) -> None:
    job.deploy("1.0")
    job.windows.call("tasks.set_enabled", "Send mail", TASK_FOLDER, False)
    answer = job.deploy("1.1", settings={"run_now": False})
    assert "failed" not in outcomes(answer).values(), answer
    assert job.task("info")["enabled"] is False
    assert job.program().endswith(r"1.1-2\bin\job.exe")


@pytest.mark.scenario("windows_task", scenarios.DOES_NOT_STOP)
@pytest.mark.parametrize("running", ["fail", "end"])
def test_an_instance_that_runs(job: Job, running: str) -> None:
    slow = {"arguments": job.words(job.name, 60), "run_now": False}
    job.deploy("1.0", settings=slow)
    job.task("run")
    wait_until(job.runs, "the instance")
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
    assert "Send mail" not in job.windows.salt("task.list_tasks", TASK_FOLDER)


def test_a_missing_task_is_refused_without_create(job: Job) -> None:
    answer = job.deploy("1.0", settings={"create": None})
    assert "There is no task" in steps(answer, "prepare")["check_runtime"][1]


def test_of_a_task_that_is_there_nothing_but_the_program_changes(job: Job) -> None:
    job.windows.call("task_store.fill", TASK_FOLDER, "Send mail", r"C:\old\job.exe", "--old")
    before = job.kept()["definition"]
    settings = {"run_now": False, "create": None, "arguments": None}
    for version, kind in (("1.0", "deploy"), ("1.1", "deploy"), ("1.0", "rollback")):
        answer = job.deploy(version, kind, settings=settings)
        assert "failed" not in outcomes(answer).values(), answer
        assert f"\\{version}-" in job.program()
        after = job.kept()["definition"]
        assert {**after, "Actions": None} == {**before, "Actions": None}
        [was], [now] = before["Actions"], after["Actions"]
        assert now["Arguments"] == was["Arguments"] == "--old"
        assert {one for one in now if now[one] != was[one]} == {"Path", "WorkingDirectory"}


def test_a_task_that_is_there_is_known_in_any_case(job: Job) -> None:
    job.windows.call("task_store.fill", TASK_FOLDER, "SEND MAIL", r"C:\old\job.exe", "--old")
    before = job.windows.call("task_store.kept", TASK_FOLDER, "SEND MAIL")
    answer = job.deploy("1.0", settings={"run_now": False})
    assert "failed" not in outcomes(answer).values(), answer
    after = job.windows.call("task_store.kept", TASK_FOLDER, "SEND MAIL")
    assert after["definition"]["Triggers"] == before["definition"]["Triggers"]
    assert after["definition"]["Actions"] != before["definition"]["Actions"]


def test_an_exit_code_is_told_as_a_number(job: Job) -> None:
    job.deploy("1.0")
    answer = job.deploy("1.1", settings={"arguments": job.words(job.name, 0, 2)})
    assert "ended with 2 (0x2)" in steps(answer, "post_release")["run_now"][1]


def test_a_task_that_is_not_enabled_is_not_run_as_a_proof(job: Job) -> None:
    job.deploy("1.0")
    job.windows.call("tasks.set_enabled", "Send mail", TASK_FOLDER, False)
    answer = job.deploy("1.1")
    assert steps(answer, "post_release")["run_now"][0] == "warning"
    assert job.task("info")["enabled"] is False
    assert job.program().endswith(r"1.1-2\bin\job.exe")


def test_a_task_that_may_not_be_run_on_demand_is_refused(job: Job) -> None:
    job.deploy("1.0")
    job.task("edit_task", allow_demand_start=False)
    answer = job.deploy("1.1")
    assert "may not be run on demand" in steps(answer, "prepare")["check_runtime"][1]


def test_an_instance_that_is_queued_is_waited_for(job: Job) -> None:
    job.deploy("1.0", settings={"run_now": False})
    job.windows.call("task_store.queue", TASK_FOLDER, "Send mail")
    answer = job.deploy("1.1", settings={"run_now": False, "wait_seconds": 0.5})
    assert "runs 0.5 s later still" in steps(answer, "release")["wait_for_instance"][1]
    assert job.task("info")["enabled"] is True
    assert job.program().endswith(r"1.0-1\bin\job.exe")


@pytest.mark.parametrize("user", ["LocalService", "NetworkService"])
def test_a_task_for_a_service_account(job: Job, user: str) -> None:
    changes = {
        "run_now": False,
        "folder": rf"{TASK_FOLDER}\Shop\Jobs",
        "create": {**CREATE, "user_name": user},
    }
    answer = job.deploy("1.0", settings=changes)
    assert "failed" not in outcomes(answer).values(), answer
    kept = job.windows.call("task_store.kept", rf"{TASK_FOLDER}\Shop\Jobs", "Send mail")[
        "definition"
    ]
    assert kept["Principal"]["UserID"] == rf"NT AUTHORITY\{user.upper()}"
    assert kept["Principal"]["LogonType"] == 5
    assert kept["Settings"]["Enabled"] is True


@pytest.mark.scenario("windows_task", scenarios.LOCKED_FILE)
def test_a_release_that_an_instance_runs_stays_for_the_next_time(job: Job) -> None:
    quick = {"run_now": False}
    for version in ("1.0", "1.1"):
        job.deploy(version, keep_releases=1, settings=quick)
    held = rf"C:\srv\{job.name}\releases\1.0-1\bin\version.txt"
    job.windows.call("holding.hold", held)
    answer = job.deploy("1.2", keep_releases=1, settings=quick)
    job.windows.call("holding.let_go", held)
    assert steps(answer, "post_release")["retire"][0] == "warning"
    assert len(job.releases()) == 3
    job.deploy("1.1", kind="rollback", keep_releases=1, settings=quick)
    assert job.releases() == ["1.1-2", "1.2-3"]
