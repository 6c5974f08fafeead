"""The driver: brings a deployment that was submitted to its end, from wherever it stands.

Waiting in the foreground, going on in the background, an approval that came, a scheduled start, a
queue, a paused canary and the takeover from a master that died are all the same call of
:meth:`Driver.drive`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import DatabaseError, LeaseLost, MasterAway, Refused
from pushguide.master import states
from pushguide.master.plan import Leg, Plan
from pushguide.master.rollout.gates import Gate, Halted, Requests
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.rollout.legs import Legs
from pushguide.master.rollout.progress import Progress, tell_state
from pushguide.master.rollout.results import Results
from pushguide.master.rollout.verdict import names, verdict, what_failed
from pushguide.master.store import lock, marks, record, requests
from pushguide.master.store.database import Database
from pushguide.master.store.record import Deployment
from pushguide.master.store.tables import now
from pushguide.words import (
    BAD,
    FAILED,
    GOOD,
    INCONCLUSIVE,
    NOT_STARTED,
    RESTORED,
    SUCCEEDED,
    UNDER_WAY,
    UNKNOWN,
)

log = logging.getLogger(__name__)

#: Hosts with these outcomes are not sent the next leg.
_DONE = (SUCCEEDED, FAILED, RESTORED, UNKNOWN)
#: How often a deployment that waits for its turn looks again, in seconds.
_TURN_SECONDS = 1.0
#: A mark tells the beginning of a reason; the deployment has all of it.
_REASON_AT_MOST = 250
#: A deployment that has waited longer than this is planned anew before it begins, in seconds.
_STALE_SECONDS = 30.0

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
        rollback: plans the automatic rollback of hosts; None where there is nothing to go back to.
    """

    again: Callable[[Plan], Plan] = lambda plan: plan
    rollback: Callable[[Plan, list[str]], Plan | None] = lambda _plan, _hosts: None


class Driver:
    """Drives one deployment while its lease is held.

    Args:
        database: the record.
        hosts: the way to the hosts.
        write: the custom returner's function that puts results of hosts into the record.
        progress: where progress is told.
        number: the deployment.
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
        pace: Pace = Pace(),
        planners: Planners = Planners(),
    ) -> None:
        self.database = database
        self.hosts = hosts
        self.progress = progress
        self.number = number
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
        token = self._take_turn()
        if token is None:
            return self.database.read(lambda one: record.get(one, self.number)).state
        pace = self.pace
        with lock.Lease(
            self.database, self.number, token, pace.lease_seconds, pace.patience_seconds
        ) as self.lease:
            _driven[self.number] = self
            try:
                return self._drive(token, orchestrate)
            except BaseException as err:
                self._let_go(token)
                if isinstance(err, DatabaseError | MasterAway):
                    raise type(err)(
                        f"Deployment #{self.number} stands where it is: {err} Then go on with "
                        f"salt-run pushguide.resume {self.number}"
                    ) from err
                raise
            finally:
                del _driven[self.number]

    def _drive(self, token: int, orchestrate: Callable[[str, dict[str, Any]], Any]) -> str:
        refusal = self._plan_again()
        if refusal:
            return self._end(token, states.ABORTED, refusal)
        self.legs = Legs(
            self.hosts,
            self.plan,
            self.number,
            token,
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
            return self._pause(token, self.halted.reason)
        return self._finish(token, problem)

    def _let_go(self, token: int) -> None:
        """Give the lease up, so that the deployment can be resumed at once."""
        try:
            self.lease.stop()
            self.results.tick()
            self.database.write(lambda one: lock.expire(one, self.number, token))
        except (DatabaseError, LeaseLost) as err:
            log.warning("The lease of #%d is left to run out: %s", self.number, err)

    # The beginning.

    def _take_turn(self) -> int | None:
        """Wait until the deployment may begin or go on; answer with the fencing token.

        None if it has ended.
        """
        said = None
        turn = self.database.write(self._begin)
        while True:
            if not isinstance(turn, str):
                return turn
            if turn != said:
                self.progress.waits(self.number, turn)
            said = turn
            self.hosts.rest(_TURN_SECONDS)
            turn = self.results.patiently(lambda: self.database.write(self._begin))

    def _begin(self, connection: Connection) -> int | str | None:
        """Take the lock and go to running; say what is waited for; None if it has ended."""
        one = record.get(connection, self.number)
        self.plan = Plan.from_dict(one.plan)
        self._age_seconds = (now() - one.created_at).total_seconds()
        self._is_new = one.state not in (states.RUNNING, states.PAUSED)
        if one.state in states.TERMINAL:
            return None
        held = lock.look(connection, one.module, one.environment, update=True)
        is_mine = held is not None and held.deployment_id == self.number
        if held and is_mine and held.is_alive and not self._is_new:
            raise Refused(
                f"Deployment #{self.number} is being driven already, by {held.holder}: watch it "
                f"with salt-run pushguide.show {self.number}."
            )
        if self._is_new:
            waits = self._why_wait(connection, one, held)
            if waits or record.get(connection, self.number).state in states.TERMINAL:
                return waits
        if one.state == states.RUNNING:
            record.reopen_hosts(connection, self.number)
        else:
            if one.state == states.PAUSED:
                record.reopen_hosts(connection, self.number)
            record.change_state(connection, self.number, states.RUNNING)
        token = lock.take(
            connection, one.module, one.environment, self.number, self.pace.lease_seconds
        )
        record.set_token(connection, self.number, token)
        return token

    def _why_wait(
        self, connection: Connection, one: Deployment, held: lock.Held | None
    ) -> str | None:
        """What a deployment that has not begun waits for; None if it may begin, or is aborted."""
        abort = next(
            (each for each in requests.undone(connection, one.id) if each.what == requests.ABORT),
            None,
        )
        if abort:
            record.change_state(connection, one.id, states.ABORTED, f"{abort}, before it began")
            requests.close(connection, one.id, [requests.ABORT])
            lock.release(connection, one.id)
            return None
        if one.state == states.PENDING_APPROVAL:
            raise Refused(
                f"Deployment #{one.id} waits for an approval: salt-run pushguide.approve {one.id}"
            )
        record.wait_on(connection, one.id, self.pace.lease_seconds)
        if one.start_at and one.start_at > now():
            return f"starts at {one.start_at:%Y-%m-%d %H:%M:%S} UTC"
        if one.state == states.SCHEDULED:
            record.change_state(connection, one.id, states.QUEUED)
        if held and held.deployment_id == one.id:
            return None  # It was handed over, or taken at once: nobody else comes before.
        if held and held.deployment_id is not None:
            return f"queued behind #{held.deployment_id}"
        ahead = record.ahead_of(connection, one)
        return f"queued behind #{ahead.id}" if ahead else None

    def _plan_again(self) -> str | None:
        """Plan a deployment anew that has waited; answer with the refusal if it cannot be done."""
        if not self._is_new or self._age_seconds < _STALE_SECONDS:
            return None
        try:
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
            "resumed": not self._is_new,
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

    # The end.

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

    def _finish(self, token: int, problem: str | None) -> str:
        """Put back who stopped half-way, compute the verdict, and cause a rollback if need be."""
        abort = self.asked.first(requests.ABORT) if self.halted else None
        aborted = self.halted.reason if self.halted else None
        if aborted is not None or self.gate.failed():
            self.legs.put_back(self._half_way(), aborted or "the deployment failed")
        rows = self._rows()
        may_fail = 0 if self.plan.kind == "rollback" else self.plan.rollout.max_failures
        state, reason = verdict(rows, problem, may_fail, aborted)
        back = self._rollback(state, rows, bool(abort and abort.options.get("rollback")))
        if isinstance(back, str):
            reason, back = f"{reason}; {back}", None
        return self._end(token, state, reason, back, self._marks(state, rows))

    def _rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.results.patiently(
            lambda: self.database.read(lambda one: record.hosts(one, self.number))
        )
        return rows

    def _half_way(self) -> list[str]:
        """The hosts whose live traffic was touched, and that have neither succeeded nor failed."""
        if not self.plan.share.get("restore_on_failure", True):
            return []
        begun = self.results.patiently(
            lambda: self.database.read(lambda one: record.live_stages_begun(one, self.number))
        )
        return [
            host
            for host, outcome in self.results.outcomes().items()
            if outcome in (UNDER_WAY, INCONCLUSIVE) and host in begun
        ]

    def _rollback(
        self, state: str, rows: list[dict[str, Any]], is_asked: bool
    ) -> Plan | str | None:
        """The plan of the automatic rollback, or why there is none, in words, if one was due."""
        how = "all" if is_asked else self.plan.rollout.auto_rollback
        if how == "never" or (state == states.ABORTED and not is_asked):
            return None
        if state == states.ROLLED_BACK or (state == states.SUCCEEDED and how == "all"):
            return None
        touched = (FAILED, UNKNOWN) if how == "failed_hosts" else (FAILED, UNKNOWN, SUCCEEDED)
        hosts = [row["host"] for row in rows if row["outcome"] in touched and self._went_live(row)]
        if not hosts:
            return None
        try:
            return self.planners.rollback(self.plan, hosts) or (
                "no automatic rollback: nothing good ran before"
            )
        except (Refused, MasterAway) as err:
            return f"no automatic rollback, it was refused: {err}"

    def _went_live(self, row: dict[str, Any]) -> bool:
        """Whether a host may run something else than before the deployment."""
        changed = row["version_after"] != row["version_before"]
        return bool(changed or row["outcome"] == UNKNOWN)

    def _marks(self, state: str, rows: list[dict[str, Any]]) -> str | None:
        """What the end proves of the version, if it proves anything."""
        if state == states.SUCCEEDED:
            return GOOD
        outcomes = {row["outcome"] for row in rows}
        touched = self.results.patiently(
            lambda: self.database.read(lambda one: record.live_stages_begun(one, self.number))
        )
        failed = any(
            row["outcome"] in (FAILED, RESTORED) and row["host"] in touched for row in rows
        )
        is_proven = SUCCEEDED in outcomes or self.plan.kind == "rollback"
        if state in (states.FAILED, states.ROLLED_BACK) and failed and not is_proven:
            return BAD
        return None

    def _end(
        self,
        token: int,
        state: str,
        reason: str | None,
        back: Plan | None = None,
        mark: str | None = None,
    ) -> str:
        """Write the end down, and unlock or hand the lock to the rollback, in one transaction."""

        rolled_back: list[int] = []

        def work(connection: Connection) -> int | None:
            rolled_back.clear()
            one = record.get(connection, self.number)
            held = lock.look(connection, one.module, one.environment, update=True)
            if held is None or held.token != token:
                raise LeaseLost(f"#{self.number} was taken over by another master at its end.")
            record.close_hosts(connection, self.number)
            record.change_state(connection, self.number, state, reason)
            requests.close(connection, self.number, [requests.ABORT, requests.PAUSE])
            if mark:
                self._mark(connection, one, mark, reason)
            if one.cause == record.AUTO_ROLLBACK and state == states.SUCCEEDED:
                rolled_back.extend(self._settle_cause(connection, one))
            if back is None:
                lock.release(connection, self.number, token)
                return None
            heir = record.create(
                connection,
                back,
                one.requested_by,
                states.QUEUED,
                cause=(record.AUTO_ROLLBACK, self.number),
            )
            lock.hand_over(connection, self.number, token, heir, self.pace.lease_seconds)
            return heir

        self.heir = self.results.patiently(lambda: self.database.write(work))
        self.progress.end(self.number, state, reason)
        for cause in rolled_back:
            one = self.database.read(functools.partial(record.get, number=cause))
            tell_state(self.progress.fire, one)
        return state

    def _mark(self, connection: Connection, one: Deployment, mark: str, reason: str | None) -> None:
        """Mark the version; what a person or a success has said is not overwritten by a failure."""
        known = marks.get(connection, one.module, one.environment, one.version)
        if mark == BAD and known and (known.mark == GOOD or known.marked_by != marks.ITSELF):
            return
        if mark == GOOD and known and known.is_bad and known.marked_by != marks.ITSELF:
            return
        short = (reason or "")[:_REASON_AT_MOST]
        why = f"#{one.id} {'succeeded' if mark == GOOD else f'failed: {short}'}"
        marks.put(
            connection, one.module, one.environment, one.version, mark, marks.ITSELF, why, one.id
        )

    def _settle_cause(self, connection: Connection, one: Deployment) -> list[int]:
        """Say of the deployment that caused this rollback that it is rolled back, if it is.

        It is if every host that it had changed has been put back, here or by itself.

        Returns:
            Its number, if it is.
        """
        assert one.cause_id
        cause = record.get(connection, one.cause_id)
        back = {
            row["host"] for row in record.hosts(connection, one.id) if row["outcome"] == SUCCEEDED
        }
        left = [
            row["host"]
            for row in record.hosts(connection, cause.id)
            if row["host"] not in back
            and row["outcome"] not in (RESTORED, NOT_STARTED)
            and self._went_live(row)
        ]
        if cause.state != states.FAILED or left:
            return []
        record.change_state(connection, cause.id, states.ROLLED_BACK)
        return [cause.id]
