"""Questions: what the runner answers out of the record and the templates, changing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import Denied, Refused
from pushguide.master import comparing, states, summary
from pushguide.master.arguments import (
    collected,
    demand_name,
    demand_number,
    demand_one_of,
    optional_name,
    optional_past,
)
from pushguide.master.parts import Parts
from pushguide.master.roles import VIEWER, includes
from pushguide.master.store import builds, history, host_results, lock, marks, record


class Questions:
    """What can be asked.

    Args:
        parts: what they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database

    def show(self, deployment: object) -> dict[str, Any]:
        """One deployment with its hosts, stages and steps."""
        return self.parts.in_full(demand_number(deployment, "deployment"))

    def status(self, module: object, environment: object) -> dict[str, Any]:
        """What is live where, and the last deployment, of each module.

        A module that the record does not know has to be one of the templates.
        """
        wanted = optional_name(module, "module")
        place = optional_name(environment, "environment")

        sight = self.parts.gate.sight(VIEWER)

        def work(connection: Any) -> dict[str, Any]:
            answer: dict[str, Any] = {}
            for row in host_results.live(connection, wanted, place):
                if sight.sees(row["module"], row["environment"]):
                    here = _place(answer, row["module"], row["environment"])
                    here["hosts"][row["host"]] = {
                        "version": row["version"],
                        "since": row["since"].isoformat(timespec="seconds"),
                        "deployment": row["deployment_id"],
                    }
            for last in history.latest(connection, wanted):
                is_meant = place in (None, last.environment)
                if is_meant and sight.sees(last.module, last.environment):
                    here = _place(answer, last.module, last.environment)
                    here["last"] = summary.of_deployment(last)
            return answer

        found = self.database.read(work)
        if wanted and not found:
            self.parts.library().get(wanted, place)
        return found

    def history(self, limit: object, given: Mapping[str, object]) -> list[dict[str, Any]]:
        """Deployments, the newest first.

        Args:
            limit: how many at the most.
            given: which, as the fields of :class:`history.Wanted`; what is None does not matter.
        """
        at_most = demand_number(limit, "limit")
        wanted = _wanted(given)
        sight = self.parts.gate.sight(VIEWER)
        found = self.database.read(lambda one: history.find(one, wanted, at_most, sight))
        if wanted.module and not found:
            self.parts.library().get(wanted.module, wanted.environment)
        return [summary.of_deployment(one) for one in found]

    def versions(self, module: object, environment: object, limit: object) -> list[dict[str, Any]]:
        """The versions that the source of a module has, the newest first."""
        chosen = self.parts.library().get(
            demand_name(module, "module"), optional_name(environment, "environment")
        )
        source = self.parts.source(chosen)
        at_most = demand_number(limit, "limit")

        def work(
            connection: Any,
        ) -> tuple[set[str], dict[str, marks.Mark], dict[str, builds.Build]]:
            rows = host_results.live(connection, chosen.module, chosen.environment)
            lives = {row["version"] for row in rows}
            marked = marks.of(connection, chosen.module, chosen.environment)
            return lives, marked, builds.of(connection, chosen.module)

        lives, marked, announced = self.database.read(work)
        return [
            {
                **summary.of_version(one, announced.get(one.version)),
                "live": one.version in lives,
                "mark": summary.of_mark(marked.get(one.version)),
            }
            for one in source.versions()[:at_most]
        ]

    def compare(self, deployment: object, with_deployment: object) -> dict[str, Any]:
        """What differs between two deployments: plan, hosts, and how long the stages took."""
        numbers = (
            demand_number(deployment, "deployment"),
            demand_number(with_deployment, "with_deployment"),
        )
        for number in numbers:
            self._demand_seen(number)

        def told(connection: Connection, number: int) -> comparing.Told:
            return comparing.Told(
                record.get(connection, number),
                host_results.hosts(connection, number),
                host_results.stages(connection, number),
            )

        def work(connection: Connection) -> dict[str, Any]:
            return comparing.compared(told(connection, numbers[0]), told(connection, numbers[1]))

        return self.database.read(work)

    def locks(self) -> list[dict[str, Any]]:
        """Who drives what now, and what is locked by a deployment that nobody drives."""
        sight = self.parts.gate.sight(VIEWER)
        held = self.database.read(lock.held)
        return [
            {
                "module": one.module,
                "environment": one.environment,
                "deployment": one.deployment_id,
                "holder": one.holder,
                "since": one.since.isoformat(timespec="seconds"),
                "lease_until": one.lease_until.isoformat(timespec="seconds"),
                "is_alive": one.is_alive,
            }
            for one in held
            if sight.sees(one.module, one.environment)
        ]

    def modules(self) -> dict[str, Any]:
        """Every module that the caller may see, or what is wrong with its template."""
        gate = self.parts.gate
        sight = gate.sight(VIEWER)
        found = gate.library.overview()
        return {name: one for name, one in found.items() if sight.sees(name)}

    def _demand_seen(self, number: int) -> None:
        """Refuse a deployment that the caller may not see: each of the two has to be seen."""
        place = self.database.read(lambda one: record.place_of(one, number))
        if place is None or not includes(self.parts.gate.role_on(*place), VIEWER):
            raise Denied(f"compare was refused: there is no deployment #{number} that you may see.")


def _wanted(given: Mapping[str, object]) -> history.Wanted:
    """Which deployments are meant; what is wrong with that is told all at once."""
    problems: list[str] = []
    state, kind, before = given.get("state"), given.get("kind"), given.get("before")
    some = [] if state is None else state if isinstance(state, list) else [state]

    def name(key: str) -> str | None:
        return collected(problems, lambda: optional_name(given.get(key), key))

    def moment(key: str) -> datetime | None:
        return collected(problems, lambda: optional_past(given.get(key), key))

    def known(value: object, what: str, words: Iterable[str]) -> str | None:
        return collected(problems, lambda: demand_one_of(value, what, words))

    def page(value: object) -> int | None:
        return collected(problems, lambda: demand_number(value, "before"))

    wanted = history.Wanted(
        module=name("module"),
        environment=name("environment"),
        state=[one for one in (known(one, "state", states.TRANSITIONS) for one in some) if one],
        kind=known(kind, "kind", states.KINDS) if kind is not None else None,
        person=name("person"),
        version=name("version"),
        host=name("host"),
        since=moment("since"),
        until=moment("until"),
        before=page(before) if before is not None else None,
    )
    if problems:
        raise Refused(problems)
    return wanted


def _place(answer: dict[str, Any], module: str, environment: str) -> dict[str, Any]:
    place: dict[str, Any] = answer.setdefault(module, {}).setdefault(
        environment, {"hosts": {}, "last": None}
    )
    return place
