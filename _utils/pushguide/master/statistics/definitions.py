"""What the numbers mean, each defined once. ``docs/statistics.md`` says the same to people.

*Counted* is a deployment that has begun and ended. One that was aborted before it began changed
nothing, and what ``test=True`` foretold is not in the record at all: neither counts. A deployment
counts in the hour and day in which it *began*.

A *failure* is one that ended ``failed`` or ``rolled_back``. ``aborted`` is neither success nor
failure: a person stopped it.

A *person* is who asked for a deployment. An *automatic rollback* is nobody's: it is told by its own
number, and is in no other number but the time to restore, so that a failure that was put back does
not look half as bad. A *retry* is a deployment as any other, and is told by its own number too.

A *rollback* is of kind rollback and was asked for by a person.

A *change* is of kind deploy, no retry, and not aborted. It *failed* if it is a failure, or if the
next that succeeded in its module and environment is a rollback by a person: it was *undone*.

A *delivery* is a deployment of kind deploy that succeeded, a retry included: it brings a change to
its end. Its *lead time* runs from when the artifact was built (or announced, where CI does not say)
until the delivery ended, for the first delivery of a version to an environment.

The *time to restore* runs from the end of the first failure in a module and environment since the
last success there, until the end of the next success, of whichever kind.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pushguide.master import states
from pushguide.master.statistics.buckets import bucket_of
from pushguide.master.statistics.numbers import COUNTED_SLOT, FAILED_SLOT, SUCCEEDED_SLOT, Numbers
from pushguide.words import (
    FAILED,
    INCONCLUSIVE,
    RESTORED,
    STOPPED_SHORT,
    SUCCEEDED,
    UNKNOWN,
    WARNING,
)

AUTOMATIC = "auto_rollback"
RETRY = "retry"

#: States of a deployment that failed.
FAILURES = (states.FAILED, states.ROLLED_BACK)
#: Outcomes of a host that count as failed there.
HOST_FAILURES = (FAILED, RESTORED, UNKNOWN, INCONCLUSIVE, STOPPED_SHORT)
#: How outcomes of a host count.
HOSTS_COUNTED_AS = {SUCCEEDED: (SUCCEEDED,), FAILED: HOST_FAILURES}
#: How long a stage or step took counts if it did something to its end.
MEASURED = (SUCCEEDED, WARNING)
#: Outcomes of a stage in which a host failed.
STAGE_FAILURES = (FAILED, INCONCLUSIVE)


def person_of(requested_by: str, cause: str | None) -> str:
    """Who asked for a deployment; nobody for an automatic rollback."""
    return "" if cause == AUTOMATIC else requested_by


class Fact(NamedTuple):
    """What the statistics have counted of one deployment."""

    deployment_id: int
    module: str
    environment: str
    type: str
    person: str
    version: str
    kind: str
    cause: str | None
    state: str
    started_at: datetime
    finished_at: datetime | None = None
    seconds: float | None = None
    lead_seconds: float | None = None
    restore_seconds: float | None = None
    is_undone: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether it has ended and somebody asked for it."""
        return self.state in states.TERMINAL and self.cause != AUTOMATIC

    @property
    def is_success(self) -> bool:
        """Whether it succeeded."""
        return self.state == states.SUCCEEDED

    @property
    def is_failure(self) -> bool:
        """Whether it failed."""
        return self.state in FAILURES

    @property
    def is_rollback(self) -> bool:
        """Whether a person asked to go back."""
        return self.kind == "rollback" and self.cause != AUTOMATIC

    @property
    def is_change(self) -> bool:
        """Whether it brings something new, for the first time."""
        is_first = self.kind == "deploy" and self.cause is None
        return is_first and (self.is_success or self.is_failure)

    @property
    def is_delivery(self) -> bool:
        """Whether it brought a change to its end."""
        return self.kind == "deploy" and self.is_success


def numbers_of(fact: Fact) -> Numbers:
    """What a deployment adds to the numbers of everything that it belongs to."""
    found = Numbers()
    count(found, fact)
    return found


def count(found: Numbers, fact: Fact) -> None:
    """Add a deployment to numbers."""
    if fact.state not in states.TERMINAL:
        return
    if fact.restore_seconds is not None:
        found.note("times", "restore", bucket_of(fact.restore_seconds))
    if fact.cause == AUTOMATIC:
        found.automatic_rollbacks += 1
        return
    found.counted += 1
    found.succeeded += fact.is_success
    found.failed += fact.is_failure
    found.aborted += fact.state == states.ABORTED
    found.rollbacks += fact.is_rollback
    found.retries += fact.cause == RETRY
    found.changes += fact.is_change
    found.failed_changes += fact.is_change and (fact.is_failure or fact.is_undone)
    found.deliveries += fact.is_delivery
    if fact.is_success and fact.seconds is not None:
        found.note("times", "seconds", bucket_of(fact.seconds))
    if fact.lead_seconds is not None:
        found.note("times", "lead", bucket_of(fact.lead_seconds))
    _note_slots(found, fact.started_at, fact.is_success, fact.is_failure)


def count_host(found: Numbers, started_at: datetime, counted_as: str | None) -> None:
    """Add the result of one host to numbers of hosts."""
    if counted_as is not None:
        found.counted += 1
        found.succeeded += counted_as == SUCCEEDED
        found.failed += counted_as == FAILED
        _note_slots(found, started_at, counted_as == SUCCEEDED, counted_as == FAILED)


def numbers_of_host(started_at: datetime, counted_as: str | None) -> Numbers:
    """What the result of one host adds to the numbers of that host."""
    found = Numbers()
    count_host(found, started_at, counted_as)
    return found


def host_counted_as(outcome: str) -> str | None:
    """How the outcome of a host counts: succeeded, failed, or not at all."""
    return next((name for name, some in HOSTS_COUNTED_AS.items() if outcome in some), None)


def _note_slots(found: Numbers, started_at: datetime, is_success: bool, is_failure: bool) -> None:
    slot = str(slot_of(started_at))
    found.note("slots", COUNTED_SLOT, slot)
    if is_success:
        found.note("slots", SUCCEEDED_SLOT, slot)
    if is_failure:
        found.note("slots", FAILED_SLOT, slot)


def slot_of(moment: datetime) -> int:
    """The quarter of an hour of its week that a moment in UTC falls into, from Monday on.

    Every zone is whole quarters away from UTC, so that the same slots serve all of them.
    """
    return moment.weekday() * 96 + moment.hour * 4 + moment.minute // 15
