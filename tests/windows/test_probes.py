"""Probes that look at the host itself, asked by the Windows Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tests.windows.channel import Windows

PYTHON = r"C:\py\python.exe"


def ask(windows: Windows, kind: str, logs: Any = None, **fields: Any) -> list[str]:
    """What a probe says first: its state, and in words."""
    found: list[str] = windows.call("probes.ask", {"kind": kind, **fields}, logs or {})
    return found


@pytest.fixture
def sleeper(windows: Windows) -> Iterator[int]:
    """A process with words of its own."""
    pid, began = windows.call("services.sleeper", "probed-by-name")
    yield pid
    windows.call("pushguide.host.windows.processes.end", pid, began)


def test_a_process_is_found_by_its_command_line(windows: Windows, sleeper: int) -> None:
    wait_until(lambda: ask(windows, "process", name="probed-by-name")[1] == "1 run", "its begin")
    assert ask(windows, "process", name="probed-by-name", at_least=2)[0] == "unhealthy"
    assert ask(windows, "process", name="there is no such process") == [
        "unhealthy",
        "0 run, not 1",
    ]


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        ("print('fine')", "healthy", "exit status 0"),
        ("print('no database'); raise SystemExit(3)", "unhealthy", "exit status 3: no database"),
        ("raise SystemExit(75)", "inconclusive", "exit status 75"),
    ],
)
def test_a_command(windows: Windows, code: str, state: str, words: str) -> None:
    assert ask(windows, "command", command="check", words=[PYTHON, "-c", code]) == [state, words]


def test_a_command_that_takes_too_long_is_ended_with_what_it_has_started(
    windows: Windows,
) -> None:
    inner = "import time; time.sleep(600)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}, 'inner-one'])"
    words = [PYTHON, "-c", code]
    answer = ask(windows, "command", command="slow", words=words, timeout_seconds=3)
    assert answer == ["inconclusive", "it was not done in 3 s"]
    assert ask(windows, "process", name="inner-one")[0] == "unhealthy"


def test_a_command_that_is_not_there(windows: Windows) -> None:
    answer = ask(windows, "command", command="none", words=[r"C:\none.exe"])
    assert answer[0] == "inconclusive"
    assert "could not be started" in answer[1]


def test_a_log_is_read_from_where_it_was(windows: Windows, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"FATAL of long ago\r\n")
    path = windows.path(log)
    noted = windows.call("pushguide.host.health.log.written_so_far", [path])
    with log.open("ab") as handle:
        handle.write(b"started\r\n")
    assert ask(windows, "log", noted, path=path, absent="FATAL")[0] == "healthy"
    with log.open("ab") as handle:
        handle.write(b"FATAL: no database\r\n")
    assert ask(windows, "log", noted, path=path, absent="FATAL$|FATAL:") == [
        "unhealthy",
        "it says 'FATAL: no database'",
    ]


def test_a_log_that_another_program_has_open(windows: Windows, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"")
    path = windows.path(log)
    noted = windows.call("pushguide.host.health.log.written_so_far", [path])
    windows.call("holding.hold", path)
    try:
        assert ask(windows, "log", noted, path=path, absent="FATAL")[0] == "healthy"
    finally:
        windows.call("holding.let_go", path)
