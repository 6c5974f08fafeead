"""Processes and ports of a Windows host, by psutil, which comes with Salt there.

Windows gives the number of a process that has ended to another one, soon. So what is going to be
ended is named by its number and the time at which it began.
"""

from __future__ import annotations

import os
from collections.abc import Iterator


def is_alive(pid: int | None, began: float | None = None) -> bool:
    """Whether the process runs: any with this number, or the one that began then."""
    if not pid:
        return False
    found = start_time(pid)
    return found is not None and began in (None, found)


def start_time(pid: int) -> float | None:
    """When a process began; None if there is none."""
    import psutil

    try:
        one = psutil.Process(pid)
        return float(one.create_time()) if one.is_running() else None
    except psutil.Error:
        return None


def runs_another_program(pid: int, program: str) -> bool:
    """Whether a process surely runs another program than this one."""
    import psutil

    try:
        return not os.path.samefile(psutil.Process(pid).exe(), os.path.expandvars(program))
    except (psutil.Error, OSError):
        return False  # it cannot be told


def end(pid: int, began: float) -> None:
    """End the process that began then, and those that it has started.

    Windows has no way to ask one politely.
    """
    import psutil

    try:
        leader = psutil.Process(pid)
        if leader.create_time() != began:
            return  # it has ended, and another one has its number
        processes = [*leader.children(recursive=True), leader]
    except psutil.Error:
        return
    for one in processes:
        try:
            one.kill()
        except psutil.Error:
            continue  # it has ended meanwhile, or will not: whether it lives is asked afterwards


def states(port: int) -> Iterator[str]:
    """The states of all TCP sockets with this local port, as psutil calls them."""
    import psutil

    for one in psutil.net_connections("tcp"):
        if one.laddr and one.laddr.port == port:
            yield str(one.status)


def listening_ports(pid: int | None) -> list[int]:
    """The TCP ports that a process listens on; none without a process."""
    import psutil

    found = psutil.net_connections("tcp") if pid else []
    return sorted({one.laddr.port for one in found if one.pid == pid and one.status == "LISTEN"})
