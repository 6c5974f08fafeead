"""The register: who has which role on what, and what they did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import Denied, Refused
from pushguide.master.arguments import (
    collected,
    demand_flag,
    demand_name,
    demand_number,
    demand_reason,
    optional_name,
    optional_past,
)
from pushguide.master.parts import Parts
from pushguide.master.roles import MAINTAINER, ROLES, VIEWER, includes
from pushguide.master.sight import Sight
from pushguide.master.store import audit, grants
from pushguide.master.store.grants import Grant
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates.library import Library
from pushguide.master.templates.people import PERSON_PATTERN, People

_ROWS_AT_MOST = 100_000


class Register:
    """Roles, and the audit.

    Args:
        parts: what they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database
        self.gate = parts.gate

    # Roles.

    def grant(
        self,
        person: object,
        role: object,
        module: object,
        team: object,
        everything: object,
        reason: object,
    ) -> dict[str, Any]:
        """Give somebody a role."""
        problems: list[str] = []
        who = collected(problems, lambda: _person(person))
        what = collected(problems, lambda: _role(role))
        library = self.gate.library
        where = collected(problems, lambda: scope_of(library, module, team, everything))
        why = collected(problems, lambda: demand_reason(reason))
        if problems:
            raise Refused(problems)
        assert who and what and where and why
        found, is_new = self.database.write(
            lambda one: grants.add(one, *where, what, who, self.parts.user, why)
        )
        return {**_told(found), "new": is_new}

    def revoke(self, number: object, reason: object) -> dict[str, Any]:
        """Take a role back."""
        wanted, why = demand_number(number, "id"), demand_reason(reason)

        def work(connection: Connection) -> Grant:
            found = grants.get(connection, wanted)
            self.parts.trail.note_before(**_told(found))
            return grants.revoke(connection, wanted, self.parts.user, why)

        return _told(self.database.write(work))

    def people(self, module: object) -> dict[str, Any]:
        """Who has which role on what.

        Returns:
            ``you``: the caller, with their roles; ``roles``: of each place where roles stand, who
            has which; and ``grants`` that can be revoked.
        """
        wanted = optional_name(module, "module")
        seen = self.gate.sight(VIEWER)
        rows = [*self._standing(wanted)]
        given = [
            _told(one)
            for one in self.database.read(grants.find)
            if self._is_about(one, wanted) and self._is_seen(one, seen)
        ]
        return {
            "you": self._you(wanted),
            "roles": [one for one in rows if _is_wide(one) or seen.sees(one["on"])],
            "grants": given,
        }

    def _you(self, module: str | None) -> dict[str, Any]:
        caller = self.parts.caller
        library = self.gate.library
        modules = [module] if module else [*map(str, library.modules)]
        roles = {name: self.gate.role_on(name) for name in modules}
        return {
            "name": caller.name,
            "via": caller.via,
            "everything": self.gate.role_on(None),
            "modules": {name: role for name, role in roles.items() if role},
        }

    def _standing(self, module: str | None) -> Iterator[dict[str, Any]]:
        """Who has which role by the pillar."""
        library = self.gate.library
        yield from _rows("everything", "pushguide:people", library.people)
        team = library.team_of(module) if module else None
        for name, one in library.teams.items():
            if module is None or name == team:
                yield from _rows(f"team {name}", f"pushguide:teams:{name}", one.people)
        for name in [module] if module else map(str, library.modules):
            for environment, template in library.environments(name).items():
                where = f"pushguide:modules:{name} ({environment})"
                yield from _rows(name, where, template.people)

    def _is_about(self, one: Grant, module: str | None) -> bool:
        if module is None or one.scope == grants.EVERYTHING:
            return True
        wanted = module if one.scope == grants.MODULE else self.gate.library.team_of(module)
        return one.name == wanted

    @staticmethod
    def _is_seen(one: Grant, seen: Sight) -> bool:
        return one.scope != grants.MODULE or seen.sees(one.name)

    # The audit.

    def audit(
        self,
        person: object,
        module: object,
        since: object,
        until: object,
        limit: object,
        before: object,
        verify: object,
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """What people did, the newest first; or whether the chain of it is whole."""
        if demand_flag(verify, "verify"):
            return self._verify()
        who, wanted = optional_name(person, "person"), optional_name(module, "module")
        start, end = optional_past(since, "since"), optional_past(until, "until")
        at_most = min(demand_number(limit, "limit"), _ROWS_AT_MOST)
        below = None if before is None else demand_number(before, "before")
        sight = self.gate.sight(MAINTAINER)
        found = self.database.read(
            lambda one: audit.find(one, who, sight, wanted, start, end, at_most, below)
        )
        return [audit.plain(one) for one in found]

    def _verify(self) -> dict[str, Any]:
        if not includes(self.gate.role_on(None), MAINTAINER):
            raise Denied(
                f"audit was refused: to verify it needs the role {MAINTAINER} on everything."
            )
        found = self.database.read(audit.verify)
        return {**found, "retcode": 1 if found["broken"] else 0}


def _rows(on: str, where: str, people: People) -> Iterator[dict[str, Any]]:
    for role in ROLES:
        named = getattr(people, role)
        if named:
            yield {"on": on, "role": role, "people": list(named), "stands_in": where}


def _is_wide(row: dict[str, Any]) -> bool:
    on = str(row["on"])
    return on == "everything" or on.startswith("team ")


def _told(one: Grant) -> dict[str, Any]:
    """A grant as plain data, without what there is not."""
    found = {key: value for key, value in asdict(one).items() if value is not None}
    for key in ("granted_at", "revoked_at"):
        if key in found:
            found[key] = found[key].isoformat(timespec="seconds")
    return found


def _person(person: object) -> str:
    name = demand_name(person, "person")
    if not re.match(PERSON_PATTERN, name):
        raise Refused(f"person is {name[:80]!r}: give a name, %group, or *.")
    return name


def _role(role: object) -> str:
    wanted = demand_name(role, "role")
    if wanted not in ROLES:
        raise Refused(f"role is {wanted[:80]!r}: {did_you_mean(wanted, ROLES)}")
    return wanted


def scope_of(library: Library, module: object, team: object, everything: object) -> tuple[str, str]:
    """What a role or a freeze is about: everything, a team or a module that there is.

    Args:
        library: the templates.
        module: a module's name, or None.
        team: a team's name, or None.
        everything: whether everything is meant.

    Returns:
        The scope and its name.

    Raises:
        Refused: none or several are given, or there is no such team or module.
    """
    named = {"module": optional_name(module, "module"), "team": optional_name(team, "team")}
    given = {key: value for key, value in named.items() if value}
    if len(given) + demand_flag(everything, "everything") != 1:
        raise Refused("On what? Give one of module, team and everything=True.")
    if not given:
        return grants.EVERYTHING, ""
    scope, name = given.popitem()
    known = _teams(library) if scope == grants.TEAM else {*map(str, library.modules)}
    if name not in known:
        raise Refused(f"There is no {scope} {name!r}: {did_you_mean(name, known)}")
    return scope, name


def _teams(library: Library) -> set[str]:
    named = {library.team_of(str(module)) for module in library.modules}
    return {*library.teams, *(one for one in named if one)}
