"""The record: what happened, as the database tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now
from pushguide.words import LEFT_OUT, NOT_STARTED, STOPPED_SHORT, UNDER_WAY, UNKNOWN


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


def create(connection: Connection, plan: Plan, requested_by: str, state: str) -> int:
    """Write a new deployment down, with its hosts; answer with its number."""
    moment = now()
    done = connection.execute(
        sa.insert(db.deployment).values(
            module=plan.module,
            environment=plan.environment,
            kind=plan.kind,
            version=plan.version,
            state=state,
            requested_by=requested_by[:128],
            plan=plan.to_dict(),
            created_at=moment,
        )
    )
    key = done.inserted_primary_key
    assert key
    number = int(key[0])
    places = [(host, place) for place, batch in enumerate(plan.batches, 1) for host in batch]
    rows = [
        {
            "deployment_id": number,
            "host": host,
            "batch": place,
            "outcome": NOT_STARTED if place else LEFT_OUT,
            "version_before": plan.hosts[host].live if host in plan.hosts else None,
            "updated_at": moment,
        }
        for host, place in [*places, *((host, 0) for host in plan.left_out)]
    ]
    connection.execute(sa.insert(db.deployment_host), rows)
    return number


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


def find(
    connection: Connection,
    module: str | None = None,
    environment: str | None = None,
    state: Iterable[str] = (),
    limit: int = 20,
) -> list[Deployment]:
    """Deployments, the newest first."""
    query = sa.select(db.deployment).order_by(db.deployment.c.id.desc()).limit(limit)
    if module:
        query = query.where(db.deployment.c.module == module)
    if environment:
        query = query.where(db.deployment.c.environment == environment)
    wanted = list(state)
    if wanted:
        query = query.where(db.deployment.c.state.in_(wanted))
    return [Deployment(**row) for row in connection.execute(query).mappings()]


def latest(connection: Connection, module: str | None = None) -> list[Deployment]:
    """The newest deployment of each module and environment."""
    table = db.deployment
    newest = sa.select(sa.func.max(table.c.id)).group_by(table.c.module, table.c.environment)
    query = sa.select(table).where(table.c.id.in_(newest)).order_by(table.c.id.desc())
    if module:
        query = query.where(table.c.module == module)
    return [Deployment(**row) for row in connection.execute(query).mappings()]


def last_successes(connection: Connection) -> list[Deployment]:
    """The newest deployment of each module and environment that succeeded."""
    table = db.deployment
    newest = (
        sa.select(sa.func.max(table.c.id))
        .where(table.c.state == states.SUCCEEDED)
        .group_by(table.c.module, table.c.environment)
    )
    query = sa.select(table).where(table.c.id.in_(newest)).order_by(table.c.id)
    return [Deployment(**row) for row in connection.execute(query).mappings()]


def artifact_of(
    connection: Connection, module: str, environment: str, version: str
) -> dict[str, Any] | None:
    """The artifact with which a version was deployed with success the last time."""
    table = db.deployment
    query = (
        sa.select(table.c.plan)
        .where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.version == version,
            table.c.state == states.SUCCEEDED,
        )
        .order_by(table.c.id.desc())
    )
    plans = connection.execute(query).scalars()
    return next((one["artifact"] for one in plans if one["artifact"]), None)


def set_token(connection: Connection, number: int, token: int) -> None:
    """Write down the fencing token under which a deployment is driven."""
    connection.execute(
        sa.update(db.deployment).where(db.deployment.c.id == number).values(token=token)
    )


def change_state(connection: Connection, number: int, new: str, reason: str | None = None) -> None:
    """Change a deployment's state, as the table of states allows.

    Raises:
        Refused: the state cannot follow.
    """
    old = get(connection, number).state
    states.demand_transition(number, old, new)
    values: dict[str, Any] = {"state": new, "reason": reason}
    if new == states.RUNNING and old == states.QUEUED:
        values["started_at"] = now()
    if new in states.TERMINAL:
        values["finished_at"] = now()
    connection.execute(sa.update(db.deployment).where(db.deployment.c.id == number).values(values))


def hosts(connection: Connection, number: int) -> list[dict[str, Any]]:
    """The hosts of a deployment with their outcomes, by batch and name."""
    table = db.deployment_host
    query = (
        sa.select(table)
        .where(table.c.deployment_id == number)
        .order_by(table.c.batch, table.c.host)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def set_outcome(
    connection: Connection, number: int, host: str, outcome: str, error: str | None = None
) -> None:
    """Write down how a host stands in a deployment."""
    table = db.deployment_host
    connection.execute(
        sa.update(table)
        .where((table.c.deployment_id == number) & (table.c.host == host))
        .values(outcome=outcome, error=error, updated_at=now())
    )


def reopen_hosts(connection: Connection, number: int) -> None:
    """Let a deployment that is gone on with ask the hosts again that had not answered."""
    table = db.deployment_host
    connection.execute(
        sa.update(table)
        .where((table.c.deployment_id == number) & (table.c.outcome == UNKNOWN))
        .values(outcome=UNDER_WAY, error=None, updated_at=now())
    )


def close_hosts(connection: Connection, number: int) -> None:
    """Say of hosts that were still under way that no more will come: their stages say how far."""
    table = db.deployment_host
    connection.execute(
        sa.update(table)
        .where((table.c.deployment_id == number) & (table.c.outcome == UNDER_WAY))
        .values(outcome=STOPPED_SHORT, updated_at=now())
    )


def write_host(connection: Connection, host: str, result: Mapping[str, Any], outcome: str) -> None:
    """Write down what a host returned: its stages and steps, its outcome, and what is live there.

    Keyed by deployment, host and stage: the same result written twice is there once.

    Args:
        connection: a transaction.
        host: the host.
        result: what its job returned.
        outcome: what that means for the host in the deployment.
    """
    number = int(result["deployment"])
    _write_stages(connection, number, host, result["stages"])
    table = db.deployment_host
    connection.execute(
        sa.update(table)
        .where((table.c.deployment_id == number) & (table.c.host == host))
        .values(
            outcome=outcome,
            error=result.get("error"),
            version_after=result.get("live"),
            updated_at=now(),
        )
    )
    _write_release(connection, number, host, result)


def _write_stages(
    connection: Connection, number: int, host: str, told: Iterable[Mapping[str, Any]]
) -> None:
    """Write down stages with their steps, in the place of what is known of the same stages."""
    key = {"deployment_id": number, "host": host}
    results = db.stage_result
    query = sa.select(results.c.stage).where(*_same(results, key))
    known = {*connection.execute(query).scalars()}
    # A stage that was done before stays as it was written, if anybody lived to write it.
    new = [one for one in told if not (one.get("again") and one["stage"] in known)]
    rewritten = known & {one["stage"] for one in new}
    if rewritten:
        for table in (db.step, db.stage_result):
            where = (*_same(table, key), table.c.stage.in_(rewritten))
            connection.execute(sa.delete(table).where(*where))
    stages = [
        {
            **key,
            "stage": one["stage"],
            "outcome": one["outcome"],
            "started_at": datetime.fromtimestamp(one["started"], timezone.utc),
            "seconds": one["seconds"],
        }
        for one in new
    ]
    steps = [
        {
            **key,
            "stage": one["stage"],
            "position": position,
            "name": step["name"],
            "outcome": step["outcome"],
            "seconds": step["seconds"],
            "detail": step.get("detail") or None,
        }
        for one in new
        for position, step in enumerate(one["steps"], 1)
    ]
    for table, rows in ((db.stage_result, stages), (db.step, steps)):
        if rows:
            connection.execute(sa.insert(table), rows)


def _same(table: sa.Table, key: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """The rows that a key names."""
    return [table.c[name] == value for name, value in key.items()]


def _write_release(
    connection: Connection, number: int, host: str, result: Mapping[str, Any]
) -> None:
    """Keep what is live on a host; ``since`` changes only when the version does."""
    table = db.release
    key = {"module": result["module"], "environment": result["environment"], "host": host}
    same = _same(table, key)
    known = connection.execute(sa.select(table.c.version).where(*same)).first()
    values = {"version": result.get("live"), "deployment_id": number, "since": now()}
    if known is None:
        if result.get("live") is not None:
            connection.execute(sa.insert(table).values(**key, **values))
    elif known.version != result.get("live"):
        connection.execute(sa.update(table).where(*same).values(values))


def stages(connection: Connection, number: int) -> list[dict[str, Any]]:
    """The stage results of a deployment, each with its steps."""
    found = connection.execute(
        sa.select(db.stage_result)
        .where(db.stage_result.c.deployment_id == number)
        .order_by(db.stage_result.c.host, db.stage_result.c.started_at)
    ).mappings()
    steps: dict[tuple[str, str], list[dict[str, Any]]] = {}
    query = (
        sa.select(db.step)
        .where(db.step.c.deployment_id == number)
        .order_by(db.step.c.host, db.step.c.stage, db.step.c.position)
    )
    for row in connection.execute(query).mappings():
        steps.setdefault((row["host"], row["stage"]), []).append(
            {key: row[key] for key in ("name", "outcome", "seconds", "detail")}
        )
    return [{**row, "steps": steps.get((row["host"], row["stage"]), [])} for row in found]


def live(connection: Connection, module: str | None = None) -> list[dict[str, Any]]:
    """What is live where, since when."""
    query = sa.select(db.release).order_by(
        db.release.c.module, db.release.c.environment, db.release.c.host
    )
    if module:
        query = query.where(db.release.c.module == module)
    return [dict(row) for row in connection.execute(query).mappings()]


def before(
    connection: Connection, module: str, environment: str, version: str | None
) -> Deployment | None:
    """The deployment that succeeded last before ``version`` was deployed.

    After a rollback from 1.1 to 1.0 the version before 1.0 is meant, not 1.1.

    Args:
        connection: a connection.
        module: the module.
        environment: its environment.
        version: the live version; None where hosts differ, and the last success is meant.
    """
    table = db.deployment
    query = sa.select(table).where(
        table.c.module == module,
        table.c.environment == environment,
        table.c.state == states.SUCCEEDED,
    )
    if version is not None:
        brought = query.where(table.c.version == version, table.c.kind != "rollback")
        last = connection.execute(brought.order_by(table.c.id.desc()).limit(1)).mappings().first()
        if last is not None:
            query = query.where(table.c.id < last["id"])
        query = query.where(table.c.version != version)
    row = connection.execute(query.order_by(table.c.id.desc()).limit(1)).mappings().first()
    return Deployment(**row) if row else None
