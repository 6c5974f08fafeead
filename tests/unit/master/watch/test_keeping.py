"""What an engine forgets, and what it never does."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from pushguide.master import states
from pushguide.master.store import duties, host_results, record, retention
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.watch.keeping import DUTY, Keeper
from tests.unit.master.conftest import make_plan


def ended(database: Database, days_ago: float) -> int:
    """A deployment that has ended some days ago, with one step on one host."""

    def work(connection: sa.Connection) -> int:
        number = record.create(connection, make_plan(), "ops", states.QUEUED)
        record.change_state(connection, number, states.RUNNING)
        stage = {
            "stage": "prepare",
            "outcome": "succeeded",
            "started": 1.5,
            "seconds": 1.0,
            "steps": [{"name": "fetch", "outcome": "succeeded", "seconds": 1.0, "detail": "x"}],
        }
        told = {
            "deployment": number,
            "module": "shop-web",
            "environment": "production",
            "version": "1.1.0",
            "live": "1.1.0",
            "error": None,
            "stages": [stage],
        }
        host_results.write_host(connection, "web1", told, "succeeded")
        record.change_state(connection, number, states.SUCCEEDED)
        moment = db.now() - timedelta(days=days_ago)
        mine = db.deployment.c.id == number
        connection.execute(sa.update(db.deployment).where(mine).values(finished_at=moment))
        return number

    return database.write(work)


def with_steps(database: Database) -> list[int]:
    """The deployments whose steps are there."""
    query = sa.select(db.step.c.deployment_id).distinct().order_by(db.step.c.deployment_id)
    return database.read(lambda one: [*one.execute(query).scalars()])


def test_steps_are_forgotten_when_they_are_old(database: Database) -> None:
    old, new = ended(database, 401), ended(database, 399)
    assert with_steps(database) == [old, new]
    assert Keeper(database, "m@host", 400).look()
    assert with_steps(database) == [new]
    stages = database.read(lambda one: host_results.stages(one, old))
    assert [one["outcome"] for one in stages] == ["succeeded"]


def test_in_more_than_one_transaction(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [ended(database, 500) for _ in range(5)]
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    assert with_steps(database) == numbers
    assert Keeper(database, "m@host", 400).look()
    assert with_steps(database) == []


def test_they_are_kept_for_ever_if_nobody_says_otherwise(database: Database) -> None:
    number = ended(database, 5000)
    assert Keeper(database, "m@host", None).look()
    assert with_steps(database) == [number]


def test_one_engine_does_so_at_a_time_and_not_all_the_time(database: Database) -> None:
    mine, other = Keeper(database, "m@host", 400), Keeper(database, "n@host", 400)
    assert mine.look()
    assert not mine.look()
    assert not other.look()
    assert database.read(duties.held)[DUTY] == "m@host"
