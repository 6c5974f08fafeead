"""Quarantining: hosts that people keep deployments away from."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import Refused
from pushguide.master.arguments import (
    demand_name,
    demand_reason,
    optional_moment,
    optional_name,
)
from pushguide.master.parts import Parts
from pushguide.master.roles import VIEWER
from pushguide.master.rollout import targets
from pushguide.master.store import quarantines
from pushguide.master.store.quarantines import Quarantine
from pushguide.master.suggest import did_you_mean


class Quarantining:
    """What can be done about quarantines.

    Args:
        parts: what they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database

    def quarantine(
        self, host: object, module: object, reason: object, until: object
    ) -> dict[str, Any]:
        """Keep deployments away from a host.

        Args:
            host: the host, one that a template means.
            module: of this module alone; None for those of every module.
            reason: why.
            until: when it ends by itself; None if somebody has to end it.
        """
        of = optional_name(module, "module")
        name = self._demand_host(demand_name(host, "host"), of)
        why, end = demand_reason(reason), optional_moment(until, "until")
        user = self.parts.user
        made = self.database.write(lambda one: quarantines.add(one, name, of, why, user, end))
        return told(made)

    def unquarantine(self, host: object, module: object, reason: object) -> dict[str, Any]:
        """Let deployments have a host again."""
        name, of = demand_name(host, "host"), optional_name(module, "module")
        why, user = demand_reason(reason), self.parts.user

        def work(connection: Connection) -> Quarantine:
            standing = [one for one in quarantines.find(connection, [name]) if one.module == of]
            self.parts.trail.note_before(**(told(standing[0]) if standing else {}))
            return quarantines.end(connection, name, of, user, why)

        return {**told(self.database.write(work)), "ended": why}

    def quarantines(self, module: object) -> list[dict[str, Any]]:
        """The quarantines that hold now: those of every module, and of the ones that are seen."""
        wanted = optional_name(module, "module")
        sight = self.parts.gate.sight(VIEWER)
        found = self.database.read(lambda one: quarantines.find(one, module=wanted))
        return [told(one) for one in found if one.module is None or sight.sees(one.module)]

    def _demand_host(self, host: str, module: str | None) -> str:
        """Refuse a host that no template means: a misspelled one would be kept safe from nothing.

        Raises:
            Refused: there is none of that name, or not of that module.
        """
        library = self.parts.gate.library
        if module is not None and module not in library.modules:
            known = {*map(str, library.modules)}
            raise Refused(f"There is no module {module!r}: {did_you_mean(module, known)}")
        known = {
            one.host
            for one in targets.meant(
                library, self.parts.opts, lambda name, _: module in (None, name)
            )
        }
        if host not in known:
            of = f"of {module}" if module else "that a template means"
            raise Refused(f"{host} is no host {of}: {did_you_mean(host, known)}")
        return host


def told(one: Quarantine) -> dict[str, Any]:
    """A quarantine as plain data."""
    return {
        "host": one.host,
        "module": one.module,
        "reason": one.reason,
        "by": one.declared_by,
        "since": one.declared_at.isoformat(timespec="seconds"),
        "until": one.until.isoformat(timespec="seconds") if one.until else None,
    }
