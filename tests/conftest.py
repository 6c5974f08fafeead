"""Fixtures for all tests."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest


def pytest_sessionstart() -> None:
    """Take off the handler that Salt keeps messages in until the process ends.

    It would write them to a standard error that pytest has closed by then.
    """
    for handler in logging.root.handlers[:]:
        if type(handler).__name__ == "DeferredStreamHandler":
            logging.root.removeHandler(handler)


@pytest.fixture(scope="session")
def salt_factories_config() -> Iterator[dict[str, Any]]:
    """Where pytest-salt-factories keeps its daemons.

    Sockets lie in there, and a socket's path may have no more than about 100 characters.
    """
    top = Path(tempfile.mkdtemp(prefix="pushguide-"))
    yield {"root_dir": top, "inject_sitecustomize": False, "start_timeout": 120, "slow_stop": False}
    rmtree(top, ignore_errors=True)
