"""The driver: brings a deployment that was submitted to its end, from wherever it stands.

Waiting in the foreground, going on in the background, an approval that came, a scheduled start, a
queue, a paused canary and the takeover from a master that died are all the same call of
:meth:`Driver.drive`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import DatabaseError, LeaseLost, MasterAway, Refused
from pushguide.master import states
from pushguide.master.plan import Leg, Plan
from pushguide.master.rollout import turn
from pushguide.master.rollout.ending import Ending
from pushguide.master.rollout.gates import Gate, Halted, Requests
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.rollout.legs import Legs
from pushguide.master.rollout.progress import Progress
from pushguide.master.rollout.results import Results
from pushguide.master.rollout.turn import Turn
from pushguide.master.rollout.verdict import names, what_failed
from pushguide.master.store import lock, record, requests
from pushguide.master.store.database import Database
from pushguide.words import (
    FAILED,
    RESTORED,
    SUCCEEDED,
    UNKNOWN,
)

log = logging.getLogger(__name__)

#: Hosts with these outcomes are not sent the next leg.
_DONE = (SUCCEEDED, FAILED, RESTORED, UNKNOWN)
#: How often a deployment that waits for its turn looks again, in seconds.
_TURN_SECONDS = 1.0
#: A deployment that has waited longer than this is planned anew before it begins, in seconds.
_STALE_SECONDS = 30.0
#: One that begins sooner has not waited: what it was held against when it was asked for holds.
_AT_ONCE_SECONDS = 1.0

#: The deployments that this process drives, by number.
_driven: dict[int, Driver] = {}


def driver_of(number: int) -> Driver:
    """The driver of a deployment in this process.

    Raises:
        Refused: nothing in this process drives it.
    """
    if number not in _driven:
        raise Refused(
            f"Deployment #{number} is not being driven from here: an orchestration that names "
            "stages is started by pushguide.deploy, through the template's orchestration. To go "
            f"on with one that was left, salt-run pushguide.resume {number}"
        )
    return _driven[number]


@dataclass(frozen=True)
class Pace:
    """How long things may take that the template does not say.

    Attributes:
        lease_seconds: how long a deployment stays reserved if this process dies.
        patience_seconds: how long to wait for a database or a master that is away.
    """

    lease_seconds: int = 60
    patience_seconds: float = 0


@dataclass(frozen=True)
class Planners:
    """Those who plan what the driver cannot know.

    Attributes:
        again: plans a deployment anew that has waited long.
        demand_thawed: refuses a deployment that has waited for a while, if it is frozen by now.
        rollback: plans the automatic rollback of hosts; None where there is nothing to go back to.
    """

    again: Callable[[Plan], Plan] = lambda plan: plan
    demand_thawed: Callable[[Plan], None] = lambda _plan: None
    rollback: Callable[[Plan, list[str]], Plan | None] = lambda _plan, _hosts: None


class Driver:
    """Drives one deployment while its lease is held.

    Args:
        database: the record.
        hosts: the way to the hosts.
        write: the custom returner's function that puts results of hosts into the record.
        progress: where progress is told.
        number: the deployment.
        master: the id of the master that it is driven from.
        pace: how long things may take.
        planners: those who plan anew, and back.
    """

    def __init__(
        self,
        database: Database,
        hosts: Hosts,
        write: Callable[[list[dict[str, Any]]], None],
        progress: Progress,
        number: int,
        master: str,
        pace: Pace = Pace(),
        planners: Planners = Planners(),
    ) -> None:
        self.database = database
        self.hosts = hosts
        self.progress = progress
        self.number = number
        self.master = master
        self.pace = pace
        self.planners = planners
        self.write = write
        self.results = Results(database, write, number, pace.patience_seconds)
        self.asked = Requests(database, number)
        self.halted: Halted | None = None
        self.trouble: Exception | None = None
        self.told: set[str] = set()
        #: The rollback that this deployment's end has caused, to be driven next.
        self.heir: int | None = None
        self.lease: lock.Lease
        self.plan: Plan
        self.is_new: bool
        self.legs: Legs
        self.gate: Gate

    def drive(self, orchestrate: Callable[[str, dict[str, Any]], Any]) -> str:
        """Bring the deployment to an end, or to where it has to wait for somebody.

        Args:
            orchestrate: runs an orchestration file with a pillar.

        Returns:
            The deployment's state.

        Raises:
            LeaseLost: another master drives it now.
            DatabaseError: the database stayed away.
            MasterAway: Salt's master takes no jobs.
        """
        self.halted = self.trouble = None
        self.results = Results(self.database, self.write, self.number, self.pace.patience_seconds)
        mine = self._take_turn()
        if mine is None:
            return self.database.read(lambda one: record.get(one, self.number)).state
        self.plan, self.is_new = mine.plan, mine.is_new
        pace = self.pace
        with lock.Lease(
            self.database, self.number, mine.token, pace.lease_seconds, pace.patience_seconds
        ) as self.lease:
            _driven[self.number] = self
            try:
                return self._drive(mine, orchestrate)
            except BaseException as err:
                self._let_go(mine.token)
                if isinstance(err, DatabaseError | MasterAway):
                    raise type(err)(
                        f"Deployment #{self.number} stands where it is: {err} Then go on with "
                        f"salt-run pushguide.resume {self.number}"
                    ) from err
                raise
            finally:
                del _driven[self.number]

    def _drive(self, mine: Turn, orchestrate: Callable[[str, dict[str, Any]], Any]) -> str:
        refusal = self._plan_again(mine)
        ending = Ending(
            self.database,
            self.number,
            mine.token,
            self.plan,
            self.results,
            self.progress,
            self.pace.lease_seconds,
        )
        if refusal:
            return ending.write(states.ABORTED, refusal).state
        self.legs = Legs(
            self.hosts,
            self.plan,
            self.number,
            mine.token,
            self.results,
            self.progress,
            self.asked,
            self.lease.demand_not_lost,
        )
        self.gate = Gate(
            self.plan,
            self.number,
            self.results,
            self.asked,
            self.lease.demand_not_lost,
            self.hosts.rest,
        )
        self.progress.begin(self.number, self.plan)
        problem = None
        try:
            self.asked.demand_none()
        except Halted as err:
            self.halted = err
        else:
            problem = self._orchestrate(orchestrate)
        if self.trouble:
            raise self.trouble
        self.results.settle()
        self.lease.demand()
        if self.halted and self.halted.state == states.PAUSED:
            return self._pause(mine.token, self.halted.reason)
        ended = ending.finish(
            problem, self.halted, self.asked, self.gate, self.legs, self.planners.rollback
        )
        self.heir = ended.heir
        return ended.state

    def _let_go(self, token: int) -> None:
        """Give the lease up, so that the deployment can be resumed at once."""
        try:
            self.lease.stop()
            self.results.tick()
            self.database.write(lambda one: lock.expire(one, self.number, token))
        except (DatabaseError, LeaseLost) as err:
            log.warning("The lease of #%d is left to run out: %s", self.number, err)

    # The beginning.

    def _take_turn(self) -> Turn | None:
        """Wait until the deployment may begin or go on; None if it has ended."""
        said = None
        one = self.database.read(lambda connection: record.get(connection, self.number))
        self.progress.about(self.number, Plan.from_dict(one.plan))
        found = self.database.write(self._turn)
        while isinstance(found, str):
            if found != said:
                self.progress.waits(self.number, found)
            said = found
            self.hosts.rest(_TURN_SECONDS)
            found = self.results.patiently(lambda: self.database.write(self._turn))
        return found

    def _turn(self, connection: Connection) -> Turn | str | None:
        return turn.take(connection, self.number, self.pace.lease_seconds, self.master)

    def _plan_again(self, mine: Turn) -> str | None:
        """Plan a deployment anew that has waited; answer with the refusal if it cannot be done."""
        if not mine.is_new or mine.age_seconds < _AT_ONCE_SECONDS:
            return None
        try:
            if mine.age_seconds < _STALE_SECONDS:
                self.planners.demand_thawed(self.plan)
                return None
            self.plan = self.planners.again(self.plan)
        except Refused as err:
            return f"when its turn came it was refused: {err}"
        self.database.write(lambda one: record.replan(one, self.number, self.plan))
        return None

    # The stages, as the state pushguide.stage asks for them.

    def _orchestrate(self, orchestrate: Callable[[str, dict[str, Any]], Any]) -> str | None:
        """Run the orchestration file; answer with what went wrong in it, if anything did."""
        order = {
            "deployment": self.number,
            "module": self.plan.module,
            "environment": self.plan.environment,
            "version": self.plan.version,
            "kind": self.plan.kind,
            "resumed": not self.is_new,
            "legs": [{"stages": leg.stages, "batch": leg.batch} for leg in self.plan.legs()],
        }
        try:
            answer = orchestrate(self.plan.orchestration, {"pushguide": {"order": order}})
        except (LeaseLost, DatabaseError, MasterAway):
            raise
        except Exception as err:
            log.exception("The orchestration %s of #%d", self.plan.orchestration, self.number)
            return f"the orchestration {self.plan.orchestration} failed: {err}"
        return what_failed(self.plan.orchestration, answer, self.told)

    def run_stages(self, stages: list[str], batch: int = 0) -> tuple[bool, str]:
        """Bring hosts through stages.

        Args:
            stages: consecutive stages.
            batch: the batch, counted from 1; 0 for all, one after the other.

        Returns:
            Whether the deployment may go on, and what happened, in words.
        """
        if not 0 <= batch <= len(self.plan.batches):
            raise Refused(f"#{self.number} has no batch {batch}: it has {len(self.plan.batches)}.")
        try:
            may_go_on, comment = self._run_legs(self.plan.legs(stages, batch), stages)
        except Halted as err:
            self.halted = err
            may_go_on, comment = False, str(err)
        except (DatabaseError, LeaseLost, MasterAway) as err:
            # The state that called us only reports it; the deployment has to stop for it.
            self.trouble = err
            raise
        self.told.add(comment)
        return may_go_on, comment

    def _run_legs(self, legs: list[Leg], stages: list[str]) -> tuple[bool, str]:
        for leg in legs:
            self.asked.demand_no_abort()
            failed = self.gate.failed()
            if failed:
                return False, f"not started: {names(failed)} did not succeed"
            self._run_leg(leg)
        failed = self.gate.failed()
        if failed:
            self.asked.demand_no_abort()
            return False, f"did not succeed: {names(failed)}"
        self.gate.demand_conclusive()
        return True, f"{', '.join(stages)} succeeded"

    def _run_leg(self, leg: Leg) -> None:
        outcomes = self.results.outcomes()
        wanted = [host for host in self.plan.hosts_in(leg.batch) if outcomes[host] not in _DONE]
        if wanted:
            self.gate.wait_before(leg)
            self.lease.demand()
            self.legs.run(leg, wanted)

    def _pause(self, token: int, reason: str) -> str:
        """Stand still; whoever resumes goes on from here."""

        def work(connection: Connection) -> None:
            record.demand_token(connection, self.number, token)
            record.change_state(connection, self.number, states.PAUSED, reason)
            requests.close(connection, self.number, [requests.PAUSE])
            lock.expire(connection, self.number, token)

        self.lease.stop()
        self.results.patiently(lambda: self.database.write(work))
        self.progress.end(self.number, states.PAUSED, reason)
        return states.PAUSED
