"""Freezing: what people declare about times at which nothing is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import Denied
from pushguide.master.arguments import (
    demand_number,
    demand_reason,
    optional_name,
    optional_text,
)
from pushguide.master.parts import Parts
from pushguide.master.people.register import scope_of
from pushguide.master.roles import MAINTAINER, VIEWER, includes
from pushguide.master.rollout.frozen import Standing, as_standing, standing
from pushguide.master.store import freezes
from pushguide.master.store.tables import now
from pushguide.master.templates.freezes import freeze_of


class Freezing:
    """What can be done about freezes.

    Args:
        parts: what they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database

    def freeze(
        self, module: object, team: object, everything: object, given: Mapping[str, object]
    ) -> dict[str, Any]:
        """Declare a freeze.

        Args:
            module: of one module.
            team: of a team's modules.
            everything: of all modules.
            given: when, why and what, as a freeze of the pillar has it; what is None is left out.
        """
        where = scope_of(self.parts.gate.library, module, team, everything)
        rule = {key: value for key, value in given.items() if value is not None}
        read = freeze_of(rule, "freeze").model_dump(mode="json", exclude_none=True)
        kept = {key: value for key, value in read.items() if key not in ("modules", "teams")}
        user = self.parts.user
        return _told(
            as_standing(self.database.write(lambda one: freezes.add(one, *where, kept, user)))
        )

    def unfreeze(self, number: object, reason: object) -> dict[str, Any]:
        """End a freeze before its time."""
        wanted, why = demand_number(number, "id"), demand_reason(reason)

        def work(connection: Connection) -> freezes.Declared:
            found = freezes.look(connection, wanted)
            self.parts.trail.note_before(**(found.rule if found else {}))
            return freezes.end(connection, wanted, self.parts.user, why)

        return {**_told(as_standing(self.database.write(work))), "ended": why}

    def freezes(self, module: object) -> list[dict[str, Any]]:
        """The freezes that there are, those of the pillar too, and which holds now."""
        wanted = optional_name(module, "module")
        library, sight = self.parts.gate.library, self.parts.gate.sight(VIEWER)
        team = library.team_of(wanted) if wanted else None

        def is_meant(one: Standing) -> bool:
            freeze = one.freeze
            if wanted:
                is_wide = not freeze.modules and not freeze.teams
                return is_wide or wanted in freeze.modules or team in freeze.teams
            return not freeze.modules or any(map(sight.sees, freeze.modules))

        return [_told(one) for one in standing(library, self.database) if is_meant(one)]

    def override(self, module: str, environment: str | None, reason: object) -> str | None:
        """Why a deployment goes on although it is frozen; who may not say so is refused."""
        why = optional_text(reason, "override_freeze")
        if why is None:
            return None
        if not includes(self.parts.gate.role_on(module, environment), MAINTAINER):
            raise Denied(
                f"override_freeze was refused: {self.parts.user} has not the role {MAINTAINER} on "
                f"{module}."
            )
        return why


def _told(one: Standing) -> dict[str, Any]:
    """A freeze as plain data."""
    moment = now()
    end = one.freeze.ends(moment)
    return {
        "where": one.where,
        **one.freeze.model_dump(mode="json", exclude_none=True),
        "holds_until": end.isoformat(timespec="minutes") if end else None,
    }
