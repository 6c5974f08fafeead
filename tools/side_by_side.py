"""Run lanes of commands at the same time, those of a lane one after the other; fail if one does.

What the first lane writes is seen as it comes, the rest of it when its lane has ended. A command
that fails does not keep the next one of its lane from running.

    python tools/side_by_side.py 'pytest --ignore=tests/windows' -- 'pytest tests/windows'
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from typing import IO

#: Whoever looks into the files sees how far it has come.
_ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}


class Lane(threading.Thread):
    """Commands that run one after the other.

    Args:
        commands: the commands.
        output: where what they write goes; None for where ours goes.
    """

    def __init__(self, commands: list[str], output: IO[str] | None = None) -> None:
        super().__init__(daemon=True)
        self.commands = commands
        self.output = output
        self.code = 0

    def run(self) -> None:
        """Run them, and keep the highest exit code."""
        for command in self.commands:
            print(f"\n== {command}", file=self.output or sys.stdout, flush=True)
            done = subprocess.run(
                shlex.split(command),
                check=False,
                stdout=self.output,
                stderr=self.output,
                env=_ENVIRONMENT,
            )
            self.code = max(self.code, abs(done.returncode))


def main(arguments: list[str]) -> int:
    """Run the lanes, and answer with the highest of all exit codes."""
    first, *others = [
        list(commands)
        for is_end, commands in itertools.groupby(arguments, key=lambda one: one == "--")
        if not is_end
    ]
    with ExitStack() as stack:
        behind = []
        for commands in others:
            output = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            behind.append((Lane(commands, output), output))
        for lane, _ in behind:
            lane.start()
        ahead = Lane(first)
        ahead.run()
        for lane, output in behind:
            lane.join()
            output.seek(0)
            print(output.read(), flush=True)
    return max([ahead.code, *(lane.code for lane, _ in behind)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
