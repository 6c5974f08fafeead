"""The record of each released version migrates to the newest schema without loss.

``tests/upgrades/<version>.json`` holds rows as that version wrote them, and its schema revision.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from pushguide.master.store.database import Database
from pushguide.master.store.schema import alembic_config, migrate
from pushguide.master.store.tables import SCHEMA

PROJECT = Path(__file__).parents[3]
RECORDS = sorted((PROJECT / "tests" / "upgrades").glob("*.json"))


def test_every_released_version_has_a_record_to_migrate() -> None:
    changes = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[?(\d+\.\d+\.\d+)", changes, re.MULTILINE)
    assert released
    assert {one.stem for one in RECORDS} == set(released)


@pytest.mark.parametrize("path", RECORDS, ids=[one.stem for one in RECORDS])
def test_a_record_migrates_without_loss(url: str, path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    if url.startswith("sqlite"):
        Path(sa.engine.make_url(url).database or "").parent.mkdir()
    database = Database.at(url)
    _write(database, record)
    assert migrate(database) == (record["schema"], SCHEMA)
    with database.engine.connect() as connection:
        for name, rows in record["rows"].items():
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            found = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for row in rows:
                wanted = _typed(table, row)
                assert any(
                    wanted.items() <= _comparable(one).items() for one in map(dict, found)
                ), (
                    name,
                    wanted,
                    found,
                )


def _write(database: Database, record: dict[str, Any]) -> None:
    """Make the schema of the old version, and write its rows."""
    config = alembic_config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, record["schema"])
    with database.engine.begin() as connection:
        for name, rows in record["rows"].items():
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            for row in rows:
                typed = {
                    key: json.loads(value)
                    if isinstance(table.c[key].type, sa.JSON) and value is not None
                    else value
                    for key, value in _typed(table, row).items()
                }
                connection.execute(sa.insert(table).values(typed))


def _typed(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: datetime.fromisoformat(value)
        if isinstance(table.c[key].type, sa.DateTime) and value is not None
        else value
        for key, value in row.items()
    }


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """JSON columns as the text that the record holds."""
    return {
        key: json.dumps(value) if isinstance(value, (dict, list)) else value
        for key, value in row.items()
    }
