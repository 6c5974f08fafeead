"""Which master drives a deployment, where its template names a data centre."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pushguide.master import states
from pushguide.master.config import Config
from pushguide.master.plan import Rollout
from pushguide.master.rollout import turn
from pushguide.master.rollout.adoption import Adopter
from pushguide.master.rollout.placing import Placing
from pushguide.master.rollout.submit import submit
from pushguide.master.store import drives, engines, lock, record
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from tests.unit.master.conftest import make_plan

LEASE_SECONDS = 60
SHANGHAI, BEIJING = "shanghai", "beijing"


class Engines:
    """Two masters, of two data centres, that share a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def beat(self, data_centre: str) -> None:
        """One of them says something."""
        self.database.write(lambda one: engines.beat(one, f"{data_centre}_master", data_centre))

    def falls_silent(self, data_centre: str) -> None:
        """One of them has said nothing for longer than a lease."""
        before = db.now() - timedelta(seconds=LEASE_SECONDS + 1)
        mine = db.engine.c.data_centre == data_centre
        self.database.write(
            lambda one: one.execute(sa.update(db.engine).where(mine).values(seen_at=before))
        )

    def look(self, data_centre: str) -> list[int]:
        """What the engine of a data centre takes up now."""
        return self.adopter(data_centre).look()

    def adopter(self, data_centre: str) -> Adopter:
        """The engine of a data centre."""
        return Adopter(
            self.database,
            lambda _number: None,
            lambda _data, _tag: None,
            Placing(data_centre, LEASE_SECONDS),
        )

    def get(self, number: int) -> record.Deployment:
        """A deployment."""
        return self.database.read(lambda one: record.get(one, number))

    def submit(self, left_for: str | None, **changes: Any) -> int:
        """A deployment whose template names Shanghai."""
        plan = make_plan(data_centre=SHANGHAI, **changes)
        number, state = submit(self.database, plan, "ops", LEASE_SECONDS, left_for=left_for)
        assert state == states.QUEUED
        return number

    def take(self, number: int, data_centre: str) -> turn.Turn:
        """A master takes its turn at a deployment."""
        found = self.database.write(
            lambda one: turn.take(one, number, LEASE_SECONDS, f"{data_centre}_master")
        )
        assert isinstance(found, turn.Turn)
        return found

    def lease_ends(self, number: int, token: int) -> None:
        """Whoever drove a deployment has died."""
        self.database.write(lambda one: lock.expire(one, number, token))


@pytest.fixture
def two(database: Database) -> Engines:
    """Both are there."""
    both = Engines(database)
    both.beat(SHANGHAI)
    both.beat(BEIJING)
    return both


def test_what_is_left_for_a_data_centre_is_taken_there_at_once(two: Engines) -> None:
    number = two.submit(left_for=SHANGHAI)
    assert two.look(BEIJING) == []
    assert two.look(SHANGHAI) == [number]
    assert two.take(number, SHANGHAI).is_new


def test_nobody_else_deploys_the_module_meanwhile(two: Engines) -> None:
    two.submit(left_for=SHANGHAI)
    with pytest.raises(Exception, match="locked by deployment #1"):
        two.submit(left_for=None)


def test_an_orphan_goes_to_its_own_data_centre_while_that_is_there(two: Engines) -> None:
    number = two.submit(left_for=None)
    two.lease_ends(number, two.take(number, SHANGHAI).token)
    assert two.look(BEIJING) == []
    assert two.look(SHANGHAI) == [number]


def test_an_orphan_goes_to_whoever_is_there_if_its_own_is_not(two: Engines) -> None:
    number = two.submit(left_for=None)
    first = two.take(number, SHANGHAI)
    two.lease_ends(number, first.token)
    two.falls_silent(SHANGHAI)
    assert two.look(BEIJING) == [number]
    second = two.take(number, BEIJING)
    assert second.token > first.token
    told = two.database.read(lambda one: drives.of(one, number))
    assert [(one.master, one.token) for one in told] == [
        ("shanghai_master", first.token),
        ("beijing_master", second.token),
    ]


def test_a_template_that_names_none_is_driven_by_anybody(database: Database) -> None:
    placing = Placing(BEIJING, LEASE_SECONDS)
    database.write(lambda one: engines.beat(one, "m", SHANGHAI))
    assert not database.read(lambda one: placing.is_elsewhere(one, None))
    assert not database.read(lambda one: placing.is_elsewhere(one, BEIJING))
    assert database.read(lambda one: placing.is_elsewhere(one, SHANGHAI))


def test_one_that_is_queued_behind_another_is_taken_there_too(two: Engines) -> None:
    """Its driver waits for its turn there, and keeps its place."""
    first = two.submit(left_for=None)
    two.take(first, BEIJING)
    second = two.submit(left_for=SHANGHAI, rollout=Rollout(when_busy="queue"))
    assert two.look(BEIJING) == []
    assert two.look(SHANGHAI) == [second]
    told = two.database.write(lambda one: turn.take(one, second, LEASE_SECONDS, "shanghai_master"))
    assert told == f"queued behind #{first}"
    assert two.look(SHANGHAI) == []
    assert two.get(second).left_for is None


def test_one_whose_time_has_come_is_left_where_nobody_waits_for_it(two: Engines) -> None:
    number = two.submit(left_for=None)
    two.database.write(lambda one: record.leave_for(one, number, SHANGHAI))
    assert two.get(number).left_for is None  # its maker waits for it
    before = db.now() - timedelta(seconds=1)
    mine = db.deployment.c.id == number
    two.database.write(
        lambda one: one.execute(sa.update(db.deployment).where(mine).values(waiting_until=before))
    )
    two.database.write(lambda one: record.leave_for(one, number, SHANGHAI))
    assert two.get(number).left_for == SHANGHAI


def test_one_that_stands_again_is_taken_up_again_at_once(two: Engines) -> None:
    """After a canary, when somebody elsewhere has confirmed it."""
    number = two.submit(left_for=SHANGHAI)
    adopter = two.adopter(SHANGHAI)
    assert adopter.look() == [number]
    assert adopter.look() == []  # its process is about to begin
    token = two.take(number, SHANGHAI).token
    assert adopter.look() == []
    two.lease_ends(number, token)
    assert adopter.look() == [number]


@pytest.mark.parametrize(("lease", "wanted"), [(4, 20), (60, 60)])
def test_an_engine_that_is_slow_is_not_gone(lease: int, wanted: float) -> None:
    placing = Placing.of(Config("sqlite://", lease_seconds=lease, data_centre=BEIJING))
    assert placing == Placing(BEIJING, wanted)
