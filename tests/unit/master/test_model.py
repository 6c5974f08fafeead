"""A model of deployments, leases and masters, played at random against the record.

Several masters submit, begin, renew, lose and take over deployments of two modules, come back
from the dead, write, pause, end and hand over, while a clock jumps. Whatever the order, no two of
them ever run one module.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pushguide.errors import LeaseLost, Locked, Refused
from pushguide.master import states
from pushguide.master.plan import Rollout
from pushguide.master.rollout import turn
from pushguide.master.rollout.ending import Ending
from pushguide.master.rollout.progress import Progress
from pushguide.master.rollout.results import Results
from pushguide.master.rollout.submit import submit
from pushguide.master.rollout.turn import Turn
from pushguide.master.store import history, host_results, lock, marks, record, requests
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.schema import migrate
from tests.unit.master.conftest import make_plan

MODULES = ("shop-web", "shop-api")
MASTERS = ("one", "two", "three")
LEASE_SECONDS = 30
STEPS_AT_LEAST = 10_000
HOST = "web1"

masters = st.sampled_from(MASTERS)
modules = st.sampled_from(MODULES)


class Clock:
    """The time that every master reads."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def now(self) -> datetime:
        return self.moment


class Masters(RuleBasedStateMachine):
    """What masters do, and what has to be true whatever they do."""

    database: ClassVar[Database]
    clock: ClassVar[Clock]
    steps: ClassVar[int] = 0
    taken: ClassVar[int] = 0
    refused: ClassVar[int] = 0
    unheard: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        with self.database.engine.begin() as connection:
            for table in reversed(db.metadata.sorted_tables):
                connection.execute(sa.delete(table))
        #: What each master thinks it drives, and under which token; nobody tells the dead.
        self.beliefs: dict[tuple[str, int], Turn] = {}
        self.states: dict[int, str] = {}
        self.tokens: dict[str, int] = {}
        self.caused: dict[int, int] = {}

    # What happens.

    @precondition(lambda self: len(self.going()) < 4)
    @rule(module=modules, when_busy=st.sampled_from(["refuse", "queue"]), approval=st.booleans())
    def submit(self, module: str, when_busy: str, approval: bool) -> None:
        self.count()
        seconds = 1200.0 if approval else None
        rollout = Rollout(when_busy=when_busy, approval_seconds=seconds)
        plan = make_plan(module=module, left_out=[], rollout=rollout)
        busy = self.lock_of(module)
        try:
            number, state = submit(self.database, plan, "mia", LEASE_SECONDS)
        except Locked:
            assert when_busy == "refuse" or (busy and not busy.is_alive)
            type(self).refused += 1
            return
        assert state == (states.PENDING_APPROVAL if approval else states.QUEUED)
        self.states[number] = state

    @rule(data=st.data())
    @precondition(lambda self: states.PENDING_APPROVAL in self.states.values())
    def approve(self, data: st.DataObject) -> None:
        self.count()
        number = self.some(data, lambda state: state == states.PENDING_APPROVAL)
        self.database.write(lambda one: record.change_state(one, number, states.QUEUED))

    @rule(data=st.data(), master=masters)
    @precondition(lambda self: self.going())
    def begin_or_take_over(self, data: st.DataObject, master: str) -> None:
        self.count()
        number = self.some(data, lambda state: state not in states.TERMINAL)
        before = self.look(number)
        held = self.lock_of(before.module)
        others = [one for one in self.running_in(before.module) if one != number]
        try:
            mine = self.database.write(
                lambda one: turn.take(one, number, LEASE_SECONDS, "m_master")
            )
        except Refused:
            is_driven = held and held.deployment_id == number and held.is_alive
            assert is_driven or before.state == states.PENDING_APPROVAL
            return
        if isinstance(mine, Turn):
            type(self).taken += 1
            assert not others
            assert held is None or held.deployment_id in (None, number)
            self.beliefs[master, number] = mine
        else:
            assert mine is not None or self.look(number).state in states.TERMINAL

    @rule(data=st.data(), master=masters)
    @precondition(lambda self: states.RUNNING in self.states.values())
    def fall_silent_and_be_taken_over(self, data: st.DataObject, master: str) -> None:
        """A lease runs out, and another master goes on; who was silent does not know yet."""
        self.count()
        number = self.some(data, lambda state: state == states.RUNNING)
        self.clock.moment += timedelta(seconds=LEASE_SECONDS + 1)
        silent = [one for one in self.beliefs if one[1] == number and one[0] != master]
        mine = self.database.write(lambda one: turn.take(one, number, LEASE_SECONDS, "m_master"))
        assert isinstance(mine, Turn)
        assert all(self.beliefs[one].token < mine.token for one in silent)
        self.beliefs[master, number] = mine

    @rule(seconds=st.sampled_from([5, 29, 31, 45]))
    def time_passes(self, seconds: int) -> None:
        self.count()
        self.clock.moment += timedelta(seconds=seconds)

    @rule(data=st.data())
    @precondition(lambda self: self.beliefs)
    def renew(self, data: st.DataObject) -> None:
        """A master renews its lease; one that was overtaken meanwhile learns of it."""
        self.count()
        _, number, mine = self.believer(data)
        lease = lock.Lease(self.database, number, mine.token, LEASE_SECONDS)
        held = self.lock_of(mine.plan.module)
        is_holder = bool(held and (held.deployment_id, held.token) == (number, mine.token))
        assert self.database.write(lease._renew) == is_holder

    @rule(data=st.data(), outcome=st.sampled_from(["under_way", "succeeded", "failed"]))
    @precondition(lambda self: self.beliefs)
    def write_a_result(self, data: st.DataObject, outcome: str) -> None:
        """A master writes what a host returned, dead for long or not."""
        self.count()
        _, number, mine = self.believer(data)
        is_driver = self.look(number).token == mine.token
        told = {
            "deployment": number,
            "module": mine.plan.module,
            "environment": "production",
            "live": f"of token {mine.token}",
            "stages": [],
            "token": mine.token,
        }
        before = self.rows(number)
        try:
            self.database.write(lambda one: host_results.write_host(one, HOST, told, outcome))
        except LeaseLost:
            type(self).unheard += 1
            assert not is_driver
            assert self.rows(number) == before
        else:
            assert is_driver

    @rule(data=st.data())
    @precondition(lambda self: self.beliefs)
    def pause(self, data: st.DataObject) -> None:
        self.count()
        _, number, mine = self.believer(data)

        def work(connection: Any) -> None:
            record.demand_token(connection, number, mine.token)
            record.change_state(connection, number, states.PAUSED, "somebody asks")
            lock.expire(connection, number, mine.token)

        before = self.look(number)
        try:
            self.database.write(work)
        except (LeaseLost, Refused):
            assert before.token != mine.token or before.state != states.RUNNING
        else:
            assert before.state == states.RUNNING

    @rule(
        data=st.data(),
        state=st.sampled_from([states.SUCCEEDED, states.FAILED, states.ABORTED]),
        rolls_back=st.booleans(),
    )
    @precondition(lambda self: self.beliefs)
    def end(self, data: st.DataObject, state: str, rolls_back: bool) -> None:
        """A master writes the end down, and may hand the lock to a rollback."""
        self.count()
        _, number, mine = self.believer(data)
        before = self.look(number)
        held = self.lock_of(before.module)
        is_holder = bool(held and (held.deployment_id, held.token) == (number, mine.token))
        back = mine.plan if rolls_back and state == states.FAILED else None
        results = Results(self.database, lambda rets: None, number, 0)
        progress = Progress(mock.create_autospec(lambda data, tag: None))
        ending = Ending(
            self.database, number, mine.token, mine.plan, results, progress, LEASE_SECONDS
        )
        try:
            ended = ending.write(state, "because", back)
        except (LeaseLost, Refused):
            assert not is_holder or before.state != states.RUNNING
            return
        assert is_holder
        if ended.heir is not None:
            self.states[ended.heir] = states.QUEUED
            self.caused[ended.heir] = number
            held = self.lock_of(before.module)
            assert held
            assert (held.deployment_id, held.is_alive) == (ended.heir, True)

    @rule(data=st.data())
    @precondition(lambda self: self.states)
    def ask_for_an_abort(self, data: st.DataObject) -> None:
        self.count()
        number = self.some(data, lambda state: True)
        if self.look(number).state not in states.TERMINAL:
            self.database.write(lambda one: requests.add(one, number, requests.ABORT, "mia"))

    @rule(data=st.data())
    @precondition(lambda self: self.beliefs)
    def a_master_forgets(self, data: st.DataObject) -> None:
        self.count()
        master, number, _ = self.believer(data)
        del self.beliefs[master, number]

    # What has to be true.

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        """Read the record once, and hold everything that has to be true against it."""
        found, held = self.database.read(_record_and_locks)
        going = [one for one in found.values() if one.state in (states.RUNNING, states.PAUSED)]
        self.no_two_deployments_run_one_module(going)
        self.no_two_masters_are_heard(found)
        self.the_lock_is_free_or_belongs_to_one_that_has_not_ended(found, going, held)
        self.tokens_only_grow(held)
        self.states_follow_each_other_as_the_table_says(found)

    def no_two_deployments_run_one_module(self, going: list[Any]) -> None:
        modules = [one.module for one in going]
        assert len(modules) == len({*modules})

    def no_two_masters_are_heard(self, found: dict[int, Any]) -> None:
        """Of all who think that they drive a module, the record takes the word of one."""
        heard: dict[str, set[tuple[int, int]]] = {}
        for (_, number), mine in self.beliefs.items():
            one = found[number]
            if one.state == states.RUNNING and one.token == mine.token:
                heard.setdefault(one.module, set()).add((number, mine.token))
        assert all(len(one) == 1 for one in heard.values())

    def the_lock_is_free_or_belongs_to_one_that_has_not_ended(
        self, found: dict[int, Any], going: list[Any], held: dict[str, Any]
    ) -> None:
        for one in held.values():
            if one.deployment_id is not None:
                assert found[one.deployment_id].state not in states.TERMINAL
        for one in going:
            assert held[one.module].deployment_id == one.id

    def tokens_only_grow(self, held: dict[str, Any]) -> None:
        for module, one in held.items():
            assert one.token >= self.tokens.get(module, 0)
            self.tokens[module] = one.token

    def states_follow_each_other_as_the_table_says(self, found: dict[int, Any]) -> None:
        for number, old in self.states.items():
            new = found[number].state
            assert new == old or new in reachable(old), (old, new)
            if old in states.TERMINAL and new != old:
                assert (old, new) == (states.FAILED, states.ROLLED_BACK)
                assert number in self.caused.values()
            self.states[number] = new

    # What the rules and the invariants look at.

    def going(self) -> list[int]:
        """The deployments that have not ended."""
        return [number for number, state in self.states.items() if state not in states.TERMINAL]

    def count(self) -> None:
        type(self).steps += 1

    def some(self, data: st.DataObject, is_meant: Callable[[str], bool]) -> int:
        """One of the deployments whose state is meant."""
        meant = [number for number, state in self.states.items() if is_meant(state)]
        return data.draw(st.sampled_from(sorted(meant)))

    def believer(self, data: st.DataObject) -> tuple[str, int, Turn]:
        """A master that thinks that it drives a deployment."""
        (master, number) = data.draw(st.sampled_from(sorted(self.beliefs)))
        return master, number, self.beliefs[master, number]

    def look(self, number: int) -> record.Deployment:
        return self.database.read(lambda one: record.get(one, number))

    def lock_of(self, module: str) -> lock.Held | None:
        return self.database.read(lambda one: lock.look(one, module, "production"))

    def running_in(self, module: str) -> list[int]:
        found = self.database.read(
            lambda one: history.find(
                one, history.Wanted(module, state=[states.RUNNING, states.PAUSED])
            )
        )
        return [one.id for one in found]

    def rows(self, number: int) -> list[dict[str, Any]]:
        return self.database.read(lambda one: host_results.hosts(one, number))


def _record_and_locks(connection: Any) -> tuple[dict[int, Any], dict[str, Any]]:
    """Every deployment by its number, and every lock by its module."""
    one, held = db.deployment.c, db.lock
    found = connection.execute(sa.select(one.id, one.module, one.state, one.token)).all()
    locks = connection.execute(sa.select(held)).all()
    return {row.id: row for row in found}, {row.module: row for row in locks}


def reachable(state: str) -> set[str]:
    """The states that may follow one, sooner or later; one rule may go more than one step."""
    found: set[str] = set()
    coming = [state]
    while coming:
        for following in states.TRANSITIONS[coming.pop()] - found:
            found.add(following)
            coming.append(following)
    return found


@pytest.fixture
def model() -> Iterator[type[Masters]]:
    """The model on a database in memory, with a clock of its own."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    clock = Clock()
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(dir=place))
        Masters.database = Database.at(f"sqlite:///{directory}/pushguide.db")
        Masters.clock = clock
        migrate(Masters.database)
        for module in (lock, record, turn, history, host_results, requests, marks):
            if hasattr(module, "now"):
                stack.enter_context(mock.patch.object(module, "now", clock.now))
        yield Masters
        Database.close_all()


@pytest.mark.timeout(600)
def test_no_two_masters_ever_run_one_module(model: type[Masters]) -> None:
    model.steps = model.taken = model.refused = model.unheard = 0
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=300,
            stateful_step_count=60,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[*HealthCheck],
        ),
    )
    assert model.steps >= STEPS_AT_LEAST, model.steps
    # It has not been idle: deployments were begun and taken over, others were refused, and those
    # who had been overtaken tried to write.
    # What hypothesis tries depends on the code around, so the rarest of these may be rare.
    counts = (model.taken, model.refused, model.unheard)
    assert model.taken > 50, counts
    assert model.refused > 50, counts
    assert model.unheard >= 5, counts
