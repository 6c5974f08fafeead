"""Pieces: the days, months and years by UTC of which rollups make up a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple

from pushguide.master.statistics.rollups import DAY, MONTH, YEAR, start_of

_ONE_DAY = timedelta(days=1)
#: What reading a row costs, in days: a longer one has more hours, hosts and reasons.
_COST = {DAY: 1, MONTH: 4, YEAR: 8}
#: A row of the rollups: its grain, its start, and whether it is added or taken away.
_Row = tuple[str, date, int]


class Piece(NamedTuple):
    """A day, month or year by UTC, to be added or to be taken away.

    Attributes:
        grain: day, month or year.
        start: its first day.
        sign: 1 or -1.
        quarters: how far the zone is from UTC then, in quarters of an hour; None on a day on which
            its clocks change.
    """

    grain: str
    start: date
    sign: int
    quarters: int | None


class Run(NamedTuple):
    """Days, months or years one after the other, each by its first day."""

    grain: str
    sign: int
    first: date
    last: date


def runs_of(rows: Iterable[tuple[str, int, date]]) -> list[Run]:
    """What follows one after the other of some grains, signs and starts."""
    found: list[Run] = []
    for grain, sign, start in sorted({*rows}):
        last = found[-1] if found else None
        if last and last[:2] == (grain, sign) and _after(grain, last.last) == start:
            found[-1] = last._replace(last=start)
        else:
            found.append(Run(grain, sign, start, start))
    return found


def midnight_of(day: date) -> datetime:
    """The beginning of a day by UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)


def pieces_of(first: date, end: date, quarters: int | None, today: date) -> Iterator[Piece]:
    """The cheapest pieces that add up to some days.

    Args:
        first: the first day.
        end: the one after the last.
        quarters: how far the zone is from UTC on all of them.
        today: nothing is kept of later days.
    """
    for year in range(first.year, end.year + 1):
        for grain, start, sign in _cover(YEAR, date(year, 1, 1), first, end, today):
            yield Piece(grain, start, sign, quarters)


@lru_cache(maxsize=1000)
def _cover(grain: str, start: date, first: date, end: date, today: date) -> list[_Row]:
    """The cheapest rows that add up to the days from the first up to an end, of those in one grain.

    They are what the days are made of, or the whole grain less what the other days of it are made
    of: 27 days of a month are the month without three or four days. Of days to come there are no
    rows, so that they cost nothing.
    """
    after = _after(grain, start)
    if end <= start or after <= first:
        return []
    if first <= start and after <= end:
        return [(grain, start, 1)]

    def parts(since: date, until: date) -> list[_Row]:
        shorter = DAY if grain == MONTH else MONTH
        touched = start_of(shorter, max(since, start))
        return [
            one
            for part in _starts(shorter, touched, min(until, after))
            for one in _cover(shorter, part, since, until, today)
        ]

    without = [(of, at, -sign) for of, at, sign in parts(start, first) + parts(end, after)]
    return min(
        parts(first, end),
        [(grain, start, 1), *without],
        key=lambda found: sum(_COST[of] for of, at, _ in found if at <= today),
    )


def _starts(grain: str, first: date, end: date) -> Iterator[date]:
    """The first days of what of a grain begins from a day on up to another one."""
    while first < end:
        yield first
        first = _after(grain, first)


def _after(grain: str, start: date) -> date:
    """The first day after a day, month or year."""
    if grain == DAY:
        return start + _ONE_DAY
    return start_of(grain, start + timedelta(days=32 if grain == MONTH else 366))
