"""Placing: which master drives a deployment, where its template names a data centre.

Every master could: all share the database, and hosts hear all of them. A data centre whose master
is away hands its deployments to whoever is there.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from pushguide.master.config import Config
from pushguide.master.store import engines

#: An engine on a busy master may be slow to say something; it is not gone for that.
_AT_LEAST_SECONDS = 20.0


@dataclass(frozen=True)
class Placing:
    """Which deployments are a master's to drive.

    Attributes:
        data_centre: the data centre that the master stands in.
        within_seconds: an engine that has said nothing for longer is not there.
    """

    data_centre: str
    within_seconds: float

    @classmethod
    def of(cls, config: Config) -> Placing:
        """That of a master, by its configuration."""
        return cls(config.data_centre, max(config.lease_seconds, _AT_LEAST_SECONDS))

    def is_here(self, wanted: str | None) -> bool:
        """Whether a deployment is this master's to drive if it is asked for here.

        Args:
            wanted: the data centre that its template names; None for any.
        """
        return wanted is None or wanted == self.data_centre

    def is_elsewhere(self, connection: Connection, wanted: str | None) -> bool:
        """Whether a deployment is to be driven by a master of another data centre, which is there.

        Args:
            connection: a transaction.
            wanted: the data centre that its template names; None for any.
        """
        if wanted is None or self.is_here(wanted):
            return False
        return engines.is_there(connection, wanted, self.within_seconds)
