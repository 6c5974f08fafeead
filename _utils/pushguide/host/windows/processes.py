"""Processes and ports of a Windows host, by psutil, which comes with Salt there."""

from __future__ import annotations

from collections.abc import Iterator


def is_alive(pid: int | None) -> bool:
    """Whether the process runs."""
    import psutil

    try:
        return bool(pid) and psutil.Process(pid).is_running()
    except psutil.Error:
        return False


def end(pid: int) -> None:
    """End a process and those that it has started; Windows has no way to ask one politely."""
    import psutil

    try:
        leader = psutil.Process(pid)
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
