"""Pages: what a front end shows of all modules and of all hosts, in one call each.

A call through salt-api takes half a second before it does anything, so a page makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master import quarantining, summary
from pushguide.master.arguments import demand_flag, optional_name
from pushguide.master.parts import Parts
from pushguide.master.roles import VIEWER
from pushguide.master.rollout import frozen, targets
from pushguide.master.store import (
    history,
    host_health,
    host_results,
    quarantines,
    record,
)
from pushguide.master.store.host_health import HostHealth
from pushguide.master.store.tables import now

#: Of how many hosts one call asks what runs there.
_LOOKED_AT_AT_MOST = 5000
_PROBLEM_AT_MOST = 300
_UNHEARD = {"answers": None, "problem": None, "health": None}


class Pages:
    """What is shown of all of them.

    Args:
        parts: what the pages are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.gate = parts.gate
        self.database = parts.database

    def overview(self) -> dict[str, Any]:
        """Every module that the caller may see, as it stands, and what they may do with it.

        Returns:
            ``person`` and their ``role`` on everything; ``modules``: of each what ``modules``
            tells, its team, and of each environment the caller's ``role``, the versions that are
            ``live`` with how many hosts each, the ``last`` deployment with the outcomes of its
            hosts, and ``frozen``; ``unfinished``: every deployment that has not ended.
        """
        sight = self.gate.sight(VIEWER)
        library = self.gate.library
        modules = {name: one for name, one in library.overview().items() if sight.sees(name)}

        def work(connection: Connection) -> tuple[Any, ...]:
            return (
                host_results.live_counts(connection),
                {(one.module, one.environment): one for one in history.latest(connection)},
                history.unfinished(connection),
                host_results.outcome_counts(connection),
            )

        lives, latest, unfinished, outcomes = self.database.read(work)
        frozen_now = self._frozen_now()
        for name, one in modules.items():
            one["team"] = library.team_of(name)
            one["owner"] = "database" if name in library.saved else "pillar"
            one["environments"] = {
                place: {
                    **about,
                    "role": self.gate.role_on(name, place),
                    "live": lives.get((name, place), {}),
                    "last": _last(latest.get((name, place)), outcomes),
                    "frozen": frozen_now(name, one["team"], place),
                }
                for place, about in (one.get("environments") or {}).items()
                if sight.sees(name, place)
            }
        return {
            "person": self.parts.user,
            "role": self.gate.role_on(None),
            "modules": modules,
            "unfinished": [
                summary.of_deployment(one)
                for one in unfinished
                if sight.sees(one.module, one.environment)
            ],
        }

    def hosts(self, module: object, look: object) -> dict[str, Any]:
        """What runs where, by the record; and with ``look`` by the hosts themselves.

        Returns:
            Of each host its ``modules``: the version that is ``live`` by the record and since
            when, how its ``last`` deployment ended there, and with ``look`` the version that the
            host ``says``; ``answers``, null where it was not looked; its ``problem``, if it
            answers and cannot say; its ``health`` by the monitor of the engines: ``state`` (up or
            down), ``since``, ``problem``, ``lost_from`` (the data centres that do not reach it),
            and ``changes`` (how often it came or went within the hour) with ``is_flapping``; and
            each ``quarantine`` that it is in.
        """
        wanted, must_look = optional_name(module, "module"), demand_flag(look, "look")
        sight = self.gate.sight(VIEWER)
        found: dict[str, Any] = {}

        def place(host: str, name: str, environment: str) -> dict[str, Any]:
            about = found.setdefault(host, {**_UNHEARD, "quarantine": [], "modules": {}})
            empty = {"live": None, "since": None, "last": None, "says": None}
            told: dict[str, Any] = about["modules"].setdefault(f"{name}@{environment}", empty)
            return told

        def work(connection: Connection) -> None:
            for row in host_results.live(connection, wanted):
                if sight.sees(row["module"], row["environment"]):
                    here = place(row["host"], row["module"], row["environment"])
                    here["live"] = row["version"]
                    here["since"] = row["since"].isoformat(timespec="seconds")
            for row in host_results.latest_outcomes(connection, wanted):
                if sight.sees(row["module"], row["environment"]):
                    here = place(row["host"], row["module"], row["environment"])
                    here["last"] = {key: row[key] for key in ("deployment", "outcome", "error")}

        self.database.read(work)

        def is_asked_for(name: str, environment: str) -> bool:
            return wanted in (None, name) and sight.sees(name, environment)

        for one in targets.meant(self.gate.library, self.parts.opts, is_asked_for):
            place(*one)
        if must_look:
            self._look(found)
        for host, health in self.database.read(lambda one: host_health.find(one, found)).items():
            found[host]["health"] = _told_health(health)
        for kept in self.database.read(lambda one: quarantines.find(one, found, wanted)):
            if kept.module is None or sight.sees(kept.module):
                found[kept.host]["quarantine"].append(quarantining.told(kept))
        return dict(sorted(found.items()))

    # The parts.

    def _frozen_now(self) -> Callable[[str, str | None, str], list[str]]:
        """Of a place the reasons why it is frozen now."""
        moment: datetime = now()
        holding = [
            one
            for one in frozen.standing(self.gate.library, self.database)
            if one.freeze.ends(moment) is not None
        ]

        def of(module: str, team: str | None, environment: str) -> list[str]:
            return [
                one.freeze.reason
                for one in holding
                if one.freeze.means(module, team, environment, "deploy")
            ]

        return of

    def _look(self, found: Mapping[str, dict[str, Any]]) -> None:
        """Ask every host what runs there."""
        names = [*found]
        if len(names) > _LOOKED_AT_AT_MOST:
            raise Refused(
                f"{len(names)} hosts are too many to ask at once: name a module, "
                f"{_LOOKED_AT_AT_MOST} hosts at the most."
            )
        timeout = self.parts.config.presence_timeout_seconds
        with self.parts.hosts() as hosts:
            answers = hosts.ask(names, "pushguide.current", {}, timeout)
        for host, about in found.items():
            about["answers"] = host in answers
            value = answers[host].value if host in answers else {}
            if not isinstance(value, Mapping):  # it answers, and cannot say
                about["problem"] = str(value)[:_PROBLEM_AT_MOST]
                continue
            for name, one in about["modules"].items():
                one["says"] = value.get(name)


def _told_health(one: HostHealth) -> dict[str, Any]:
    return {
        "state": one.state,
        "since": one.since.isoformat(timespec="seconds"),
        "problem": one.problem,
        "lost_from": [*one.lost_from],
        "changes": one.changes,
        "is_flapping": one.is_flapping,
    }


def _last(one: record.Deployment | None, outcomes: Mapping[int, Any]) -> dict[str, Any] | None:
    if one is None:
        return None
    return {**summary.of_deployment(one), "hosts": outcomes.get(one.id, {})}
