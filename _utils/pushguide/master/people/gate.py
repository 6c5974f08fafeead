"""The gate: whether somebody may do something. Who was given nothing may do nothing.

A role is given on everything, on a team's modules, or on one module and perhaps one environment of
it: by the master's pillar or by the runner. Of all that somebody was given the highest counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

from sqlalchemy.engine import Connection

from pushguide.errors import Denied
from pushguide.master.people.caller import Caller
from pushguide.master.people.permissions import (
    DEPLOYMENT,
    EVERYTHING,
    FREEZE,
    GRANT,
    NEEDS,
    SCOPE,
    SIGNATURE,
    TEMPLATE,
    TOKEN,
    WAIVER,
)
from pushguide.master.roles import ADMIN, MAINTAINER, ROLES, highest, includes, lowest
from pushguide.master.sight import EVERYTHING_SEEN, Sight
from pushguide.master.store import freezes, grants, record, standards, tokens
from pushguide.master.store.database import Database
from pushguide.master.store.freezes import Declared
from pushguide.master.store.grants import Grant
from pushguide.master.templates.library import Library
from pushguide.master.templates.reading import team_in

#: Whoever has logged in, by whatever name.
_ANYBODY = "*"

Place = tuple[str, str | None]
T = TypeVar("T")
G = TypeVar("G", Grant, Declared)


class Gate:
    """What one caller may do.

    Args:
        caller: who calls.
        library: the templates, made when they are needed.
        database: the record.
        groups_of: the groups of a person.
    """

    def __init__(
        self,
        caller: Caller,
        library: Callable[[], Library],
        database: Database,
        groups_of: Callable[[str], frozenset[str]],
    ) -> None:
        self.caller = caller
        self.database = database
        self._library = library
        self._groups_of = groups_of

    # What people have.

    @cached_property
    def library(self) -> Library:
        """The templates as they were when the caller came."""
        return self._library()

    @cached_property
    def names(self) -> frozenset[str]:
        """What the caller is called where roles are given: name, groups, and whoever logged in."""
        if self.caller.name is None:
            return frozenset()
        groups = {f"%{one}" for one in self._groups_of(self.caller.name)}
        return frozenset({self.caller.name, _ANYBODY, *groups})

    @cached_property
    def given(self) -> list[Grant]:
        """The roles that the caller was given by the runner."""
        return self.database.read(lambda one: grants.find(one, self.names))

    def role_on(self, module: str | None, environment: str | None = None) -> str | None:
        """The caller's role on a module, on everything for None.

        Args:
            module: the module; it need not be there.
            environment: the environment; its default one if not given.
        """
        if self.caller.owns_master:
            return ADMIN
        if module is None:
            wide = [one.role for one in self.given if one.scope == grants.EVERYTHING]
            return highest([self.library.people.role_of(self.names), *wide])
        chosen = environment or self.library.default_environment(module)
        return highest([self._in_all_environments(module), self._in_environment(module, chosen)])

    def role_on_whole(self, module: str) -> str | None:
        """The caller's role on a module in all its environments: the lowest that they have."""
        environments = self.library.environments(module) or [None]
        return lowest([self.role_on(module, one) for one in environments])

    def role_on_team(self, team: str) -> str | None:
        """The caller's role on the modules of a team."""
        given = [one.role for one in self.given if (one.scope, one.name) == (grants.TEAM, team)]
        known = self.library.teams.get(team)
        by_pillar = known.people.role_of(self.names) if known else None
        return highest([self.role_on(None), by_pillar, *given])

    def _in_all_environments(self, module: str) -> str | None:
        team = self.library.team_of(module)
        wide = self.role_on(None) if team is None else self.role_on_team(team)
        own = [one.role for one in self.given if (one.scope, one.name) == (grants.MODULE, module)]
        return highest([wide, *own])

    def _in_environment(self, module: str, environment: str) -> str | None:
        template = self.library.environments(module).get(environment)
        return template.people.role_of(self.names) if template else None

    def sight(self, role: str) -> Sight:
        """What the caller has a role on."""
        if includes(self.role_on(None), role):
            return EVERYTHING_SEEN
        granted = {one.name for one in self.given if one.scope == grants.MODULE}
        modules = {*map(str, self.library.modules), *granted}
        whole = {one for one in modules if includes(self._in_all_environments(one), role)}
        places = {
            (module, environment)
            for module in modules - whole
            for environment in self.library.environments(module)
            if includes(self._in_environment(module, environment), role)
        }
        return Sight(frozenset(whole), frozenset(places))

    # What they ask for.

    def demand(self, function: str, about: Mapping[str, object]) -> str | None:
        """Refuse a call that the caller may not make.

        Args:
            function: the function of the runner.
            about: what it is about: module, environment, deployment, id, team, name.

        Returns:
            The role by which they may; None where a signature is what lets somebody in.

        Raises:
            Denied: they may not.
        """
        need = NEEDS[function]
        if need.of == SIGNATURE:
            return None
        if self.caller.owns_master:
            return ADMIN
        place = self.place_of(function, about)
        role = self._role(need.of, place, about)
        if not includes(role, need.role):
            self._deny(function, need.role, place, about)
        return role

    def place_of(self, function: str, about: Mapping[str, object]) -> Place | None:
        """The module and environment that a call is about; None if it is about none."""
        of = NEEDS[function].of
        if of == DEPLOYMENT:
            return self._looked_up(about.get("deployment"), record.place_of)
        if of == WAIVER:
            module = self._looked_up(about.get("id"), standards.module_of_waiver)
            return (module, None) if module else None
        named, environment = about.get("module"), about.get("environment")
        if not isinstance(named, str):
            return None
        return named, environment if isinstance(environment, str) else None

    def _role(self, of: str, place: Place | None, about: Mapping[str, object]) -> str | None:
        if of == TEMPLATE and place is not None:
            return self._on_template(place[0], about.get("template"))
        if place is not None:
            return self.role_on(*place)
        if of == GRANT:
            return self._on_scope_of(about.get("id"), grants.look)
        if of == FREEZE:
            return self._on_scope_of(about.get("id"), freezes.look)
        if of == TOKEN:
            return self._on_token(about.get("name"))
        if of == SCOPE and isinstance(about.get("team"), str):
            return self.role_on_team(str(about["team"]))
        if of in (EVERYTHING, SCOPE):
            return self.role_on(None)
        # Nothing is named, or nothing that is there: what may be seen is seen, and the rest is
        # refused by the function itself, to whoever has the role anywhere.
        return next((one for one in reversed(ROLES) if self.sight(one)), None)

    def _on_template(self, module: str, template: object) -> str | None:
        """The caller's role on a template that is there, or that is to be."""
        role = self.role_on_whole(module)
        team = team_in(template) if module not in self.library.modules else None
        return highest([role, self.role_on_team(team)]) if team else role

    def _on_scope_of(
        self, number: object, look: Callable[[Connection, int], G | None]
    ) -> str | None:
        """The caller's role on what a grant or a freeze is about."""
        one = self._looked_up(number, look)
        if one is None or one.scope == grants.EVERYTHING:
            return self.role_on(None)
        return self.role_on_team(one.name) if one.scope == grants.TEAM else self.role_on(one.name)

    def _on_token(self, name: object) -> str | None:
        """The caller's role on all that a deployment token is for; whoever made it may end it."""
        one = (
            self.database.read(lambda it: tokens.look(it, name)) if isinstance(name, str) else None
        )
        if one is None:
            return self.role_on(None)
        if not one.by_owner and one.created_by == self.caller.name:
            return MAINTAINER
        places = one.places(self.library)
        return lowest([self.role_on(*each) for each in places] or [self.role_on(None)])

    def _looked_up(self, number: object, look: Callable[[Connection, int], T | None]) -> T | None:
        """What has a number; None if it is no number, or none that there is."""
        if isinstance(number, bool) or not isinstance(number, int):
            return None
        return self.database.read(lambda one: look(one, number))

    def _deny(
        self, function: str, role: str, place: Place | None, about: Mapping[str, object]
    ) -> None:
        where = "anything"
        if place is not None:
            where = f"{place[0]} ({place[1]})" if place[1] else place[0]
        elif isinstance(about.get("team"), str):
            where = f"the team {about['team']}"
        elif NEEDS[function].of in (EVERYTHING, SCOPE, GRANT, FREEZE):
            where = "everything"
        elif NEEDS[function].of == TOKEN:
            where = "all that the token is for"
        if self.caller.name is None:
            raise Denied(
                f"{function} was refused: Salt does not say who calls. Call the runner itself, or "
                "begin the orchestration at the command line or through salt-api."
            )
        raise Denied(
            f"{function} was refused: {self.caller} has not the role {role} on {where}. Who may "
            "give it: salt-run pushguide.people; how: salt-run pushguide.grant, or people in the "
            "template or the master's pillar."
        )
