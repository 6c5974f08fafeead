"""The Windows Python for these tests; they are skipped, or fail, where there is no Wine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from saltfactories.manager import FactoriesManager

from tests.support.need import need
from tests.windows import lab
from tests.windows.channel import Windows
from tests.windows.fleet import Fleet, started

INSTALL_SECONDS = 1200


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """A Windows Python with Salt, with a drive C of this run alone."""
    need("wine", not lab.missing(), lab.missing())
    wine = lab.a_copy(lab.installed(), tmp_path_factory.mktemp("windows") / "prefix")
    try:
        one = Windows(wine)
        try:
            yield one
        finally:
            one.end()
    finally:
        wine.remove()


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
