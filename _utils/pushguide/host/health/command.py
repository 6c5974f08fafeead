"""Health by a command of operations' own, which only the master's configuration can name."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, ClassVar

from pushguide.host.health.check import Answer, Check, Scene, healthy, inconclusive, unhealthy
from pushguide.host.windows import processes

#: The exit status of a command that could not tell: EX_TEMPFAIL in sysexits.h.
CANNOT_TELL = 75

_SAID_AT_MOST = 1000


@dataclass(kw_only=True)
class CommandCheck(Check):
    """A command that exits with 0 if the release is healthy.

    ``command`` is its name, ``words`` what the master's configuration says is run.
    """

    kind: ClassVar[str] = "command"
    versioned: ClassVar[tuple[str, ...]] = ("words",)
    hint: ClassVar[str] = "Run the command on the host, and look at the log of the application."

    command: str
    words: Sequence[str]

    def __str__(self) -> str:
        return f"by the command {self.command}"

    def ask(self, scene: Scene) -> Answer:
        """Run it, without a shell; end all that it started if it takes too long."""
        # A file and no pipe: what the command leaves running may hold a pipe open for ever.
        with tempfile.TemporaryFile() as output:
            try:
                child = subprocess.Popen(  # noqa: S603 - no shell; words of the master's config
                    list(self.words),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except (OSError, ValueError) as err:
                return inconclusive(f"it could not be started ({err})")
            try:
                code = child.wait(self.timeout_seconds)
            except subprocess.TimeoutExpired:
                return inconclusive(f"it was not done in {self.timeout_seconds:g} s")
            finally:
                _end(child)
            said = _tail(output)
        if code == 0:
            return healthy("exit status 0")
        how = f"ended by signal {-code}" if code < 0 else f"exit status {code}"
        words = f"{how}: {said}" if said else how
        return inconclusive(words) if code == CANNOT_TELL else unhealthy(words)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a command that still runs, together with what it started."""
    if child.poll() is None:
        if os.name == "nt":
            processes.end(child.pid, processes.start_time(child.pid) or 0)
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _SAID_AT_MOST))
    return output.read().decode("utf-8", "replace").strip()
