"""Who is believed, where several say what a value of the inventory is on a host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

#: Who may say what a value is: the first of them that says something is believed, everywhere.
SOURCES = ("environment", "template", "pillar", "cmdb", "grain", "discovery")

#: Those whose word is what somebody has written down, and not what is found on a host.
CLAIMING = ("environment", "template", "pillar", "cmdb")


@dataclass(frozen=True)
class Claim:
    """What one of them says.

    Attributes:
        value: the value.
        source: who says so.
        seen_at: when that was heard, where it was not heard just now.
        is_stale: whether it should have been asked again, and could not be.
    """

    value: str | int
    source: str
    seen_at: datetime | None = None
    is_stale: bool = False


@dataclass(frozen=True)
class Known:
    """What a value is, and whose words were overruled."""

    believed: Claim
    overruled: tuple[Claim, ...] = ()


def decide(claims: Iterable[Claim]) -> Known | None:
    """Who is believed; None where nobody says anything."""
    ordered = sorted(claims, key=lambda one: SOURCES.index(one.source))
    return Known(ordered[0], tuple(ordered[1:])) if ordered else None
