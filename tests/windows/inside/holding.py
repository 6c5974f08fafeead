"""Files that this process keeps open, as a program does that reads its own."""

from __future__ import annotations

from typing import IO

_open: dict[str, IO[bytes]] = {}


def hold(path: str) -> None:
    """Open a file and keep it open."""
    _open[path] = open(path, "rb")  # noqa: SIM115


def let_go(path: str) -> None:
    """Close it."""
    _open.pop(path).close()
