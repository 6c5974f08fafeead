"""Files that this process keeps open, as a program does that reads its own."""

from __future__ import annotations

import threading
from typing import IO, Any

import deployments

from pushguide.words import STAGES

_open: dict[str, IO[bytes]] = {}


def hold(path: str) -> None:
    """Open a file and keep it open."""
    _open[path] = open(path, "rb")  # noqa: SIM115


def let_go(path: str) -> None:
    """Close it."""
    _open.pop(path).close()


def while_held(path: str, seconds: float, share: dict[str, Any]) -> dict[str, Any]:
    """Run all stages while a file is open for the first seconds of that."""
    hold(path)
    threading.Timer(seconds, let_go, [path]).start()
    return deployments.run(share["type"], share, list(STAGES))
