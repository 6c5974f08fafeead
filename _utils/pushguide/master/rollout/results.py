"""Results on their way into the record: nothing is lost while the database is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from pushguide.errors import DatabaseError
from pushguide.master.store import host_results
from pushguide.master.store.database import Database

log = logging.getLogger(__name__)

#: How long results are gathered before they are written together, in seconds.
_GATHER_SECONDS = 0.2
_TRY_AGAIN_SECONDS = 1.0


class Results:
    """Writes down what becomes of hosts, a few at a time, in the order in which it arrived.

    Args:
        database: the record.
        write: the custom returner's function that puts results of hosts into the record.
        number: the deployment.
        patience_seconds: how long to wait for a database that is away.
    """

    def __init__(
        self,
        database: Database,
        write: Callable[[list[dict[str, Any]]], None],
        number: int,
        patience_seconds: float,
    ) -> None:
        self.database = database
        self.write = write
        self.number = number
        self.patience_seconds = patience_seconds
        self._pending: list[dict[str, Any]] = []
        self._next_at = 0.0

    def put(self, host: str, value: dict[str, Any], outcome: str) -> None:
        """Take what a host returned."""
        self._pending.append({"id": host, "return": value, "outcome": outcome})

    def note(
        self,
        host: str,
        outcome: str,
        error: str,
        token: int,
        live: Mapping[str, Any] | None = None,
    ) -> None:
        """Take how a host stands that has not told so itself, and what is live if it told that."""
        note = {"deployment": self.number, "error": error, "token": token, "stages": None}
        self._pending.append({"id": host, "return": {**note, **(live or {})}, "outcome": outcome})

    def tick(self) -> None:
        """Write what has gathered, if it is time to and the database is there."""
        if self._pending and time.monotonic() >= self._next_at:
            try:
                self._flush()
            except DatabaseError as err:
                log.warning("%d results of #%d wait: %s", len(self._pending), self.number, err)
                self._next_at = time.monotonic() + _TRY_AGAIN_SECONDS

    def settle(self) -> None:
        """Write everything; wait for a database that is away.

        Raises:
            DatabaseError: it stayed away; what is lacking is read from the hosts' journals when
                the deployment is resumed.
        """
        self.patiently(self._flush)

    def outcomes(self) -> dict[str, str]:
        """The outcome of each host of the deployment, by the record."""
        self.settle()
        rows = self.patiently(
            lambda: self.database.read(lambda one: host_results.outcomes(one, self.number))
        )
        return dict(rows)

    def patiently(self, work: Callable[[], Any]) -> Any:
        """Do something with the database; again and again while it is away."""
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                return work()
            except DatabaseError as err:
                if time.monotonic() >= deadline:
                    raise
                log.warning("#%d waits for the database: %s", self.number, err)
                time.sleep(_TRY_AGAIN_SECONDS)

    def _flush(self) -> None:
        if self._pending:
            self.write(self._pending)
            self._pending = []
        self._next_at = time.monotonic() + _GATHER_SECONDS
