"""A database for each test: SQLite always, PostgreSQL and MariaDB where servers are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pushguide.master.plan import HostFacts, Plan, Rollout
from pushguide.master.store.database import Database
from pushguide.master.store.schema import migrate
from pushguide.share import Artifact
from tests.support.databases import fresh_url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    with fresh_url(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def database(url: str) -> Database:
    """A database with the newest schema."""
    database = Database.at(url)
    migrate(database)
    return database


@pytest.fixture
def plan() -> Plan:
    """A deployment of shop-web 1.1.0 to two hosts, with a third left out."""
    return make_plan()


def make_plan(**changes: object) -> Plan:
    """A plan; ``changes`` replace its fields."""
    values: dict[str, object] = {
        "module": "shop-web",
        "environment": "production",
        "kind": "deploy",
        "version": "1.1.0",
        "type": "static_site",
        "root": "/srv/shop",
        "artifact": Artifact("1.1.0", "salt://a/shop.tgz", "shop.tgz", "a" * 64, 10),
        "target": {"target": "web*", "type": "glob"},
        "hosts": {name: HostFacts("0.1.0", "1.0.0", ["1.0.0"]) for name in ("web1", "web2")},
        "batches": [["web1", "web2"]],
        "left_out": ["web3"],
        "prepare": "all_first",
        "stage_timeout_seconds": 60,
        "orchestration": "orch.deploy",
        "share": {"settings": {}},
        "rollout": Rollout(return_within_seconds=0.2),
    }
    return Plan(**{**values, **changes})  # type: ignore[arg-type]
