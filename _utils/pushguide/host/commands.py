"""Commands whose words stand in the master's configuration, run without a shell."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

from pushguide.host.waiting import BetweenTries
from pushguide.host.windows import processes

_SAID_AT_MOST = 1000
_LOOK_SECONDS = 1.0


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        code: its exit status, less than 0 for the signal that ended it; None if it was not done
            in time, and ended by force.
        said: the end of what it wrote.
    """

    code: int | None
    said: str

    def __str__(self) -> str:
        assert self.code is not None
        how = f"ended by signal {-self.code}" if self.code < 0 else f"exit status {self.code}"
        return f"{how}: {self.said}" if self.said and self.code else how


def run(
    words: Sequence[str],
    timeout_seconds: float,
    between_tries: BetweenTries = lambda: None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a command, and end all that it started if it takes too long.

    Args:
        words: the program and its arguments, as the program gets them.
        timeout_seconds: how long it may take.
        between_tries: called about each second of the wait; what it raises ends the command.
        environment: variables beside those of the minion.

    Raises:
        OSError: it could not be started.
        ValueError: likewise, for what its words hold.
    """
    # A file and no pipe: what the command leaves running may hold a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(  # noqa: S603 - no shell; words of the master's config
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            code = _wait(child, timeout_seconds, between_tries)
        finally:
            _end(child)
        return Ended(code, _tail(output))


def _wait(
    child: subprocess.Popen[bytes], timeout_seconds: float, between_tries: BetweenTries
) -> int | None:
    deadline = time.monotonic() + timeout_seconds
    while True:
        left = deadline - time.monotonic()
        try:
            return child.wait(max(0.0, min(left, _LOOK_SECONDS)))
        except subprocess.TimeoutExpired:
            if left <= _LOOK_SECONDS:
                return None
        between_tries()


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
