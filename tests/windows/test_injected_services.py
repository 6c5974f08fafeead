"""Each call of a deployment to the service control manager fails, once and for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.host import outcomes
from tests.windows import scenarios
from tests.windows.channel import Windows
from tests.windows.injecting import inject
from tests.windows.worker import Worker

FUNCTION = "injected_services.run"
CREATE = {"start_type": "delayed", "restart_after_seconds": [5, 60]}

pytestmark = pytest.mark.scenario("windows_service", scenarios.INJECTED)
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def worker(windows: Windows, request: pytest.FixtureRequest) -> Iterator[Worker]:
    """A service of this test's own, which has recovery actions and starts late."""
    name = "".join(part.title() for part in request.node.name.split("_"))[:60]
    quick = {"settle_seconds": 0.1, "stop_timeout_seconds": 0.7}
    made = Worker(windows, name, create=CREATE, **quick)
    yield made
    made.remove()


def test_a_second_version(worker: Worker, capsys: Capture) -> None:
    worker.deploy("1.0")
    ended = inject(worker, capsys, FUNCTION, worker.port)
    assert ended["restored"] > 2
    assert ended["succeeded"]


def test_an_old_one_that_does_not_stop(worker: Worker, capsys: Capture) -> None:
    answer = worker.deploy("1.0", settings=worker.with_words("stubborn"))
    assert outcomes(answer)["release"] == "succeeded"
    inject(worker, capsys, FUNCTION, worker.port, within="stop")


def test_the_first_deployment(worker: Worker, capsys: Capture) -> None:
    inject(worker, capsys, FUNCTION, worker.port)


def test_the_way_back_from_a_new_one_that_is_not_healthy(worker: Worker, capsys: Capture) -> None:
    worker.deploy("1.0", probe=worker.probe_for("1.0"))
    probe = worker.probe_for("another")
    ended = inject(worker, capsys, FUNCTION, worker.port, within="restore", probe=probe)
    assert "succeeded" not in ended
