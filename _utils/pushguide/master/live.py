"""What is live of a module, in the form in which a host can bring itself to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import salt.utils.minions
from sqlalchemy.engine import Connection

from pushguide.errors import PushguideError
from pushguide.master.plan import Plan
from pushguide.master.store import record
from pushguide.master.store.recording import database_of

log = logging.getLogger(__name__)


def pillar_of(opts: Mapping[str, Any], minion_id: str) -> dict[str, Any]:
    """The pillar ``pushguide:live`` of one minion: the live version of its modules, no others.

    What is live is what the last deployment that succeeded brought. The master's own pillar,
    which holds the templates, gets nothing from here; and a database that is away leaves the
    minions' other pillar alone.

    Args:
        opts: the master's opts.
        minion_id: the minion.

    Returns:
        ``{"pushguide": {"live": {module: {environment: share}}}}``, or nothing.
    """
    if minion_id == opts["id"]:
        return {}
    try:
        plans = database_of(opts).read(_live_plans)
    except PushguideError as err:
        log.error("The live versions for the pillar of %s are missing: %s", minion_id, err)
        return {}
    live: dict[str, Any] = {}
    for number, token, plan in plans:
        if _means(opts, plan.target, minion_id):
            # Nobody drives what a host does by itself, so nobody would confirm it either.
            share = plan.share_for(number, token)._replace(confirm_within_seconds=None)
            live.setdefault(plan.module, {})[plan.environment] = share.to_dict()
    return {"pushguide": {"live": live}} if live else {}


def _means(opts: Mapping[str, Any], target: Mapping[str, Any], minion_id: str) -> bool:
    found = salt.utils.minions.CkMinions(dict(opts)).check_minions(
        target["target"], target["type"], greedy=False
    )
    return minion_id in found["minions"]


def _live_plans(connection: Connection) -> list[tuple[int, int, Plan]]:
    """The last success of each module and environment, with a known artifact.

    A rollback to kept releases knows no artifact: the deployment that once brought the version
    does.
    """
    plans = []
    for one in record.last_successes(connection):
        plan = Plan.from_dict(one.plan)
        if plan.artifact is None:
            earlier = record.artifact_of(connection, one.module, one.environment, one.version)
            if earlier is None:
                continue
            plan = Plan.from_dict({**one.plan, "kind": "deploy", "artifact": earlier})
        plans.append((one.id, one.token or 0, plan))
    return plans
