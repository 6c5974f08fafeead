"""Turns: when a deployment may begin or go on, decided in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.store import drives, history, host_results, lock, record, requests
from pushguide.master.store.record import Deployment
from pushguide.master.store.tables import now


@dataclass(frozen=True)
class Turn:
    """A deployment that is driven from here now.

    Attributes:
        token: the fencing token under which it is.
        plan: its plan.
        is_new: whether it begins, and does not go on.
        age_seconds: how long ago it was planned.
    """

    token: int
    plan: Plan
    is_new: bool
    age_seconds: float


def take(connection: Connection, number: int, lease_seconds: int, master: str) -> Turn | str | None:
    """Take the lock for a deployment, and let it be running.

    Args:
        connection: a transaction.
        number: the deployment.
        lease_seconds: how long it stays reserved.
        master: the id of the master that drives it from now on.

    Returns:
        The turn; what is waited for, in words; None if the deployment has ended.

    Raises:
        Refused: somebody drives it already, or it waits for an approval.
    """
    one = record.get(connection, number)
    if one.state in states.TERMINAL:
        return None
    is_new = one.state not in (states.RUNNING, states.PAUSED)
    held = lock.look(connection, one.module, one.environment, update=True)
    is_mine = held is not None and held.deployment_id == number
    if held and is_mine and held.is_alive and not is_new:
        raise Refused(
            f"Deployment #{number} is being driven already, by {held.holder}: watch it with "
            f"salt-run pushguide.show {number}."
        )
    if is_new:
        waits = _why_wait(connection, one, held, lease_seconds)
        if waits or record.get(connection, number).state in states.TERMINAL:
            return waits
    else:
        host_results.reopen_hosts(connection, number)
    if one.state != states.RUNNING:
        record.change_state(connection, number, states.RUNNING)
    token = lock.take(connection, one.module, one.environment, number, lease_seconds)
    record.set_token(connection, number, token)
    drives.note(connection, number, token, master)
    age = (now() - one.created_at).total_seconds()
    return Turn(token, Plan.from_dict(one.plan), is_new, age)


def _why_wait(
    connection: Connection, one: Deployment, held: lock.Held | None, lease_seconds: int
) -> str | None:
    """What a deployment that has not begun waits for; None if it may begin, or is aborted."""
    undone = requests.undone(connection, one.id)
    abort = next((each for each in undone if each.what == requests.ABORT), None)
    if abort:
        record.change_state(connection, one.id, states.ABORTED, f"{abort}, before it began")
        requests.close(connection, one.id, [requests.ABORT])
        lock.release(connection, one.id)
        return None
    if one.state == states.PENDING_APPROVAL:
        raise Refused(
            f"Deployment #{one.id} waits for an approval: salt-run pushguide.approve {one.id}"
        )
    record.wait_on(connection, one.id, lease_seconds)
    if one.start_at and one.start_at > now():
        return f"starts at {one.start_at:%Y-%m-%d %H:%M:%S} UTC"
    if one.state == states.SCHEDULED:
        record.change_state(connection, one.id, states.QUEUED)
    if held and held.deployment_id == one.id:
        return None  # It was handed over, or taken at once: nobody else comes before.
    if held and held.deployment_id is not None:
        return f"queued behind #{held.deployment_id}"
    ahead = history.ahead_of(connection, one)
    return f"queued behind #{ahead.id}" if ahead else None
