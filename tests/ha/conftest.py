"""The cluster, and the table of what was cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.pair import MASTERS
from tests.ha.cluster import HOSTS, Cluster
from tests.ha.network import Network, is_possible
from tests.ha.postgresql import PostgreSQL, programs
from tests.support.need import need

_TABLE = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Two masters and four minions, each in a network of its own, and PostgreSQL."""
    need("netns", is_possible(), "network namespaces: run as root, with iproute2 and nftables")
    need("netns", programs(), "a PostgreSQL server's programs: apt-get install postgresql")
    with (
        Network([*MASTERS, *HOSTS]) as network,
        PostgreSQL(network.here) as database,
        Cluster(network, database) as one,
    ):
        yield one


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> list[str]:
    """Where scenarios are entered."""
    return request.config.stash.setdefault(_TABLE, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table."""
    if _TABLE in config.stash:
        terminalreporter.section("two masters")
        for line in config.stash[_TABLE]:
            terminalreporter.write_line(line)
