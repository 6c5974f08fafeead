"""What Windows says to changes of files that are in use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def rename_open(path: str) -> None:
    """Rename a file that this process has open."""
    with open(path, "rb"):
        os.rename(path, f"{path}.renamed")


def remove_open(path: str) -> None:
    """Remove a file that this process has open."""
    with open(path, "rb"):
        os.remove(path)


def replace_open(path: str) -> None:
    """Put another file in the place of one that this process has open."""
    other = Path(f"{path}.other")
    other.touch()
    with open(path, "rb"):
        os.replace(other, path)


def remove_running(path: str) -> None:
    """Remove a program while it runs.

    It is a Python of its own, which needs its libraries beside it.
    """
    program = Path(path)
    for one in Path(sys.executable).parent.iterdir():
        if one.is_file():
            shutil.copy(one, program.parent)
    shutil.move(program.with_name("python.exe"), program)
    running = subprocess.Popen([program, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        os.remove(program)
    finally:
        running.communicate(b"\n", timeout=60)


def write_and_ask() -> str:
    """Write to standard output and ask for input, which there is none of."""
    print("this is no answer", flush=True)  # noqa: T201
    try:
        return input()
    except EOFError:
        return "no input"
