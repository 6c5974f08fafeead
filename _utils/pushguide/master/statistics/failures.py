"""Failures: which hosts failed in a deployment, in which stage, and why."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.statistics import definitions, reasons
from pushguide.master.statistics.definitions import Fact
from pushguide.master.statistics.numbers import Numbers
from pushguide.master.store import tables as db


class Failure(NamedTuple):
    """Why a host failed; its name is empty where the deployment failed beside its hosts."""

    host: str
    stage: str
    reason: str


def write_failures(connection: Connection, fact: Fact) -> tuple[set[Failure], set[Failure]]:
    """Keep why hosts failed, or why the deployment did where no host has.

    Args:
        connection: a transaction.
        fact: a deployment that has ended.

    Returns:
        Those that are no more, and those that are new.
    """
    table = db.statistics_failure
    mine = table.c.deployment_id == fact.deployment_id
    query = sa.select(table.c.host, table.c.stage, table.c.reason).where(mine)
    known = {Failure(*row) for row in connection.execute(query.with_for_update())}
    found = _found(connection, fact)
    gone, new = known - found, found - known
    if gone:
        hosts = sorted(one.host for one in gone)
        connection.execute(sa.delete(table).where(mine, table.c.host.in_(hosts)))
    if new:
        connection.execute(sa.insert(table), [failure_row(fact, one) for one in sorted(new)])
    return gone, new


def _found(connection: Connection, fact: Fact) -> set[Failure]:
    """What the record says."""
    failed = _failed(connection, fact)
    if not failed and fact.is_failure:
        query = sa.select(db.deployment.c.reason).where(db.deployment.c.id == fact.deployment_id)
        failed = [("", connection.execute(query).scalar())]
    if not failed:
        return set()
    stages = _first_stages(connection, fact)
    return {failure_of(fact, host, stages.get(host, ""), error) for host, error in failed}


def failure_of(fact: Fact, host: str, stage: str, error: str | None) -> Failure:
    """A failure, by what a host or the driver said."""
    return Failure(host, stage, reasons.reason_of(error, (host, fact.version)))


def note_failure(numbers: Numbers, host: str, stage: str, reason: str) -> None:
    """Count a failure by what there is of it."""
    for what, name in (("host", host), ("stage", stage), ("reason", reason)):
        if name:
            numbers.note("failing", what, name)


def failure_row(fact: Fact, failure: Failure) -> dict[str, Any]:
    """A failure as it is kept."""
    return {
        **failure._asdict(),
        "deployment_id": fact.deployment_id,
        "module": fact.module,
        "environment": fact.environment,
        "type": fact.type,
        "person": fact.person,
        "started_at": fact.started_at,
    }


def _failed(connection: Connection, fact: Fact) -> list[tuple[str, str | None]]:
    """The hosts that failed, each with what it said."""
    table = db.deployment_host
    query = sa.select(table.c.host, table.c.error).where(
        table.c.deployment_id == fact.deployment_id,
        table.c.outcome.in_(definitions.HOST_FAILURES),
    )
    return [(one.host, one.error) for one in connection.execute(query)]


def _first_stages(connection: Connection, fact: Fact) -> dict[str, str]:
    """The first stage in which each host failed."""
    results = db.stage_result
    query = (
        sa.select(results.c.host, results.c.stage)
        .where(
            results.c.deployment_id == fact.deployment_id,
            results.c.outcome.in_(definitions.STAGE_FAILURES),
        )
        .order_by(results.c.started_at, results.c.stage)
    )
    found: dict[str, str] = {}
    for host, stage in connection.execute(query):
        found.setdefault(host, stage)
    return found
