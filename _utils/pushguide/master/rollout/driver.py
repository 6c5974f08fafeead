"""Execute: drive a deployment that has been submitted to its end, from wherever it stands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from pushguide.errors import DatabaseError, LeaseLost, Refused
from pushguide.master import states
from pushguide.master.plan import Leg, Plan
from pushguide.master.rollout import result
from pushguide.master.rollout.jobs import Hosts, Listener, Return
from pushguide.master.rollout.progress import Progress
from pushguide.master.rollout.verdict import verdict, what_failed
from pushguide.master.store import lock, record
from pushguide.master.store.database import Database
from pushguide.words import (
    FAILED,
    GOOD_OUTCOMES,
    RESTORED,
    STAGES,
    SUCCEEDED,
    UNDER_WAY,
    UNKNOWN,
)

log = logging.getLogger(__name__)

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


class Driver:
    """Drives one deployment while its lease is held.

    Args:
        database: the record.
        hosts: the way to the hosts.
        write: the custom returner's function that puts a host's result into the record.
        progress: where progress is told.
        number: the deployment.
        lease_seconds: how long it stays reserved if this process dies.
    """

    def __init__(
        self,
        database: Database,
        hosts: Hosts,
        write: Callable[[dict[str, Any]], None],
        progress: Progress,
        number: int,
        lease_seconds: int,
    ) -> None:
        self.database = database
        self.hosts = hosts
        self.write = write
        self.progress = progress
        self.number = number
        self.lease_seconds = lease_seconds
        self.lease: lock.Lease | None = None
        self.trouble: DatabaseError | None = None
        self.told: set[str] = set()
        self.plan: Plan

    def drive(self, orchestrate: Callable[[str, dict[str, Any]], Any]) -> str:
        """Bring the deployment to an end.

        Args:
            orchestrate: runs an orchestration file with a pillar.

        Returns:
            The deployment's state.

        Raises:
            LeaseLost: another master drives it now.
        """
        token = self.database.write(self._begin)
        if token is None:
            return self.database.read(lambda one: record.get(one, self.number)).state
        with lock.Lease(self.database, self.number, token, self.lease_seconds) as self.lease:
            _driven[self.number] = self
            try:
                self.progress.begin(self.number, self.plan)
                problem = self._orchestrate(orchestrate)
                self.lease.demand()
                if self.trouble:
                    raise self.trouble
                return self._finish(token, problem)
            except BaseException as err:
                self._let_go(token)
                if isinstance(err, DatabaseError):
                    raise DatabaseError(
                        f"Deployment #{self.number} stands where it is: {err} Then go on with "
                        f"salt-run pushguide.resume {self.number}"
                    ) from err
                raise
            finally:
                del _driven[self.number]

    def _let_go(self, token: int) -> None:
        """Give the lease up, so that the deployment can be resumed at once."""
        try:
            self.database.write(lambda one: lock.expire(one, self.number, token))
        except DatabaseError as err:
            log.warning("The lease of #%d is left to run out: %s", self.number, err)

    def _begin(self, connection: Any) -> int | None:
        """Take the lock, and go to running; None if the deployment has ended already."""
        deployment = record.get(connection, self.number)
        self.plan = Plan.from_dict(deployment.plan)
        if deployment.state in states.TERMINAL:
            return None
        held = lock.look(connection, deployment.module, deployment.environment, update=True)
        if held and held.is_alive and deployment.state == states.RUNNING:
            raise Refused(
                f"Deployment #{self.number} is being driven already, by {held.holder}: watch it "
                f"with salt-run pushguide.show {self.number}."
            )
        if deployment.state == states.RUNNING:
            record.reopen_hosts(connection, self.number)
        else:
            record.change_state(connection, self.number, states.RUNNING)
        token = lock.take(
            connection, deployment.module, deployment.environment, self.number, self.lease_seconds
        )
        record.set_token(connection, self.number, token)
        return token

    def _orchestrate(self, orchestrate: Callable[[str, dict[str, Any]], Any]) -> str | None:
        """Run the orchestration file; answer with what went wrong in it, if anything did."""
        order = {
            "deployment": self.number,
            "module": self.plan.module,
            "environment": self.plan.environment,
            "version": self.plan.version,
            "kind": self.plan.kind,
            "legs": [{"stages": leg.stages, "batch": leg.batch} for leg in self.plan.legs()],
        }
        try:
            answer = orchestrate(self.plan.orchestration, {"pushguide": {"order": order}})
        except (LeaseLost, DatabaseError):
            raise
        except Exception as err:
            log.exception("The orchestration %s of #%d", self.plan.orchestration, self.number)
            return f"the orchestration {self.plan.orchestration} failed: {err}"
        return what_failed(self.plan.orchestration, answer, self.told)

    # The stages, as the state pushguide.stage asks for them.

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
            self.told.add(comment)
            return may_go_on, comment
        except DatabaseError as err:
            # The state that called us only reports it; the deployment has to stop for it.
            self.trouble = err
            raise

    def _run_legs(self, legs: list[Leg], stages: list[str]) -> tuple[bool, str]:
        for leg in legs:
            failed = self._failed()
            if failed:
                return False, f"not started: {', '.join(failed)} did not succeed"
            self._run_leg(leg)
        failed = self._failed()
        if failed:
            return False, f"did not succeed: {', '.join(failed)}"
        return True, f"{', '.join(stages)} succeeded"

    def _run_leg(self, leg: Leg) -> None:
        assert self.lease
        self.lease.demand()
        outcomes = self._outcomes()
        wanted = [
            host
            for host in self.plan.hosts_in(leg.batch)
            if outcomes[host] not in (SUCCEEDED, FAILED, RESTORED)
        ]
        if not wanted:
            return
        self.progress.leg(leg, wanted)
        share = self.plan.share_for(self.number, self.lease.token)
        listener = Listener(
            on_return=lambda one: self._take(one, leg),
            on_report=lambda host, data: self._tell(host, data),
            on_tick=self.lease.demand,
        )
        lost = self.hosts.follow(
            wanted,
            f"pushguide_{self.plan.type}.run",
            {"share": share.to_dict(), "stages": leg.stages},
            listener,
            timeout=self.plan.stage_timeout_seconds,
            report_tag=f"pushguide/report/{self.number}",
        )
        if lost:
            self._settle(lost, leg)

    def _tell(self, host: str, data: Mapping[str, Any]) -> None:
        """Pass on a host's progress; it is a word about that host, and nothing else."""
        assert self.lease
        if data.get("token") == self.lease.token and isinstance(data.get("reports"), list):
            self.progress.reports(host, data["reports"])

    def _take(self, returned: Return, leg: Leg) -> None:
        """Write down what a host returned, the moment it arrives."""
        value = result.read(returned.value, self.number, self.plan)
        if value is None:
            self._note(returned.host, FAILED, f"its job answered {str(returned.value)[:2000]!r}")
            return
        outcome = value["outcome"]
        if outcome in GOOD_OUTCOMES:
            outcome = SUCCEEDED if leg.stages[-1] == STAGES[-1] else UNDER_WAY
        if outcome == SUCCEEDED and value["live"] != self.plan.version:
            outcome = FAILED
            value["error"] = f"it reports success, but {value['live'] or 'nothing'} is live there"
        self.write({"id": returned.host, "return": value, "outcome": outcome})
        self.progress.host(returned.host, outcome, value.get("error"), value["stages"])

    def _settle(self, lost: list[str], leg: Leg) -> None:
        """Ask the journals of hosts that did not return; what they don't say stays unknown."""
        answers = self.hosts.ask(
            lost,
            "pushguide.result",
            {
                "module": self.plan.module,
                "environment": self.plan.environment,
                "deployment": self.number,
            },
            self.hosts.silence_seconds,
        )
        for host in lost:
            found = answers.get(host)
            told = result.read(found.value, self.number, self.plan) if found else None
            if found and told and _covers(told, leg):
                self._take(found, leg)
            else:
                error = f"it did not answer in {', '.join(leg.stages)}; its journal knows more"
                self._note(host, UNKNOWN, error)

    def _note(self, host: str, outcome: str, error: str) -> None:
        """Write down how a host stands that has not told us itself."""
        self.database.write(lambda one: record.set_outcome(one, self.number, host, outcome, error))
        self.progress.host(host, outcome, error, [])

    def _outcomes(self) -> dict[str, str]:
        rows = self.database.read(lambda one: record.hosts(one, self.number))
        return {row["host"]: row["outcome"] for row in rows}

    def _failed(self) -> list[str]:
        return [
            host
            for host, outcome in self._outcomes().items()
            if outcome in (FAILED, RESTORED, UNKNOWN)
        ]

    # The end.

    def _finish(self, token: int, problem: str | None) -> str:
        """Compute the verdict from the hosts that were expected, write it down, and unlock."""
        rows = self.database.read(lambda one: record.hosts(one, self.number))
        state, reason = verdict(rows, problem)

        def work(connection: Any) -> None:
            held = lock.look(connection, self.plan.module, self.plan.environment, update=True)
            if held is None or held.token != token:
                raise LeaseLost(f"#{self.number} was taken over by another master at its end.")
            record.close_hosts(connection, self.number)
            record.change_state(connection, self.number, state, reason)
            lock.release(connection, self.number, token)

        self.database.write(work)
        self.progress.end(self.number, state, reason)
        return state


def _covers(told_result: Mapping[str, Any], leg: Leg) -> bool:
    """Whether a journal tells how all stages of a leg ended, or how one of them failed."""
    told = {one["stage"] for one in told_result["stages"]}
    return told_result["outcome"] not in GOOD_OUTCOMES or set(leg.stages) <= told
