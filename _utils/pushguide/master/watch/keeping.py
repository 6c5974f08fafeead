"""Keeping: what an engine forgets, for all masters, once an hour."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from pushguide.master.store import duties, outbox, retention
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now
from pushguide.master.trying import attempt

log = logging.getLogger(__name__)

DUTY = "keep the record"
#: How long it is kept who was told of what.
_TOLD_KEPT = timedelta(days=14)
_EVERY_SECONDS = 3600.0
_LOOKS_EVERY_SECONDS = 60.0
#: One engine has the duty for so long, and the others leave it alone.
_LEASE_SECONDS = 2 * _EVERY_SECONDS


class Keeper:
    """Forgets what need not be kept, while that is this engine's duty.

    Args:
        database: the record.
        holder: who takes the duty.
        keep_days: how long steps are kept, in days; None for ever.
    """

    def __init__(self, database: Database, holder: str, keep_days: int | None) -> None:
        self.database = database
        self.holder = holder
        self.keep_days = keep_days
        self._due = float("-inf")

    def run(self) -> None:
        """Look after the record for as long as the process runs."""
        while True:
            attempt(self.look, "Keeping the record", log)
            time.sleep(_LOOKS_EVERY_SECONDS)

    def look(self) -> bool:
        """Forget what is long ago, if it is time.

        Returns:
            Whether it was.

        Raises:
            DatabaseError: the database is away; look again later.
        """
        if time.monotonic() < self._due:
            return False
        mine = (DUTY, self.holder, _LEASE_SECONDS)
        if not self.database.write(lambda one: duties.take(one, *mine)):
            return False
        self._due = time.monotonic() + _EVERY_SECONDS
        while self.database.write(lambda one: outbox.tidy(one, _TOLD_KEPT)):
            pass
        if self.keep_days is not None:
            self._forget_steps(timedelta(days=self.keep_days))
        return True

    def _forget_steps(self, kept: timedelta) -> None:
        before, after = now() - kept, 0
        while (last := self._forget_some(before, after)) is not None:
            after = last

    def _forget_some(self, before: datetime, after: int) -> int | None:
        return self.database.write(lambda one: retention.forget_steps(one, before, after))
