"""What became of hosts: their outcomes, stages and steps, and what is live on each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.statistics.counting import Counting
from pushguide.master.store import history, record
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now
from pushguide.words import (
    INCONCLUSIVE,
    LEFT_OUT,
    LIVE_STAGES,
    NOT_STARTED,
    STOPPED_SHORT,
    SUCCEEDED,
    UNDER_WAY,
    UNKNOWN,
)


def unknown_hosts(connection: Connection) -> dict[int, list[str]]:
    """The hosts that fell silent in the newest deployment of their module, by its number."""
    table, hosts_of = db.deployment, db.deployment_host
    begun = history.newest(table.c.started_at.is_not(None))
    query = (
        sa.select(table.c.id, hosts_of.c.host)
        .join(hosts_of, hosts_of.c.deployment_id == table.c.id)
        .where(
            table.c.id.in_(begun),
            table.c.state.in_(states.TERMINAL),
            hosts_of.c.outcome == UNKNOWN,
        )
        .order_by(table.c.id, hosts_of.c.host)
    )
    found: dict[int, list[str]] = {}
    for number, host in connection.execute(query):
        found.setdefault(number, []).append(host)
    return found


def hosts(connection: Connection, number: int) -> list[dict[str, Any]]:
    """The hosts of a deployment with their outcomes, by batch and name."""
    table = db.deployment_host
    query = (
        sa.select(table)
        .where(table.c.deployment_id == number)
        .order_by(table.c.batch, table.c.host)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def outcomes(connection: Connection, number: int) -> dict[str, str]:
    """The outcome of each host of a deployment."""
    table = db.deployment_host
    query = sa.select(table.c.host, table.c.outcome).where(table.c.deployment_id == number)
    return {row.host: row.outcome for row in connection.execute(query)}


def live_stages_begun(
    connection: Connection, number: int, stages: Sequence[str] = LIVE_STAGES
) -> set[str]:
    """The hosts that have a result of a stage that touches live traffic, or of some of these."""
    table = db.stage_result
    query = sa.select(table.c.host).where(
        table.c.deployment_id == number, table.c.stage.in_(stages)
    )
    return {*connection.execute(query).scalars()}


def set_outcome(
    connection: Connection, number: int, host: str, outcome: str, error: str | None = None
) -> None:
    """Write down how a host stands in a deployment."""
    _update(connection, number, host, outcome=outcome, error=error)
    with Counting(connection) as counting:
        counting.hosts_changed(number, [host])


def _update(connection: Connection, number: int, host: str, **values: Any) -> None:
    """Change the row of a host in a deployment."""
    table = db.deployment_host
    connection.execute(
        sa.update(table)
        .where((table.c.deployment_id == number) & (table.c.host == host))
        .values(**values, updated_at=now())
    )


def reopen_hosts(connection: Connection, number: int) -> None:
    """Let a deployment that is gone on with ask the hosts again that had not answered."""
    table = db.deployment_host
    connection.execute(
        sa.update(table)
        .where((table.c.deployment_id == number) & table.c.outcome.in_((UNKNOWN, INCONCLUSIVE)))
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


def failed_last_time(connection: Connection, module: str, environment: str) -> list[str]:
    """The hosts whose last deployment of a module that reached them did not succeed there."""
    table, hosts_of = db.deployment, db.deployment_host
    newest = (
        sa.select(hosts_of.c.host, sa.func.max(table.c.id).label("id"))
        .join(table, table.c.id == hosts_of.c.deployment_id)
        .where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.state.in_(states.TERMINAL),
            hosts_of.c.outcome.not_in((NOT_STARTED, LEFT_OUT)),
        )
        .group_by(hosts_of.c.host)
        .subquery()
    )
    query = (
        sa.select(hosts_of.c.host)
        .join(
            newest,
            (hosts_of.c.host == newest.c.host) & (hosts_of.c.deployment_id == newest.c.id),
        )
        .where(hosts_of.c.outcome != SUCCEEDED)
        .order_by(hosts_of.c.host)
    )
    return [*connection.execute(query).scalars()]


def write_host(
    connection: Connection,
    host: str,
    result: Mapping[str, Any],
    outcome: str,
    counting: Counting | None = None,
) -> None:
    """Write down what a host returned: its stages and steps, its outcome, and what is live there.

    Keyed by deployment, host and stage: the same result written twice is there once.

    Args:
        connection: a transaction.
        host: the host.
        result: what its job returned. ``token`` in it is the one of who writes, if it is fenced;
            stages of None mean that the host has not told how they ended, and no ``live`` that it
            has not told what is live there either.
        outcome: what that means for the host in the deployment.
        counting: counts it with others of the same transaction; it is counted by itself if not
            given.
    """
    if counting is None:
        with Counting(connection) as alone:
            write_host(connection, host, result, outcome, alone)
        return
    number = int(result["deployment"])
    if "token" in result:
        record.demand_token(connection, number, result["token"])
    values = {"outcome": outcome, "error": result.get("error")}
    if result["stages"] is not None:
        _write_stages(connection, number, host, result["stages"], counting)
    if result["stages"] is not None or "live" in result:
        values["version_after"] = result.get("live")
        _write_release(connection, number, host, result)
    _update(connection, number, host, **values)
    counting.hosts_changed(number, [host])


def _write_stages(
    connection: Connection,
    number: int,
    host: str,
    told: Iterable[Mapping[str, Any]],
    counting: Counting,
) -> None:
    """Write down stages with their steps, in the place of what is known of the same stages."""
    key = {"deployment_id": number, "host": host}
    results = db.stage_result
    query = sa.select(results.c.stage).where(*_same(results, key))
    known = {*connection.execute(query).scalars()}
    # A stage that was done before stays as it was written, if anybody lived to write it.
    new = [one for one in told if not (one.get("again") and one["stage"] in known)]
    rewritten = known & {one["stage"] for one in new}
    old = _stages_to_change(connection, key, rewritten) if rewritten else []
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
    counting.stages_changed(number, host, old, new)


def _stages_to_change(
    connection: Connection, key: Mapping[str, Any], names: Iterable[str]
) -> list[dict[str, Any]]:
    """Some stages of a host with their steps, which nobody else changes until the end."""
    results, step = db.stage_result, db.step
    mine = sa.select(results).where(*_same(results, key), results.c.stage.in_(sorted(names)))
    found = connection.execute(mine.with_for_update()).mappings().all()
    query = sa.select(step).where(*_same(step, key), step.c.stage.in_(sorted(names)))
    steps = connection.execute(query.with_for_update()).mappings().all()
    return [
        {**row, "steps": [one for one in steps if one["stage"] == row["stage"]]} for row in found
    ]


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


def live(
    connection: Connection, module: str | None = None, environment: str | None = None
) -> list[dict[str, Any]]:
    """What is live where, since when; of all modules and environments for None."""
    query = sa.select(db.release).order_by(
        db.release.c.module, db.release.c.environment, db.release.c.host
    )
    if module:
        query = query.where(db.release.c.module == module)
    if environment:
        query = query.where(db.release.c.environment == environment)
    return [dict(row) for row in connection.execute(query).mappings()]


def live_on(connection: Connection, host: str) -> set[tuple[str, str, str]]:
    """Of each module that is live on a host its name, its environment and the version."""
    table = db.release
    query = sa.select(table.c.module, table.c.environment, table.c.version)
    found = connection.execute(query.where(table.c.host == host, table.c.version.is_not(None)))
    return {(one.module, one.environment, one.version) for one in found}


def live_counts(connection: Connection) -> dict[tuple[str, str], dict[str, int]]:
    """Of each module and environment the versions that are live, with how many hosts each."""
    table = db.release
    columns = (table.c.module, table.c.environment, table.c.version)
    query = (
        sa.select(*columns, sa.func.count())
        .where(table.c.version.is_not(None))
        .group_by(*columns)
        .order_by(*columns)
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for module, environment, version, count in connection.execute(query):
        found.setdefault((module, environment), {})[version] = count
    return found


def outcome_counts(connection: Connection) -> dict[int, dict[str, int]]:
    """Of the newest deployment of each module and environment how many hosts ended in what."""
    table = db.deployment_host
    columns = (table.c.deployment_id, table.c.outcome)
    query = sa.select(*columns, sa.func.count()).where(table.c.deployment_id.in_(history.newest()))
    found: dict[int, dict[str, int]] = {}
    for number, outcome, count in connection.execute(query.group_by(*columns)):
        found.setdefault(number, {})[outcome] = count
    return found


def latest_outcomes(connection: Connection, module: str | None = None) -> list[dict[str, Any]]:
    """How the newest deployment of each module and environment ended on each of its hosts."""
    table, hosts_of = db.deployment, db.deployment_host
    query = (
        sa.select(
            table.c.module,
            table.c.environment,
            hosts_of.c.host,
            table.c.id.label("deployment"),
            hosts_of.c.outcome,
            hosts_of.c.error,
        )
        .join(hosts_of, hosts_of.c.deployment_id == table.c.id)
        .where(table.c.id.in_(history.newest()))
    )
    if module:
        query = query.where(table.c.module == module)
    return [dict(row) for row in connection.execute(query).mappings()]
