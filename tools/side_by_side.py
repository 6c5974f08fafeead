"""Run commands at the same time; fail if one of them does.

What the first one writes is seen as it comes, the rest of it when its command has ended.

    python tools/side_by_side.py 'pytest --ignore=tests/windows' 'pytest tests/windows'
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack

#: Whoever looks into the files sees how far it has come.
_ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}


def main(commands: list[str]) -> int:
    """Run them, and answer with the highest of their exit codes."""
    with ExitStack() as stack:
        first, *others = commands
        started = []
        for command in others:
            output = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            process = subprocess.Popen(
                shlex.split(command), stdout=output, stderr=output, env=_ENVIRONMENT
            )
            stack.callback(process.kill)
            started.append((command, process, output))
        print(f"== {first}", flush=True)
        codes = [subprocess.run(shlex.split(first), check=False).returncode]
        for command, process, output in started:
            codes.append(process.wait())
            output.seek(0)
            print(f"\n== {command}\n{output.read()}", flush=True)
    return max(map(abs, codes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
