"""What the runner answers about statistics, for one caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master.arguments import demand_name, optional_name
from pushguide.master.roles import VIEWER
from pushguide.master.statistics import answers, periods, queries, rebuilding
from pushguide.master.statistics.numbers import Numbers
from pushguide.master.statistics.periods import Period
from pushguide.master.statistics.queries import About
from pushguide.master.store import tables as db
from pushguide.master.suggest import did_you_mean

if TYPE_CHECKING:
    from pushguide.master.parts import Parts

NAMES = ("module", "team", "environment", "type", "person", "host")
GROUPS = (*NAMES, *periods.UNITS)
#: How many parts of a period are told, at the most.
_PARTS_AT_MOST = 100


class Statistics:
    """What can be asked of the statistics.

    Args:
        parts: what they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database

    def stats(self, about: Mapping[str, object], group_by: object) -> dict[str, Any]:
        """Numbers of what somebody asks about.

        Args:
            about: ``module``, ``team``, ``environment``, ``type``, ``host``, ``person``,
                ``period`` and ``timezone``, as they came in.
            group_by: one of :data:`GROUPS`, or None.
        """
        group = optional_name(group_by, "group_by")
        if group is not None and group not in GROUPS:
            raise Refused(f"group_by is {group!r}: {did_you_mean(group, GROUPS)}")
        asked, period = self.asked(about)
        return self.told(asked, period, about, group)

    def told(
        self, asked: About, period: Period, about: Mapping[str, object], group: str | None
    ) -> dict[str, Any]:
        """The answer to what was asked."""

        def work(connection: Connection) -> dict[str, Any]:
            there = self.begun(connection, period)
            told = {
                "about": {name: about[name] for name in NAMES if about.get(name) is not None},
                "period": {
                    "asked": there.words,
                    "from": there.start.astimezone(there.zone).isoformat(timespec="minutes"),
                    "to": there.passed.astimezone(there.zone).isoformat(timespec="minutes"),
                    "timezone": str(there.zone),
                },
                **answers.answer(connection, asked, there),
            }
            if group is not None:
                told["group_by"] = group
                told["groups"] = self._groups(connection, asked, there, group)
            return told

        found = self.database.read(work)
        if asked.modules and len(asked.modules) == 1 and not found["deployments"]["count"]:
            self._demand_known(asked.modules[0])
        return found

    def asked(self, about: Mapping[str, object]) -> tuple[About, Period]:
        """What is asked about, and when."""
        module, team = (optional_name(about.get(name), name) for name in ("module", "team"))
        if module and team:
            raise Refused("module and team are both given: give one of them.")
        now = datetime.now(timezone.utc)
        period = periods.period_of(about.get("period"), about.get("timezone"), now).until(now)
        rest = {
            name: optional_name(about.get(name), name)
            for name in ("environment", "type", "person", "host")
        }
        if module and rest["environment"] is None and not self._sees_all_of(module):
            rest["environment"] = self.parts.gate.library.default_environment(module)
        modules = (module,) if module else self._modules_of(team) if team else None
        return About(self._seen(modules, rest["environment"]), **rest), period

    def _sees_all_of(self, module: str) -> bool:
        sight = self.parts.gate.sight(VIEWER)
        return sight.is_all or module in sight.modules

    def _seen(
        self, modules: tuple[str, ...] | None, environment: str | None
    ) -> tuple[str, ...] | None:
        """The modules of these, or of all, whose numbers the caller may see; None for all."""
        sight = self.parts.gate.sight(VIEWER)
        if sight.is_all:
            return modules
        named = modules or tuple(map(str, self.parts.gate.library.modules))
        if environment is None:
            found = (one for one in named if one in sight.modules)
        else:
            found = (one for one in named if sight.sees(one, environment))
        return tuple(found)

    def rebuild(self) -> dict[str, Any]:
        """Compute the statistics anew, from the record."""
        return self.database.write(rebuilding.rebuild)

    def begun(self, connection: Connection, period: Period) -> Period:
        """A period without what was before the first deployment, for what is counted a day."""
        if period.start > periods.BEGINNING:
            return period
        first = sa.select(sa.func.min(db.statistics_deployment.c.started_at))
        moment = connection.execute(first).scalar()
        if moment is None or moment >= period.end:
            return period
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return replace(period, start=max(period.start, day))

    def teams(self) -> dict[str, list[str]]:
        """The modules of each team, as the templates have them."""
        found: dict[str, list[str]] = {}
        library = self.parts.library()
        for name in map(str, library.modules):
            team = library.team_of(name)
            if team is not None:
                found.setdefault(team, []).append(name)
        return found

    def _modules_of(self, team: str) -> tuple[str, ...]:
        teams = self.teams()
        if team not in teams:
            raise Refused(
                f"No template says team: {team}. {did_you_mean(team, teams)}"
                if teams
                else f"No template says team: {team}; none says any (key team of a module)."
            )
        return tuple(sorted(teams[team]))

    def _demand_known(self, module: str) -> None:
        """Refuse a module that neither the record nor the templates know."""
        table = db.deployment
        query = sa.select(table.c.id).where(table.c.module == module).limit(1)
        if not self.database.read(lambda one: one.execute(query).first()):
            self.parts.library().get(demand_name(module, "module"))

    def _groups(
        self, connection: Connection, asked: About, period: Period, group: str
    ) -> list[dict[str, Any]]:
        if group in periods.UNITS:
            parts = list(periods.parts_of(period, group))
            if len(parts) > _PARTS_AT_MOST:
                raise Refused(
                    f"group_by={group} would be {len(parts)} groups: give a shorter period, or "
                    f"one of {', '.join(periods.UNITS)} that is longer."
                )
            return [
                answers.group(one.words, queries.briefly(connection, asked, one), one)
                for one in parts
            ]
        scope = "module" if group == "team" else group
        found = queries.by_name(connection, asked, period, scope)
        if group == "team":
            found = _together(found, self.teams())
        return [
            answers.group(name, numbers, period)
            for name, numbers in sorted(found.items(), key=lambda one: (-one[1].counted, one[0]))
        ]


def _together(
    by_module: Mapping[str, Numbers], teams: Mapping[str, Sequence[str]]
) -> dict[str, Numbers]:
    """The numbers of modules by their teams; modules without one are left out."""
    found: dict[str, Numbers] = {}
    for team, modules in teams.items():
        for module in modules:
            if module in by_module:
                found.setdefault(team, Numbers()).add(by_module[module])
    return found
