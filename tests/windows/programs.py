"""The small programs for Windows that tests deploy, built out of their sources here."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path

from tests.windows import lab

_LIBRARIES = {"service": ("-lws2_32",)}


@functools.cache
def built(name: str) -> bytes:
    """A program for Windows.

    Args:
        name: its source without ``.c``: ``service`` or ``job``.
    """
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / f"{name}.exe"
        source = Path(__file__).with_name(f"{name}.c")
        command = [lab.COMPILER, "-O2", "-o", target, source, *_LIBRARIES.get(name, ())]
        subprocess.run(command, check=True)
        return target.read_bytes()
