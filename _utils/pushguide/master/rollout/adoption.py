"""Adoption: what the engine of a master does for deployments that nobody drives.

Every master with the same database may run it: whoever comes first gets a deployment, because the
database decides.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.rollout import approval, result
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.rollout.placing import Placing
from pushguide.master.rollout.progress import tell_state
from pushguide.master.store import history, host_results, lock, record
from pushguide.master.store.database import Database
from pushguide.master.store.record import Deployment
from pushguide.master.store.tables import now
from pushguide.words import GOOD_OUTCOMES, STAGES, STOPPED_SHORT, SUCCEEDED

log = logging.getLogger(__name__)

#: How long a process that was started for a deployment may take to take it up, in seconds.
_START_SECONDS = 60.0


class Adopter:
    """Looks after deployments, again and again.

    Args:
        database: the record.
        drive: lets a deployment be driven by a process of its own.
        fire: sends an event: data, then tag.
        placing: which deployments are this master's to drive.
    """

    def __init__(
        self,
        database: Database,
        drive: Callable[[int], None],
        fire: Callable[[dict[str, Any], str], Any],
        placing: Placing,
    ) -> None:
        self.placing = placing
        self.database = database
        self.drive = drive
        self.fire = fire
        self._started: dict[int, float] = {}

    def look(self) -> list[int]:
        """Look once.

        Returns:
            The deployments for which a process was started.

        Raises:
            DatabaseError: the database is away; look again later.
        """
        for number in self.database.write(_expire_approvals):
            tell_state(self.fire, self.database.read(functools.partial(record.get, number=number)))
        orphans = self.database.read(self._orphans)
        alive = time.monotonic() - _START_SECONDS
        # One that was taken up and stands again, as after a canary, may be taken up again at once.
        self._started = {
            one: at for one, at in self._started.items() if at > alive and one in orphans
        }
        adopted = [one for one in orphans if one not in self._started]
        for number in adopted:
            log.info("Deployment #%d is driven by nobody: this master goes on with it", number)
            self._started[number] = time.monotonic()
            self.drive(number)
        return adopted

    def _orphans(self, connection: Connection) -> list[int]:
        """The deployments that could go on here, and that nobody drives or waits for."""
        return [
            one.id
            for one in history.unfinished(connection)
            if self._is_orphan(connection, one)
            and not self.placing.is_elsewhere(connection, one.plan.get("data_centre"))
        ]

    def _is_orphan(self, connection: Connection, one: Deployment) -> bool:
        if one.state == states.QUEUED and one.left_for == self.placing.data_centre:
            return True  # its driver waits for its turn
        held = lock.look(connection, one.module, one.environment)
        return not (held and held.drives(one.id)) and _could_go_on(one, held)


def _expire_approvals(connection: Connection) -> list[int]:
    """End deployments whose approval did not come in time; answer with their numbers."""
    expired = []
    for one in history.unfinished(connection):
        if one.state != states.PENDING_APPROVAL:
            continue
        reason = approval.overdue(one)
        if reason:
            record.change_state(connection, one.id, states.ABORTED, reason)
            expired.append(one.id)
    return expired


def _could_go_on(one: Deployment, held: lock.Held | None) -> bool:
    if one.state == states.RUNNING:
        return True
    if one.state == states.SCHEDULED:
        return one.start_at is not None and one.start_at <= now() and not one.is_waited_for
    if one.state == states.QUEUED:
        is_free = held is None or held.deployment_id in (None, one.id)
        return is_free and not one.is_waited_for
    return False


def hear_from_unknown(database: Database, hosts: Hosts, timeout: float) -> list[str]:
    """Ask hosts that fell silent in a deployment that has ended what became of it there.

    Args:
        database: the record.
        hosts: the way to the hosts.
        timeout: how long they may take to answer, in seconds.

    Returns:
        The hosts that answered.
    """
    heard = []
    for number, names in database.read(host_results.unknown_hosts).items():
        plan = Plan.from_dict(database.read(functools.partial(record.get, number=number)).plan)
        named = {"module": plan.module, "environment": plan.environment, "deployment": number}
        for host, answer in hosts.ask(names, "pushguide.result", named, timeout).items():
            if isinstance(answer.value, Mapping) and answer.value.get("busy"):
                continue
            found = result.read(answer.value, number, plan)
            database.write(functools.partial(_write_heard, number=number, host=host, found=found))
            heard.append(host)
    return heard


def _write_heard(
    connection: Connection, number: int, host: str, found: dict[str, Any] | None
) -> None:
    """Write down what the journal of a host says that was unknown."""
    if found is None:
        error = "its journal says that the deployment did not end there"
        host_results.set_outcome(connection, number, host, STOPPED_SHORT, error)
        return
    outcome = found["outcome"]
    if outcome in GOOD_OUTCOMES:
        done = any(one["stage"] == STAGES[-1] for one in found["stages"])
        outcome = SUCCEEDED if done else STOPPED_SHORT
    host_results.write_host(connection, host, found, outcome)
