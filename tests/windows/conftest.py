"""The Windows Python for these tests; they are skipped, or fail, where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from saltfactories.manager import FactoriesManager

from tests.support.need import need
from tests.windows import lab, native
from tests.windows.channel import Windows
from tests.windows.closing_table import (  # noqa: F401  # pytest calls them
    pytest_itemcollected,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from tests.windows.fleet import Fleet, started
from tests.windows.under_test import IS_WINDOWS, UnderTest

INSTALL_SECONDS = 2400


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """A Windows Python with Salt: with a drive C of this run alone, or on this very Windows."""
    host = this_windows() if IS_WINDOWS else a_wine(tmp_path_factory)
    try:
        one = Windows(host)
        try:
            yield one
        finally:
            one.end()
    finally:
        host.remove()


def this_windows() -> UnderTest:
    """The Windows that the tests themselves run on."""
    need("windows", not native.missing(), native.missing())
    return native.Native()


def a_wine(tmp_path_factory: pytest.TempPathFactory) -> UnderTest:
    """A copy of the lab."""
    need("wine", not lab.missing(), lab.missing())
    return lab.a_copy(lab.installed(), tmp_path_factory.mktemp("windows") / "prefix")


@pytest.fixture(scope="session")
def fleet(
    salt_factories: FactoriesManager, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """A master with two Windows minions and a Linux one."""
    need("wine", not lab.missing(), lab.missing())
    with started(salt_factories, tmp_path_factory.mktemp("fleet")) as one:
        yield one


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests that may come to install the lab the time for it."""
    for item in items:
        if {"windows", "fleet"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.timeout(INSTALL_SECONDS))
