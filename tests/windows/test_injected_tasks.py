"""Each call of a deployment to the SIMULATED Task Scheduler fails, once and for good."""

from __future__ import annotations

import pytest

from tests.windows import scenarios
from tests.windows.channel import Windows
from tests.windows.injecting import inject
from tests.windows.job import Job
from tests.windows.under_test import TASK_FOLDER

FUNCTION = "injected_tasks.run"
AS_A_PROOF = {"run_now": True}

pytestmark = pytest.mark.scenario("windows_task", scenarios.INJECTED)
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def job(windows: Windows, request: pytest.FixtureRequest) -> Job:
    """A scheduler without tasks, and a module that nobody has deployed."""
    windows.call("tasks.reset", TASK_FOLDER)
    name = request.node.name.replace("_", "-")[:55]
    return Job(windows, name, run_now=False, run_within_seconds=10, wait_seconds=1)


def test_a_second_version(job: Job, capsys: Capture) -> None:
    job.deploy("1.0")
    ended = inject(job, capsys, FUNCTION, True)
    assert ended["restored"] > 2
    assert ended["succeeded"]


def test_the_first_deployment(job: Job, capsys: Capture) -> None:
    inject(job, capsys, FUNCTION, True)


def test_the_run_that_proves_it(job: Job, capsys: Capture) -> None:
    job.deploy("1.0")
    inject(job, capsys, FUNCTION, True, settings=AS_A_PROOF, within="run_now")


def test_the_way_back_from_a_run_that_fails(job: Job, capsys: Capture) -> None:
    job.deploy("1.0")
    fails = {**AS_A_PROOF, "arguments": job.words(job.name, 0, 1)}
    ended = inject(job, capsys, FUNCTION, False, settings=fails, within="restore")
    assert "succeeded" not in ended
