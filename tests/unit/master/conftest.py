"""A database for each test: SQLite always, PostgreSQL and MariaDB where servers are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pushguide.master.plan import HostFacts, Plan, Rollout
from pushguide.master.store.database import Database
from pushguide.share import Artifact
from tests.support.databases import Kept, fresh_url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def backend(request: pytest.FixtureRequest) -> str:
    """A kind of database."""
    return str(request.param)


@pytest.fixture
def url(backend: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    with fresh_url(backend, tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Databases for many tests."""
    with Kept(tmp_path_factory.mktemp("kept")) as one:
        yield one


@pytest.fixture
def database(kept: Kept, backend: str, tmp_path: Path) -> Iterator[Database]:
    """A database with the newest schema and no rows."""
    with kept.lent(backend, tmp_path) as url:
        yield Database.at(url)


@pytest.fixture
def opts(database: Database, tmp_path: Path) -> dict[str, Any]:
    """The opts of a master with that database."""
    return {
        "id": "m_master",
        "user": "salt",
        "extension_modules": "",
        "cachedir": str(tmp_path / "cache"),
        "conf_file": str(tmp_path / "master"),
        "pushguide": {"database": database.url.render_as_string(hide_password=False)},
    }


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
