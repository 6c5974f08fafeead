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

from collections import Counter
from collections.abc import Iterable
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
    count(found, [fact])
    return found


def count(found: Numbers, facts: Iterable[Fact]) -> None:
    """Add deployments to numbers."""
    alike: dict[tuple[object, ...], list[Fact]] = {}
    for fact in facts:
        alike.setdefault((fact.state, fact.cause, fact.kind, fact.is_undone), []).append(fact)
    for some in alike.values():
        _count_alike(found, some)


def _count_alike(found: Numbers, facts: list[Fact]) -> None:
    """Add deployments that ended alike, and were asked for alike."""
    one, many = facts[0], len(facts)
    if one.state not in states.TERMINAL:
        return
    _note_times(found, "restore", [fact.restore_seconds for fact in facts])
    if one.cause == AUTOMATIC:
        found.automatic_rollbacks += many
        return
    found.counted += many
    found.succeeded += many * one.is_success
    found.failed += many * one.is_failure
    found.aborted += many * (one.state == states.ABORTED)
    found.rollbacks += many * one.is_rollback
    found.retries += many * (one.cause == RETRY)
    found.changes += many * one.is_change
    found.failed_changes += many * (one.is_change and (one.is_failure or one.is_undone))
    found.deliveries += many * one.is_delivery
    if one.is_success:
        _note_times(found, "seconds", [fact.seconds for fact in facts])
    _note_times(found, "lead", [fact.lead_seconds for fact in facts])
    _note_slots(found, [fact.started_at for fact in facts], one.is_success, one.is_failure)


def count_hosts(found: Numbers, results: Iterable[tuple[datetime, str | None]]) -> None:
    """Add results of hosts to numbers of hosts.

    Args:
        found: the numbers.
        results: when each deployment began, and how the host's outcome counts.
    """
    alike: dict[str, list[datetime]] = {}
    for started_at, counted_as in results:
        if counted_as is not None:
            alike.setdefault(counted_as, []).append(started_at)
    for counted_as, moments in alike.items():
        count_hosts_alike(found, moments, counted_as)


def count_hosts_alike(found: Numbers, moments: list[datetime], counted_as: str) -> None:
    """Add results of hosts that count alike to numbers of hosts, by when deployments began."""
    is_success, is_failure = counted_as == SUCCEEDED, counted_as == FAILED
    found.counted += len(moments)
    found.succeeded += len(moments) * is_success
    found.failed += len(moments) * is_failure
    _note_slots(found, moments, is_success, is_failure)


def numbers_of_host(started_at: datetime, counted_as: str | None) -> Numbers:
    """What the result of one host adds to the numbers of that host."""
    found = Numbers()
    count_hosts(found, [(started_at, counted_as)])
    return found


def host_counted_as(outcome: str) -> str | None:
    """How the outcome of a host counts: succeeded, failed, or not at all."""
    return next((name for name, some in HOSTS_COUNTED_AS.items() if outcome in some), None)


def _note_times(found: Numbers, name: str, many: list[float | None]) -> None:
    for bucket, count in Counter(bucket_of(one) for one in many if one is not None).items():
        found.note("times", name, bucket, count)


def _note_slots(
    found: Numbers, moments: list[datetime], is_success: bool, is_failure: bool
) -> None:
    names = [COUNTED_SLOT, *[SUCCEEDED_SLOT] * is_success, *[FAILED_SLOT] * is_failure]
    for slot, count in Counter(map(slot_of, moments)).items():
        for name in names:
            found.note("slots", name, str(slot), count)


def slot_of(moment: datetime) -> int:
    """The quarter of an hour of its week that a moment in UTC falls into, from Monday on.

    Every zone is whole quarters away from UTC, so that the same slots serve all of them.
    """
    return moment.weekday() * 96 + moment.hour * 4 + moment.minute // 15
