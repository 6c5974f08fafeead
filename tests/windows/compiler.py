"""The compiler that makes the small Windows programs of these tests: MinGW's, for 64 bits."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

#: Its names: on Linux it is one compiler of several, on Windows the only one.
NAMES = ("x86_64-w64-mingw32-gcc", *(["gcc"] if os.name == "nt" else []))


def found() -> str | None:
    """The compiler's program, None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def build(source: Path, target: Path, *options: str) -> Path:
    """Make a program; libraries stand in ``options``, after what needs them.

    Raises:
        FileNotFoundError: there is no compiler.
        OSError: it refuses the source.
    """
    if (compiler := found()) is None:
        raise FileNotFoundError(f"MinGW's compiler is needed: one of {', '.join(NAMES)}")
    command = [compiler, "-O2", "-Wall", "-Werror", "-o", target, source, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise OSError(f"{source.name} does not compile: {done.stderr.strip()}")
    return target
