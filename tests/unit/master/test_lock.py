"""The lock: one deployment at a time, leases, and tokens that only grow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pushguide.errors import LeaseLost, Locked
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.store import lock, record
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now
from tests.support.waiting import wait_until

HERE = ("shop-web", "production")


@pytest.fixture
def deployments(database: Database, plan: Plan) -> list[int]:
    """Three deployments, to hold locks."""
    create: Callable[[Any], int] = lambda one: record.create(one, plan, "ops", states.QUEUED)  # noqa: E731
    return [database.write(create) for _ in range(3)]


def take(database: Database, number: int, seconds: int = 60) -> int:
    return database.write(lambda one: lock.take(one, *HERE, number, seconds))


def expire(database: Database) -> None:
    past = now() - timedelta(seconds=1)
    database.write(lambda one: one.execute(sa.update(db.lock).values(lease_until=past)))


def test_a_lock_that_is_held_is_refused_and_names_its_holder(
    database: Database, deployments: list[int]
) -> None:
    first, second, _ = deployments
    take(database, first)
    with pytest.raises(Locked, match=rf"locked by deployment #{first} since .*held by .* pid"):
        take(database, second)


def test_other_modules_and_environments_are_free(
    database: Database, deployments: list[int]
) -> None:
    take(database, deployments[0])
    database.write(lambda one: lock.take(one, "shop-web", "staging", deployments[1], 60))
    database.write(lambda one: lock.take(one, "other", "production", deployments[2], 60))


def test_the_token_grows_with_each_holder(database: Database, deployments: list[int]) -> None:
    first, second, third = deployments
    tokens = [take(database, first), take(database, first)]
    database.write(lambda one: lock.release(one, first, tokens[-1]))
    tokens.append(take(database, second))
    expire(database)
    tokens.append(take(database, second))
    database.write(lambda one: lock.hand_over(one, second, tokens[-1], third, 60))
    tokens.append(take(database, third))
    assert tokens == sorted(set(tokens))


def test_a_stale_holder_cannot_release_what_was_taken_over(
    database: Database, deployments: list[int]
) -> None:
    first, second, _ = deployments
    old = take(database, first)
    expire(database)
    take(database, first)
    database.write(lambda one: lock.release(one, first, old))
    with pytest.raises(Locked):
        take(database, second)


def test_a_lease_that_ran_out_leaves_the_lock_to_its_deployment(
    database: Database, deployments: list[int]
) -> None:
    first, second, _ = deployments
    take(database, first)
    expire(database)
    with pytest.raises(Locked):
        take(database, second)


def test_a_stale_holder_cannot_hand_the_lock_over(
    database: Database, deployments: list[int]
) -> None:
    first, second, _ = deployments
    old = take(database, first)
    take(database, first)
    with pytest.raises(LeaseLost):
        database.write(lambda one: lock.hand_over(one, first, old, second, 60))


def test_of_many_that_take_it_at_once_one_gets_it(
    database: Database, deployments: list[int]
) -> None:
    outcomes: list[object] = []
    ready = threading.Barrier(len(deployments))

    def attempt(number: int) -> None:
        ready.wait()
        try:
            outcomes.append(take(database, number))
        except Locked as err:
            outcomes.append(err)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in deployments]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(isinstance(one, int) for one in outcomes) == 1
    assert sum(isinstance(one, Locked) for one in outcomes) == 2


def test_a_lease_is_renewed_while_it_is_held(database: Database, deployments: list[int]) -> None:
    number = deployments[0]
    token = take(database, number, seconds=1)

    def until() -> Any:
        held = database.read(lambda one: lock.look(one, *HERE))
        assert held
        return held.lease_until

    first = until()
    with lock.Lease(database, number, token, seconds=1) as lease:
        wait_until(lambda: until() > first, "a renewal", seconds=10)
        lease.demand()


def test_a_lease_that_was_taken_over_is_lost(database: Database, deployments: list[int]) -> None:
    first = deployments[0]
    token = take(database, first, seconds=1)
    with lock.Lease(database, first, token, seconds=1) as lease:
        take(database, first)

        def is_lost() -> bool:
            try:
                lease.demand()
            except LeaseLost:
                return True
            return False

        wait_until(is_lost, "the loss", seconds=10)
        with pytest.raises(LeaseLost, match="another master has taken it over"):
            lease.demand()
