"""The record: what happened, as the database tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import LeaseLost, Refused
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now
from pushguide.words import (
    BAD,
    INCONCLUSIVE,
    LEFT_OUT,
    LIVE_STAGES,
    NOT_STARTED,
    STOPPED_SHORT,
    SUCCEEDED,
    UNDER_WAY,
    UNKNOWN,
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
    cause: str | None = None
    cause_id: int | None = None


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
) -> int:
    """Write a new deployment down, with its hosts; answer with its number.

    Args:
        connection: a transaction.
        plan: its plan.
        requested_by: who asked for it.
        state: its first state.
        start_at: when it may start, at the earliest.
        cause: why there is it (:data:`AUTO_ROLLBACK` or :data:`RETRY`), and for which deployment.
    """
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
            start_at=start_at,
            waiting_until=moment + _FIRST_WAIT if state == states.QUEUED else None,
            cause=cause[0] if cause else None,
            cause_id=cause[1] if cause else None,
        )
    )
    key = done.inserted_primary_key
    assert key
    number = int(key[0])
    _write_hosts(connection, number, plan)
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
            "updated_at": moment,
        }
        for host, place in [*places, *((host, 0) for host in plan.left_out)]
    ]
    connection.execute(sa.insert(db.deployment_host), rows)


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
        .values(waiting_until=now() + timedelta(seconds=seconds))
    )


def ahead_of(connection: Connection, one: Deployment) -> Deployment | None:
    """The deployment of the same module that is queued earlier and is waited for, if any."""
    table = db.deployment
    query = (
        sa.select(table)
        .where(
            table.c.module == one.module,
            table.c.environment == one.environment,
            table.c.state == states.QUEUED,
            table.c.id < one.id,
            table.c.waiting_until > now(),
        )
        .order_by(table.c.id)
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return Deployment(**row) if row else None


def unfinished(connection: Connection) -> list[Deployment]:
    """Every deployment that has not ended, the oldest first."""
    table = db.deployment
    query = sa.select(table).where(table.c.state.not_in(states.TERMINAL)).order_by(table.c.id)
    return [Deployment(**row) for row in connection.execute(query).mappings()]


def unfinished_of(
    connection: Connection, module: str, environment: str, state: str
) -> list[Deployment]:
    """The deployments of a module that are in a state, the oldest first."""
    table = db.deployment
    query = (
        sa.select(table)
        .where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.state == state,
        )
        .order_by(table.c.id)
    )
    return [Deployment(**row) for row in connection.execute(query).mappings()]


def begun_after(connection: Connection, one: Deployment) -> Deployment | None:
    """The newest deployment of the same module that began after another one, if any did."""
    table = db.deployment
    query = (
        sa.select(table)
        .where(
            table.c.module == one.module,
            table.c.environment == one.environment,
            table.c.id > one.id,
            table.c.started_at.is_not(None),
        )
        .order_by(table.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return Deployment(**row) if row else None


def unknown_hosts(connection: Connection) -> dict[int, list[str]]:
    """The hosts that fell silent in the newest deployment of their module, by its number."""
    table, hosts_of = db.deployment, db.deployment_host
    newest = (
        sa.select(sa.func.max(table.c.id))
        .where(table.c.started_at.is_not(None))
        .group_by(table.c.module, table.c.environment)
    )
    query = (
        sa.select(table.c.id, hosts_of.c.host)
        .join(hosts_of, hosts_of.c.deployment_id == table.c.id)
        .where(
            table.c.id.in_(newest),
            table.c.state.in_(states.TERMINAL),
            hosts_of.c.outcome == UNKNOWN,
        )
        .order_by(table.c.id, hosts_of.c.host)
    )
    found: dict[int, list[str]] = {}
    for number, host in connection.execute(query):
        found.setdefault(number, []).append(host)
    return found


def caused_by(connection: Connection, number: int) -> list[Deployment]:
    """The deployments that another one is the cause of."""
    table = db.deployment
    query = sa.select(table).where(table.c.cause_id == number).order_by(table.c.id)
    return [Deployment(**row) for row in connection.execute(query).mappings()]


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
    if new == states.ROLLED_BACK and old == states.FAILED:
        del values["reason"]
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


def outcomes(connection: Connection, number: int) -> dict[str, str]:
    """The outcome of each host of a deployment."""
    table = db.deployment_host
    query = sa.select(table.c.host, table.c.outcome).where(table.c.deployment_id == number)
    return {row.host: row.outcome for row in connection.execute(query)}


def live_stages_begun(connection: Connection, number: int) -> set[str]:
    """The hosts that have a result of a stage that touches live traffic."""
    table = db.stage_result
    query = sa.select(table.c.host).where(
        table.c.deployment_id == number, table.c.stage.in_(LIVE_STAGES)
    )
    return {*connection.execute(query).scalars()}


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


def write_host(connection: Connection, host: str, result: Mapping[str, Any], outcome: str) -> None:
    """Write down what a host returned: its stages and steps, its outcome, and what is live there.

    Keyed by deployment, host and stage: the same result written twice is there once.

    Args:
        connection: a transaction.
        host: the host.
        result: what its job returned. ``token`` in it is the one of who writes, if it is fenced;
            stages of None mean that the host has told nothing itself.
        outcome: what that means for the host in the deployment.
    """
    number = int(result["deployment"])
    if "token" in result:
        demand_token(connection, number, result["token"])
    if result["stages"] is None:
        set_outcome(connection, number, host, outcome, result.get("error"))
        return
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


def stage_seconds(
    connection: Connection, module: str, environment: str, kind: str, limit: int = 10
) -> dict[int, dict[str, float]]:
    """How long each stage took on the slowest host, of the last deployments that succeeded."""
    table, results = db.deployment, db.stage_result
    last = (
        sa.select(table.c.id)
        .where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.kind == kind,
            table.c.state == states.SUCCEEDED,
        )
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    numbers = [*connection.execute(last).scalars()]
    query = (
        sa.select(results.c.deployment_id, results.c.stage, sa.func.max(results.c.seconds))
        .where(results.c.deployment_id.in_(numbers))
        .group_by(results.c.deployment_id, results.c.stage)
    )
    times: dict[int, dict[str, float]] = {}
    for number, stage, seconds in connection.execute(query):
        times.setdefault(number, {})[stage] = float(seconds)
    return times


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

    After a rollback from 1.1 to 1.0 the version before 1.0 is meant, not 1.1. A version that is
    marked bad is passed over.

    Args:
        connection: a connection.
        module: the module.
        environment: its environment.
        version: the live version; None where hosts differ, and the last success is meant.
    """
    table, marked = db.deployment, db.version_mark
    bad = sa.select(marked.c.version).where(
        marked.c.module == module, marked.c.environment == environment, marked.c.mark == BAD
    )
    query = sa.select(table).where(
        table.c.module == module,
        table.c.environment == environment,
        table.c.state == states.SUCCEEDED,
        table.c.version.not_in(bad),
    )
    if version is not None:
        brought = sa.select(table).where(
            table.c.module == module,
            table.c.environment == environment,
            table.c.version == version,
            table.c.kind != "rollback",
        )
        last = connection.execute(brought.order_by(table.c.id.desc()).limit(1)).mappings().first()
        if last is not None:
            query = query.where(table.c.id < last["id"])
        query = query.where(table.c.version != version)
    row = connection.execute(query.order_by(table.c.id.desc()).limit(1)).mappings().first()
    return Deployment(**row) if row else None
