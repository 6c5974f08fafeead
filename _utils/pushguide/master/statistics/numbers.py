"""Numbers: what is counted, so that it can be added up and taken away again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

COUNTERS = (
    "counted",
    "succeeded",
    "failed",
    "aborted",
    "rollbacks",
    "automatic_rollbacks",
    "retries",
    "changes",
    "failed_changes",
    "deliveries",
)
#: Counters of many things each: durations by bucket, deployments by the slot of the week, and
#: failures by what failed.
SPREADS = ("times", "slots", "stages", "failing")
COUNTED_SLOT, SUCCEEDED_SLOT, FAILED_SLOT = "counted", "succeeded", "failed"

Spreads = dict[str, dict[str, int]]


@dataclass
class Numbers:
    """What is counted of some deployments or results of hosts.

    Attributes:
        times: how many were in each bucket: ``seconds``, ``lead`` and ``restore``.
        slots: how many began in each slot of the week: counted, succeeded and failed.
        stages: how many were in each bucket, of a ``stage`` or a ``stage/step``.
        failing: how many failures there were of each ``host``, ``stage`` and ``reason``.
    """

    counted: int = 0
    succeeded: int = 0
    failed: int = 0
    aborted: int = 0
    rollbacks: int = 0
    automatic_rollbacks: int = 0
    retries: int = 0
    changes: int = 0
    failed_changes: int = 0
    deliveries: int = 0
    times: Spreads = field(default_factory=dict)
    slots: Spreads = field(default_factory=dict)
    stages: Spreads = field(default_factory=dict)
    failing: Spreads = field(default_factory=dict)

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Numbers:
        """Numbers as they stand in a row; what the row lacks is nothing."""
        return cls(**{name: row[name] for name in (*COUNTERS, *SPREADS) if name in row})

    def to_row(self, columns: Iterable[str]) -> dict[str, Any]:
        """Some columns of a row."""
        return {name: self.__dict__[name] for name in columns}

    def has(self, columns: Iterable[str]) -> bool:
        """Whether there is something in any of some columns."""
        return any(self.__dict__[name] for name in columns)

    def note(self, spread: str, name: str, bucket: str, count: int = 1) -> None:
        """Count something of a spread."""
        buckets = getattr(self, spread).setdefault(name, {})
        buckets[bucket] = buckets.get(bucket, 0) + count

    def add(self, other: Numbers, sign: int = 1) -> None:
        """Add others, or take them away; what comes to nothing is left out."""
        mine, others = self.__dict__, other.__dict__
        for name in COUNTERS:
            if others[name]:
                mine[name] += sign * others[name]
        for spread in SPREADS:
            if others[spread]:
                merge(mine[spread], others[spread], sign)

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing in them."""
        return not self.has((*COUNTERS, *SPREADS))


def total(many: Iterable[Numbers]) -> Numbers:
    """All of them added up."""
    found = Numbers()
    for one in many:
        found.add(one)
    return found


def merge(mine: Spreads, others: Spreads, sign: int = 1) -> None:
    """Add counts to others, or take them away; what comes to nothing is left out."""
    for name, buckets in others.items():
        own = mine.get(name)
        if own is None and sign > 0:
            mine[name] = dict(buckets)
            continue
        own = mine.setdefault(name, {})
        known = own.get
        for bucket, count in buckets.items():
            if left := known(bucket, 0) + sign * count:
                own[bucket] = left
            else:
                own.pop(bucket, None)
        if not own:
            del mine[name]
