"""The CPU time of everything that this process started, daemons included (Linux)."""

from __future__ import annotations

import ctypes
import os
import resource
import time

_TICK = os.sysconf("SC_CLK_TCK")
_PR_SET_CHILD_SUBREAPER = 36
_QUIET_SECONDS = 0.02


def adopt_orphans() -> None:
    """Become the parent of every orphan below, so that no daemonized process gets lost.

    Source: prctl(2), PR_SET_CHILD_SUBREAPER.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def used() -> float:
    """The CPU seconds that all descendants have used so far, those that have ended included."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as handle:
                fields = handle.read().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(name)] = int(fields[1])
        seconds[int(name)] = sum(map(int, fields[11:15])) / _TICK
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = ended.ru_utime + ended.ru_stime
    return total + sum(value for pid, value in seconds.items() if _is_below(pid, parents))


def _is_below(pid: int, parents: dict[int, int]) -> bool:
    me, seen = os.getpid(), 0
    while pid in parents and seen < 64:
        pid, seen = parents[pid], seen + 1
        if pid == me:
            return True
    return False


def settle(at_most_seconds: float = 10) -> float:
    """Wait until the descendants are quiet; answer with the CPU seconds used so far."""
    deadline = time.monotonic() + at_most_seconds
    before = used()
    while time.monotonic() < deadline:
        time.sleep(0.25)
        after = used()
        if after - before <= _QUIET_SECONDS:
            return after
        before = after
    return before
