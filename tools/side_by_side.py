"""Run commands, several at the same time; fail if one does.

They begin in the order given. What a command writes goes into a log and is printed when it has
ended, so that the outputs of two never mix; a line at its beginning names the log to follow.

    python tools/side_by_side.py --at-once 2 --logs build/tests "pytest tests" "make bench"
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

#: Whoever follows a log sees how far its command has come.
_ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}


class Commands:
    """Commands that run side by side.

    Args:
        logs: the folder of their logs.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._printing = threading.Lock()

    def run(self, number: int, command: str) -> int:
        """Run one, print what it wrote, and answer with its exit code."""
        log = self.logs / f"{number}.log"
        began = time.monotonic()
        self._print(f"== begins, {log}: {command}")
        with log.open("w", encoding="utf-8") as output:
            code = subprocess.run(
                shlex.split(command),
                check=False,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_ENVIRONMENT,
            ).returncode
        told = f"== {'ended' if code == 0 else f'FAILED with {code}'}: {command}"
        text = log.read_text(encoding="utf-8", errors="replace")
        self._print(f"\n{text}{told}, {time.monotonic() - began:.0f} s\n")
        return abs(code)

    def _print(self, text: str) -> None:
        with self._printing:
            print(text, flush=True)


def main(arguments: list[str]) -> int:
    """Run them, and answer with the highest of all exit codes."""
    parser = argparse.ArgumentParser(description="Run commands, several at the same time.")
    parser.add_argument("--at-once", type=int, required=True, help="how many run at a time")
    parser.add_argument("--logs", type=Path, required=True, help="a folder for their logs")
    parser.add_argument("commands", nargs="+")
    given = parser.parse_args(arguments)
    given.logs.mkdir(parents=True, exist_ok=True)
    commands = Commands(given.logs)
    with ThreadPoolExecutor(given.at_once) as lanes:
        return max(lanes.map(commands.run, range(1, len(given.commands) + 1), given.commands))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
