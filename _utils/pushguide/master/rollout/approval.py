"""Approval: who may let a deployment start that waits for it, and how many still have to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.engine import Connection

from pushguide.errors import Denied
from pushguide.master import states
from pushguide.master.plan import Plan, Rollout
from pushguide.master.roles import includes
from pushguide.master.store import record, requests, tokens
from pushguide.master.store.record import Deployment
from pushguide.master.store.requests import Request
from pushguide.master.store.tables import now


class Approved(NamedTuple):
    """How far the approval of a deployment has come.

    Attributes:
        by: who has approved, the first one first.
        missing: how many still have to.
    """

    by: list[str]
    missing: int


def standing(rollout: Rollout, asked: Sequence[Request]) -> Approved | None:
    """How far an approval has come; None where none is needed.

    Args:
        rollout: what the template has asked for.
        asked: what people asked of the deployment.
    """
    if rollout.approval_seconds is None:
        return None
    by = [*dict.fromkeys(one.requested_by for one in asked if one.what == requests.APPROVE)]
    return Approved(by, max(0, rollout.approvals - len(by)))


def overdue(one: Deployment) -> str | None:
    """Why a deployment cannot be approved any more, None if it still can."""
    seconds = Plan.from_dict(one.plan).rollout.approval_seconds or 0
    until = one.created_at + timedelta(seconds=seconds)
    return f"its approval was due until {until:%Y-%m-%d %H:%M} UTC" if until < now() else None


def approve(
    connection: Connection, one: Deployment, user: str, role: str | None, reason: str | None
) -> str | None:
    """Write an approval down; the last one that is needed lets the deployment start.

    Args:
        connection: a transaction, in which the deployment is locked.
        one: the deployment.
        user: who approves.
        role: the role that they have there.
        reason: why, in their words.

    Returns:
        Why it was refused, None if it was not. What was changed stays so in either case.

    Raises:
        Denied: it takes a higher role.
    """
    rollout = Plan.from_dict(one.plan).rollout
    if not includes(role, rollout.approved_by):
        raise Denied(
            f"approve was refused: #{one.id} takes somebody with the role {rollout.approved_by} "
            f"(approval: by of the template), and {user} is {role}."
        )
    late = overdue(one)
    if late:
        record.change_state(connection, one.id, states.ABORTED, late)
        return f"Deployment #{one.id} cannot be approved any more, {late}."
    before = requests.of(connection, one.id)
    refusal = _refusal(one, rollout, user, before, tokens.creator_of(connection, one.requested_by))
    if refusal:
        return refusal
    requests.add(connection, one.id, requests.APPROVE, user, reason, done=True)
    approved = standing(rollout, requests.of(connection, one.id))
    if approved and not approved.missing:
        later = one.start_at is not None and one.start_at > now()
        record.change_state(connection, one.id, states.SCHEDULED if later else states.QUEUED)
    return None


def _refusal(
    one: Deployment, rollout: Rollout, user: str, before: list[Request], behind: str | None
) -> str | None:
    """Why somebody's approval does not count, None if it does.

    Args:
        one: the deployment.
        rollout: what the template has asked for.
        user: who approves.
        before: what people asked of the deployment.
        behind: who made the token that has asked for it, if one has.
    """
    key = "approvals" if rollout.approvals > 1 else "by_another"
    is_own = user[:128] in (one.requested_by, behind)
    asker = f"{one.requested_by}, which {behind} made" if behind else one.requested_by
    if is_own and (rollout.approved_by_another or rollout.approvals > 1):
        return (
            f"Deployment #{one.id} was asked for by {asker}: somebody else has to "
            f"approve it (approval: {key} of the template)."
        )
    approved = standing(rollout, before)
    if approved and user[:128] in approved.by:
        return (
            f"Deployment #{one.id} was approved by {user} already: {approved.missing} more of "
            f"{rollout.approvals} approvals have to come from somebody else (approval: {key} of "
            "the template)."
        )
    return None
