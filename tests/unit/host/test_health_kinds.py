"""Probes by TCP, process, command and log, against real ones."""

from __future__ import annotations

import getpass
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import salt.modules.ps

from pushguide.host import process
from pushguide.host.health import Scene, checks_of, logs_of
from pushguide.host.health import process as by_process
from pushguide.host.health.check import HEALTHY, INCONCLUSIVE, UNHEALTHY, Check
from pushguide.words import RESTORED, SUCCEEDED
from tests.support.host import Host, steps
from tests.support.waiting import wait_until


def check(kind: str, **fields: Any) -> Check:
    [one] = checks_of([{"kind": kind, **fields}], "1.4.2")
    return one


def ask(kind: str, **fields: Any) -> tuple[str, str]:
    return check(kind, **fields).ask(Scene())[:2]


# TCP.


@pytest.mark.parametrize("as_grain", [False, True])
def test_a_port_that_accepts(as_grain: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ask("tcp", port=str(port) if as_grain else port) == (HEALTHY, "accepts connections")
        connection, _ = server.accept()
        connection.close()
    state, words = ask("tcp", port=port)
    assert (state, "refused" in words) == (UNHEALTHY, True)


def test_a_port_that_does_not_answer_is_waited_for_no_longer_than_said() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        try:
            # The queue takes one more than it was told to.
            for _ in range(3):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
                waiting.append(one)
            state, words = ask("tcp", port=port, timeout_seconds=0.1)
        finally:
            for one in waiting:
                one.close()
    assert (state, "timed out" in words) == (UNHEALTHY, True)


def test_a_port_that_is_no_number_proves_nothing() -> None:
    assert ask("tcp", port="http")[0] == INCONCLUSIVE


# Processes.


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[str]:
    """Two processes with the same text in their command lines."""
    mark = f"{tmp_path}/worker-1.4.2"
    script = "import signal; print(flush=True); signal.pause()"
    command = [sys.executable, "-I", "-S", "-c", script, f"--name={mark}"]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    for one in children:
        assert one.stdout
        assert one.stdout.readline()
    yield mark
    for one in children:
        one.kill()
        assert one.stdout
        one.stdout.close()
        one.wait(20)


def test_enough_processes_run(workers: str) -> None:
    name = workers.replace("1.4.2", "{version}")
    assert ask("process", name=name) == (HEALTHY, "2 run")
    assert ask("process", name=name, at_least=2) == (HEALTHY, "2 run")
    assert ask("process", name=name, at_least=3) == (UNHEALTHY, "2 run, not 3")
    assert ask("process", name=f"{workers}-other") == (UNHEALTHY, "0 run, not 1")


def test_only_a_users_processes_count(workers: str) -> None:
    assert ask("process", name=workers, user=getpass.getuser()) == (HEALTHY, "2 run")
    other = "nobody" if os.getuid() == 0 else "root"
    assert ask("process", name=workers, user=other) == (UNHEALTHY, "0 run, not 1")
    assert ask("process", name=workers, user="who-is-this") == (UNHEALTHY, "0 run, not 1")


def test_the_job_itself_is_none_of_them() -> None:
    """A salt-call has the whole template among its words."""
    mine = " ".join(process.command_line(os.getpid())).strip()
    assert ask("process", name=mine)[0] == UNHEALTHY


def test_processes_that_may_not_be_seen_prove_nothing(
    workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = open

    def hidden(path: Any, *args: Any, **given: Any) -> Any:
        if str(path).endswith("/cmdline"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *args, **given)

    monkeypatch.setattr("builtins.open", mock.create_autospec(open, side_effect=hidden))
    state, words = ask("process", name=workers)
    assert (state, "hidepid" in words) == (INCONCLUSIVE, True)


def test_elsewhere_salt_is_asked(workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_process.os.path, "isdir", lambda path: False)
    one = check("process", name=workers, at_least=2)
    assert one.ask(Scene(salt={"ps.pgrep": salt.modules.ps.pgrep}))[:2] == (HEALTHY, "2 run")
    pgrep = mock.create_autospec(salt.modules.ps.pgrep, return_value=None)
    assert one.ask(Scene(salt={"ps.pgrep": pgrep})).state == UNHEALTHY
    pgrep.assert_called_once_with(workers, user=None, full=True)
    assert one.ask(Scene()).state == INCONCLUSIVE


# Commands.


def command(script: str, **fields: Any) -> tuple[str, str]:
    return ask("command", command="check-queue", words=["/bin/sh", "-c", script], **fields)


@pytest.mark.parametrize(
    ("script", "state", "said"),
    [
        ("exit 0", HEALTHY, "exit status 0"),
        ("echo the queue is full; exit 1", UNHEALTHY, "exit status 1: the queue is full"),
        ("echo who knows >&2; exit 75", INCONCLUSIVE, "exit status 75: who knows"),
        ("kill -9 $$", UNHEALTHY, "ended by signal 9"),
        ("test 1.4.2 = {version}", HEALTHY, "exit status 0"),
    ],
)
def test_the_exit_status_tells(script: str, state: str, said: str) -> None:
    assert command(script) == (state, said)


def test_no_shell_is_between(tmp_path: Path) -> None:
    words = ["/bin/echo", f"$(touch {tmp_path}/made)", ";", "exit", "1"]
    assert ask("command", command="x", words=words)[0] == HEALTHY
    assert [*tmp_path.iterdir()] == []


def test_only_the_end_of_its_output_is_shown() -> None:
    state, said = command("seq 100000; exit 2")
    assert (state, said.endswith("99999\n100000"), len(said) < 1100) == (UNHEALTHY, True, True)


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 1000 & echo $! > {shlex.quote(str(pids))}; wait"
    state, said = command(script, timeout_seconds=1)
    assert (state, said) == (INCONCLUSIVE, "it was not done in 1 s")
    child = int(pids.read_text())
    wait_until(lambda: not process.is_alive(child), "the child's end", 20)


def test_what_it_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    assert command(f"sleep 1000 & echo $! > {shlex.quote(str(pids))}")[0] == HEALTHY
    with suppress(ProcessLookupError):
        os.kill(int(pids.read_text()), signal.SIGKILL)


def test_a_command_that_is_not_there_proves_nothing(tmp_path: Path) -> None:
    state, said = ask("command", command="x", words=[f"{tmp_path}/none"])
    assert (state, "could not be started" in said) == (INCONCLUSIVE, True)


# Logs.


class Log:
    """A log file, and a check of it since a moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.probe = {"kind": "log", "path": str(path), "absent": r"\bERROR\b|out of memory"}
        self.since_now()

    def since_now(self) -> None:
        """The switch is now."""
        self.scene = Scene(logs=logs_of(self.probe, "1"))
        [self.check] = checks_of(self.probe, "1")

    def write(self, text: str) -> None:
        """What an application does."""
        with self.path.open("a") as handle:
            handle.write(text)

    @property
    def state(self) -> str:
        """How the check judges it now."""
        return self.check.ask(self.scene).state


@pytest.fixture
def log(tmp_path: Path) -> Log:
    path = tmp_path / "app.log"
    path.write_text("ERROR of the old release\n")
    return Log(path)


def test_only_what_was_written_since_the_switch_counts(log: Log) -> None:
    assert log.state == HEALTHY
    log.write("started\nNO_ERRORS\n")
    assert log.state == HEALTHY
    log.write("an ERROR, and more\n")
    answer = log.check.ask(log.scene)
    assert (answer.state, answer.is_final) == (UNHEALTHY, True)
    assert "an ERROR, and more" in answer.words


def test_a_line_that_is_half_written_is_read_again(log: Log) -> None:
    log.write("out of m")
    assert log.state == HEALTHY
    log.write("emory\n")
    assert log.state == UNHEALTHY


def test_a_rotated_log_is_followed(log: Log) -> None:
    assert log.state == HEALTHY
    log.path.rename(log.path.with_suffix(".1"))
    assert log.state == INCONCLUSIVE
    log.path.write_text("new\n")
    assert log.state == HEALTHY
    log.path.rename(log.path.with_suffix(".2"))
    log.path.write_text("ERROR\n")
    assert log.state == UNHEALTHY


def test_a_log_that_was_emptied_is_read_from_its_beginning(log: Log) -> None:
    log.write("much\n" * 100)
    assert log.state == HEALTHY
    log.path.write_text("ERROR\n")
    assert log.state == UNHEALTHY


def test_a_log_that_comes_later_is_read_whole(tmp_path: Path) -> None:
    log = Log(tmp_path / "later.log")
    assert log.state == INCONCLUSIVE
    log.write("ERROR at once\n")
    assert log.state == UNHEALTHY


def test_without_a_note_of_the_switch_it_is_read_from_now_on(log: Log) -> None:
    log.scene = Scene()
    assert log.state == HEALTHY
    log.write("ERROR\n")
    assert log.state == UNHEALTHY


def test_long_lines_and_bytes_that_are_no_text(log: Log) -> None:
    with log.path.open("ab") as handle:
        handle.write(b"\xff\xfe" * 400_000)
    assert log.state == HEALTHY
    log.write("\nERROR\r\n")
    assert log.state == UNHEALTHY


def test_a_log_that_grows_faster_than_it_is_read_proves_nothing(log: Log) -> None:
    log.write("x" * 100 + "\n")
    log.probe["timeout_seconds"] = -1
    log.check = checks_of(log.probe, "1")[0]
    assert log.state == INCONCLUSIVE
    log.check.timeout_seconds = 5
    assert log.state == HEALTHY


def test_a_deployment_judges_the_log_since_its_own_switch(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("ERROR of long ago\n")
    probe = {"kind": "log", "path": str(path), "absent": "ERROR", "within_seconds": 0.1}
    host.given["probe"] = probe
    assert host.deploy("1")["outcome"] == SUCCEEDED
    share = host.share("2")
    host.run(share, ["prepare", "pre_release"])
    saved = host.journal.saved
    assert saved is not None
    assert saved["logs"] == {str(path): [path.stat().st_ino, path.stat().st_size]}
    # The old release complains while it is stopped: that is not the new one's.
    with path.open("a") as log:
        log.write("ERROR: interrupted\n")
    host.run(share, "release")
    with path.open("a") as log:
        log.write("ERROR: no database\n")
    answer = host.run(share, "post_release")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert "ERROR: no database" in answer["error"]
    # What ran before is judged by what it says from now on.
    assert steps(answer, "restore")["probe_restored"][0] == SUCCEEDED
