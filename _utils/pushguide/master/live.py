"""What a minion gets by pillar: what is live of its modules, and credentials if it needs them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import salt.utils.minions
from sqlalchemy.engine import Connection

from pushguide.errors import PushguideError
from pushguide.master.config import Config
from pushguide.master.plan import Plan
from pushguide.master.store import history, host_results, record
from pushguide.master.store.database import Database

log = logging.getLogger(__name__)

#: A master's workers answer many minions with the same few plans, and a plan never changes.
_PLANS_KEPT = 256
_plans: dict[tuple[str, int, datetime], Plan] = {}


def pillar_of(opts: Mapping[str, Any], minion_id: str) -> dict[str, Any]:
    """The pillar ``pushguide`` of one minion: of its own modules, no others.

    What is live is what the last deployment that succeeded brought. Credentials are those that a
    deployment under way on this minion names, or that it needs to catch up with what is live. The
    master's own pillar, which holds the templates, gets nothing from here; and a database that is
    away leaves the minions' other pillar alone.

    Args:
        opts: the master's opts.
        minion_id: the minion.

    Returns:
        ``{"pushguide": {"live": {module: {environment: share}}, "credentials": {name: ...}}}``,
        without what there is not.
    """
    if minion_id == opts["id"]:
        return {}
    try:
        config = Config.from_opts(opts)
        database = Database.at(config.database)
        live, names = _live(opts, database, minion_id)
        names |= _under_way(database, minion_id)
    except PushguideError as err:
        log.error("pushguide's part of the pillar of %s is missing: %s", minion_id, err)
        return {}
    given = {name: config.credentials[name] for name in sorted(names & {*config.credentials})}
    found = {"live": live, "credentials": given}
    told = {key: value for key, value in found.items() if value}
    return {"pushguide": told} if told else {}


def _live(
    opts: Mapping[str, Any], database: Database, minion_id: str
) -> tuple[dict[str, Any], set[str]]:
    """What is live of the modules that mean a minion, and what it needs to catch up with it."""

    def work(
        connection: Connection,
    ) -> tuple[list[tuple[int, int, Plan]], set[tuple[str, str, str]]]:
        return [*_live_plans(connection, database)], host_results.live_on(connection, minion_id)

    plans, here = database.read(work)
    live: dict[str, Any] = {}
    names: set[str] = set()
    for number, token, plan in plans:
        if _means(opts, plan.target, minion_id):
            # Nobody drives what a host does by itself, so nobody would confirm it either.
            share = plan.share_for(number, token, hosts=[minion_id])
            share = share._replace(confirm_within_seconds=None)
            live.setdefault(plan.module, {})[plan.environment] = share.to_dict()
            if (plan.module, plan.environment, plan.version) not in here:
                names |= credentials_in(plan)
    return live, names


def _under_way(database: Database, minion_id: str) -> set[str]:
    """The names of the credentials that deployments under way on a minion need."""

    def work(connection: Connection) -> set[str]:
        names: set[str] = set()
        for one in history.unfinished_on(connection, minion_id):
            names |= credentials_in(_plan_of(connection, database, one))
        return names

    return database.read(work)


def credentials_in(plan: Plan) -> set[str]:
    """The names of the credentials that hosts need for a plan."""
    named = {plan.share.get("transfer", {}).get("proxy_credential")}
    if plan.artifact:
        named.add(plan.artifact.credential)
    return {one for one in named if one}


def _means(opts: Mapping[str, Any], target: Mapping[str, Any], minion_id: str) -> bool:
    found = salt.utils.minions.CkMinions(dict(opts)).check_minions(
        target["target"], target["type"], greedy=False
    )
    return minion_id in found["minions"]


def _live_plans(connection: Connection, database: Database) -> Iterator[tuple[int, int, Plan]]:
    """The last success of each module and environment, with a known artifact.

    A rollback to kept releases knows no artifact: the deployment that once brought the version
    does.
    """
    for ended in history.last_successes(connection):
        plan = _plan_of(connection, database, ended)
        if plan.artifact is None:
            earlier = history.artifact_of(connection, plan.module, plan.environment, plan.version)
            if earlier is None:
                continue
            plan = Plan.from_dict({**plan.to_dict(), "kind": "deploy", "artifact": earlier})
        yield ended.id, ended.token, plan


def _plan_of(connection: Connection, database: Database, one: history.Brief) -> Plan:
    """A deployment's plan, kept by this process: another record may have the same numbers."""
    key = (database.name, one.id, one.created_at)
    if key not in _plans:
        while len(_plans) >= _PLANS_KEPT:
            del _plans[next(iter(_plans))]
        _plans[key] = Plan.from_dict(record.get(connection, one.id).plan)
    return _plans[key]
