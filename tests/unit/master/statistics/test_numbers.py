"""What the numbers mean: durations, reasons, periods, and DORA by hand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pushguide.errors import Refused
from pushguide.master import states
from pushguide.master.statistics import answers, periods
from pushguide.master.statistics.buckets import bucket_of, middle_of, percentile
from pushguide.master.statistics.periods import Period
from pushguide.master.statistics.pieces import midnight_of
from pushguide.master.statistics.queries import About
from pushguide.master.statistics.reasons import REASON_AT_MOST, reason_of
from pushguide.master.statistics.rollups import start_of
from pushguide.master.store import builds, record
from pushguide.master.store.builds import Build
from pushguide.master.store.database import Database
from tests.unit.master.conftest import make_plan
from tests.unit.master.statistics.histories import Clock

UTC = timezone.utc


def test_a_percentile_is_right_within_six_percent() -> None:
    chance = random.Random(1)
    values = sorted(chance.lognormvariate(1, 1.5) for _ in range(5000))
    spread: dict[str, int] = {}
    for one in values:
        spread[bucket_of(one)] = spread.get(bucket_of(one), 0) + 1
    for share in (0.05, 0.5, 0.95):
        exact = values[int(len(values) * share)]
        assert percentile(spread, share) == pytest.approx(exact, rel=0.07)
    assert percentile({}, 0.5) is None
    assert bucket_of(0) == bucket_of(0.01) == "0"
    assert middle_of("0") == 0.01


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("answered 503 after 30.2 s", "answered <n> after <n> s"),
        ("http://web1:8080/health?id=7 answered", "<url> answered"),
        ("no space in /srv/shop/releases/1.2.3: 5 MB", "no space in <path>: <n> MB"),
        (r"C:\srv\shop\bin is locked", "<path> is locked"),
        ("web1 runs 1.4.2 and not 2.0.1-rc.1", "<name> runs <name> and not <version>"),
        ("10.0.0.7:8443 refused", "<host> refused"),
        ("db.fra.example.com refused", "<host> refused"),
        ("job 550e8400-e29b-41d4-a716-446655440000", "job <uuid>"),
        ("sha deadbeef01 is not 0xff", "sha <hex> is not <hex>"),
        ("at 2026-11-24T10:00:01.5Z", "at <time>"),
        ("password=hunter2 was wrong", "<secret> was wrong"),
        ("Authorization: Bearer abc.def.ghi12345", "<secret>"),
        ("api_key: s3cr3t", "<secret>"),
        ("key AKIAIOSFODNN7EXAMPLE12345678 is bad", "key <secret> is bad"),
        ("mail ops@example.com", "mail <address>"),
        (None, "no reason was told"),
        ("a\n\n  b\tc", "a b c"),
    ],
)
def test_an_error_has_a_normal_form(error: str | None, reason: str) -> None:
    assert reason_of(error, ("web1", "1.4.2")) == reason


def test_a_reason_has_a_bound_and_no_control_characters() -> None:
    assert len(reason_of("word " * 500)) == REASON_AT_MOST
    assert reason_of("\x1b[31mred\x00") == "[<n>mred"
    assert reason_of(reason_of("answered 503 at /srv/x")) == reason_of("answered 503 at /srv/x")


NOW = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "zone", "start", "end"),
    [
        ("30d", "UTC", "2026-10-27T00:00", "2026-11-26T00:00"),
        ("1d", "Asia/Shanghai", "2026-11-25T16:00", "2026-11-26T16:00"),
        (2026, "UTC", "2026-01-01T00:00", "2027-01-01T00:00"),
        ("2026-11", "Asia/Kolkata", "2026-10-31T18:30", "2026-11-30T18:30"),
        ("2026-12", "UTC", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00", "2026-03-29T22:00"),
        ({"from": "2026-11-01", "to": "2026-11-02"}, "UTC", "2026-11-01T00:00", "2026-11-03T00:00"),
        ({"from": "2026-11-01T06:00+08:00"}, "UTC", "2026-10-31T22:00", "2026-11-25T17:30"),
    ],
)
def test_a_period_is_read(words: object, zone: str, start: str, end: str) -> None:
    found = periods.period_of(words, zone, NOW)
    assert (found.start, found.end) == tuple(
        datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (start, end)
    )


@pytest.mark.parametrize(
    "words",
    ["soon", "0d", "2026-13", "2026-02-30", {"since": 1}, {"from": "x"}, None, "",
     {"from": "2026-11-02", "to": "2026-11-01"}],
)  # fmt: skip
def test_what_is_no_period_is_refused(words: object) -> None:
    with pytest.raises(Refused, match="period"):
        periods.period_of(words, "UTC", NOW)


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "", 7])
def test_what_is_no_time_zone_is_refused(zone: object) -> None:
    with pytest.raises(Refused, match="timezone"):
        periods.period_of("30d", zone, NOW)


ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Auckland")
_QUARTER = timedelta(minutes=15)


def quarters(start: datetime, end: datetime) -> Iterator[datetime]:
    """The quarters of hours of a time."""
    return (start + _QUARTER * number for number in range(int((end - start) / _QUARTER)))


def made_up_of(period: Period) -> set[datetime]:
    """The quarters of hours that pieces and edges make up, each of them once."""
    length = {"day": 1, "month": 32, "year": 366}
    made: Counter[datetime] = Counter()
    for piece in period.pieces():
        start = midnight_of(piece.start)
        end = midnight_of(start_of(piece.grain, piece.start + timedelta(length[piece.grain])))
        made.update(dict.fromkeys(quarters(start, end), piece.sign))
    for edge in period.edges():
        made.update(dict.fromkeys(quarters(edge.start, edge.end), edge.sign))
    assert {*made.values()} <= {0, 1}
    return {quarter for quarter, times in made.items() if times}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("words", ["2026", "2026-03", "40d", "30d", "2026-11-24", "1d"])
def test_pieces_and_edges_make_up_a_period_and_nothing_twice(words: str, zone: str) -> None:
    period = periods.period_of(words, zone, NOW)
    assert made_up_of(period) == {*quarters(period.start, period.end)}
    assert made_up_of(period.until(NOW)) == {*quarters(period.start, period.end)}
    assert sum(part.days for part in periods.parts_of(period, "week")) == pytest.approx(period.days)


@pytest.mark.parametrize("zone", ZONES)
def test_whatever_the_period_is_it_is_made_up_of_few_rows(zone: str) -> None:
    chance = random.Random(4)
    for _ in range(40):
        start = NOW.replace(minute=0) - timedelta(hours=chance.randrange(15_000))
        end = start + timedelta(hours=chance.choice([2, 20, 50, 700, 9000]))
        period = Period(start, end, ZoneInfo(zone), "")
        assert made_up_of(period) == {*quarters(start, end)}
        assert len(period.pieces()) <= 2 * (8 + 18)
        for edge in period.edges():
            assert edge.end - edge.start <= timedelta(hours=12) or period.days < 1


def test_the_last_days_are_the_months_without_those_before() -> None:
    for day in range(1, 29):
        now = NOW.replace(day=day)
        period = periods.period_of("30d", "Asia/Shanghai", now).until(now)
        there = [piece for piece in period.pieces() if piece.start <= now.date()]
        assert len(there) <= 20, day


def test_what_is_not_over_is_counted_as_a_whole_and_told_as_far_as_it_has_passed() -> None:
    period = periods.period_of("2026", "UTC", NOW).until(NOW)
    assert [piece.grain for piece in period.pieces()] == ["year"]
    assert period.edges() == []
    assert period.passed == NOW
    assert 328 < period.days < 329
    months = [*periods.parts_of(period, "month")]
    assert [part.words for part in months][-2:] == ["2026-10", "2026-11"]
    assert sum(part.days for part in months) == pytest.approx(period.days)


class Story:
    """Deployments at given times, as a person would tell them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock(datetime(2026, 5, 4, 8, tzinfo=UTC))

    def tell(
        self,
        at: str,
        state: str,
        minutes: float = 10,
        kind: str = "deploy",
        version: str = "1.0.0",
        cause: tuple[str, int] | None = None,
        person: str = "ann",
    ) -> int:
        """One deployment that began at a time."""
        plan = make_plan(kind=kind, version=version)
        start = datetime.fromisoformat(at).replace(tzinfo=UTC)
        with self.clock.read_by_the_store():
            self.clock.moment = start
            number = self.write(
                lambda one: record.create(one, plan, person, states.QUEUED, cause=cause)
            )
            self.clock.moment = start
            self.write(lambda one: record.change_state(one, number, states.RUNNING))
            self.clock.moment = start + timedelta(minutes=minutes)
            self.write(lambda one: record.change_state(one, number, state, "why"))
        return number

    def write(self, work: Callable[[Any], Any]) -> Any:
        """Do something in a transaction."""
        return self.database.write(work)

    def built(self, version: str, at: str, announced: str | None = None) -> None:
        """A build of a version."""
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        said = None if announced else moment
        build = Build("shop-web", version, "ci", moment, said)
        self.write(lambda one: builds.announce(one, build))


def test_dora_is_what_a_person_computes_by_hand(database: Database) -> None:
    """Ten days, told one after the other; the numbers below are computed by hand."""
    story = Story(database)
    story.built("1.0.0", "2026-05-03T08:10")
    story.built("1.2.0", "2026-05-06T06:10", announced="yes")
    # A success: delivered a day after its build. Later undone by a person.
    story.tell("2026-05-04T08:00", states.SUCCEEDED, version="1.0.0")
    story.tell("2026-05-04T09:00", states.SUCCEEDED, kind="rollback", version="0.9.0")
    # A failure, put back by itself 20 minutes after it ended.
    failed = story.tell("2026-05-05T08:00", states.FAILED, version="1.1.0")
    story.tell(
        "2026-05-05T08:10", states.SUCCEEDED, minutes=20, kind="rollback", version="0.9.0",
        cause=(record.AUTO_ROLLBACK, failed),
    )  # fmt: skip
    story.write(lambda one: record.change_state(one, failed, states.ROLLED_BACK))
    # A failure whose retry brings it to its end two hours later: delivered 4 hours after its build.
    failed = story.tell("2026-05-06T08:00", states.FAILED, version="1.2.0")
    story.tell("2026-05-06T10:00", states.SUCCEEDED, version="1.2.0", cause=(record.RETRY, failed))
    # The same version again: no first delivery. One aborted. One never begun.
    story.tell("2026-05-07T08:00", states.SUCCEEDED, version="1.2.0")
    story.tell("2026-05-08T08:00", states.ABORTED, version="1.3.0")
    never = story.write(lambda one: record.create(one, make_plan(), "ann", states.QUEUED))
    story.write(lambda one: record.change_state(one, never, states.ABORTED))

    period = periods.period_of({"from": "2026-05-04", "to": "2026-05-13"}, "UTC", NOW)
    told = database.read(lambda one: answers.answer(one, About(modules=("shop-web",)), period))
    dora, found = told["dora"], told["deployments"]
    # Deliveries: 1.0.0, the retry of 1.2.0, 1.2.0 again: 3 in 10 days.
    assert dora["deployment_frequency"] == {"deliveries": 3, "per_day": 0.3}
    # Lead: 24 h for 1.0.0, and from 06:10 to 10:10 for 1.2.0.
    assert dora["lead_time_seconds"]["measured_on"] == 2
    assert dora["lead_time_seconds"]["p50"] == pytest.approx(4 * 3600, rel=0.06)
    assert dora["lead_time_seconds"]["p95"] == pytest.approx(24 * 3600, rel=0.06)
    # Changes: 1.0.0 (undone), 1.1.0 (failed), 1.2.0 (failed), 1.2.0 again: 3 of 4 failed.
    assert dora["change_failure_rate"] == {"changes": 4, "failed": 3, "rate": 0.75}
    # Restored: 20 minutes after 08:10, and from 08:10 to 10:10.
    assert dora["time_to_restore_seconds"]["measured_on"] == 2
    assert dora["time_to_restore_seconds"]["p50"] == pytest.approx(20 * 60, rel=0.06)
    assert dora["time_to_restore_seconds"]["p95"] == pytest.approx(2 * 3600, rel=0.06)
    assert found | {"seconds": None} == {
        "count": 7,
        "succeeded": 4,
        "failed": 2,
        "aborted": 1,
        "success_rate": 0.6667,
        "rollbacks": 1,
        "automatic_rollbacks": 1,
        "rollback_rate": 0.3333,
        "retries": 1,
        "seconds": None,
    }
    assert found["seconds"]["p50"] == pytest.approx(600, rel=0.06)


def test_hours_are_those_of_the_zone(database: Database) -> None:
    story = Story(database)
    story.tell("2026-05-04T17:40", states.SUCCEEDED)  # a Monday; in Kathmandu at 23:25
    story.tell("2026-03-28T23:30", states.FAILED)  # in Berlin at 00:30, in winter
    story.tell("2026-03-29T01:30", states.FAILED)  # in Berlin at 03:30, in summer by then
    for zone, hours, days in (
        ("UTC", {17: 1, 23: 1, 1: 1}, {"monday": 1, "saturday": 1, "sunday": 1}),
        ("Asia/Kathmandu", {23: 1, 5: 1, 7: 1}, {"monday": 1, "sunday": 2}),
        ("Europe/Berlin", {19: 1, 0: 1, 3: 1}, {"monday": 1, "sunday": 2}),
        ("Asia/Shanghai", {1: 1, 7: 1, 9: 1}, {"tuesday": 1, "sunday": 2}),
    ):
        period = periods.period_of("2026", zone, NOW)
        told = database.read(lambda one, within=period: answers.answer(one, About(), within))
        by_hour = {one["hour"]: one["count"] for one in told["by_hour"] if one["count"]}
        by_day = {one["weekday"]: one["count"] for one in told["by_weekday"] if one["count"]}
        assert (by_hour, by_day) == (hours, days), zone
