"""Elsewhere: deployments that a master of another data centre drives, as they are asked for here.

Whoever asks this master gets the answer that the other one would give: the deployment is left to
it, and waited for by way of the record.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.parts import Parts
from pushguide.master.plan import Plan
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.rollout.placing import Placing
from pushguide.master.store import history, lock, record
from pushguide.master.store.record import Deployment

_LOOK_SECONDS = 0.5


class _Sight(NamedTuple):
    """A deployment, as the record shows it to who waits for it.

    Attributes:
        one: the deployment.
        is_driven: whether somebody drives it or its automatic rollback, or waits for its turn.
        has_heir: whether an automatic rollback of it has not ended.
    """

    one: Deployment
    is_driven: bool
    has_heir: bool


class Elsewhere:
    """Leaves deployments to the data centres that their templates name.

    Args:
        parts: what this master's commands are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database
        self.placing = Placing.of(parts.config)

    def risks(self, data_centre: str | None) -> list[str]:
        """What somebody should know who would have it driven from here, against its template."""
        mine = self.placing.data_centre
        if self.placing.is_here(data_centre) or self.drives(data_centre):
            return []
        told = f"No master of {data_centre} has said anything lately: this one, of {mine}, would"
        return [f"{told} drive it."]

    def drives(self, data_centre: str | None) -> bool:
        """Whether a master of a data centre is there, and drives a deployment in our place."""
        if self.placing.is_here(data_centre):
            return False  # without asking the record: that is so for nearly all
        return self.database.read(lambda one: self.placing.is_elsewhere(one, data_centre))

    def leave(self, number: int) -> str | None:
        """Leave a deployment to the data centre that its template names, if a master is there.

        Returns:
            The data centre; None if it is to be driven from here.
        """
        one = self.database.read(lambda connection: record.get(connection, number))
        data_centre: str | None = one.plan.get("data_centre")
        may_go_on = one.state in (states.QUEUED, states.RUNNING, states.PAUSED)
        if not may_go_on or not self.drives(data_centre):
            return None

        def go_on(connection: Connection) -> None:
            record.leave_for(connection, number, str(data_centre))
            if record.get(connection, number).state == states.PAUSED:
                record.change_state(connection, number, states.RUNNING)

        self.database.write(go_on)
        return data_centre

    def has_stopped(self, number: int, hosts: Hosts, data_centre: str) -> bool:
        """Wait for a deployment that another master drives.

        Args:
            number: the deployment.
            hosts: the way to the hosts, which takes what arrives meanwhile.
            data_centre: whose master drives it.

        Returns:
            Whether it has ended or stands still; if not, nobody drives it on any more.
        """
        plan = self.database.read(lambda connection: record.get(connection, number)).plan
        progress = self.parts.progress(hosts)
        progress.about(number, Plan.from_dict(plan))
        progress.waits(number, f"a master of {data_centre} drives it")
        deadline = time.monotonic() + self.placing.within_seconds
        while True:
            seen = self.database.read(lambda connection: _look(connection, number))
            if seen.one.state not in (states.QUEUED, states.RUNNING) and not seen.has_heir:
                return True
            if seen.is_driven:
                deadline = time.monotonic() + self.placing.within_seconds
            elif time.monotonic() > deadline:
                if seen.one.state in states.TERMINAL:
                    return True  # its rollback stands as it is: the answer says so
                progress.waits(number, f"no master of {data_centre} drives it: this one does")
                return False
            hosts.rest(_LOOK_SECONDS)


def _look(connection: Connection, number: int) -> _Sight:
    one = record.get(connection, number)
    heirs = [
        each.id
        for each in history.caused_by(connection, number)
        if each.cause == record.AUTO_ROLLBACK and each.state not in states.TERMINAL
    ]
    held = lock.look(connection, one.module, one.environment)
    is_held = held is not None and held.is_alive and held.deployment_id in (number, *heirs)
    is_driven = is_held or (one.state == states.QUEUED and one.is_waited_for)
    return _Sight(one, is_driven and one.left_for is None, bool(heirs))
