"""A stand-in for the hosts, for tests of what the master's side makes of their answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pushguide.master.rollout.jobs import Hosts, Listener, Missing, Return
from pushguide.words import LIVE_STAGES, RESTORE


class AnsweringHosts:
    """Stands in for the hosts: each returns what it is told to, at once.

    It has the methods of :class:`pushguide.master.rollout.jobs.Hosts` that the driver calls.

    Attributes:
        returns: of each host the outcome it returns, its whole answer, or None for silence.
        journals: what a host's journal says when it is asked.
        asked: each job: its hosts and its stages.
        told: each quick function that was sent, with its hosts.
        only_live: whether ``returns`` are of jobs that touch live traffic alone.
        during: called with the stages while a job runs.
    """

    silence_seconds = 1.0

    def __init__(self) -> None:
        for name in ("follow", "ask", "tell", "rest"):
            assert callable(getattr(Hosts, name)), f"Hosts has no {name} any more"
        self.returns: dict[str, Any] = {}
        self.journals: dict[str, Any] = {}
        self.asked: list[tuple[list[str], list[str]]] = []
        self.told: list[tuple[list[str], str]] = []
        self.only_live = False
        self.during: Callable[[list[str]], None] = lambda _stages: None

    def follow(
        self,
        hosts: list[str],
        function: str,
        arguments: dict[str, Any],
        listener: Listener,
        timeout: float,
        report_tag: str,
    ) -> Missing:
        self.asked.append((list(hosts), arguments["stages"]))
        share, stages = arguments["share"], arguments["stages"]
        self.during(stages)
        listener.on_tick()
        lost = []
        for host in hosts:
            told = self._told(host, stages)
            if told is None:
                lost.append(host)
            elif isinstance(told, str):
                value = answer(share["deployment"], told, stages, share["version"])
                listener.on_return(Return(host, {**value, "uid": share["uid"]}, 0))
            else:
                listener.on_return(Return(host, told, 1))
        return Missing(lost=lost)

    def _told(self, host: str, stages: list[str]) -> Any:
        if stages == [RESTORE]:
            return "restored"
        if self.only_live and not {*stages} & {*LIVE_STAGES}:
            return "succeeded"
        return self.returns.get(host, "succeeded")

    def ask(self, hosts: list[str], *_: Any) -> dict[str, Return]:
        return {
            host: Return(host, self.journals[host], 0) for host in hosts if host in self.journals
        }

    def rest(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))

    def tell(self, hosts: list[str], function: str, arguments: dict[str, Any]) -> None:
        self.told.append((list(hosts), function))


def answer(number: int, outcome: str, stages: list[str], version: str = "1.1.0") -> dict[str, Any]:
    """What a host returns."""
    is_live = outcome in ("succeeded", "inconclusive") and stages != ["prepare"]
    told = "failed" if outcome in ("failed", "restored") else "succeeded"
    if outcome == "inconclusive":
        told = outcome
    return {
        "deployment": number,
        "outcome": outcome,
        "error": "boom" if told == "failed" else None,
        "live": version if is_live else "1.0.0",
        "stages": [
            {"stage": one, "outcome": told, "started": 1.0, "seconds": 0.1, "steps": []}
            for one in stages
        ],
    }
