"""Whether a deployment is frozen: by the master's pillar, or by what people declared."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pushguide.errors import Frozen
from pushguide.master.store import freezes, grants
from pushguide.master.store.database import Database
from pushguide.master.store.freezes import Declared
from pushguide.master.templates.freezes import Freeze, freeze_of
from pushguide.master.templates.library import Library


class Standing(NamedTuple):
    """A freeze with where it stands.

    Attributes:
        where: its place in pillar, or its number.
        freeze: what it is.
    """

    where: str
    freeze: Freeze


def standing(library: Library, database: Database) -> list[Standing]:
    """Every freeze, whenever it is.

    Raises:
        BadTemplate: those of the pillar do not validate.
    """
    found = [Standing(f"pushguide:freezes:{name}", one) for name, one in library.freezes.items()]
    return [*found, *map(as_standing, database.read(freezes.find))]


def as_standing(one: Declared) -> Standing:
    """A freeze that somebody declared, as one of the pillar would be."""
    scope = {
        grants.MODULE: {"modules": [one.name]},
        grants.TEAM: {"teams": [one.name]},
        grants.EVERYTHING: {},
    }[one.scope]
    return Standing(f"freeze {one.id}", freeze_of({**one.rule, **scope}, f"freeze {one.id}"))


def told_of(
    library: Library,
    database: Database,
    module: str,
    environment: str,
    kind: str,
    moment: datetime,
) -> list[str]:
    """The freezes that are in a deployment's way, each with its reason and its end.

    Args:
        library: the templates.
        database: the record.
        module: the module.
        environment: its environment.
        kind: deploy, rollback or redeploy.
        moment: when it begins.
    """
    team = library.team_of(module)
    ends = [
        (one, one.freeze.ends(moment))
        for one in standing(library, database)
        if one.freeze.means(module, team, environment, kind)
    ]
    return [
        f"{kind} of {module} to {environment} is frozen until {end.isoformat(timespec='minutes')}: "
        f"{one.freeze.reason} ({one.where})."
        for one, end in ends
        if end is not None
    ]


def demand_thawed(told: list[str]) -> None:
    """Refuse a deployment that is frozen.

    Args:
        told: the freezes that are in its way.

    Raises:
        Frozen: there are some.
    """
    if told:
        way_out = (
            "A maintainer of the module may go on all the same, with a reason: "
            "override_freeze='...'."
        )
        raise Frozen([*told, way_out])
