"""The ending of a deployment: the verdict, what goes back by itself, and what is written down."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import LeaseLost, MasterAway, Refused
from pushguide.master import states
from pushguide.master.plan import Plan
from pushguide.master.rollout.gates import Gate, Halted, Requests
from pushguide.master.rollout.legs import Legs
from pushguide.master.rollout.progress import Progress, tell_state
from pushguide.master.rollout.results import Results
from pushguide.master.rollout.verdict import verdict
from pushguide.master.store import host_results, lock, marks, record, requests
from pushguide.master.store.database import Database
from pushguide.master.store.record import Deployment
from pushguide.words import (
    BAD,
    FAILED,
    GOOD,
    INCONCLUSIVE,
    LIVE_STAGES,
    NOT_STARTED,
    RESTORED,
    SUCCEEDED,
    UNDER_WAY,
    UNKNOWN,
)

#: A mark tells the beginning of a reason; the deployment has all of it.
_REASON_AT_MOST = 250


@dataclass(frozen=True)
class Ended:
    """How a deployment ended.

    Attributes:
        state: its state.
        heir: the rollback that its end has caused, to be driven next.
    """

    state: str
    heir: int | None = None


class Ending:
    """Brings one deployment to its end.

    Args:
        database: the record.
        number: the deployment.
        token: the fencing token under which it is driven.
        plan: its plan.
        results: the way of results into the record.
        progress: where progress is told.
        lease_seconds: how long a rollback that it causes stays reserved.
    """

    def __init__(
        self,
        database: Database,
        number: int,
        token: int,
        plan: Plan,
        results: Results,
        progress: Progress,
        lease_seconds: int,
    ) -> None:
        self.database = database
        self.number = number
        self.token = token
        self.plan = plan
        self.results = results
        self.progress = progress
        self.lease_seconds = lease_seconds

    def finish(
        self,
        problem: str | None,
        halted: Halted | None,
        asked: Requests,
        gate: Gate,
        legs: Legs,
        plan_rollback: Callable[[Plan, list[str]], Plan | None],
    ) -> Ended:
        """Put back who stopped half-way, compute the verdict, and cause a rollback if need be.

        Args:
            problem: what went wrong in the orchestration beside the hosts, if anything.
            halted: that somebody has aborted it, if somebody has.
            asked: what people ask.
            gate: knows whether too many hosts have failed.
            legs: the way to put hosts back.
            plan_rollback: plans the automatic rollback of hosts.
        """
        abort = asked.first(requests.ABORT) if halted else None
        aborted = halted.reason if halted else None
        if aborted is not None or gate.failed():
            legs.put_back(self._half_way(), aborted or "the deployment failed")
        rows = self._rows()
        may_fail = 0 if self.plan.kind == "rollback" else self.plan.rollout.max_failures
        state, reason = verdict(rows, problem, may_fail, aborted)
        is_asked = bool(abort and abort.options.get("rollback"))
        back = self._rollback(state, rows, is_asked, plan_rollback)
        if isinstance(back, str):
            reason, back = f"{reason}; {back}", None
        return self.write(state, reason, back, self._marks(state, rows))

    def _rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.results.patiently(
            lambda: self.database.read(lambda one: host_results.hosts(one, self.number))
        )
        return rows

    def _half_way(self) -> list[str]:
        """The hosts whose live traffic was touched, and that have neither succeeded nor failed."""
        if not self.plan.share.get("restore_on_failure", True):
            return []
        begun = self.results.patiently(
            lambda: self.database.read(lambda one: host_results.live_stages_begun(one, self.number))
        )
        return [
            host
            for host, outcome in self.results.outcomes().items()
            if outcome in (UNDER_WAY, INCONCLUSIVE) and host in begun
        ]

    def _rollback(
        self,
        state: str,
        rows: list[dict[str, Any]],
        is_asked: bool,
        plan_rollback: Callable[[Plan, list[str]], Plan | None],
    ) -> Plan | str | None:
        """The plan of the automatic rollback, or why there is none, in words, if one was due."""
        how = "all" if is_asked else self.plan.rollout.auto_rollback
        if how == "never" or (state == states.ABORTED and not is_asked):
            return None
        if state == states.ROLLED_BACK or (state == states.SUCCEEDED and how == "all"):
            return None
        hosts = [row["host"] for row in rows if self._has_to_go_back(row, how)]
        if not hosts:
            return None
        try:
            return plan_rollback(self.plan, hosts) or (
                "no automatic rollback: nothing good ran before"
            )
        except (Refused, MasterAway) as err:
            return f"no automatic rollback, it was refused: {err}"

    def _has_to_go_back(self, row: dict[str, Any], how: str) -> bool:
        """Whether an automatic rollback is for a host.

        One that went back by itself runs what it ran before, and that may not be the version that
        the template names.
        """
        if row["outcome"] == RESTORED:
            return how == "all" and self.plan.rollout.rollback_to is not None
        touched = (FAILED, UNKNOWN) if how == "failed_hosts" else (FAILED, UNKNOWN, SUCCEEDED)
        return row["outcome"] in touched and self._went_live(row)

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
            lambda: self.database.read(
                lambda one: host_results.live_stages_begun(one, self.number, LIVE_STAGES[1:])
            )
        )
        failed = any(
            row["outcome"] in (FAILED, RESTORED) and row["host"] in touched for row in rows
        )
        is_proven = SUCCEEDED in outcomes or self.plan.kind == "rollback"
        if state in (states.FAILED, states.ROLLED_BACK) and failed and not is_proven:
            return BAD
        return None

    def write(
        self,
        state: str,
        reason: str | None,
        back: Plan | None = None,
        mark: str | None = None,
    ) -> Ended:
        """Write the end down, and unlock or hand the lock to the rollback, in one transaction."""

        rolled_back: list[int] = []

        def work(connection: Connection) -> int | None:
            rolled_back.clear()
            one = record.get(connection, self.number)
            held = lock.look(connection, one.module, one.environment, update=True)
            if held is None or held.token != self.token:
                raise LeaseLost(f"#{self.number} was taken over by another master at its end.")
            host_results.close_hosts(connection, self.number)
            record.change_state(connection, self.number, state, reason)
            every = [requests.ABORT, requests.PAUSE, requests.CONFIRM]
            requests.close(connection, self.number, every)
            if mark:
                self._mark(connection, one, mark, reason)
            if one.cause == record.AUTO_ROLLBACK and state == states.SUCCEEDED:
                rolled_back.extend(self._settle_cause(connection, one))
            if back is None:
                lock.release(connection, self.number, self.token)
                return None
            heir = record.create(
                connection,
                back,
                one.requested_by,
                states.QUEUED,
                cause=(record.AUTO_ROLLBACK, self.number),
            )
            lock.hand_over(connection, self.number, self.token, heir, self.lease_seconds)
            return heir

        heir = self.results.patiently(lambda: self.database.write(work))
        self.progress.end(self.number, state, reason)
        for cause in rolled_back:
            one = self.database.read(functools.partial(record.get, number=cause))
            tell_state(self.progress.fire, one)
        return Ended(state, heir)

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
            row["host"]
            for row in host_results.hosts(connection, one.id)
            if row["outcome"] == SUCCEEDED
        }
        left = [
            row["host"]
            for row in host_results.hosts(connection, cause.id)
            if row["host"] not in back
            and row["outcome"] not in (RESTORED, NOT_STARTED)
            and self._went_live(row)
        ]
        if cause.state != states.FAILED or left:
            return []
        record.change_state(connection, cause.id, states.ROLLED_BACK)
        return [cause.id]
