"""``windows_service`` on a Windows Python: Wine's service control manager is a real one.

What it does not know (recovery actions, delayed starts, dependents) is SIMULATED.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.host import outcomes, steps
from tests.support.waiting import wait_until
from tests.windows import lab, scenarios
from tests.windows.channel import Windows
from tests.windows.worker import Worker


@pytest.fixture
def worker(windows: Windows, request: pytest.FixtureRequest) -> Iterator[Worker]:
    """A service of this test's own."""
    name = "".join(part.title() for part in request.node.name.split("_"))[:60]
    made = Worker(windows, name)
    yield made
    made.remove()


@pytest.mark.scenario("windows_service", scenarios.FIRST)
def test_the_service_is_created_and_runs(worker: Worker) -> None:
    answer = worker.deploy("1.0")
    assert {*outcomes(answer).values()} == {"succeeded"}, answer
    assert worker.says() == "1.0"
    info = worker.info()
    assert (
        info["BinaryPath"] == rf'"C:\srv\{worker.name}\releases\1.0-1\bin\worker.exe" {worker.port}'
    )
    assert (info["Status"], info["StartType"]) == ("Running", "Manual")


@pytest.mark.scenario("windows_service", scenarios.SECOND)
@pytest.mark.scenario("windows_service", scenarios.ROLLBACK)
def test_the_second_version_and_the_way_back(worker: Worker) -> None:
    worker.deploy("1.0")
    answer = worker.deploy("1.1")
    assert worker.says() == "1.1"
    assert "stopped" in steps(answer, "release")["stop"][1]
    answer = worker.deploy("1.0", kind="rollback")
    assert steps(answer, "prepare")["choose_release"] == ("unchanged", "1.0-1 is kept here")
    assert worker.says() == "1.0"
    assert worker.releases() == ["1.0-1", "1.1-2"]


@pytest.mark.scenario("windows_service", scenarios.AGAIN)
def test_again_changes_nothing(worker: Worker) -> None:
    worker.deploy("1.0")
    pid = worker.windows.call("services.pid", worker.name)
    answer = worker.deploy("1.0")
    assert {*outcomes(answer).values()} == {"unchanged"}, answer
    assert worker.windows.call("services.pid", worker.name) == pid


def test_a_program_that_ends_at_once_brings_the_old_one_back(worker: Worker) -> None:
    worker.deploy("1.0")
    answer = worker.deploy("1.1", settings=worker.with_words("exits"))
    assert outcomes(answer)["release"] == "failed"
    assert outcomes(answer)["restore"] == "succeeded"
    assert worker.says() == "1.0"
    assert worker.info()["BinaryPath"].endswith(f'worker.exe" {worker.port}')


@pytest.mark.scenario("windows_service", scenarios.FAILED_HEALTH)
def test_a_failed_probe_brings_the_old_one_back(worker: Worker) -> None:
    worker.deploy("1.0")
    answer = worker.deploy("1.1", probe=worker.probe_for("another"))
    assert outcomes(answer)["post_release"] == "failed"
    assert worker.says() == "1.0"


@pytest.mark.scenario("windows_service", scenarios.DOES_NOT_STOP)
def test_a_service_that_does_not_stop_is_ended_by_force(worker: Worker) -> None:
    worker.deploy("1.0", settings=worker.with_words("stubborn"))
    answer = worker.deploy("1.1")
    assert "killed" in steps(answer, "release")["stop"][1]
    assert worker.says() == "1.1"


@pytest.mark.scenario("windows_service", scenarios.DOES_NOT_STOP)
def test_a_service_that_may_not_be_forced_stays_and_is_told(worker: Worker) -> None:
    worker.deploy("1.0", settings=worker.with_words("stubborn"))
    answer = worker.deploy("1.1", settings={"kill": False})
    outcome, detail = steps(answer, "release")["stop"]
    assert outcome == "failed"
    assert "does not let it be ended by force" in detail
    assert worker.says() == "1.0"
    assert worker.info()["BinaryPath"].endswith("stubborn")  # it was not given another program


def test_a_service_of_somebody_else_is_taken_over_and_given_back(worker: Worker) -> None:
    other = worker.windows.drive / "old shop"
    other.mkdir()
    (other / "old.exe").write_bytes(worker.program)
    (other / "version.txt").write_text("0.9")
    raw = rf"C:\old shop\old.exe {worker.port}"  # without quotes, as many installers write it
    salt = worker.windows.salt
    salt("service.create", worker.name, bin_path=r"C:\old shop\old.exe", start_type="manual")
    worker.windows.call("services.set_binary_path", worker.name, raw)
    salt("service.start", worker.name)
    assert worker.says() == "0.9"
    answer = worker.deploy("1.1", settings=worker.with_words("exits"))
    assert outcomes(answer)["restore"] == "succeeded"
    assert (worker.says(), worker.info()["BinaryPath"]) == ("0.9", raw)
    worker.deploy("1.1")
    assert worker.says() == "1.1"


def test_the_first_deployment_that_fails_leaves_no_service(worker: Worker) -> None:
    answer = worker.deploy("1.0", settings=worker.with_words("exits"))
    assert outcomes(answer)["restore"] == "succeeded"
    assert not worker.windows.salt("service.available", worker.name)


def test_a_service_that_is_not_there_or_disabled_is_refused(worker: Worker) -> None:
    answer = worker.deploy("1.0", settings={"create": None})
    assert "There is no service" in steps(answer, "prepare")["check_runtime"][1]
    worker.deploy("1.0")
    worker.windows.salt("service.stop", worker.name)
    worker.windows.salt("service.disable", worker.name)
    answer = worker.deploy("1.1")
    assert "is disabled" in steps(answer, "prepare")["check_runtime"][1]
    assert worker.info()["StartType"] == "Disabled"


@pytest.mark.parametrize("function", ["service.stop", "service.start"])
def test_a_service_control_manager_that_refuses(worker: Worker, function: str) -> None:
    worker.deploy("1.0")
    answer = worker.deploy("1.1", failing=[function])
    ended = outcomes(answer)
    if function == "service.start":  # neither the new nor the old one can be started
        assert ended["restore"] == "failed"
        assert worker.info()["BinaryPath"].count("1.0-1") == 1
        worker.windows.salt("service.start", worker.name)
        assert worker.says() == "1.0"
    else:  # its process was ended by force, and it serves the new version
        assert worker.says() == "1.1"


@pytest.mark.scenario("windows_service", scenarios.LOCKED_FILE)
def test_a_file_that_is_open_stays_for_the_next_time(worker: Worker) -> None:
    for version in ("1.0", "1.1"):
        worker.deploy(version, keep_releases=1)
    held = rf"C:\srv\{worker.name}\releases\1.0-1\bin\version.txt"
    worker.windows.call("holding.hold", held)
    answer = worker.deploy("1.2", keep_releases=1)
    worker.windows.call("holding.let_go", held)
    assert steps(answer, "post_release")["retire"] == (
        "warning",
        "could not remove 1.0-1; it is tried again next time",
    )
    assert (worker.says(), len(worker.releases())) == ("1.2", 3)
    answer = worker.deploy("1.1", kind="rollback", keep_releases=1)
    assert worker.releases() == ["1.1-2", "1.2-3"]


def test_what_the_service_was_is_told_and_saved(worker: Worker) -> None:
    worker.deploy("1.0", settings={"create": {"start_type": "delayed"}})
    worker.windows.call("services.set_recovery", worker.name, 1000)
    before = worker.setup()
    answer = worker.deploy("1.1", settings=worker.with_words("exits"))
    told = steps(answer, "pre_release")["save"][1]
    assert "before: 1.0" in told
    assert "running, start auto (delayed), " in told
    assert "LocalSystem, recovery: restart after 1 s" in told
    assert outcomes(answer)["restore"] == "succeeded"
    assert worker.setup() == before


def test_a_service_is_created_with_recovery_actions(worker: Worker) -> None:
    create = {"start_type": "delayed", "restart_after_seconds": [5, 60]}
    worker.deploy("1.0", settings={"create": create})
    found = worker.setup()
    assert found["recovery"]["Actions"] == [[1, 5000], [1, 60000]]
    assert (found["is_delayed"], worker.info()["StartType"]) == (True, "Auto")


def test_recovery_actions_outlive_a_process_that_is_ended_by_force(worker: Worker) -> None:
    worker.deploy("1.0", settings=worker.with_words("stubborn"))
    worker.windows.call("services.set_recovery", worker.name, 1000, 2000)
    before = worker.setup()["recovery"]
    answer = worker.deploy("1.1", settings={"stop_timeout_seconds": 0.5})
    assert "killed" in steps(answer, "release")["stop"][1]
    assert worker.setup()["recovery"] == before


def test_a_service_that_others_need_is_refused_with_their_names(worker: Worker) -> None:
    worker.deploy("1.0")
    other = Worker(worker.windows, f"{worker.name}Needs")
    try:
        other.deploy("1.0")
        worker.windows.call("service_settings.depend", other.name, worker.name)
        answer = worker.deploy("1.1")
        assert f"Windows does not stop it: {other.name}" in answer["error"]
        assert [*outcomes(answer)] == ["prepare"]
        other.service("stop")
        assert outcomes(worker.deploy("1.1"))["release"] == "succeeded"
    finally:
        other.remove()


def test_a_service_that_others_begin_to_need_meanwhile_is_not_killed(worker: Worker) -> None:
    worker.deploy("1.0")
    other = Worker(worker.windows, f"{worker.name}Needs")
    try:
        other.deploy("1.0")
        worker.deploy("1.1", stages=["prepare"])
        worker.number -= 1
        worker.windows.call("service_settings.depend", other.name, worker.name)
        answer = worker.deploy("1.1", stages=["pre_release", "release"])
        outcome, detail = steps(answer, "release")["stop"]
        assert (outcome, other.name in detail) == ("failed", True)
        assert (worker.says(), other.says()) == ("1.0", "1.0")
    finally:
        other.remove()


def test_a_paused_service_is_refused(worker: Worker) -> None:
    worker.deploy("1.0")
    worker.windows.call("services.pause", worker.name)
    answer = worker.deploy("1.1")
    assert "is paused" in steps(answer, "prepare")["check_runtime"][1]


def test_a_service_that_shares_its_process_is_refused(worker: Worker) -> None:
    worker.deploy("1.0")
    worker.service("modify", service_type="share")
    answer = worker.deploy("1.1")
    assert "no process of its own" in steps(answer, "prepare")["check_runtime"][1]


def test_a_service_that_is_marked_for_deletion_is_refused(worker: Worker) -> None:
    worker.deploy("1.0")
    worker.service("stop")
    worker.windows.call("services.hold_and_delete", worker.name)
    try:
        answer = worker.deploy("1.1")
        assert "marked for deletion" in steps(answer, "prepare")["check_runtime"][1]
    finally:
        worker.windows.call("services.let_go")


def test_a_service_that_takes_its_time_to_start(worker: Worker) -> None:
    worker.deploy("1.0")
    answer = worker.deploy("1.1", settings=worker.with_words("slow"))
    assert outcomes(answer)["release"] == "succeeded"
    assert worker.says() == "1.1"
    late = {**worker.with_words("slow"), "start_timeout_seconds": 0.5}
    answer = worker.deploy("1.2", settings=late)
    assert "it is about to start" in steps(answer, "release")["start"][1]
    assert (outcomes(answer)["restore"], worker.says()) == ("succeeded", "1.1")


def test_a_service_that_is_about_to_start_or_stop_at_the_beginning(worker: Worker) -> None:
    worker.deploy("1.0", settings={**worker.with_words("slow stubborn")})
    worker.windows.call("services.end", worker.name)
    wait_until(lambda: worker.says() is None, "the end of the service")
    worker.service("start", timeout=0)
    assert worker.info()["Status"] == "Start Pending"
    worker.deploy("1.1", settings=worker.with_words("stubborn"))
    assert worker.says() == "1.1"
    worker.service("stop", timeout=0)
    assert worker.info()["Status"] == "Stop Pending"
    worker.deploy("1.2", settings={"stop_timeout_seconds": 0.5})
    assert worker.says() == "1.2"


def test_a_service_that_was_disabled_meanwhile_stays_so_no_longer_than_it_has_to(
    worker: Worker,
) -> None:
    worker.deploy("1.0")
    worker.deploy("1.1", stages=["prepare", "pre_release"])
    worker.number -= 1
    worker.service("modify", start_type="disabled")
    answer = worker.deploy("1.1", stages=["release"])
    assert "has been disabled meanwhile" in steps(answer, "release")["start"][1]
    assert (worker.info()["StartType"], worker.says()) == ("Manual", "1.0")


def test_the_old_program_that_windows_started_again_is_no_success(worker: Worker) -> None:
    worker.deploy("1.0")
    old = worker.info()["BinaryPath"]
    worker.deploy("1.1", stages=["prepare", "pre_release", "release"])
    assert worker.says() == "1.1"
    # As a recovery action would: the old program runs, and the new one is set up.
    worker.service("stop")
    new = worker.info()["BinaryPath"]
    worker.windows.call("services.set_binary_path", worker.name, old)
    worker.service("start")
    worker.windows.call("services.set_binary_path", worker.name, new)
    assert worker.says() == "1.0"
    worker.number -= 1
    answer = worker.deploy("1.1", stages=["post_release"])
    assert outcomes(answer)["post_release"] == "failed"


def test_a_process_that_has_got_the_number_of_another_one_is_not_ended(windows: Windows) -> None:
    pid, began = windows.call("services.sleeper")
    try:
        windows.call("pushguide.host.windows.processes.end", pid, began - 1)
        assert windows.call("pushguide.host.windows.processes.is_alive", pid, began)
        assert not windows.call("pushguide.host.windows.processes.is_alive", pid, began - 1)
    finally:
        windows.call("pushguide.host.windows.processes.end", pid, began)
    wait_until(
        lambda: not windows.call("pushguide.host.windows.processes.is_alive", pid, began), "its end"
    )


def test_every_module_of_the_hosts_side_is_run_by_windows(windows: Windows) -> None:
    names = windows.call("deployments.import_all")
    files = [*(lab.PROJECT / "_utils/pushguide/host").rglob("*.py")]
    assert len(names) == len(files) - 1  # the package itself
