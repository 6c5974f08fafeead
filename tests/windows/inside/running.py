"""Programs that run out of a release, and keep its files in use."""

from __future__ import annotations

import subprocess

_running: dict[str, subprocess.Popen[bytes]] = {}


def start(program: str, *arguments: str) -> int:
    """Start a program that waits for its input; answer with its process."""
    _running[program] = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE)
    return _running[program].pid


def end(program: str) -> None:
    """End it."""
    one = _running.pop(program)
    one.kill()
    one.communicate(timeout=60)
