"""The small programs for Windows that tests deploy, built out of their sources here."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from tests.windows import compiler

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
        return compiler.build(source, target, *_LIBRARIES.get(name, ())).read_bytes()
