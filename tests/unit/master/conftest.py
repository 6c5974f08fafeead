"""A database for each test: SQLite always, PostgreSQL and MariaDB where servers are named."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pushguide.master.plan import HostFacts, Plan, Rollout
from pushguide.master.store.database import Database
from pushguide.master.store.schema import migrate
from pushguide.share import Artifact
from tests.support.need import need

SERVERS = {"postgresql": "PUSHGUIDE_TEST_POSTGRESQL", "mariadb": "PUSHGUIDE_TEST_MARIADB"}


def _fresh_url(kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of its own, removed afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path}/db/pushguide.db"
        return
    server = os.environ.get(SERVERS[kind])
    need(kind, server, f"set {SERVERS[kind]} to the URL of a server where databases can be made")
    assert server
    name = f"pushguide_{uuid.uuid4().hex[:12]}"
    maker = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with maker.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    url = sa.engine.make_url(server).set(database=name)
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        Database.close_all()
        with maker.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name}"))
        maker.dispose()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    yield from _fresh_url(request.param, tmp_path)
    Database.close_all()


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
