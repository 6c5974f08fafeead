"""Injections: deployments caught at their points by one fault, and what becomes of them."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.faults.checks import (
    ENDED,
    NEW,
    OLD,
    check_recovered,
    check_settled,
    files_of,
    is_busy,
    lease_is_over,
    outcomes,
)
from tests.faults.ledger import Entry
from tests.support.salt_lab import Lab
from tests.support.waiting import wait_until

_END_WITHIN_SECONDS = 120

#: All stages travel as one job: the others have ended when the victim is held.
STRATEGY = {"prepare": "with_release", "return_within_seconds": 20}


class Injection:
    """One deployment of 1.1.0 over 1.0.0 that is caught at a point on one of its hosts.

    Args:
        lab: the lab.
        entry: its entry in the ledger.
        victim: the host that is held there.
        gate: the gate that holds it; the point itself if not given.
        others: the outcome that the others have in the record when the fault strikes.
        hosts: the module's hosts; the usual ones if not given.
        template: more of the module's template.
    """

    def __init__(
        self,
        lab: Lab,
        entry: Entry,
        victim: str,
        gate: str | None = None,
        others: str = "succeeded",
        hosts: list[str] | None = None,
        **template: Any,
    ) -> None:
        self.lab = lab
        self.entry = entry
        self.victim = victim
        self.gate = gate or entry.point
        self.others = others
        self.hosts = hosts or lab.minions
        self.name = re.sub(r"\W+", "-", f"{entry.target}-{entry.point}")
        given = {"type": "gated", "strategy": STRATEGY, **template}
        self.module = lab.define(self.name, hosts=self.hosts, **given)
        for version in (OLD, NEW):
            self.module.publish_one(version, files_of(version))
        self.number = 0
        self.process: subprocess.Popen[str]
        self.injected_at = 0.0

    def deploy_old(self) -> None:
        """Bring 1.0.0 to all hosts."""
        answer = self.module.deploy(OLD)
        assert answer.returncode == 0, answer
        for host in self.hosts:
            for one in self.gates(host).iterdir():
                one.unlink()

    def gates(self, host: str) -> Path:
        """Where the gates of a host are."""
        return self.module.root(host) / "gates"

    def shut(self) -> None:
        """Let the victim be held."""
        self.sign(f"stop-at-{self.gate}").touch()

    def open(self) -> None:
        """Hold the victim no more."""
        self.sign(f"stop-at-{self.gate}").unlink()

    def sign(self, name: str) -> Path:
        """A sign for the victim."""
        return self.gates(self.victim) / name

    def wait_at(self, point: str) -> None:
        """Wait until the victim has reached a point."""
        wait_until(self.sign(f"at-{point}").exists, f"{point} on {self.victim}")

    def wait_for_end_on_victim(self) -> None:
        """Wait until the victim's job has ended."""
        wait_until(lambda: self.has_ended_on(self.victim), f"the end of {self.victim}'s job")

    @contextmanager
    def deploying(self) -> Iterator[None]:
        """Deploy 1.1.0, with the victim held at its gate and all others through."""
        self.shut()
        before = self.lab.last_number(self.module)
        arguments = {"module": self.name, "version": NEW}
        with self.lab.running("pushguide.deploy", **arguments) as self.process:
            self.wait_at(self.gate)
            self.number = self.lab.last_number(self.module)
            assert self.number > before
            self.wait_for_others()
            yield

    def wait_for_others(self) -> None:
        """Wait until the record says of all but the victim that they are done."""
        others = {host: self.others for host in self.hosts if host != self.victim}
        wait_until(
            lambda: others.items() <= outcomes(self.lab, self.number).items(),
            "the end on the other hosts",
        )

    def has_ended_on(self, host: str) -> bool:
        """Whether the host's job of this deployment has ended."""
        journal = self.module.journal(host)
        return bool(
            journal["deployment"] == self.number
            and journal["outcome"]
            and not is_busy(self.lab, self.module, host)
        )

    def settle(self) -> None:
        """Wait until nothing goes on any more, then check."""
        self.process.communicate(timeout=_END_WITHIN_SECONDS)
        wait_until(
            lambda: not any(is_busy(self.lab, self.module, host) for host in self.hosts),
            "the end of all jobs",
        )
        wait_until(lambda: lease_is_over(self.lab, self.module), "the end of the lease")
        self.entry.state = self.lab.state(self.number)
        check_settled(self.lab, self.module, self.number, self.entry)

    def recover(self) -> None:
        """Bring the deployment to its end, as a person would, then check."""
        state = self.entry.state
        if state == "succeeded":
            self.entry.recovered = "itself"
        else:
            self.entry.recovered = "retry" if state in ENDED else "resume"
            self._recover_by(self.entry.recovered)
        self.entry.seconds = time.monotonic() - self.injected_at
        check_recovered(self.lab, self.module, self.number, self.entry, self.hosts)

    def _recover_by(self, how: str) -> None:
        answer = self.lab.run(f"pushguide.{how}", None, str(self.number))
        if not isinstance(answer.data, dict) or "deployment" not in answer.data:
            self.entry.lost.append(f"{how} answered {answer}")
            return
        told = outcomes(self.lab, self.number)
        self.number = int(answer.data["deployment"])
        left = {host for host, outcome in told.items() if outcome != "succeeded"}
        if how == "retry" and {*outcomes(self.lab, self.number)} != left:
            self.entry.wrong.append(f"it was retried on others than {sorted(left)}")


class Fault:
    """Something that is killed or cut, and restored.

    Args:
        lab: the lab.
    """

    target = ""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def injection(self, entry: Entry, victim: str) -> Injection:
        """The deployment that is caught at a point."""
        return Injection(self.lab, entry, victim)

    def strike(self, caught: list[Injection]) -> None:
        """Kill or cut."""
        raise NotImplementedError

    def restore(self, caught: list[Injection]) -> None:
        """Bring back what was killed or cut; the gates are open by now."""

    def close(self) -> None:
        """Let everything run that is to run, whatever has come of it."""
        if not self.lab.master.is_running():
            self.lab.restart_master()
        for host in self.lab.minions:
            self.lab.start(host)


def inject(fault: Fault, entries: Iterable[Entry], victim: str) -> None:
    """Let one fault strike deployments that stand at their points, and see them to their end."""
    caught = [fault.injection(entry, victim) for entry in entries]
    try:
        each(caught, Injection.deploy_old)
        with ExitStack() as stack:
            each(caught, lambda one: stack.enter_context(one.deploying()))
            for one in caught:
                one.injected_at = time.monotonic()
            fault.strike(caught)
            for one in caught:
                one.open()
            fault.restore(caught)
            each(caught, Injection.settle)
        each(caught, Injection.recover)
    finally:
        fault.close()


def each(caught: list[Injection], work: Callable[[Injection], Any]) -> None:
    """Do something with all of them at once."""
    with ThreadPoolExecutor(max_workers=len(caught)) as pool:
        for done in [pool.submit(work, one) for one in caught]:
            done.result()
