"""The environment with the oldest supported Salt."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.need import need

PROJECT = Path(__file__).parents[2]
VARIABLE = "PUSHGUIDE_TEST_SALT3006"


def oldest_salt_python() -> Path:
    """Its interpreter; the test is skipped, or fails, where it is missing."""
    environment = Path(os.environ.get(VARIABLE) or PROJECT / ".venv-3006")
    python = environment / "bin" / "python"
    need(
        "salt3006",
        python.exists(),
        f"{python} is missing: run make setup-3006, or point {VARIABLE} at such an environment",
    )
    return python
