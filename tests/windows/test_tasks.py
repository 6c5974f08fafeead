"""Salt's win_task against the SIMULATED Task Scheduler, which really runs what it is told to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tests.windows.channel import Raised, Windows
from tests.windows.under_test import TASK_FOLDER, only_with_stand_ins

Task = Callable[..., Any]

PYTHON = r"C:\py\python.exe"


@pytest.fixture
def task(windows: Windows) -> Task:
    """Salt's task module, by the name of its function, and a folder without a task."""
    windows.call("tasks.reset", TASK_FOLDER)

    def call(function: str, *arguments: Any, **keywords: Any) -> Any:
        where = {"location": TASK_FOLDER, **keywords}
        return windows.salt(f"task.{function}", *arguments, **where)

    return call


@pytest.fixture
def nightly(task: Task, windows: Windows, tmp_path: Path) -> Path:
    """A task with that name, and the file that its action writes."""
    (tmp_path / "write.py").write_text("open('written.txt', 'w').write('done')")
    created = task(
        "create_task",
        "nightly",
        cmd=PYTHON,
        arguments="write.py",
        start_in=windows.path(tmp_path),
        trigger_type="Daily",
        start_time="03:00",
        description="Writes a file",
    )
    assert created is True
    return tmp_path / "written.txt"


WAIT = """
import time
begun = open('begun.txt', 'a')
begun.write('begun ')
begun.flush()
time.sleep(600)
"""


def test_a_task_is_created_and_read_back(task: Task, nightly: Path, windows: Windows) -> None:
    assert task("list_tasks") == ["nightly"]
    found = task("info", "nightly")
    assert found["actions"] == [
        {
            "action_type": "Execute",
            "cmd": PYTHON,
            "arguments": "write.py",
            "working_dir": windows.path(nightly.parent),
        }
    ]
    [trigger] = found["triggers"]
    assert (trigger["trigger_type"], trigger["start_time"]) == ("Daily", "03:00:00")
    assert (found["enabled"], found["status"]) == (True, "Ready")
    assert found["last_run_result"] == "Task has not yet run"
    assert found["settings"]["multiple_instances"] == "No New Instance"


def test_a_run_really_runs_the_action(task: Task, nightly: Path) -> None:
    assert task("run_wait", "nightly") is True
    assert nightly.read_text() == "done"
    found = task("info", "nightly")
    assert found["last_run_result"] == "The operation completed successfully"
    assert found["last_run"].startswith("20")


def test_the_exit_code_is_the_result(task: Task) -> None:
    action = {"cmd": PYTHON, "arguments": '-c "raise SystemExit(2)"'}
    assert task("create_task", "failing", **action, trigger_type="OnBoot") is True
    assert task("run_wait", "failing") is True
    assert task("info", "failing")["last_run_result"] == "File not found"  # Windows's word for 2


def test_a_program_that_is_not_there_fails_and_says_so(task: Task) -> None:
    assert task("create_task", "lost", cmd=r"C:\none.exe", trigger_type="OnBoot") is True
    assert task("run", "lost") is True
    wait_until(lambda: task("status", "lost") == "Ready", "the end of the task")
    assert task("info", "lost")["last_run_result"] == "Unknown Task Result: 0x80070002"


def test_a_running_task_is_stopped(task: Task, windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "wait.py").write_text(WAIT)
    begun = tmp_path / "begun.txt"
    action = {"cmd": PYTHON, "arguments": "wait.py", "start_in": windows.path(tmp_path)}
    assert task("create_task", "waiting", **action, trigger_type="OnBoot") is True
    assert task("run", "waiting") is True
    wait_until(lambda: begun.exists() and begun.read_text(), "the task's begin")
    assert task("status", "waiting") == "Running"
    assert task("info", "waiting")["last_run_result"] == "Task is currently running"
    assert task("run", "waiting") is True  # which is ignored
    with pytest.raises(Raised, match="WinError 32"):
        windows.call("os.remove", windows.path(begun))
    assert task("stop", "waiting") is True
    assert task("status", "waiting") == "Ready"
    assert task("info", "waiting")["last_run_result"] == "Task was terminated by the user"
    assert begun.read_text() == "begun "
    windows.call("os.remove", windows.path(begun))  # nobody has it open any more


def test_a_disabled_task_does_not_run(task: Task, nightly: Path) -> None:
    assert task("edit_task", "nightly", enabled=False) is True
    assert task("status", "nightly") == "Disabled"
    assert task("run", "nightly") is False
    assert task("edit_task", "nightly", enabled=True) is True
    assert task("run_wait", "nightly") is True
    assert nightly.exists()


def test_an_action_is_replaced_by_creating_the_task_again(task: Task, nightly: Path) -> None:
    assert task("create_task", "nightly", cmd=PYTHON, trigger_type="Once") == (
        "nightly already exists"
    )
    new = {"cmd": PYTHON, "arguments": "-V", "trigger_type": "Once", "force": True}
    assert task("create_task", "nightly", **new) is True
    [action] = task("info", "nightly")["actions"]
    assert action["arguments"] == "-V"


def test_triggers_and_actions_are_added_and_listed(task: Task, nightly: Path) -> None:
    weekly = {"trigger_type": "Weekly", "days_of_week": ["Monday"]}
    assert task("add_trigger", "nightly", **weekly, repeat_interval="1 hour") is True
    assert task("list_triggers", "nightly") == ["Daily_ID1", "Weekly_ID1"]
    assert task("add_action", "nightly", cmd=PYTHON, arguments="-V") is True
    assert len(task("list_actions", "nightly")) == 2
    assert task("clear_triggers", "nightly") is True
    assert task("list_triggers", "nightly") == []
    assert task("run_wait", "nightly") is True


def test_folders_come_and_go(task: Task) -> None:
    assert task("create_folder", "shop") is True
    assert task("list_folders") == ["shop"]
    where = {"location": rf"{TASK_FOLDER}\shop"}
    made = {"cmd": PYTHON, "arguments": "-V", "trigger_type": "OnBoot"}
    assert task("create_task", "nightly", **where, **made) is True
    assert task("list_tasks", **where) == ["nightly"]
    assert task("list_tasks") == []
    with pytest.raises(Raised, match="com_error"):
        task("delete_folder", "shop")
    assert task("delete_task", "nightly", **where) is True
    assert task("delete_folder", "shop") is True
    with pytest.raises(Raised, match="Unable to load location"):
        task("list_tasks", **where)


def test_a_task_is_deleted(task: Task, nightly: Path) -> None:
    assert task("delete_task", "nightly") is True
    assert task("list_tasks") == []
    assert task("info", "nightly") == f"nightly not found in {TASK_FOLDER}"


# --- what is refused ------------------------------------------------------------------------


def test_a_task_without_an_action_is_an_error(task: Task) -> None:
    assert task("create_task", "empty", trigger_type="OnBoot") is False
    assert task("create_task", "a:b", cmd=PYTHON, trigger_type="OnBoot") is False
    assert task("list_tasks") == []


def test_a_password_has_to_be_given_again(task: Task) -> None:
    made = {"cmd": PYTHON, "trigger_type": "OnBoot", "user_name": "me", "password": "secret"}
    assert task("create_task", "mine", **made) is True
    changed = task("edit_task", "mine", description="mine")
    assert changed == "Failed to modify task: Unknown Failure: 0x8007052e"


@only_with_stand_ins
@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        (
            "create_task",
            {"action_type": "Message", "title": "a", "message": "b", "trigger_type": "OnBoot"},
            "actions other than programs are not simulated",
        ),
        (
            "create_task",
            {"cmd": PYTHON, "trigger_type": "OnTaskCreation"},
            "this kind of trigger is not simulated",
        ),
        ("create_task_from_xml", {"xml_text": "<Task/>"}, "tasks in XML are not simulated"),
        ("create_task_from_xml", {"xml_path": r"C:\task.xml"}, "The task XML is malformed"),
    ],
)
def test_what_is_not_simulated_is_refused(
    task: Task, function: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(Raised, match=said):
        task(function, "refused", **arguments)
    assert task("list_tasks") == []


def test_an_unknown_attribute_is_refused(windows: Windows) -> None:
    with pytest.raises(Raised, match=r"Property 'Settings\.Prioritty' can not be set"):
        windows.call("unknown_attribute.set_one")
