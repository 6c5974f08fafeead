"""Queries give the same out of rollups as one by one; what cannot be asked is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import salt.config

from pushguide.errors import Refused
from pushguide.master.desk import Desk
from pushguide.master.statistics import answers, periods, queries
from pushguide.master.statistics.numbers import Numbers
from pushguide.master.statistics.periods import Edge
from pushguide.master.statistics.queries import About, Hours
from pushguide.master.store.database import Database
from pushguide.master.store.schema import migrate
from pushguide.master.templates.library import Library
from tests.support.databases import fresh_url
from tests.unit.master.statistics.histories import START, Historian

ASKED = [
    About(),
    About(modules=("shop-web",)),
    About(modules=("shop-web", "shop-jobs")),
    About(environment="staging"),
    About(type="service", environment="production"),
    About(person="bob"),
    About(person="bob", type="java_web"),
    About(host="web2"),
    About(host="web2", environment="staging"),
]
COMBINED = [
    About(modules=("shop-web",), person="ann"),
    About(host="web1", modules=("shop-api",)),
    About(host="web1", person="ci"),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A record with a random history, only to be read."""
    with fresh_url(request.param, tmp_path_factory.mktemp("filled")) as url:
        database = Database(url)
        migrate(database)
        Historian(database, 11).write(45)
        yield database
        database.engine.dispose()


PERIODS = (
    "2026",
    "2026-04",
    {"from": "2026-03-28", "to": "2026-05-11"},
    {"from": "2026-03-29T05:10", "to": "2026-04-02T13:00"},
    {"from": "2026-03-28T22:00", "to": "2026-03-29T05:00"},
)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Asia/Shanghai"])
def test_rollups_answer_what_one_by_one_gives(filled: Database, zone: str) -> None:
    asked_for = 0
    for words in PERIODS:
        period = periods.period_of(words, zone, START)
        for about in ASKED:
            found, hours = filled.read(
                lambda one, about=about, period=period: queries.found(one, about, period)
            )
            raw, raw_hours = filled.read(
                lambda one, about=about, period=period: _one_by_one(one, about, period)
            )
            found.stages, found.slots, raw.slots = {}, {}, {}
            assert found == raw, (about, words)
            assert hours.counts() == raw_hours.counts(), (about, words)
            brief = filled.read(
                lambda one, about=about, period=period: queries.briefly(one, about, period)
            )
            assert (brief.counted, brief.times) == (raw.counted, raw.times)
            asked_for += raw.counted
    assert asked_for > 100


def _one_by_one(connection: Any, about: About, period: periods.Period) -> tuple[Numbers, Hours]:
    numbers, hours = Numbers(), Hours(period.zone)
    edges = [Edge(period.start, period.end, 1)]
    queries._count_facts(connection, numbers, hours, about, edges)
    queries._count_failures(connection, numbers, about, edges)
    return numbers, hours


@pytest.mark.parametrize("words", PERIODS)
def test_stages_are_those_of_the_nearest_days_by_utc(filled: Database, words: object) -> None:
    period = periods.period_of(words, "Asia/Shanghai", START)
    for about in ASKED:
        found, _ = filled.read(lambda one, about=about: queries.found(one, about, period))
        raw = filled.read(lambda one, about=about: queries._raw_stages(one, about, period))
        assert found.stages == raw, about


def test_a_month_in_a_zone_has_the_stages_of_as_many_days(filled: Database) -> None:
    for words in ("2026-04-03", "2026-04"):
        in_utc, in_shanghai = (
            filled.read(
                lambda one, zone=zone, words=words: queries.found(
                    one, About(), periods.period_of(words, zone, START)
                )
            )[0].stages
            for zone in ("UTC", "Asia/Shanghai")
        )
        assert in_utc == in_shanghai
    assert in_utc


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_groups_are_what_one_by_one_gives(filled: Database, zone: str) -> None:
    for words in PERIODS:
        period = periods.period_of(words, zone, START)
        for scope in ("module", "environment", "person", "host"):
            found = filled.read(
                lambda one, scope=scope, period=period: queries.by_name(one, About(), period, scope)
            )
            for name, numbers in found.items():
                about = About(modules=(name,)) if scope == "module" else About(**{scope: name})
                raw, _ = filled.read(
                    lambda one, about=about, period=period: _one_by_one(one, about, period)
                )
                assert (numbers.counted, numbers.failed) == (raw.counted, raw.failed)
                assert numbers.counted or numbers.times or numbers.automatic_rollbacks


@pytest.mark.parametrize("about", COMBINED)
def test_several_names_at_once_are_counted_one_by_one(filled: Database, about: About) -> None:
    period = periods.period_of("2026", "Asia/Shanghai", START)
    told = filled.read(lambda one: answers.answer(one, about, period))
    assert told["deployments"]["count"] == sum(one["count"] for one in told["by_hour"]) > 0
    assert told["stages"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_groups_add_up_to_the_whole(filled: Database, zone: str) -> None:
    period = periods.period_of("2026", zone, START)
    whole = filled.read(lambda one: queries.briefly(one, About(), period))
    for scope in ("module", "environment", "type", "person"):
        found = filled.read(lambda one, scope=scope: queries.by_name(one, About(), period, scope))
        assert sum(one.counted for one in found.values()) == whole.counted, scope
        assert sum(one.failed for one in found.values()) == whole.failed, scope
        seconds = [sum(one.times.get("seconds", {}).values()) for one in found.values()]
        assert sum(seconds) == sum(whole.times["seconds"].values()), scope
    months = list(periods.parts_of(period, "month"))
    by_month = [
        filled.read(lambda one, part=part: queries.briefly(one, About(), part)) for part in months
    ]
    assert sum(one.counted for one in by_month) == whole.counted


def test_what_fails_most_stands_first(filled: Database) -> None:
    period = periods.period_of("2026", "UTC", START)
    failing = filled.read(lambda one: answers.answer(one, About(), period))["failing"]
    assert failing["hosts"] == sorted(
        failing["hosts"], key=lambda one: (-one["failures"], one["host"])
    )
    for one in failing["hosts"]:
        assert one["failures"] <= one["results"]
    reasons = {one["reason"] for one in failing["reasons"]}
    assert "probe <url> answered <n> after <n> s" in reasons
    assert "no space left in <path>: <n> MB free" in reasons


EVERYBODY_LOOKS = {"viewer": ["*"]}


@pytest.fixture
def desk(tmp_path: Path, filled: Database) -> Callable[..., Desk]:
    """The desk of a master with templates, by which the statistics are asked."""
    web = {
        "type": "static_site",
        "root": "/srv/shop",
        "source": {"path": str(tmp_path)},
        "environments": {"production": {"hosts": "web*"}},
    }
    modules = {"shop-web": {**web, "team": "shop"}, "shop-jobs": {**web, "team": "shop"}}

    def make(people: object = EVERYBODY_LOOKS, **config: Any) -> Desk:
        opts = dict(salt.config.DEFAULT_MASTER_OPTS)
        opts |= {"id": "m_master", "cachedir": str(tmp_path / "cache" / "master")}
        opts["pushguide"] = {"database": filled.url.render_as_string(False), **config}
        made = Desk(opts, {}, "ann")
        library = Library(opts, modules=modules, people=people)
        made.library = lambda: library  # type: ignore[method-assign]
        made.gate.library = library
        return made

    return make


def asked(**about: object) -> dict[str, object]:
    """What the runner hands over."""
    return {"period": "2026", "timezone": "UTC", **about}


def test_only_what_somebody_may_see_is_counted(desk: Callable[..., Desk]) -> None:
    seen = desk().statistics.stats(asked(), "module")
    assert {one["group"] for one in seen["groups"]} > {"shop-jobs"}
    nobody = desk(people={}).statistics
    assert nobody.stats(asked(), "module")["groups"] == []
    assert nobody.stats(asked(team="shop"), None)["deployments"]["count"] == 0


def test_a_team_is_its_modules(desk: Callable[..., Desk]) -> None:
    statistics = desk().statistics
    team = statistics.stats(asked(team="shop"), "module")
    assert {one["group"] for one in team["groups"]} == {"shop-web", "shop-jobs"}
    assert team["deployments"]["count"] == sum(one["count"] for one in team["groups"])
    by_team = statistics.stats(asked(), "team")["groups"]
    assert [(one["group"], one["count"]) for one in by_team] == [
        ("shop", team["deployments"]["count"])
    ]


@pytest.mark.parametrize(
    ("about", "group", "message"),
    [
        ({"team": "shop", "module": "shop-web"}, None, "both given"),
        ({"team": "shpo"}, None, "did you mean shop"),
        ({"module": "shop-wbe"}, None, "shop-wbe"),
        ({}, "moduel", "did you mean module"),
        ({}, "day", "groups: give a shorter period"),
        ({"period": "later"}, None, "period is 'later'"),
        ({"timezone": "Mars"}, None, "timezone is 'Mars'"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    desk: Callable[..., Desk], about: dict[str, object], group: str | None, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        desk().statistics.stats(asked(**about), group)


def test_an_answer_says_what_was_asked(desk: Callable[..., Desk]) -> None:
    told = desk().statistics.stats(asked(module="shop-web", timezone="Asia/Shanghai"), "month")
    assert told["about"] == {"module": "shop-web"}
    assert told["period"]["from"] == "2026-01-01T00:00+08:00"
    assert told["groups"][0]["group"] == "2026-01"
    everything = desk().statistics.stats(asked(period="all"), None)
    assert "2026-03-27" <= everything["period"]["from"] < "2026-05"
    assert set(told) == {
        "about", "period", "deployments", "stages", "by_hour", "by_weekday",
        "by_hour_of_week", "failing", "dora", "group_by", "groups",
    }  # fmt: skip
    week = told["by_hour_of_week"]
    for hour in told["by_hour"]:
        found = [one["count"] for one in week if one["hour"] == hour["hour"]]
        assert sum(found) == hour["count"]
    for day in told["by_weekday"]:
        found = [one["count"] for one in week if one["weekday"] == day["weekday"]]
        assert sum(found) == day["count"]
