"""Processes: whether they live, and how to end them for certain.

What is not told otherwise is for Linux alone.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host.windows import processes as on_windows

_POLL_SECONDS = 0.1


def is_alive(pid: int | None) -> bool:
    """Whether the process runs; one that has ended and was not yet reaped does not. On Windows
    too."""
    if os.name == "nt":
        return on_windows.is_alive(pid)
    return bool(pid) and _stat(pid, 3) not in ("", "Z", "X")


def command_line(pid: int) -> list[str]:
    """The arguments a process was started with; none if it has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as handle:
            return handle.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot: with the pid it names one process."""
    return _stat(pid, 22)


def parent(pid: int) -> int:
    """The process that a process was started by, 0 if there is none any more."""
    return int(_stat(pid, 4) or 0)


def find(*arguments: str) -> Iterator[int]:
    """The processes that live and have exactly these ``arguments`` among theirs."""
    for pid in all_pids():
        if {*arguments} <= {*command_line(pid)} and is_alive(pid):
            yield pid


def find_leader(variable: str, value: str, uid: int) -> int | None:
    """The session leader of a user that was started with an environment variable of this value.

    What it started itself has the variable too, but leads no session.
    """
    wanted = os.fsencode(f"{variable}={value}")
    for pid in all_pids():
        try:
            if os.stat(f"/proc/{pid}").st_uid != uid or _stat(pid, 6) != str(pid):
                continue
            with open(f"/proc/{pid}/environ", "rb") as handle:
                if wanted in handle.read().split(b"\0") and is_alive(pid):
                    return pid
        except OSError:
            continue  # it has ended meanwhile
    return None


def group_lives(leader: int) -> bool:
    """Whether a process of the group that ``leader`` leads, or led, is alive."""
    return any(_stat(pid, 5) == str(leader) and is_alive(pid) for pid in all_pids())


def all_pids() -> Iterator[int]:
    """Every process that can be seen."""
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _stat(pid: int | None, field: int) -> str:
    """A field of /proc/<pid>/stat, counted as in proc(5); empty if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
            # The second field is the command's name, which may hold anything.
            return handle.read().rpartition(")")[2].split()[field - 3]
    except (OSError, IndexError):
        return ""


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until the condition holds, at most ``seconds``; answer whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def terminate(pid: int, grace_seconds: float, kill_seconds: float = 10, group: bool = False) -> str:
    """End a process: ask it, wait, then force it.

    Args:
        pid: the process.
        grace_seconds: how long it may take after SIGTERM.
        kill_seconds: how long the system may take after SIGKILL.
        group: whether to end all of the group that it leads: a shell's children outlive it.

    Returns:
        ``"stopped"``, or ``"killed"`` if it had to be forced.

    Raises:
        StepFailed: it lives even so.
    """
    send, lives = (os.killpg, group_lives) if group else (os.kill, is_alive)
    _signal(send, pid, signal.SIGTERM)
    if wait_until(lambda: not lives(pid), grace_seconds):
        return "stopped"
    _signal(send, pid, signal.SIGKILL)
    if wait_until(lambda: not lives(pid), kill_seconds):
        return "killed"
    raise StepFailed(
        f"Stopping process {pid} failed: it lives {kill_seconds:g} s after SIGKILL, so it hangs "
        "in the kernel (often a dead network file system). Look at it on the host."
    )


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        send(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError as err:
        raise StepFailed(
            f"Stopping process {pid} failed: {err}. The minion runs as another user than it."
        ) from err


def port_is_free(port: int) -> bool:
    """Whether nothing listens on a TCP port, on whichever address of this host. On Windows too."""
    if os.name == "nt":
        return "LISTEN" not in on_windows.states(port)
    return not any(state == _LISTEN for state in _tcp_states(port))


def count_connections(port: int) -> int:
    """How many TCP connections to a local port are established. On Windows too."""
    if os.name == "nt":
        return [*on_windows.states(port)].count("ESTABLISHED")
    return sum(state == _ESTABLISHED for state in _tcp_states(port))


#: Source: proc(5), /proc/net/tcp, and include/net/tcp_states.h of Linux.
_ESTABLISHED, _LISTEN = "01", "0A"


def _tcp_states(port: int) -> Iterator[str]:
    """The states of all sockets with this local TCP port."""
    return (state for local, state, _ in _tcp_sockets() if local == port)


def listening_sockets() -> dict[str, int]:
    """The TCP ports that something listens on, by the inode of its socket."""
    return {inode: port for port, state, inode in _tcp_sockets() if state == _LISTEN}


def _tcp_sockets() -> Iterator[tuple[int, str, str]]:
    """Local port, state and inode of each TCP socket."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as handle:
                rows = [line.split() for line in handle.readlines()[1:]]
        except OSError:
            continue  # no IPv6 here
        yield from ((int(row[1].rpartition(":")[2], 16), row[3], row[9]) for row in rows)


def demand_free_port(port: int, seconds: float) -> None:
    """Wait until nothing listens on a TCP port.

    Raises:
        StepFailed: something still does.
    """
    if not wait_until(lambda: port_is_free(port), seconds):
        raise StepFailed(
            f"Port {port} is still taken {seconds:g} s after the process was stopped: another "
            f"process listens there (ss -ltnp tells which, on Windows netstat -abn). Stop it, or "
            "change the port."
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
