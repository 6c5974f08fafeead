"""Gates: what has to hold before a batch of hosts begins, and what people ask meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from pushguide.errors import PushguideError
from pushguide.master import states
from pushguide.master.plan import Leg, Plan
from pushguide.master.rollout.results import Results
from pushguide.master.store import record, requests
from pushguide.master.store.database import Database
from pushguide.master.store.requests import Request
from pushguide.master.store.tables import now
from pushguide.words import FAILED, INCONCLUSIVE, RESTORED, STOPPED_SHORT, UNKNOWN

#: Outcomes that count against max_failures.
FAILURES = (FAILED, RESTORED, UNKNOWN, STOPPED_SHORT)
_LOOK_SECONDS = 1.0
_WAIT_SECONDS = 1.0


class Halted(PushguideError):
    """The deployment stands still, or ends, because of what somebody asked or what was seen.

    ``state`` is what it becomes: paused or aborted.
    """

    def __init__(self, state: str, reason: str) -> None:
        self.state = state
        self.reason = reason
        super().__init__(f"{state}: {reason}")


class Requests:
    """What people ask of the deployment while it is driven, looked up about once a second.

    Args:
        database: the record.
        number: the deployment.
    """

    def __init__(self, database: Database, number: int) -> None:
        self.database = database
        self.number = number
        self._known: list[Request] = []
        self._next_at = 0.0

    def now(self) -> list[Request]:
        """What waits to be done; at the most a second old, or from before the database went."""
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + _LOOK_SECONDS
            try:
                self._known = self.database.read(lambda one: requests.undone(one, self.number))
            except PushguideError:
                return self._known
        return self._known

    def first(self, what: str) -> Request | None:
        """The oldest request of a kind that waits to be done."""
        return next((one for one in self.now() if one.what == what), None)

    def forget(self, what: str) -> None:
        """Take requests of a kind for done: they were not meant for what begins now."""
        if self.first(what):
            self.database.write(lambda one: requests.close(one, self.number, [what]))
            self._known = [one for one in self._known if one.what != what]

    def demand_no_abort(self) -> None:
        """End the deployment if somebody asks for it.

        Raises:
            Halted: somebody asks for an abort.
        """
        abort = self.first(requests.ABORT)
        if abort:
            raise Halted(states.ABORTED, str(abort))

    def demand_none(self) -> None:
        """Stand still if somebody asks for it.

        Raises:
            Halted: somebody asks for an abort or a pause.
        """
        self._next_at = 0.0
        self.demand_no_abort()
        pause = self.first(requests.PAUSE)
        if pause:
            raise Halted(states.PAUSED, str(pause))


class Gate:
    """Decides whether a leg may begin, and waits where the strategy wants a wait.

    Args:
        plan: the plan.
        number: the deployment.
        results: the way into the record.
        asked: what people ask.
        tick: called at least once a second while it waits.
        rest: passes some seconds.
    """

    def __init__(
        self,
        plan: Plan,
        number: int,
        results: Results,
        asked: Requests,
        tick: Callable[[], None],
        rest: Callable[[float], None],
    ) -> None:
        self.plan = plan
        self.number = number
        self.results = results
        self.asked = asked
        self.tick = tick
        self.rest = rest

    def failed(self) -> list[str]:
        """The hosts that have failed, if they are too many to go on; none otherwise.

        A canary that fails is always too many.
        """
        outcomes = self.results.outcomes()
        failed = [host for host, outcome in outcomes.items() if outcome in FAILURES]
        canary = {*self.plan.batches[0]} if self.plan.rollout.canary else set()
        too_many = len(failed) > self.plan.rollout.max_failures or canary & {*failed}
        return failed if too_many else []

    def demand_conclusive(self) -> None:
        """Stand still if a probe could not tell whether a host is healthy.

        Raises:
            Halted: naming the hosts.
        """
        unclear = [
            host for host, outcome in self.results.outcomes().items() if outcome == INCONCLUSIVE
        ]
        if unclear:
            raise Halted(
                states.PAUSED,
                f"the probe could not tell whether {', '.join(unclear)} works: look there, then "
                f"salt-run pushguide.resume {self.number} probes again, and pushguide.abort "
                "puts back what ran before",
            )

    def wait_before(self, leg: Leg) -> None:
        """Wait until a leg may begin.

        Raises:
            Halted: it may not.
        """
        self.asked.demand_none()
        self.demand_conclusive()
        if leg.batch <= 1:
            return
        ended_at = self._ended_at(leg.batch - 1)
        if leg.batch == 2 and self.plan.rollout.canary:
            self._wait_after_canary(ended_at)
        elif self.plan.rollout.interval_seconds:
            self._wait(ended_at, self.plan.rollout.interval_seconds)

    def _wait_after_canary(self, ended_at: datetime) -> None:
        pause = self.plan.rollout.after_canary
        if self._is_released(ended_at):
            return
        if pause is None:
            raise Halted(
                states.PAUSED,
                f"the canary ({', '.join(self.plan.batches[0])}) is done: look at it, then "
                f"salt-run pushguide.confirm {self.number}, or pushguide.abort {self.number}",
            )
        self._wait(ended_at, pause)

    def _wait(self, since: datetime, seconds: float) -> None:
        """Wait until some seconds have passed since a moment, or somebody says to go on."""
        until = since + timedelta(seconds=seconds)
        while (left := (until - now()).total_seconds()) > 0 and not self._is_released(since):
            self.asked.demand_none()
            self.tick()
            self.rest(min(left, _WAIT_SECONDS))

    def _ended_at(self, batch: int) -> datetime:
        """When the last host of a batch came to its outcome."""
        rows = self.results.patiently(
            lambda: self.results.database.read(lambda one: record.hosts(one, self.number))
        )
        ended_at: datetime = max(row["updated_at"] for row in rows if row["batch"] == batch)
        return ended_at

    def _is_released(self, since: datetime) -> bool:
        """Whether somebody has said since that it may go on."""

        def work(connection: Connection) -> bool:
            return any(
                one.what in (requests.RESUME, requests.CONFIRM) and one.requested_at > since
                for one in requests.of(connection, self.number)
            )

        return bool(self.results.patiently(lambda: self.results.database.read(work)))
