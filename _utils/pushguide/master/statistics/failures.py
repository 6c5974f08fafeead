"""Failures: which hosts failed in a deployment, in which stage, and why."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.statistics import definitions, reasons
from pushguide.master.statistics.definitions import Fact
from pushguide.master.store import tables as db


def write_failures(connection: Connection, fact: Fact) -> None:
    """Keep why hosts failed, or why the deployment did where no host has.

    Args:
        connection: a transaction.
        fact: a deployment that has ended.
    """
    table = db.statistics_failure
    connection.execute(sa.delete(table).where(table.c.deployment_id == fact.deployment_id))
    failed = _failed(connection, fact)
    if not failed and fact.is_failure:
        query = sa.select(db.deployment.c.reason).where(db.deployment.c.id == fact.deployment_id)
        failed = [("", connection.execute(query).scalar())]
    if not failed:
        return
    stages = _first_stages(connection, fact)
    rows = [failure_row(fact, host, stages.get(host, ""), error) for host, error in failed]
    connection.execute(sa.insert(table), rows)


def failure_row(fact: Fact, host: str, stage: str, error: str | None) -> dict[str, Any]:
    """A failure as it is kept; the host is empty where the deployment failed beside its hosts."""
    return {
        "deployment_id": fact.deployment_id,
        "host": host,
        "module": fact.module,
        "environment": fact.environment,
        "type": fact.type,
        "person": fact.person,
        "stage": stage,
        "reason": reasons.reason_of(error, (host, fact.version)),
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
