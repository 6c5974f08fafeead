"""The functional tests, once more with the oldest supported Salt."""

from __future__ import annotations

import re
import subprocess

import pytest
import salt.version

from tests.support.oldest_salt import PROJECT, oldest_salt_python


@pytest.mark.skipif(
    salt.version.__version__.startswith("3006."), reason="this is the oldest supported Salt"
)
def test_the_functional_tests_pass_on_salt_3006() -> None:
    python = oldest_salt_python()
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
