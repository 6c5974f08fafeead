"""Legs: one job on the hosts of a batch, from its publication to what became of every host."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pushguide.master.plan import Leg, Plan
from pushguide.master.rollout import result
from pushguide.master.rollout.gates import Requests
from pushguide.master.rollout.jobs import Hosts, Listener, Return
from pushguide.master.rollout.progress import Progress
from pushguide.master.rollout.results import Results
from pushguide.master.store import requests
from pushguide.words import (
    AWAIT_CONFIRMATION,
    FAILED,
    GOOD_OUTCOMES,
    LIVE_STAGES,
    RESTORE,
    STAGES,
    SUCCEEDED,
    UNDER_WAY,
    UNKNOWN,
)

#: How often a host is told again what it may not have heard, in seconds.
_TELL_AGAIN_SECONDS = 5.0
#: How long a job that is told to stop may take to its next step before it is killed, in seconds.
_STOP_GRACE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 1.0


class Legs:
    """Runs the legs of one deployment.

    Args:
        hosts: the way to the hosts.
        plan: the plan.
        number: the deployment.
        token: the fencing token under which it is driven.
        results: the way into the record.
        progress: where progress is told.
        asked: what people ask meanwhile.
        alive: called at least once a second; raises if the deployment is no longer ours.
    """

    def __init__(
        self,
        hosts: Hosts,
        plan: Plan,
        number: int,
        token: int,
        results: Results,
        progress: Progress,
        asked: Requests,
        alive: Callable[[], None],
    ) -> None:
        self.hosts = hosts
        self.plan = plan
        self.number = number
        self.token = token
        self.results = results
        self.progress = progress
        self.asked = asked
        self.alive = alive
        self.waiting: set[str] = set()
        self.unconfirmed: set[str] = set()
        self.broken: dict[str, str] = {}
        self._tell_at = 0.0

    def run(self, leg: Leg, wanted: Sequence[str]) -> None:
        """Bring hosts through the stages of a leg; every one of them has an outcome then."""
        self._run(leg, wanted, "", may_send_again=True)

    def put_back(self, hosts: Sequence[str], reason: str) -> None:
        """Let hosts that stopped half-way go back to what ran before."""
        if hosts:
            self._run(Leg([RESTORE], 0), hosts, reason, may_send_again=False)

    def _run(self, leg: Leg, wanted: Sequence[str], reason: str, may_send_again: bool) -> None:
        ends_at = time.monotonic() + self.plan.stage_timeout_seconds
        self.progress.leg(leg, [*wanted])
        share = self.plan.share_for(self.number, self.token, reason, wanted)
        self.waiting, self.unconfirmed, self.broken = {*wanted}, set(), {}
        self.asked.forget(requests.CONFIRM)
        missing = self.hosts.follow(
            wanted,
            f"pushguide_{self.plan.type}.run",
            {"share": share.to_dict(), "stages": leg.stages},
            Listener(
                on_return=lambda one: self._take(one, leg),
                on_report=self._tell,
                on_tick=self._tick,
            ),
            timeout=self.plan.stage_timeout_seconds,
            report_tag=f"pushguide/report/{self.number}",
        )
        self.waiting = set()
        if self.broken:
            self._look_at_broken()
        if missing.overdue:
            self._stop_overdue(missing.overdue, leg)
        if missing.lost:
            self._recover(missing.lost, leg, ends_at, may_send_again)
        self.results.settle()

    # While the job runs.

    def _tick(self) -> None:
        self.alive()
        self.results.tick()
        abort = self.asked.first(requests.ABORT)
        confirmed = self.plan.rollout.confirmed_by == "master" or self.asked.first(requests.CONFIRM)
        if time.monotonic() < self._tell_at or not (abort or (confirmed and self.unconfirmed)):
            return
        self._tell_at = time.monotonic() + _TELL_AGAIN_SECONDS
        if abort:
            self.hosts.tell(sorted(self.waiting), "pushguide.stop", self._named(reason=str(abort)))
        else:
            by = str(confirmed) if confirmed is not True else "its master"
            self.hosts.tell(sorted(self.unconfirmed), "pushguide.confirm", self._named(by=by))

    def _named(self, **more: Any) -> dict[str, Any]:
        """The arguments by which a host knows the deployment."""
        return {
            "module": self.plan.module,
            "environment": self.plan.environment,
            "deployment": self.number,
            "token": self.token,
            **more,
        }

    def _tell(self, host: str, data: Mapping[str, Any]) -> None:
        """Pass on a host's progress; it is a word about that host, and nothing else."""
        if data.get("token") != self.token:
            return
        reports = result.reports(data.get("reports"))
        if any(one.get("step") == AWAIT_CONFIRMATION for one in reports):
            self.unconfirmed.add(host)
        if reports:
            self.progress.reports(host, reports)

    def _take(self, returned: Return, leg: Leg) -> None:
        """Take what a host returned, the moment it arrives."""
        self.waiting.discard(returned.host)
        self.unconfirmed.discard(returned.host)
        value = result.read(returned.value, self.number, self.plan)
        if value is None:
            error = self.broken[returned.host] = f"its job answered {str(returned.value)[:2000]!r}"
            self._note(returned.host, FAILED, error)
            return
        outcome = value["outcome"]
        if outcome in GOOD_OUTCOMES:
            outcome = SUCCEEDED if leg.stages[-1] == STAGES[-1] else UNDER_WAY
        if outcome == SUCCEEDED and value["live"] != self.plan.version:
            outcome = FAILED
            value["error"] = f"it reports success, but {value['live'] or 'nothing'} is live there"
        self.results.put(returned.host, {**value, "token": self.token}, outcome)
        self.progress.host(returned.host, outcome, value.get("error"), value["stages"])

    def _note(self, host: str, outcome: str, error: str, told: object = None) -> None:
        """Take how a host stands that has not told so itself.

        Args:
            host: the host.
            outcome: how it stands.
            error: why.
            told: what its journal told, where it was asked: it knows what is live there.
        """
        live = result.live(told, self.number, self.plan)
        self.results.note(host, outcome, error, self.token, live)
        self.progress.host(host, outcome, error, [])

    # What becomes of hosts that did not return.

    def _stop_overdue(self, overdue: list[str], leg: Leg) -> None:
        """Stop jobs that outlive their bound, on the hosts, and go back to what ran before."""
        bound = f"{self.plan.stage_timeout_seconds:g} s"
        reason = f"{', '.join(leg.stages)} took longer than {bound} (stage_timeout_seconds)"
        stopped = self.hosts.ask(
            overdue,
            "pushguide.stop",
            self._named(reason=reason, kill_after_seconds=_STOP_GRACE_SECONDS),
            _STOP_GRACE_SECONDS + self.hosts.silence_seconds,
        )
        told = {
            host: result.read(one.value, self.number, self.plan) for host, one in stopped.items()
        }
        half_way = []
        for host in overdue:
            answer = told.get(host)
            if host not in stopped:
                self._note(host, UNKNOWN, f"{reason}, and it does not answer")
            elif answer and (answer["outcome"] not in GOOD_OUTCOMES or _covers(answer, leg)):
                self._take(stopped[host], leg)
            else:
                error = f"{reason}, and it was stopped there"
                self._note(host, FAILED, error, stopped[host].value)
                half_way.append(host)
        self._put_back_from(leg, half_way, reason)

    def _recover(self, lost: list[str], leg: Leg, ends_at: float, may_send_again: bool) -> None:
        """Ask the journals of hosts that did not return; what they don't say stays unknown.

        One that comes back with its stages undone, after a reboot for instance, is sent the job
        once more: its steps are made to be repeated.
        """
        stages = ", ".join(leg.stages)
        for host in lost:
            self._note(host, UNKNOWN, f"it did not answer in {stages}; its journal knows more")
        waiting, undone = {*lost}, dict[str, Any]()
        deadline = time.monotonic() + self.plan.rollout.return_within_seconds
        while waiting and time.monotonic() < deadline:
            left = max(deadline - time.monotonic(), 1.0)
            answers = self.hosts.ask(
                sorted(waiting),
                "pushguide.result",
                {key: one for key, one in self._named().items() if key != "token"},
                min(self.hosts.silence_seconds, left),
            )
            for host, found in answers.items():
                if isinstance(found.value, Mapping) and found.value.get("busy"):
                    deadline = max(deadline, min(ends_at, time.monotonic() + left))
                    continue
                waiting.discard(host)
                told = result.read(found.value, self.number, self.plan)
                if told and _covers(told, leg):
                    self._take(found, leg)
                else:
                    undone[host] = found.value
            self._tick()
            if waiting:
                self.hosts.rest(_LOOK_AGAIN_SECONDS)
        if not undone:
            return
        if may_send_again and not self.asked.first(requests.ABORT):
            self._run(leg, [*undone], "", may_send_again=False)
            return
        for host, journal in undone.items():
            error = f"its job broke off in {stages}: the host or its minion died"
            self._note(host, FAILED, error, journal)
        self._put_back_from(leg, [*undone], f"the job broke off in {stages}")

    def _look_at_broken(self) -> None:
        """Ask hosts whose job broke down without an answer of ours what is live there."""
        asked = {key: one for key, one in self._named().items() if key != "token"}
        answers = self.hosts.ask(
            [*self.broken], "pushguide.result", asked, self.hosts.silence_seconds
        )
        for host, found in answers.items():
            live = result.live(found.value, self.number, self.plan)
            self.results.note(host, FAILED, self.broken[host], self.token, live)

    def _put_back_from(self, leg: Leg, hosts: list[str], reason: str) -> None:
        """Let hosts go back that a leg has left half-way, if it can have touched live traffic."""
        is_live = any(stage in LIVE_STAGES for stage in leg.stages)
        if is_live and self.plan.share.get("restore_on_failure", True):
            self.put_back(hosts, reason)


def _covers(told_result: Mapping[str, Any], leg: Leg) -> bool:
    """Whether a journal tells how all stages of a leg ended, or how one of them failed."""
    if told_result["outcome"] is None:
        return False
    told = {one["stage"] for one in told_result["stages"]}
    return told_result["outcome"] not in GOOD_OUTCOMES or {*leg.stages} <= told
