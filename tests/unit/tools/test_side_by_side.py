"""Commands, side by side."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "side_by_side.py"


def run(logs: Path, *commands: str, at_once: int = 2) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, "--at-once", str(at_once), "--logs", logs, *commands],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_others_run_after_a_failure_which_counts(tmp_path: Path) -> None:
    done = run(tmp_path, "echo one", "false", "echo two", "echo three", at_once=1)
    assert done.returncode == 1
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("==")]
    assert lines == ["one", "two", "three"]
    assert (tmp_path / "3.log").read_text() == "two\n"


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("sh -c 'exit 3'", 3)])
def test_what_fails_last_counts(tmp_path: Path, command: str, code: int) -> None:
    assert run(tmp_path, "true", "true", command).returncode == code


def test_they_run_at_the_same_time(tmp_path: Path) -> None:
    """Each waits for the other: one after the other they would not end."""
    one, two = tmp_path / "one", tmp_path / "two"

    def meet(mine: Path, other: Path) -> str:
        return f"sh -c 'touch {mine}; until [ -e {other} ]; do sleep 0.05; done'"

    assert run(tmp_path, meet(one, two), meet(two, one)).returncode == 0


def test_no_more_than_allowed_at_the_same_time(tmp_path: Path) -> None:
    busy = tmp_path / "busy"
    alone = f"sh -c 'mkdir {busy} && sleep 0.2 && rmdir {busy}'"
    assert run(tmp_path, alone, alone, alone, at_once=1).returncode == 0
