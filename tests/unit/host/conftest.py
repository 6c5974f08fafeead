"""Fixtures for the host's side."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.health import Health
from tests.support.host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host that gets a static site."""
    return Host(tmp_path)


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Health]:
    """A web server that serves what the tests' hosts have live."""
    with Health(tmp_path_factory.getbasetemp()) as server:
        yield server


@pytest.fixture
def probed(host: Host, web: Health) -> Host:
    """A host whose live link is asked for the version."""
    host.probe_version(web)
    return host


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell every hostile archive, and what refused it."""
    hostile = sys.modules.get("tests.unit.host.test_hostile_archives")
    if table := getattr(hostile, "TABLE", None):
        terminalreporter.section(f"hostile archives: {len(table)}, bytes outside: 0")
        for name, outcome, why in sorted(table):
            terminalreporter.write_line(f"{name:<42} {outcome:<8} {why}")
