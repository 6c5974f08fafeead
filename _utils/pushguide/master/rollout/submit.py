"""Submit: write down what was planned, so that it can begin. No host is changed here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from pushguide.errors import Locked
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.store import history, lock, record
from pushguide.master.store.database import Database
from pushguide.master.store.record import Deployment


def submit(
    database: Database,
    plan: Plan,
    requested_by: str,
    lease_seconds: int,
    start_at: datetime | None = None,
    cause: tuple[str, int] | None = None,
    left_for: str | None = None,
) -> tuple[int, str]:
    """Write the deployment down, and lock its module if it may begin at once.

    Args:
        database: the record.
        plan: what it will do.
        requested_by: who asked for it.
        lease_seconds: how long it is reserved for whoever begins it.
        start_at: when it may start, at the earliest.
        cause: why it is there: how, and by which deployment.
        left_for: the data centre whose master is to drive it; None if this process does.

    Returns:
        Its number and its state.

    Raises:
        Locked: another deployment has the module's environment.
    """

    def work(connection: Connection) -> tuple[int, str]:
        state = _first_state(connection, plan, start_at)
        number = record.create(
            connection, plan, requested_by, state or states.QUEUED, start_at, cause, left_for
        )
        if state is None:
            lock.take(connection, plan.module, plan.environment, number, lease_seconds)
        return number, state or states.QUEUED

    return database.write(work)


def _first_state(connection: Connection, plan: Plan, start_at: datetime | None) -> str | None:
    """The state of a deployment that has to wait; None for one that may begin at once."""
    if plan.rollout.approval_seconds is not None and plan.kind != "rollback":
        return states.PENDING_APPROVAL
    if start_at is not None:
        return states.SCHEDULED
    held = lock.look(connection, plan.module, plan.environment, update=True)
    if held and held.deployment_id is not None:
        _settle_abandoned(connection, held)
        held = lock.look(connection, plan.module, plan.environment)
    is_busy = held is not None and held.deployment_id is not None
    queue = history.unfinished_of(connection, plan.module, plan.environment, states.QUEUED)
    waiting = [one for one in queue if one.is_waited_for]
    if not is_busy and not waiting:
        return None
    if plan.rollout.when_busy == "queue":
        return states.QUEUED
    if not is_busy:
        raise Locked(
            f"{plan.module} ({plan.environment}) has deployment #{waiting[0].id} in its queue: "
            "wait for it, or queue behind it (strategy: when_busy: queue)."
        )
    return None  # Taking the lock says who has it.


def _settle_abandoned(connection: Connection, held: lock.Held) -> None:
    """Deal with a deployment whose master went away before it ended.

    One that never began changed nothing: it is aborted. One that began left hosts in states
    that only it can settle: it has to be resumed or aborted first.
    """
    assert held.deployment_id is not None
    old = record.get(connection, held.deployment_id)
    if held.is_alive:
        return
    if old.state == states.QUEUED:
        record.change_state(connection, old.id, states.ABORTED, "it was never started")
        lock.release(connection, old.id)
        return
    raise Locked(
        f"{_stands(old, held)} Finish it first: salt-run pushguide.resume {old.id}, or "
        f"salt-run pushguide.abort {old.id}"
    )


def _stands(old: Deployment, held: lock.Held) -> str:
    """How a deployment stands that nobody drives, in words."""
    if old.state == states.PAUSED:
        return f"Deployment #{old.id} of {old.module} ({old.environment}) is paused: {old.reason}."
    return (
        f"Deployment #{old.id} of {old.module} ({old.environment}) is {old.state}, but nobody "
        f"drives it: {held.holder} went away."
    )
