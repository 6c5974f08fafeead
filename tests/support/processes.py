"""The end of processes, without warning."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import psutil


def kill_all(pid: int, but: Iterable[psutil.Process] = ()) -> None:
    """Kill a process and all that it has started, with no chance to clean up."""
    main = psutil.Process(pid)
    doomed = [one for one in (main, *main.children(recursive=True)) if one not in but]
    for one in doomed:
        with suppress(psutil.NoSuchProcess):  # it has ended by itself
            one.kill()
    psutil.wait_procs(doomed, timeout=10)
