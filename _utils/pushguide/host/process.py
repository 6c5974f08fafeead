"""Processes: whether they live, and how to end them for certain (Linux)."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from pushguide.errors import StepFailed

_POLL_SECONDS = 0.1


def is_alive(pid: int | None) -> bool:
    """Whether the process runs; one that has ended and was not yet reaped does not."""
    if not pid:
        return False
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
            return handle.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def command_line(pid: int) -> list[str]:
    """The arguments a process was started with; none if it has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as handle:
            return handle.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot: with the pid it names one process.

    Source: proc(5), field 22 of /proc/<pid>/stat.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
            return handle.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def find(argument: str) -> Iterator[int]:
    """The processes that live and have exactly ``argument`` among their arguments."""
    for name in os.listdir("/proc"):
        if name.isdigit() and argument in command_line(int(name)) and is_alive(int(name)):
            yield int(name)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until the condition holds, at most ``seconds``; answer whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def terminate(pid: int, grace_seconds: float, kill_seconds: float = 10) -> str:
    """End a process: ask it, wait, then force it.

    Args:
        pid: the process.
        grace_seconds: how long it may take after SIGTERM.
        kill_seconds: how long the system may take after SIGKILL.

    Returns:
        ``"stopped"``, or ``"killed"`` if it had to be forced.

    Raises:
        StepFailed: it lives even so.
    """
    _signal(pid, signal.SIGTERM)
    if wait_until(lambda: not is_alive(pid), grace_seconds):
        return "stopped"
    _signal(pid, signal.SIGKILL)
    if wait_until(lambda: not is_alive(pid), kill_seconds):
        return "killed"
    raise StepFailed(
        f"Stopping process {pid} failed: it lives {kill_seconds:g} s after SIGKILL, so it hangs "
        "in the kernel (often a dead network file system). Look at it on the host."
    )


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError as err:
        raise StepFailed(
            f"Stopping process {pid} failed: {err}. The minion runs as another user than it."
        ) from err


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nothing answers on a local TCP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) != 0


def demand_free_port(port: int, seconds: float) -> None:
    """Wait until nothing answers on a local TCP port.

    Raises:
        StepFailed: something still does.
    """
    if not wait_until(lambda: port_is_free(port), seconds):
        raise StepFailed(
            f"Port {port} is still taken {seconds:g} s after the process was stopped: another "
            f"process listens there (ss -ltnp 'sport = :{port}'). Stop it, or change the port."
        )


def identity(user: str | None) -> dict[str, Any]:
    """The arguments that make subprocess run something as ``user``; none for the minion's own.

    Raises:
        StepFailed: there is no such user.
    """
    if not user:
        return {}
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError as err:
        raise StepFailed(f"There is no user {user!r} on this host: make it.") from err
    groups = os.getgrouplist(user, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
