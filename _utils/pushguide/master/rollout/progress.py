"""Progress: what is told while a deployment runs, to people and to machines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from pushguide.master.plan import Leg, Plan
from pushguide.master.states import RUNNING
from pushguide.master.store.record import Deployment
from pushguide.words import SUCCEEDED, UNDER_WAY

#: An event tells the beginning of an error; pushguide.show tells all of it.
_ERROR_AT_MOST = 1000


class Progress:
    """Tells machines: events on the master's bus, made by this side out of what it checked.

    Every event carries the deployment's number, module and environment.

    Args:
        fire: sends an event: data, then tag.
    """

    def __init__(self, fire: Callable[[dict[str, Any], str], Any]) -> None:
        self.fire = fire
        self.number = 0
        self.header: dict[str, Any] = {}
        self.subject: dict[str, Any] = {}
        self.batches = 0

    def about(self, number: int, plan: Plan) -> None:
        """Take up a deployment: everything that is told is about it."""
        self.number = number
        self.header = {
            "deployment": number,
            "module": plan.module,
            "environment": plan.environment,
        }
        self.subject = {"kind": plan.kind, "version": plan.version}
        self.batches = len(plan.batches)

    def begin(self, number: int, plan: Plan) -> None:
        """A deployment runs."""
        self.about(number, plan)
        self._fire("state", **self.subject, state=RUNNING, reason=None)

    def waits(self, number: int, reason: str) -> None:
        """A deployment waits for its turn."""
        self._fire("waits", reason=reason)

    def leg(self, leg: Leg, hosts: list[str]) -> None:
        """A batch of hosts goes through stages."""
        self._fire(
            "batch", batch=leg.batch, batches=self.batches, stages=leg.stages, hosts=len(hosts)
        )

    def reports(self, host: str, reports: list[dict[str, Any]]) -> None:
        """A host tells about its stages and steps while it works."""
        self._fire(f"host/{host}/progress", reports=reports)

    def host(
        self, host: str, outcome: str, error: str | None, stages: list[Mapping[str, Any]]
    ) -> None:
        """A host has returned, or is lost."""
        told = {
            one["stage"]: {
                "outcome": one["outcome"],
                "steps": {step["name"]: step["outcome"] for step in one["steps"]},
            }
            for one in stages
        }
        short = error[:_ERROR_AT_MOST] if error else None
        self._fire(f"host/{host}", outcome=outcome, error=short, stages=told)

    def end(self, number: int, state: str, reason: str | None) -> None:
        """The deployment has ended, or stands still."""
        self._fire("state", **self.subject, state=state, reason=reason)

    def _fire(self, what: str, **data: Any) -> None:
        header = {**self.header, "deployment": self.number}
        self.fire({**header, **data}, f"pushguide/deployment/{self.number}/{what}")


def tell_state(fire: Callable[[dict[str, Any], str], Any], one: Deployment) -> None:
    """Tell machines what a deployment has become that nobody drives.

    Args:
        fire: sends an event: data, then tag.
        one: the deployment.
    """
    told = {
        "deployment": one.id,
        "module": one.module,
        "environment": one.environment,
        "kind": one.kind,
        "version": one.version,
        "state": one.state,
        "reason": one.reason,
    }
    fire(told, f"pushguide/deployment/{one.id}/state")


class TerminalProgress(Progress):
    """Tells a person at a terminal too, line by line.

    Args:
        fire: sends an event: data, then tag.
        out: where the lines go; standard error, so that standard output stays data.
    """

    def __init__(
        self, fire: Callable[[dict[str, Any], str], Any], out: TextIO | None = None
    ) -> None:
        super().__init__(fire)
        self.out = out or sys.stderr
        self._running: dict[str, str] = {}

    def begin(self, number: int, plan: Plan) -> None:
        """One line about the deployment."""
        super().begin(number, plan)
        self._say(
            f"#{number}: {plan.kind} {plan.module} {plan.version} to {plan.environment}, "
            f"{counted(len(plan.hosts))}"
        )

    def waits(self, number: int, reason: str) -> None:
        """One line about what it waits for."""
        super().waits(number, reason)
        self._say(f"#{number}: {reason}")

    def leg(self, leg: Leg, hosts: list[str]) -> None:
        """One line about the stages that begin."""
        super().leg(leg, hosts)
        which = f"batch {leg.batch} of {self.batches}" if leg.batch else "all"
        self._say(f"  {' > '.join(leg.stages)}: {which} ({counted(len(hosts))})")

    def reports(self, host: str, reports: list[dict[str, Any]]) -> None:
        """One line for a step that a host is still at."""
        super().reports(host, reports)
        last = reports[-1]
        if last.get("step") and last.get("outcome") == "running":
            self._say(f"    {host}: {last.get('stage')}: {last['step']} ...")

    def host(
        self, host: str, outcome: str, error: str | None, stages: list[Mapping[str, Any]]
    ) -> None:
        """One line for each host that returned."""
        super().host(host, outcome, error, stages)
        seconds = sum(float(one.get("seconds") or 0) for one in stages)
        done = SUCCEEDED if outcome == UNDER_WAY else outcome
        self._say(f"    {host}: {done} in {seconds:.1f} s{': ' + error if error else ''}")

    def end(self, number: int, state: str, reason: str | None) -> None:
        """One line about the end."""
        super().end(number, state, reason)
        self._say(f"#{number}: {state}{': ' + reason if state == 'paused' and reason else ''}")

    def _say(self, line: str) -> None:
        # A host's words may hold anything: no control character reaches the terminal.
        print("".join(one if one.isprintable() else "?" for one in line), file=self.out, flush=True)


def counted(hosts: int) -> str:
    """A number of hosts, in words."""
    return f"{hosts} host" if hosts == 1 else f"{hosts} hosts"
