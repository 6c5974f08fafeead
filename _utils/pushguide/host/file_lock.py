"""Locking a file, so that one process at a time does something."""

from __future__ import annotations

import os
from typing import IO


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
