"""Periods: from when to when, in somebody's time zone, and the days, months and years of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pushguide.errors import Refused
from pushguide.master.statistics.rollups import DAY, MONTH, YEAR, start_of

UTC = timezone.utc
_DAYS = re.compile(r"([1-9]\d{0,3})d\Z")
_YEAR = re.compile(r"(20\d\d)\Z")
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])\Z")
_DAY = re.compile(r"(20\d\d)-(\d\d)-(\d\d)\Z")
_ONE_DAY = timedelta(days=1)
#: Nothing is recorded before.
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """Whole days, months or years by UTC, one after the other, each by its first day."""

    grain: str
    first: date
    last: date

    @property
    def end(self) -> datetime:
        """When it ends."""
        last = datetime(self.last.year, self.last.month, self.last.day, tzinfo=UTC)
        if self.grain == DAY:
            return last + _ONE_DAY
        return _next_month(last) if self.grain == MONTH else _next_year(last)


@dataclass(frozen=True)
class Period:
    """From ``start`` on, up to ``end``, which is not in it any more.

    Attributes:
        words: how it was asked for.
        zone: whose days and hours are meant.
        now: when it is asked for, if that matters. Nothing has happened later, so that a day,
            month or year that is not over yet is counted as a whole one.
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

    def edges(self) -> list[tuple[datetime, datetime]]:
        """What of it is no whole day by UTC: nothing, or up to two parts."""
        first, last = _day_from(self.start), _day_until(self.end)
        if first > last:
            return [(self.start, self.end)]
        found = [(self.start, first), (last, self.end)]
        return [(since, until) for since, until in found if since < until]

    def spans(self) -> list[Span]:
        """The whole days of it by UTC, as months or years where that can be.

        A month in which the clocks of the zone change is given as days, and such a year as months,
        so that each hour of it can be told in the zone.
        """
        return list(_spans(_day_from(self.start), _day_until(self.end), self.zone))

    def touched(self) -> list[Span]:
        """Every day by UTC that it touches, as months or years where that can be."""
        return list(_spans(_day_until(self.start), _day_from(self.end), self.zone))


def _day_until(moment: datetime) -> datetime:
    """The beginning of the day of a moment."""
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def _day_from(moment: datetime) -> datetime:
    """The beginning of the first day that begins at a moment or after it."""
    day = _day_until(moment)
    return day if day == moment else day + _ONE_DAY


def _spans(first: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Span]:
    day = first
    open_span: Span | None = None
    while day < end:
        grain, until = _longest(day, end, zone)
        last = (until - _ONE_DAY).date() if grain == DAY else day.date()
        if open_span and open_span.grain == grain:
            open_span = Span(grain, open_span.first, last)
        else:
            if open_span:
                yield open_span
            open_span = Span(grain, day.date(), last)
        day = until
    if open_span:
        yield open_span


def _longest(day: datetime, end: datetime, zone: ZoneInfo) -> tuple[str, datetime]:
    """The longest grain that begins on a day, and its end; or the rest of the month as days."""
    ends = {YEAR: _next_year(day), MONTH: _next_month(day)}
    for grain, until in ends.items():
        is_whole = day.date() == start_of(grain, day.date()) and until <= end
        if is_whole and _is_steady(day, until, zone):
            return grain, until
    return DAY, min(ends[MONTH], end)


def _next_year(day: datetime) -> datetime:
    return day.replace(year=day.year + 1, month=1, day=1)


def _next_month(day: datetime) -> datetime:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _is_steady(start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    """Whether the clocks of a zone are as far from UTC all the time."""
    here = start.astimezone(zone).utcoffset()
    moment = start
    while moment <= end:
        if moment.astimezone(zone).utcoffset() != here:
            return False
        moment += _ONE_DAY
    return True


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
