"""Periods: from when to when, in somebody's time zone, and the days, months and years of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pushguide.errors import Refused
from pushguide.master.statistics.pieces import Piece, midnight_of, pieces_of

UTC = timezone.utc
_DAYS = re.compile(r"([1-9]\d{0,3})d\Z")
_YEAR = re.compile(r"(20\d\d)\Z")
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])\Z")
_DAY = re.compile(r"(20\d\d)-(\d\d)-(\d\d)\Z")
_ONE_DAY = timedelta(days=1)
#: Nothing is recorded before.
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


class Edge(NamedTuple):
    """A part of a day by UTC, to be added or to be taken away."""

    start: datetime
    end: datetime
    sign: int


@dataclass(frozen=True)
class Period:
    """From ``start`` on, up to ``end``, which is not in it any more.

    Attributes:
        words: how it was asked for.
        zone: whose days and hours are meant.
        now: when it is asked for, if that matters: nothing has happened later.
    """

    start: datetime
    end: datetime
    zone: ZoneInfo
    words: str
    now: datetime | None = None

    @property
    def days(self) -> float:
        """How many days of it have passed."""
        return (self.passed - self.start) / _ONE_DAY

    @property
    def passed(self) -> datetime:
        """The end of what of it has passed."""
        return self.end if self.now is None else max(self.start, min(self.end, self.now))

    def until(self, moment: datetime) -> Period:
        """The same, asked for at a moment."""
        return replace(self, now=moment)

    @property
    def whole_days(self) -> tuple[date, date]:
        """The whole days by UTC that come nearest: the first, and the one after the last."""
        is_open = self.now is not None and self.end > self.now
        return _nearest_day(self.start), _day_from(self.end) if is_open else _nearest_day(self.end)

    @property
    def has_whole_days(self) -> bool:
        """Whether there is a day by UTC that it makes up, more or less."""
        first, end = self.whole_days
        return first < end

    @property
    def touched_days(self) -> tuple[date, date]:
        """The same of every day by UTC that it touches."""
        return self.start.astimezone(UTC).date(), _day_from(self.end)

    def edges(self) -> list[Edge]:
        """What has to be added to its whole days, and taken away, so that they are the period."""
        first, end = map(midnight_of, self.whole_days)
        if not self.has_whole_days:
            return [Edge(self.start, self.end, 1)]
        found = [
            Edge(self.start, first, 1),
            Edge(first, self.start, -1),
            Edge(end, self.end, 1),
            Edge(self.end, end, -1),
        ]
        return [one for one in found if one.start < one.end]

    def pieces(self, days: tuple[date, date] | None = None) -> list[Piece]:
        """The days, months and years that make up whole days: its own, if not others are given."""
        return [*pieces_of(*(days or self.whole_days), 0, self.passed.date())]

    def pieces_by_hour(self) -> list[Piece]:
        """The same, so that each hour can be told in the zone."""
        found: list[Piece] = []
        for quarters, days in groupby(_days(*self.whole_days), self._quarters_on):
            first, *rest = days
            after = (rest[-1] if rest else first) + _ONE_DAY
            found += pieces_of(first, after, quarters, self.passed.date())
        return found

    def _quarters_on(self, day: date) -> int | None:
        """How far the zone is from UTC on a day; None if that changes on it."""
        quarters = quarters_at(midnight_of(day), self.zone)
        return quarters if quarters == quarters_at(midnight_of(day + _ONE_DAY), self.zone) else None


def quarters_at(moment: datetime, zone: ZoneInfo) -> int:
    """How far a zone is from UTC, in quarters of an hour."""
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() // 900)


def _nearest_day(moment: datetime) -> date:
    """The day by UTC whose beginning comes nearest to a moment."""
    return (moment + _ONE_DAY / 2).astimezone(UTC).date()


def _day_from(moment: datetime) -> date:
    """The first day by UTC that begins at a moment or after it."""
    day = moment.astimezone(UTC).date()
    return day if midnight_of(day) == moment else day + _ONE_DAY


def _days(first: date, end: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((end - first).days))


def zone_of(name: object) -> ZoneInfo:
    """A time zone by its name.

    Raises:
        Refused: there is none.
    """
    try:
        return ZoneInfo(str(name))
    except (ValueError, KeyError, OSError):
        raise Refused(
            f"timezone is {str(name)[:80]!r}: give a name such as UTC, Asia/Shanghai or "
            "Europe/Berlin."
        ) from None


def period_of(words: object, timezone_name: object, now: datetime) -> Period:
    """A period out of what somebody wrote.

    Args:
        words: ``30d`` (the last 30 days, today among them), ``2026``, ``2026-11``, ``2026-11-24``,
            ``all``, or a mapping of ``from`` and ``to``, each a day or a moment with its zone.
        timezone_name: the time zone in which days and hours are meant.
        now: the time.

    Raises:
        Refused: it is none.
    """
    zone = zone_of(timezone_name)
    today = now.astimezone(zone).date()
    tomorrow = _midnight(today + _ONE_DAY, zone)
    if isinstance(words, dict):
        return _from_to(words, zone, now)
    text = str(words)
    if text == "all":
        return Period(BEGINNING, tomorrow, zone, text)
    if found := _DAYS.match(text):
        first = _midnight(today - timedelta(days=int(found[1]) - 1), zone)
        return _checked(first, tomorrow, zone, text)
    try:
        start, end = _calendar(text)
    except (ValueError, TypeError):
        raise Refused(
            f"period is {text[:80]!r}: give 30d, 2026, 2026-11, 2026-11-24, all, or "
            "'{from: 2026-11-01, to: 2026-11-24}'."
        ) from None
    return _checked(_midnight(start, zone), _midnight(end, zone), zone, text)


def _calendar(text: str) -> tuple[date, date]:
    """The first day of a year, month or day, and the first one after it."""
    if found := _YEAR.match(text):
        year = int(found[1])
        return date(year, 1, 1), date(year + 1, 1, 1)
    if found := _MONTH.match(text):
        first = date(int(found[1]), int(found[2]), 1)
        return first, (first + timedelta(days=32)).replace(day=1)
    if not _DAY.match(text):
        raise ValueError(text)
    day = date.fromisoformat(text)
    return day, day + _ONE_DAY


def _from_to(given: dict[str, object], zone: ZoneInfo, now: datetime) -> Period:
    strange = [str(key) for key in given if key not in ("from", "to")]
    if strange:
        raise Refused(f"period has {', '.join(strange)}: give from and to, each a day or a moment.")
    start = _moment(given["from"], zone, is_end=False) if "from" in given else BEGINNING
    end = _moment(given["to"], zone, is_end=True) if "to" in given else now
    words = f"{given.get('from', '')} to {given.get('to', '')}"
    return _checked(start, end, zone, words.strip())


def _moment(value: object, zone: ZoneInfo, is_end: bool) -> datetime:
    """A day (all of it, where it is the last one) or a moment."""
    text = str(value).replace("Z", "+00:00")
    try:
        if _DAY.match(text):
            return _midnight(date.fromisoformat(text) + _ONE_DAY * is_end, zone)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f"period: {text[:80]!r} is neither a day such as 2026-11-24 nor a moment such as "
            "2026-11-24T03:00+08:00."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _checked(start: datetime, end: datetime, zone: ZoneInfo, words: str) -> Period:
    if start >= end:
        raise Refused(f"period: {words} ends before it begins.")
    return Period(max(start, BEGINNING), max(end, BEGINNING), zone, words)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


#: What a period can be divided into.
UNITS = ("day", "week", "month")


def parts_of(period: Period, unit: str) -> Iterator[Period]:
    """The days, weeks (from Monday on) or months of a period, in its time zone.

    The first and the last may be parts of one. Each is named by its first day, or as a month.
    """
    start = period.start
    while start < period.passed:
        here = start.astimezone(period.zone).date()
        if unit == "day":
            following, words = here + _ONE_DAY, here.isoformat()
        elif unit == "week":
            monday = here - timedelta(days=here.weekday())
            following, words = monday + timedelta(days=7), monday.isoformat()
        else:
            following = (here.replace(day=1) + timedelta(days=32)).replace(day=1)
            words = f"{here:%Y-%m}"
        end = min(_midnight(following, period.zone), period.end)
        yield Period(start, end, period.zone, words, period.now)
        start = end
