"""The processes of a Linux host, and the ports that they listen on.

Source: proc(5), and systemd's documentation of its control group hierarchy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pushguide.host import process

_UNIT = re.compile(r"/([^/]+\.service)(?:/|$)")
_SOCKET = re.compile(r"socket:\[(\d+)\]\Z")


@dataclass(frozen=True)
class Process:
    """A process that runs.

    Attributes:
        pid: its number.
        arguments: its command line: never to be told.
        executable: its program; None where it may not be seen.
        directory: where it works; None where it may not be seen.
        user: whose it is.
        unit: the systemd unit that it belongs to.
        ports: the TCP ports that it listens on.
    """

    pid: int
    arguments: tuple[str, ...]
    executable: str | None
    directory: str | None
    user: str | None
    unit: str | None
    ports: list[int]


def running() -> Iterator[Process]:
    """Every process that the minion may see, kernel threads left out."""
    listening = process.listening_sockets()
    for pid in process.all_pids():
        arguments = tuple(process.command_line(pid))
        if not any(arguments):
            continue
        yield Process(
            pid=pid,
            arguments=arguments,
            executable=_link(f"/proc/{pid}/exe"),
            directory=_link(f"/proc/{pid}/cwd"),
            user=_user(pid),
            unit=_unit(pid),
            ports=sorted({listening[one] for one in _sockets(pid) if one in listening}),
        )


def _link(path: str) -> str | None:
    try:
        return os.readlink(path).removesuffix(" (deleted)")
    except OSError:
        return None


def _user(pid: int) -> str | None:
    import pwd

    try:
        return pwd.getpwuid(os.stat(f"/proc/{pid}").st_uid).pw_name
    except (OSError, KeyError):
        return None


def _unit(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as handle:
            found = _UNIT.findall(handle.read().replace("\n", "/\n"))
    except OSError:
        return None
    return found[-1] if found else None


def _sockets(pid: int) -> Iterator[str]:
    """The inodes of the sockets that a process has open; none of those that may not be seen."""
    top = f"/proc/{pid}/fd"
    try:
        names = os.listdir(top)
    except OSError:
        return
    for name in names:
        found = _SOCKET.match(_link(f"{top}/{name}") or "")
        if found:
            yield found.group(1)
