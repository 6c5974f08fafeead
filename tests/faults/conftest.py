"""The lab that faults are injected into, and the table of what came of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from saltfactories.manager import FactoriesManager

from tests.faults.ledger import Ledger
from tests.faults.servers import DatabaseProxy
from tests.support.databases import fresh_url
from tests.support.salt_lab import FOLDERS, Lab

FILES = Path(__file__).parent / "files" / "gated"
HOSTS = ["f1", "f2", "f3"]

_LEDGER = pytest.StashKey[Ledger]()


@pytest.fixture(scope="session")
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """Where injections are entered."""
    return request.config.stash.setdefault(_LEDGER, Ledger())


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseProxy]:
    """The way to an empty database."""
    with fresh_url("postgresql", tmp_path_factory.mktemp("database")) as url:
        proxy = DatabaseProxy(url)
        proxy.start()
        yield proxy
        proxy.stop()


@pytest.fixture(scope="session")
def lab(salt_factories: FactoriesManager, proxy: DatabaseProxy) -> Iterator[Lab]:
    """A master with three minions, which have the project type ``gated``."""
    config = {
        "pushguide": {
            "database": proxy.url,
            "lease_seconds": 3,
            "silence_seconds": 2,
            "presence_timeout_seconds": 40,
            "patience_seconds": 40,
        }
    }
    # A request that dies with the master is waited for a minute by Salt itself, and tried thrice.
    minions = {"request_channel_timeout": 3}
    with Lab(salt_factories, "faults", HOSTS, config, FOLDERS, proxy.direct, minions) as one:
        shutil.copytree(FILES, one.team, dirs_exist_ok=True)
        done = one.run("pushguide.setup")
        assert done.data["synced_project_types"] == ["pushguide_types.gated"], done
        one.salt(",".join(HOSTS), "saltutil.sync_all")
        yield one


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table."""
    if _LEDGER in config.stash:
        terminalreporter.section("injections")
        for line in config.stash[_LEDGER].lines():
            terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if anything was lost, whatever became of the test that noticed."""
    if _LEDGER in session.config.stash and not session.config.stash[_LEDGER].is_clean:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
