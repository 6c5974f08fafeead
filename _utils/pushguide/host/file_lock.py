"""Locking a file, so that one process at a time does something."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import IO

from pushguide.errors import StepFailed
from pushguide.host.waiting import BetweenTries, pause

_POLL_SECONDS = 0.1


def try_lock(handle: IO[str]) -> bool:
    """Lock ``handle`` for this process; the system unlocks it however the process ends."""
    try:
        if os.name == "nt":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def wait_for_lock(handle: IO[str], seconds: float, between_tries: BetweenTries) -> bool:
    """Lock ``handle`` for this process as soon as nobody else has; whether that was in time."""
    deadline = time.monotonic() + seconds
    while not try_lock(handle):
        if time.monotonic() >= deadline:
            return False
        pause(_POLL_SECONDS, between_tries)
    return True


@contextlib.contextmanager
def locked(path: str, seconds: float, between_tries: BetweenTries) -> Iterator[None]:
    """Hold the lock at ``path`` while the block runs.

    Raises:
        StepFailed: another process has it for so long, or it cannot be made.
    """
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle = open(path, "a+", encoding="utf-8")  # noqa: SIM115
    except OSError as err:
        raise StepFailed(f"Making the lock {path} failed: {err}.") from err
    with handle:
        if not wait_for_lock(handle, seconds, between_tries):
            raise StepFailed(
                f"Another job has had the lock {path} for {seconds:g} s: see what holds it up."
            )
        yield
