"""Roles: what people may do. Each may do all that the ones before it may."""

from __future__ import annotations

from collections.abc import Iterable

VIEWER = "viewer"
DEPLOYER = "deployer"
MAINTAINER = "maintainer"
ADMIN = "admin"
ROLES = (VIEWER, DEPLOYER, MAINTAINER, ADMIN)


def includes(role: str | None, wanted: str) -> bool:
    """Whether a role may do what another one may; None is no role at all."""
    return role is not None and ROLES.index(role) >= ROLES.index(wanted)


def highest(roles: Iterable[str | None]) -> str | None:
    """The highest of some roles, None if there is none."""
    return max((one for one in roles if one), key=ROLES.index, default=None)


def lowest(roles: Iterable[str | None]) -> str | None:
    """The lowest of some roles, None if one of them is no role at all."""
    found = list(roles)
    return None if None in found else min(filter(None, found), key=ROLES.index, default=None)
