"""Approvals: whose counts, how many are missing, and that two at once are two."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from pushguide.errors import Denied, Refused
from pushguide.master import states
from pushguide.master.plan import Rollout
from pushguide.master.rollout import approval
from pushguide.master.rollout.approval import Approved
from pushguide.master.rollout.batches import rollout
from pushguide.master.rollout.submit import submit
from pushguide.master.store import record, requests
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now
from pushguide.master.templates.strategy import Approval, Strategy
from tests.unit.master.conftest import make_plan


def submitted(database: Database, *, at_once: bool = True, **wanted: object) -> int:
    """A deployment that mia asked for, and that waits for an approval."""
    asked_for = Approval(**{"needed": True, **wanted})  # type: ignore[arg-type]
    plan = make_plan()
    settled = rollout(Strategy(), asked_for, plan.hosts, has_canary=False)
    start_at = None if at_once else now() + timedelta(hours=1)
    number, state = submit(database, make_plan(rollout=settled), "mia", 60, start_at)
    assert state == states.PENDING_APPROVAL
    return number


def approve(database: Database, number: int, user: str, role: str = "deployer") -> str | None:
    """What somebody's approval is answered with."""

    def work(connection: Connection) -> str | None:
        record.lock(connection, number)
        return approval.approve(connection, record.get(connection, number), user, role, None)

    return database.write(work)


def state(database: Database, number: int) -> str:
    return database.read(lambda one: record.get(one, number)).state


def standing(database: Database, number: int, approvals: int) -> Approved | None:
    settled = Rollout(approval_seconds=60, approvals=approvals)
    return approval.standing(settled, database.read(lambda one: requests.of(one, number)))


def test_one_approval_is_enough_unless_the_template_says_otherwise(database: Database) -> None:
    number = submitted(database)
    assert "asked for by mia" in (approve(database, number, "mia") or "")
    assert state(database, number) == states.PENDING_APPROVAL
    assert approve(database, number, "bob") is None
    assert state(database, number) == states.QUEUED
    assert standing(database, number, 1) == Approved(["bob"], 0)


def test_two_approvals_come_from_two_others(database: Database) -> None:
    number = submitted(database, approvals=2, by_another=False)
    assert "(approval: approvals of the template)" in (approve(database, number, "mia") or "")
    assert approve(database, number, "bob") is None
    assert "approved by bob already: 1 more of 2" in (approve(database, number, "bob") or "")
    assert state(database, number) == states.PENDING_APPROVAL
    assert standing(database, number, 2) == Approved(["bob"], 1)
    assert approve(database, number, "eve") is None
    assert state(database, number) == states.QUEUED
    assert standing(database, number, 2) == Approved(["bob", "eve"], 0)


def test_a_name_that_was_cut_short_in_the_record_is_still_the_same_person(
    database: Database,
) -> None:
    long = "b" * 200
    number = submitted(database, approvals=2)
    assert approve(database, number, long) is None
    assert "already" in (approve(database, number, long) or "")
    assert state(database, number) == states.PENDING_APPROVAL


def test_who_asked_may_approve_alone_where_the_template_says_so(database: Database) -> None:
    number = submitted(database, by_another=False)
    assert approve(database, number, "mia") is None
    assert state(database, number) == states.QUEUED


def test_what_has_its_time_is_scheduled_by_the_last_approval(database: Database) -> None:
    number = submitted(database, at_once=False, approvals=2)
    approve(database, number, "bob")
    assert state(database, number) == states.PENDING_APPROVAL
    approve(database, number, "eve")
    assert state(database, number) == states.SCHEDULED


def test_too_low_a_role_counts_for_nothing(database: Database) -> None:
    number = submitted(database, approvals=2, by="maintainer")
    with pytest.raises(Denied, match="takes somebody with the role maintainer"):
        approve(database, number, "bob", "deployer")
    assert standing(database, number, 2) == Approved([], 2)


def test_an_approval_that_comes_too_late_ends_it_however_many_there_were(
    database: Database,
) -> None:
    number = submitted(database, approvals=2)
    assert approve(database, number, "bob") is None
    long_ago = now() - timedelta(days=1)
    database.write(
        lambda one: one.execute(
            sa.update(db.deployment).where(db.deployment.c.id == number).values(created_at=long_ago)
        )
    )
    assert "cannot be approved any more" in (approve(database, number, "eve") or "")
    assert state(database, number) == states.ABORTED
    assert standing(database, number, 2) == Approved(["bob"], 1)


def test_two_who_approve_at_the_same_moment_are_two(database: Database) -> None:
    number = submitted(database, approvals=2)
    ready = threading.Barrier(2)
    told: list[str | None] = []

    def attempt(user: str) -> None:
        ready.wait(timeout=30)
        told.append(approve(database, number, user))

    threads = [threading.Thread(target=attempt, args=(user,)) for user in ("bob", "eve")]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=60)
    assert told == [None, None]
    assert state(database, number) == states.QUEUED


def test_where_no_approval_is_needed_there_is_none_to_tell() -> None:
    assert approval.standing(Rollout(), []) is None


@pytest.mark.parametrize("wrong", [0, 11, "two"])
def test_the_template_says_a_number_of_people(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Approval(needed=True, approvals=wrong)  # type: ignore[arg-type]


def test_what_ended_at_the_same_moment_is_not_begun(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = submitted(database)
    seen = database.read(lambda one: record.get(one, number))
    database.write(lambda one: record.change_state(one, number, states.ABORTED, "too late"))
    monkeypatch.setattr(record, "get", lambda _connection, _number: seen)
    with pytest.raises(Refused, match="is not pending_approval any more"):
        database.write(lambda one: record.change_state(one, number, states.QUEUED))
    monkeypatch.undo()
    assert state(database, number) == states.ABORTED
