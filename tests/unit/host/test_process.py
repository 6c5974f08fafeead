"""Processes, against real ones."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from unittest import mock

import pytest

from pushguide.errors import StepFailed
from pushguide.host import process
from tests.support.host import in_a_process
from tests.support.waiting import wait_until

Start = Callable[..., "subprocess.Popen[bytes]"]

NO_PROCESS = 2**22 + 1  # Linux knows none above 2**22
STUBBORN = (
    "import signal, sys; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts commands, each in a session of its own, and ends all of it afterwards."""
    children: list[subprocess.Popen[bytes]] = []

    def run(*command: str, wait_for_line: bool = False) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        children.append(child)
        assert child.stdout
        if wait_for_line:
            assert child.stdout.readline()
        return child

    yield run
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        assert child.stdout
        child.stdout.close()
        child.wait(20)


def test_a_process_lives_until_it_has_ended(start: Start) -> None:
    child = start("sleep", "100")
    assert process.is_alive(child.pid)
    child.kill()
    # Nobody has reaped it: it is a zombie, and lives no more.
    wait_until(lambda: not process.is_alive(child.pid), "its end", 20)
    assert os.path.exists(f"/proc/{child.pid}")
    child.wait(20)
    assert not process.is_alive(child.pid)


@pytest.mark.parametrize("pid", [None, 0, NO_PROCESS])
def test_no_process_does_not_live(pid: int | None) -> None:
    assert not process.is_alive(pid)


def test_what_is_known_of_a_process(start: Start) -> None:
    child = start(sys.executable, "-c", STUBBORN, "with an argument", wait_for_line=True)
    assert "with an argument" in process.command_line(child.pid)
    assert process.start_time(child.pid).isdigit()
    assert int(process.start_time(child.pid)) >= int(process.start_time(os.getpid()))
    assert process.command_line(NO_PROCESS) == []
    assert process.start_time(NO_PROCESS) == ""


def test_the_name_of_a_command_does_not_confuse(start: Start, tmp_path: Path) -> None:
    odd = os.path.join(tmp_path, "a ) Z 1 (")
    os.symlink("/bin/sleep", odd)
    child = start(odd, "100")
    wait_until(lambda: "100" in process.command_line(child.pid), "its start", 20)
    assert process.is_alive(child.pid)
    assert process.start_time(child.pid).isdigit()


def test_find_by_whole_arguments(start: Start) -> None:
    one = start("sleep", "100.125")
    start("sleep", "100.1255")
    wait_until(lambda: "100.125" in process.command_line(one.pid), "its start", 20)
    assert list(process.find("100.125")) == [one.pid]
    assert list(process.find("sleep", "100.125")) == [one.pid]
    assert list(process.find("100.125", "start")) == []
    one.kill()
    wait_until(lambda: not list(process.find("100.125")), "its end", 20)


def test_the_leader_of_a_session_is_found_by_its_mark(start: Start, tmp_path: Path) -> None:
    mark, me = str(tmp_path), os.geteuid()
    command = ("sh", "-c", "sleep 100 & echo; wait")
    child = start("env", f"PUSHGUIDE_TEST={mark}", *command, wait_for_line=True)
    assert process.find_leader("PUSHGUIDE_TEST", mark, me) == child.pid
    assert process.find_leader("PUSHGUIDE_TEST", mark[:-1], me) is None
    assert process.find_leader("PUSHGUIDE_TEST", mark, me + 1) is None
    # What it started has the mark too, and is not it.
    child.kill()
    child.wait(20)
    assert process.group_lives(child.pid)
    assert process.find_leader("PUSHGUIDE_TEST", mark, me) is None


def test_a_process_is_asked_to_end(start: Start) -> None:
    child = start("sleep", "100")
    assert process.terminate(child.pid, 20) == "stopped"
    assert child.wait(20) == -signal.SIGTERM


def test_one_that_ignores_that_is_forced(start: Start) -> None:
    child = start(sys.executable, "-c", STUBBORN, wait_for_line=True)
    began = time.monotonic()
    assert process.terminate(child.pid, 0.2) == "killed"
    assert 0.2 <= time.monotonic() - began < 10
    assert child.wait(20) == -signal.SIGKILL


def test_one_that_was_suspended_is_forced(start: Start) -> None:
    child = start("sleep", "100")
    child.send_signal(signal.SIGSTOP)
    # Until it has stopped, the kernel may hand it the SIGTERM first.
    wait_until(lambda: process._stat(child.pid, 3) == "T", "its stop", 20)
    assert process.terminate(child.pid, 0.1) == "killed"


def test_one_that_has_ended_already_is_stopped() -> None:
    assert process.terminate(NO_PROCESS, 0) == "stopped"


def test_one_that_cannot_be_ended_is_named() -> None:
    with (
        mock.patch.object(process, "is_alive", autospec=True, return_value=True),
        pytest.raises(StepFailed, match=f"Stopping process {NO_PROCESS} failed.*SIGKILL"),
    ):
        process.terminate(NO_PROCESS, 0, kill_seconds=0)


def test_one_of_another_user_is_named(start: Start) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    child = start("sleep", "100")

    def as_nobody() -> None:
        os.setuid(pwd.getpwnam("nobody").pw_uid)
        try:
            process.terminate(child.pid, 0)
        except StepFailed as err:
            os._exit(3 if "runs as another user" in str(err) else 4)

    assert in_a_process(as_nobody) == 3
    assert process.is_alive(child.pid)


# Groups.

SHELL = "echo; trap 'exit 0' TERM; {} & wait"


def members(child: subprocess.Popen[bytes]) -> int:
    return sum(
        os.getpgid(int(name)) == child.pid
        for name in os.listdir("/proc")
        if name.isdigit() and process.is_alive(int(name))
    )


def test_the_children_of_a_shell_end_with_it(start: Start) -> None:
    child = start("sh", "-c", SHELL.format("sleep 100"), wait_for_line=True)
    # Between its fork and its exec, the second one is the shell still, which minds no SIGTERM.
    group = str(child.pid)
    wait_until(
        lambda: any(process._stat(pid, 5) == group for pid in process.find("sleep")),
        "the start of both",
        20,
    )
    assert members(child) == 2
    assert process.terminate(child.pid, 20, group=True) == "stopped"
    assert not process.group_lives(child.pid)


def test_a_child_that_ignores_it_is_forced_though_the_shell_is_gone(start: Start) -> None:
    stubborn = f"{sys.executable} -c '{STUBBORN}'"
    child = start("sh", "-c", SHELL.format(stubborn), wait_for_line=True)
    assert child.stdout
    assert child.stdout.readline()
    assert process.terminate(child.pid, 0.3, group=True) == "killed"
    assert child.wait(20) == 0
    assert not process.group_lives(child.pid)


# Ports.


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "0.0.0.0", "::1"])
def test_a_port_is_taken_whatever_the_address(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as one:
        try:
            one.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        port = one.getsockname()[1]
        assert process.port_is_free(port)
        one.listen()
        assert not process.port_is_free(port)
    assert process.port_is_free(port)


def test_a_port_whose_owner_does_not_accept_any_more_is_taken() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(0)
        address = one.getsockname()
        clients = []
        for _ in range(3):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            clients.append(client)
        try:
            assert not process.port_is_free(address[1])
        finally:
            for client in clients:
                client.close()


def test_a_port_that_stays_taken_is_named() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        port = one.getsockname()[1]
        with pytest.raises(StepFailed, match=f"Port {port} is still taken 0.2 s"):
            process.demand_free_port(port, 0.2)
    process.demand_free_port(port, 0)


# Users.


def test_the_identity_of_a_user() -> None:
    assert process.identity(None) == {}
    nobody = pwd.getpwnam("nobody")
    found = process.identity("nobody")
    assert (found["user"], found["group"]) == (nobody.pw_uid, nobody.pw_gid)
    assert nobody.pw_gid in found["extra_groups"]
    with pytest.raises(StepFailed, match="no user 'no-such-user'"):
        process.identity("no-such-user")


def test_wait_until_says_whether_it_came_true() -> None:
    answers = iter([False, False, True])
    assert process.wait_until(lambda: next(answers), 20)
    assert not process.wait_until(lambda: False, 0.05)
    assert process.wait_until(lambda: True, 0)
