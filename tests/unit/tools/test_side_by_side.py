"""Lanes of commands, side by side."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "side_by_side.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_lane_goes_on_after_a_failure_which_counts() -> None:
    done = run("echo one", "false", "echo two", "--", "echo three")
    assert done.returncode == 1
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("==")]
    assert lines == ["one", "two", "three"]


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("sh -c 'exit 3'", 3)])
def test_what_fails_behind_counts(command: str, code: int) -> None:
    assert run("true", "--", command).returncode == code


def test_lanes_run_at_the_same_time(tmp_path: Path) -> None:
    """Each waits for the other: one after the other they would not end."""
    one, two = tmp_path / "one", tmp_path / "two"

    def meet(mine: Path, other: Path) -> str:
        return f"sh -c 'touch {mine}; until [ -e {other} ]; do sleep 0.05; done'"

    assert run(meet(one, two), "--", meet(two, one)).returncode == 0
