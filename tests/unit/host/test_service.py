"""A service with real processes: small web servers that say which version they are."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from pushguide.host import process
from pushguide.host.steps import Recorder
from pushguide.host.types.service import Service
from pushguide.share import Artifact
from pushguide.words import FAILED, GOOD, RESTORED, SUCCEEDED, UNCHANGED, WARNING
from tests.support.host import Host, die, in_a_process, outcomes, steps
from tests.support.ports import free_port
from tests.support.waiting import wait_until

SERVER = Path(__file__).parents[2] / "support" / "server.py"


class Services(Host):
    """A host that runs a service."""

    def __init__(self, top: Path, **given: Any) -> None:
        super().__init__(top, Service, **given)
        self.top = top

    def build_server(self, version: str, says: str | None = None, **settings: Any) -> Artifact:
        """A version of the server; without ``says`` it tells the truth."""
        content = {"says": says or f"version {version}", **settings}
        files = {"server.py": SERVER.read_text(), "server.json": json.dumps(content)}
        return self.build(version, files)

    def processes(self) -> list[psutil.Process]:
        """All processes that were started here: they know the pid file."""
        mark = f"{self.top}/"
        found = []
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                is_ours = mark in one.environ().get("PUSHGUIDE_PID_FILE", "")
                if is_ours and one.status() != psutil.STATUS_ZOMBIE:
                    found.append(one)
        return found

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.given["settings"]["port"])

    @property
    def pid(self) -> int:
        """The one process that runs here."""
        [one] = self.processes()
        return int(one.pid)

    def stop_all(self) -> None:
        """End whatever still runs."""
        for one in self.processes():
            with suppress(psutil.Error):
                one.kill()
        wait_until(lambda: not self.processes(), "the end of all services", 20)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_POLL_SECONDS", 0.01)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Services]:
    port = free_port()
    host = Services(
        tmp_path,
        settings={
            "command": [sys.executable, "-I", "-S", "server.py"],
            "environment": {"PORT": str(port)},
            "port": port,
            "stop_timeout_seconds": 20,
            "start_timeout_seconds": 20,
            "settle_seconds": 0.05,
        },
        probe={
            "url": f"http://127.0.0.1:{port}/",
            "text": "version {version} from",
            "within_seconds": 0.1,
            "interval_seconds": 0.05,
        },
    )
    yield host
    host.stop_all()


def ask(service: Services) -> str:
    """What the service answers."""
    url = f"http://127.0.0.1:{service.given['settings']['port']}/"
    with urllib.request.urlopen(url, timeout=20) as answer:
        text: str = answer.read().decode()
        return text


def deploy(service: Services, version: str, **settings: Any) -> dict[str, Any]:
    return service.deploy(version, artifact=service.build_server(version, **settings))


def test_deploy_a_new_version_and_go_back(service: Services) -> None:
    first = deploy(service, "1")
    assert (first["outcome"], first["live"]) == (SUCCEEDED, "1")
    assert ask(service) == f"version 1 from {service.pid}"
    assert steps(first, "release")["stop"] == (SUCCEEDED, "was not running")
    one = service.pid

    second = deploy(service, "2")
    assert (second["outcome"], second["live"]) == (SUCCEEDED, "2")
    assert ask(service) == f"version 2 from {service.pid}"
    assert steps(second, "release")["stop"] == (SUCCEEDED, f"process {one} stopped")
    two = service.pid
    assert Path(f"/proc/{two}/cwd").readlink() == service.root / "releases" / "2-2"

    back = service.rollback("1")
    assert (back["outcome"], back["live"]) == (SUCCEEDED, "1")
    assert ask(service) == f"version 1 from {service.pid}"
    assert service.pid not in (one, two)
    assert not process.is_alive(two)


def test_the_version_that_is_live_is_not_restarted(service: Services) -> None:
    artifact = service.build_server("1")
    service.deploy("1", artifact=artifact)
    pid = service.pid
    answer = service.deploy("1", artifact=artifact)
    assert answer["outcome"] == UNCHANGED
    assert service.pid == pid
    # Unless it is down: then it is started.
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not process.is_alive(pid), "its end", 20)
    answer = service.deploy("1", artifact=artifact)
    assert (answer["outcome"], outcomes(answer)["release"]) == (SUCCEEDED, SUCCEEDED)
    assert ask(service) == f"version 1 from {service.pid}"


def test_a_failing_version_is_replaced_by_a_new_process_of_the_old_one(service: Services) -> None:
    deploy(service, "1")
    old = service.pid
    answer = deploy(service, "2", says="out of order")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert list(steps(answer, "restore")) == [
        "stop_started",
        "switch_back",
        "start_again",
        "alive",
        "probe_restored",
        "put_back_restored",
    ]
    assert not process.is_alive(old)
    assert service.pid != old
    assert ask(service) == f"version 1 from {service.pid}"


def test_an_old_version_that_does_not_stop_does_not_block_the_new_one(service: Services) -> None:
    service.given["settings"]["stop_timeout_seconds"] = 0.3
    deploy(service, "1", stubborn=True)
    old = service.pid
    answer = deploy(service, "2")
    assert answer["outcome"] == SUCCEEDED
    assert steps(answer, "release")["stop"] == (SUCCEEDED, f"process {old} killed")
    assert ask(service) == f"version 2 from {service.pid}"


def test_children_of_the_old_version_are_stopped_too(service: Services) -> None:
    service.given["settings"]["command"] = ["sh", "-c", f"{sys.executable} -I -S server.py; true"]
    deploy(service, "1", forks=True)
    assert len(service.processes()) == 3
    answer = deploy(service, "2")
    assert answer["outcome"] == SUCCEEDED
    assert len(service.processes()) == 2
    assert ask(service).startswith("version 2 from")


def test_a_version_that_ends_at_once_names_the_log(service: Services) -> None:
    deploy(service, "1")
    answer = deploy(service, "2", exits=True)
    log = service.root / "service.log"
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert "ended by itself" in answer["error"]
    assert str(log) in answer["error"]
    assert "there is no database" in log.read_text()
    assert ask(service) == f"version 1 from {service.pid}"


def test_a_first_version_that_fails_leaves_nothing_running(service: Services) -> None:
    answer = deploy(service, "1", says="out of order")
    assert (answer["outcome"], answer["live"]) == (RESTORED, None)
    assert steps(answer, "restore")["start_again"] == (UNCHANGED, "nothing ran before")
    assert service.processes() == []
    assert service.live is None


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["no-such-program"], "Starting no-such-program in .* failed: .*No such file"),
        (["./server.py"], "Starting ./server.py in .* failed: .*Permission denied"),
    ],
)
def test_a_command_that_does_not_start(service: Services, command: list[str], problem: str) -> None:
    deploy(service, "1")
    service.given["settings"] = {**service.given["settings"], "command": command}
    answer = deploy(service, "2")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert re.search(problem, answer["error"])
    assert ask(service) == f"version 1 from {service.pid}"


def test_what_ran_before_is_started_with_the_settings_it_ran_with(service: Services) -> None:
    """A template changes together with the version: command, port, probe."""
    deploy(service, "1")
    usual = {"settings": service.given["settings"], "probe": service.given["probe"]}
    other = free_port()
    service.given["settings"] = {
        **usual["settings"],
        "command": [sys.executable, "-I", "-S", "server.py", "--new-option"],
        "environment": {"PORT": str(other)},
        "port": other,
    }
    service.given["probe"] = {**usual["probe"], "url": f"http://127.0.0.1:{other}/"}
    answer = deploy(service, "2", says="out of order")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    service.given.update(usual)
    assert ask(service) == f"version 1 from {service.pid}"
    assert "--new-option" not in process.command_line(service.pid)
    assert process.port_is_free(other)


def test_variables_out_of_the_pillar_reach_the_process_and_no_journal(service: Services) -> None:
    known = {"shop:port": service.port, "shop:key": "correct-horse"}
    service.salt["pillar.get"] = lambda path, default="", **_: known.get(path, default)
    environment = {"PORT": "{pillar.shop:port}", "API_KEY": "{pillar.shop:key}"}
    service.given["settings"]["environment"] = environment
    answer = deploy(service, "1")
    assert answer["outcome"] == "succeeded", answer
    assert psutil.Process(service.pid).environ()["API_KEY"] == "correct-horse"

    # What goes back is started with what the pillar has by then.
    known["shop:key"] = "battery-staple"
    failed = deploy(service, "2", says="another")
    assert failed["outcome"] == "restored", failed
    assert psutil.Process(service.pid).environ()["API_KEY"] == "battery-staple"

    told = service.journal_path.read_text() + str([answer, failed, service.fire.mock_calls])
    assert "{pillar.shop:key}" in told
    assert "correct-horse" not in told
    assert "battery-staple" not in told


def test_a_port_that_somebody_else_has(service: Services) -> None:
    deploy(service, "1")
    usual = service.given["settings"]
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        port = foreign.getsockname()[1]
        service.given["settings"] = {**usual, "port": port, "stop_timeout_seconds": 0.3}
        answer = deploy(service, "2")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert f"Port {port} is still taken" in answer["error"]
    assert steps(answer, "restore")["stop_started"][0] == WARNING
    service.given["settings"] = usual
    assert ask(service) == f"version 1 from {service.pid}"


def test_an_old_version_that_does_not_come_up_again_is_said_loudly(service: Services) -> None:
    service.given["probe"] = None
    deploy(service, "1")
    settings = service.root / "releases" / "1-1" / "server.json"
    settings.write_text('{"says": "", "exits": true}')
    answer = deploy(service, "2", exits=True)
    assert (answer["outcome"], answer["live"]) == (FAILED, "1")
    assert "was not put back" in answer["error"]
    assert service.live == "1-1"


def test_a_failure_before_anything_was_touched_stops_nothing(
    service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(service, "1")
    pid = service.pid

    def fails(self: Service) -> dict[str, Any]:
        raise OSError("cannot look")

    with monkeypatch.context() as patch:
        patch.setattr(Service, "take_state", fails)
        answer = deploy(service, "2")
    assert (answer["outcome"], answer["live"]) == (FAILED, "1")
    assert outcomes(answer)["pre_release"] == FAILED
    assert service.pid == pid


def test_it_leaves_its_balancer_before_it_is_stopped_and_comes_back_proven(
    service: Services, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    ready.write_text("yes")
    service.given["drain"] = {"kind": "file", "path": str(ready), "port": service.port}
    deploy(service, "1")
    answer = deploy(service, "2")
    names = [step["name"] for stage in answer["stages"] for step in stage["steps"]]
    order = ["save", "drain", "stop", "switch", "start", "alive", "probe", "put_back", "mark_good"]
    assert [one for one in names if one in order] == order
    assert ready.read_text() == "yes"
    answer = deploy(service, "3", says="something else")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "2")
    names = [*steps(answer, "restore")]
    assert names[-3:] == ["alive", "probe_restored", "put_back_restored"]
    assert ready.read_text() == "yes"


def test_what_cannot_leave_its_balancer_is_not_restarted(service: Services, tmp_path: Path) -> None:
    deploy(service, "1")
    pid = service.pid
    service.given["drain"] = {"kind": "haproxy", "backend": "shop", "server": "web1"}
    service.given["drain"]["socket"] = str(tmp_path / "none")
    answer = deploy(service, "2")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert "Taking this host out of its load balancer failed: HAProxy at" in answer["error"]
    assert service.pid == pid


def test_one_file_that_is_not_unpacked(service: Services) -> None:
    service.given["settings"] |= {
        "unpack": False,
        "file_name": "app.py",
        "command": [sys.executable, "-I", "-S", "app.py"],
    }
    for version in ("1", "2"):
        source = SERVER.read_text().replace(
            'json.loads(Path(__file__).with_name("server.json").read_text())',
            repr({"says": f"version {version}"}),
        )
        artifact = service.publish(version, f"shop-{version}.pyz", source.encode())
        answer = service.deploy(version, artifact=artifact)
        assert answer["outcome"] == SUCCEEDED
        placed = service.root / "live" / "app.py"
        assert (placed.read_text(), os.access(placed, os.X_OK)) == (source, True)
        assert [one.name for one in placed.parent.iterdir()] == ["app.py"]
        assert ask(service) == f"version {version} from {service.pid}"
    service.given["settings"] |= {"file_name": None, "command": "sleep 100", "port": None}
    service.given["probe"] = None
    service.deploy("3", artifact=service.publish("3", "shop-3.bin", b"x"))
    assert [one.name for one in (service.root / "live").iterdir()] == ["shop-3.bin"]


def test_a_command_in_shell_words_that_runs_as_another_user(service: Services) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start something as another user")
    service.given |= {"probe": None}
    service.given["settings"] = {"command": "sleep '100'", "user": "nobody", "settle_seconds": 0.05}
    assert service.deploy("1")["outcome"] == SUCCEEDED
    [one] = service.processes()
    assert (one.username(), one.cmdline()) == ("nobody", ["sleep", "100"])
    assert service.deploy("2")["outcome"] == SUCCEEDED
    assert service.pid != one.pid


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"user": "no-such-user"}, "There is no user 'no-such-user'"),
        ({"pid_file": "/nowhere/service.pid"}, "directory of /nowhere/service.pid is missing"),
        ({"log_file": "/nowhere/service.log"}, "directory of /nowhere/service.log is missing"),
    ],
)
def test_what_is_missing_is_found_in_prepare(
    service: Services, settings: dict[str, Any], problem: str
) -> None:
    deploy(service, "1")
    pid = service.pid
    service.given["settings"] = {**service.given["settings"], **settings}
    answer = deploy(service, "2")
    assert outcomes(answer) == {"prepare": FAILED}
    assert problem in answer["error"]
    assert service.pid == pid


# Which process is ours.


def test_a_pid_that_was_used_again_is_not_taken_for_ours(service: Services) -> None:
    deploy(service, "1")
    service.stop_all()
    stranger = subprocess.Popen(["sleep", "100"], start_new_session=True)
    try:
        pid_file = service.root / "service.pid"
        known = json.loads(pid_file.read_text())
        pid_file.write_text(json.dumps({**known, "pid": stranger.pid}))
        answer = deploy(service, "2")
        assert answer["outcome"] == SUCCEEDED
        assert steps(answer, "release")["stop"] == (SUCCEEDED, "was not running")
        assert stranger.poll() is None
        assert ask(service) == f"version 2 from {service.pid}"
    finally:
        stranger.kill()
        stranger.wait(20)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"pid": "x"}', "7", '{"pid": null}'])
def test_a_process_is_found_without_its_pid_file(service: Services, content: str | None) -> None:
    deploy(service, "1")
    old = service.pid
    pid_file = service.root / "service.pid"
    if content is None:
        pid_file.unlink()
    else:
        pid_file.write_text(content)
    answer = deploy(service, "2")
    assert answer["outcome"] == SUCCEEDED
    assert steps(answer, "release")["stop"] == (SUCCEEDED, f"process {old} stopped")
    assert ask(service) == f"version 2 from {service.pid}"


# Jobs that are killed.


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Services]:
    """A service that is cheap to start; a version of it fails if it says so."""
    host = Services(tmp_path, settings={"command": "sh run", "settle_seconds": 0.03})
    yield host
    host.stop_all()


def build_sleeper(service: Services, version: str, fails: bool = False) -> Artifact:
    return service.build(version, {"run": "exit 1" if fails else "exec sleep 100"})


def running(service: Services) -> str:
    """The release that the one process runs in."""
    return Path(f"/proc/{service.pid}/cwd").readlink().name


def killed_in(service: Services, share: dict[str, Any], step: str, when: str) -> bool:
    """Run a deployment in a process that is killed just before or after a step."""

    def run() -> None:
        usual = Recorder.run

        def watched(self: Recorder, name: str, action: Any, *more: Any, **given: Any) -> None:
            def killing() -> Any:
                if name == step and when == "before":
                    die()
                answer = action()
                if name == step:
                    die()
                return answer

            usual(self, name, killing, *more, **given)

        Recorder.run = watched  # type: ignore[method-assign]
        service.run(share)

    return in_a_process(run) == -signal.SIGKILL


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["save", "stop", "switch", "start", "mark_good", "retire"])
def test_killed_at_a_step(sleeper: Services, step: str, when: str) -> None:
    """Run again, it succeeds; or another one comes, fails, and the proven one runs again."""
    sleeper.deploy("1", artifact=build_sleeper(sleeper, "1"))
    share = sleeper.share("2", artifact=build_sleeper(sleeper, "2"))
    assert killed_in(sleeper, share, step, when)
    is_proven = sleeper.journal.releases["2-2"].mark == GOOD
    patient = {**sleeper.given["settings"], "settle_seconds": 20}
    failing = build_sleeper(sleeper, "3", fails=True)
    answer = sleeper.deploy("3", artifact=failing, settings=patient)
    before = "2" if is_proven else "1"
    assert (answer["outcome"], answer["live"]) == (RESTORED, before), answer["error"]
    assert running(sleeper) == sleeper.live == f"{before}-{before}"

    share = sleeper.share("4", artifact=build_sleeper(sleeper, "4"))
    assert killed_in(sleeper, share, step, when)
    answer = sleeper.run(share)
    assert (answer["outcome"] in (SUCCEEDED, UNCHANGED), answer["live"]) == (True, "4")
    assert running(sleeper) == sleeper.live == "4-4"
    assert sleeper.rollback(before)["outcome"] == SUCCEEDED
    assert running(sleeper) == f"{before}-{before}"


def test_killed_before_the_pid_was_written_down(sleeper: Services) -> None:
    share = sleeper.share("1", artifact=build_sleeper(sleeper, "1"))
    usual = subprocess.Popen.__init__

    def run() -> None:
        def killing(self: Any, *args: Any, **given: Any) -> None:
            usual(self, *args, **given)
            die()

        subprocess.Popen.__init__ = killing  # type: ignore[method-assign]
        sleeper.run(share)

    assert in_a_process(run) == -signal.SIGKILL
    started = sleeper.pid
    assert not (sleeper.root / "service.pid").exists()
    answer = sleeper.run(share)
    assert answer["outcome"] == SUCCEEDED
    assert steps(answer, "release")["stop"] == (SUCCEEDED, f"process {started} stopped")
    assert running(sleeper) == "1-1"
