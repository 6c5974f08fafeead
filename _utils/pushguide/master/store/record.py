"""The record: what happened, as the database tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import LeaseLost, Refused
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.statistics.counting import Counting
from pushguide.master.store import outbox
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now
from pushguide.words import (
    LEFT_OUT,
    NOT_STARTED,
)

#: How long a deployment that was just written down counts as waited for by its maker.
_FIRST_WAIT = timedelta(seconds=30)


@dataclass(frozen=True)
class Deployment:
    """One attempt to bring a module's hosts to a version."""

    id: int
    module: str
    environment: str
    kind: str
    version: str
    state: str
    reason: str | None
    requested_by: str
    token: int | None
    plan: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    start_at: datetime | None = None
    waiting_until: datetime | None = None
    left_for: str | None = None
    cause: str | None = None
    cause_id: int | None = None

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for its turn, and said so a short while ago."""
        return self.waiting_until is not None and self.waiting_until > now()


#: Why there is a deployment that nobody asked for as such.
AUTO_ROLLBACK = "auto_rollback"
RETRY = "retry"


def create(
    connection: Connection,
    plan: Plan,
    requested_by: str,
    state: str,
    start_at: datetime | None = None,
    cause: tuple[str, int] | None = None,
    left_for: str | None = None,
) -> int:
    """Write a new deployment down, with its hosts; answer with its number.

    Args:
        connection: a transaction.
        plan: its plan.
        requested_by: who asked for it.
        state: its first state.
        start_at: when it may start, at the earliest.
        cause: why there is it (:data:`AUTO_ROLLBACK` or :data:`RETRY`), and for which deployment.
        left_for: the data centre whose master is to take it up; None if its maker does.
    """
    moment = now()
    values = {
        "module": plan.module,
        "environment": plan.environment,
        "kind": plan.kind,
        "version": plan.version,
        "state": state,
        "requested_by": requested_by[:128],
        "plan": plan.to_dict(),
        "created_at": moment,
        "start_at": start_at,
        "waiting_until": moment + _FIRST_WAIT if state == states.QUEUED else None,
        "cause": cause[0] if cause else None,
        "cause_id": cause[1] if cause else None,
        "left_for": left_for if state == states.QUEUED else None,
    }
    done = connection.execute(sa.insert(db.deployment).values(values))
    key = done.inserted_primary_key
    assert key
    number = int(key[0])
    _write_hosts(connection, number, plan)
    made = {**values, "id": number}
    outbox.of_deployment(connection, made, None, moment)
    why = plan.wish.get("override_freeze")
    if why and made["cause"] != AUTO_ROLLBACK:
        outbox.of_override(connection, made, str(why), moment)
    return number


def replan(connection: Connection, number: int, plan: Plan) -> None:
    """Put another plan in the place of one that nothing has been done of yet."""
    connection.execute(sa.delete(db.deployment_host).where(_of(db.deployment_host, number)))
    connection.execute(
        sa.update(db.deployment).where(db.deployment.c.id == number).values(plan=plan.to_dict())
    )
    _write_hosts(connection, number, plan)


def _of(table: sa.Table, number: int) -> sa.ColumnElement[bool]:
    """The rows of a deployment."""
    return table.c.deployment_id == number


def _write_hosts(connection: Connection, number: int, plan: Plan) -> None:
    moment = now()
    places = [(host, place) for place, batch in enumerate(plan.batches, 1) for host in batch]
    rows = [
        {
            "deployment_id": number,
            "host": host,
            "batch": place,
            "outcome": NOT_STARTED if place else LEFT_OUT,
            "version_before": plan.hosts[host].live if host in plan.hosts else None,
            "error": _why_quarantined(plan, host),
            "updated_at": moment,
        }
        for host, place in [*places, *((host, 0) for host in plan.left_out)]
    ]
    connection.execute(sa.insert(db.deployment_host), rows)


def _why_quarantined(plan: Plan, host: str) -> str | None:
    return f"in quarantine: {plan.quarantined[host]}" if host in plan.quarantined else None


def get(connection: Connection, number: int) -> Deployment:
    """One deployment.

    Raises:
        Refused: there is none of that number.
    """
    query = sa.select(db.deployment).where(db.deployment.c.id == number)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise Refused(f"There is no deployment #{number}: see salt-run pushguide.history.")
    return Deployment(**row)


def lock(connection: Connection, number: int) -> None:
    """Let nobody else decide on a deployment until the transaction has ended."""
    query = sa.select(db.deployment.c.id).where(db.deployment.c.id == number)
    connection.execute(query.with_for_update())


def place_of(connection: Connection, number: int) -> tuple[str, str] | None:
    """The module and environment of a deployment, None if there is none of that number."""
    table = db.deployment
    query = sa.select(table.c.module, table.c.environment).where(table.c.id == number)
    row = connection.execute(query).first()
    return (row.module, row.environment) if row else None


def set_token(connection: Connection, number: int, token: int) -> None:
    """Write down the fencing token under which a deployment is driven."""
    connection.execute(
        sa.update(db.deployment).where(db.deployment.c.id == number).values(token=token)
    )


def demand_token(connection: Connection, number: int, token: int) -> None:
    """Refuse to write for a driver that another one has taken the deployment over from.

    Raises:
        LeaseLost: the deployment is driven under another token.
    """
    query = sa.select(db.deployment.c.token).where(db.deployment.c.id == number)
    if connection.execute(query.with_for_update(read=True)).scalar() != token:
        raise LeaseLost(
            f"#{number} was taken over by another master: nothing is written from here."
        )


def wait_on(connection: Connection, number: int, seconds: float) -> None:
    """Say that somebody waits for a deployment's turn, for some more seconds."""
    connection.execute(
        sa.update(db.deployment)
        .where(db.deployment.c.id == number)
        .values(waiting_until=now() + timedelta(seconds=seconds), left_for=None)
    )


def leave_for(connection: Connection, number: int, data_centre: str) -> None:
    """Let a master of a data centre take up a deployment that waits and that nobody drives."""
    table, moment = db.deployment, now()
    is_alone = sa.or_(table.c.waiting_until.is_(None), table.c.waiting_until <= moment)
    connection.execute(
        sa.update(table)
        .where(table.c.id == number, table.c.state == states.QUEUED, is_alone)
        .values(waiting_until=moment + _FIRST_WAIT, left_for=data_centre)
    )


def change_state(connection: Connection, number: int, new: str, reason: str | None = None) -> None:
    """Change a deployment's state, as the table of states allows.

    Raises:
        Refused: the state cannot follow, or somebody else has changed it just now.
    """
    known = get(connection, number)
    states.demand_transition(number, known.state, new)
    moment = now()
    begins = new == states.RUNNING and known.state == states.QUEUED
    values: dict[str, Any] = {"state": new, "reason": reason}
    if begins:
        values["started_at"] = moment
    if new in states.TERMINAL:
        values["finished_at"] = known.finished_at or moment
    if known.state in states.TERMINAL:
        del values["reason"]
    is_as_known = (db.deployment.c.id == number, db.deployment.c.state == known.state)
    done = connection.execute(sa.update(db.deployment).where(*is_as_known).values(values))
    if not done.rowcount:
        raise Refused(f"Deployment #{number} is not {known.state} any more: look at it again.")
    outbox.of_deployment(connection, {**vars(known), **values}, known.state, moment)
    with Counting(connection) as counting:
        if begins:
            counting.begun(number, vars(known), moment)
        if new in states.TERMINAL:
            counting.ended(number, new, values["finished_at"])
