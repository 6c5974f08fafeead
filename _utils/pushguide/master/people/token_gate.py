"""The gate of a deployment token: it deploys what it is for, and nothing else lets it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pushguide.errors import Denied
from pushguide.master.people.caller import API, Caller
from pushguide.master.people.gate import Gate, Place
from pushguide.master.roles import DEPLOYER, MAINTAINER, includes
from pushguide.master.store.database import Database
from pushguide.master.store.tokens import Token
from pushguide.master.templates.library import Library


class TokenGate(Gate):
    """What a token may do: at any time no more than who made it may let it do then.

    Args:
        caller: the token, as a caller.
        library: the templates, made when they are needed.
        database: the record.
        groups_of: the groups of a person.
        token: the token.
    """

    def __init__(
        self,
        caller: Caller,
        library: Callable[[], Library],
        database: Database,
        groups_of: Callable[[str], frozenset[str]],
        token: Token,
    ) -> None:
        super().__init__(caller, library, database, groups_of)
        self.token = token
        self._maker = Gate(Caller(token.created_by, API), library, database, groups_of)

    @property
    def names(self) -> frozenset[str]:
        """None: no role is given to a token, neither by name nor as one of all."""
        return frozenset()

    def role_on(self, module: str | None, environment: str | None = None) -> str | None:
        """Deployer where the token is for it and who made it is maintainer still, or else none."""
        if module is None or environment is None or not self.token.covers(module, environment):
            return None
        return DEPLOYER if self._is_backed(module, environment) else None

    def _is_backed(self, module: str, environment: str) -> bool:
        return self.token.by_owner or includes(self._maker.role_on(module, environment), MAINTAINER)

    def _deny(
        self, function: str, role: str, place: Place | None, about: Mapping[str, object]
    ) -> None:
        module, environment = place or ("nothing", None)
        one = self.token
        if environment is not None and one.covers(module, environment):
            raise Denied(
                f"{function} was refused: {one.created_by}, who made the token {one.name}, has "
                f"not the role {MAINTAINER} on {module} ({environment}) any more."
            )
        raise Denied(
            f"{function} was refused: the token {one.name} is for {', '.join(one.modules)} in "
            f"{', '.join(one.environments)}, and not for {module} ({environment})."
        )
