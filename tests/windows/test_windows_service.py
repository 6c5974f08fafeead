"""``windows_service`` on a Windows Python: Wine's service control manager is a real one."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.host import outcomes, steps
from tests.support.ports import free_port
from tests.windows import lab
from tests.windows.channel import Windows
from tests.windows.module import Module
from tests.windows.programs import built

VERSIONS = ("1.0", "1.1", "1.2")


@pytest.fixture(scope="module")
def program() -> bytes:
    """A service that answers with the version that lies beside it."""
    return built("service")


class Worker(Module):
    """A module that is a service."""

    def __init__(self, windows: Windows, name: str, program: bytes, **settings: Any) -> None:
        self.port = free_port()
        usual = {
            "service": name,
            "executable": r"bin\worker.exe",
            "arguments": str(self.port),
            "create": {"start_type": "manual"},
            "stop_timeout_seconds": 3,
            "start_timeout_seconds": 10,
            "settle_seconds": 0.5,
        }
        super().__init__(windows, name, "windows_service", {**usual, **settings})
        for version in VERSIONS:
            files = {"bin/worker.exe": program, "bin/version.txt": version.encode()}
            self.build(version, files)

    def says(self) -> str | None:
        """What the service answers, None if nothing does."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            return None

    def with_words(self, words: str) -> dict[str, Any]:
        """Settings with arguments that make the program do something wrong."""
        return {"arguments": f"{self.port} {words}"}

    def info(self) -> dict[str, Any]:
        """What Salt tells of the service."""
        found: dict[str, Any] = self.windows.salt("service.info", self.name)
        return found

    def remove(self) -> None:
        """End and delete the service."""
        if self.windows.salt("service.available", self.name):
            pid = self.windows.call("services.pid", self.name)
            if pid:
                self.windows.call("pushguide.host.windows.processes.end", pid)
            self.windows.salt("service.delete", self.name)


@pytest.fixture
def worker(windows: Windows, program: bytes, request: pytest.FixtureRequest) -> Iterator[Worker]:
    """A service of this test's own."""
    name = "".join(part.title() for part in request.node.name.split("_"))[:60]
    made = Worker(windows, name, program)
    yield made
    made.remove()


def test_the_service_is_created_and_runs(worker: Worker) -> None:
    answer = worker.deploy("1.0")
    assert {*outcomes(answer).values()} == {"succeeded"}, answer
    assert worker.says() == "1.0"
    info = worker.info()
    assert (
        info["BinaryPath"] == rf'"C:\srv\{worker.name}\releases\1.0-1\bin\worker.exe" {worker.port}'
    )
    assert (info["Status"], info["StartType"]) == ("Running", "Manual")


def test_the_second_version_and_the_way_back(worker: Worker) -> None:
    worker.deploy("1.0")
    answer = worker.deploy("1.1")
    assert worker.says() == "1.1"
    assert "stopped" in steps(answer, "release")["stop"][1]
    answer = worker.deploy("1.0", kind="rollback")
    assert steps(answer, "prepare")["choose_release"] == ("unchanged", "1.0-1 is kept here")
    assert worker.says() == "1.0"
    assert worker.releases() == ["1.0-1", "1.1-2"]


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


def test_a_failed_probe_brings_the_old_one_back(worker: Worker) -> None:
    worker.deploy("1.0")
    probe = {
        "kind": "http",
        "url": f"http://127.0.0.1:{worker.port}/",
        "text": "another",
        "within_seconds": 1,
        "interval_seconds": 0.2,
    }
    answer = worker.deploy("1.1", probe=[probe])
    assert outcomes(answer)["post_release"] == "failed"
    assert worker.says() == "1.0"


def test_a_service_that_does_not_stop_is_ended_by_force(worker: Worker) -> None:
    worker.deploy("1.0", settings=worker.with_words("stubborn"))
    answer = worker.deploy("1.1")
    assert "killed" in steps(answer, "release")["stop"][1]
    assert worker.says() == "1.1"


def test_a_service_that_may_not_be_forced_stays_and_is_told(worker: Worker) -> None:
    worker.deploy("1.0", settings=worker.with_words("stubborn"))
    answer = worker.deploy("1.1", settings={"kill": False})
    outcome, detail = steps(answer, "release")["stop"]
    assert outcome == "failed"
    assert "does not let it be ended by force" in detail
    assert worker.says() == "1.0"
    assert worker.info()["BinaryPath"].endswith("stubborn")  # it was not given another program


def test_a_service_of_somebody_else_is_taken_over_and_given_back(
    worker: Worker, program: bytes
) -> None:
    other = worker.windows.drive / "old shop"
    other.mkdir()
    (other / "old.exe").write_bytes(program)
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


def test_every_module_of_the_hosts_side_is_run_by_windows(windows: Windows) -> None:
    names = windows.call("deployments.import_all")
    files = [*(lab.PROJECT / "_utils/pushguide/host").rglob("*.py")]
    assert len(names) == len(files) - 1  # the package itself
