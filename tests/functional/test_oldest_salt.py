"""The functional tests, once more with the oldest supported Salt."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import salt.version

from tests.support.need import need

PROJECT = Path(__file__).parents[2]
VARIABLE = "PUSHGUIDE_TEST_SALT3006"


@pytest.mark.skipif(
    salt.version.__version__.startswith("3006."), reason="this is the oldest supported Salt"
)
def test_the_functional_tests_pass_on_salt_3006() -> None:
    environment = Path(os.environ.get(VARIABLE) or PROJECT / ".venv-3006")
    python = environment / "bin" / "python"
    need(
        "salt3006",
        python.exists(),
        f"{python} is missing: run make setup-3006, or point {VARIABLE} at such an environment",
    )
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/functional"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > 5
