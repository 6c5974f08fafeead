"""Freezes: when nothing is deployed, to whom that applies, and who may go on all the same."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from pushguide.errors import BadTemplate, Denied, Frozen, Refused
from pushguide.master.desk import Desk
from pushguide.master.parts import Parts
from pushguide.master.rollout.frozen import demand_thawed, told_of
from pushguide.master.store import freezes, grants
from pushguide.master.store.database import Database
from pushguide.master.templates.freezes import freeze_of, freezes_of
from pushguide.master.templates.library import Library

MODULES: dict[str, Any] = {
    name: {
        "type": "static_site",
        "team": team,
        "root": f"/srv/{name}",
        "source": {"directory": "/srv/artifacts", "url": "salt://artifacts"},
        "environments": {
            "production": {"hosts": "*", "default": True},
            "staging": {"hosts": "*"},
        },
    }
    for name, team in (("shop", "web"), ("till", "stores"))
}
WEEKEND = {"reason": "nobody is there", "cron": "0 18 * * FRI", "hours": 62}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-11-27T17:59:59+08:00", None),
        ("2026-11-27T18:00:00+08:00", "2026-11-30T08:00+08:00"),
        ("2026-11-27T18:00:30+08:00", "2026-11-30T08:00+08:00"),
        ("2026-11-27T10:30:00+00:00", "2026-11-30T08:00+08:00"),
        ("2026-11-30T07:59:59+08:00", "2026-11-30T08:00+08:00"),
        ("2026-11-30T08:00:00+08:00", None),
        ("2026-12-02T12:00:00+08:00", None),
    ],
)
def test_again_and_again(moment: str, end: str | None) -> None:
    freeze = freeze_of({**WEEKEND, "zone": "Asia/Shanghai"}, "x")
    assert freeze.ends(at(moment)) == (at(end) if end else None)


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        ("2026-11-10T11:59+00:00", False),
        ("2026-11-10T12:00+00:00", True),
        ("2026-11-11T23:59+00:00", True),
        ("2026-11-12T00:00+00:00", False),
    ],
)
def test_once(moment: str, holds: bool) -> None:
    freeze = freeze_of(
        {
            "reason": "Singles' Day",
            "since": "2026-11-10T20:00+08:00",
            "until": "2026-11-12T08:00+08:00",
        },
        "x",
    )
    assert (freeze.ends(at(moment)) is not None) == holds


def test_the_clock_is_put_back_within_a_freeze() -> None:
    """Sunday, 25 October 2026, has 25 hours in Berlin: the freeze ends by the clock on the wall."""
    freeze = freeze_of(
        {"reason": "x", "cron": "0 18 * * SAT", "hours": 24, "zone": "Europe/Berlin"}, "x"
    )
    assert freeze.ends(at("2026-10-25T16:30+00:00")) == at("2026-10-25T17:00+00:00")
    assert freeze.ends(at("2026-10-25T17:00+00:00")) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cron": "0 18 * * FRI", "hours": 62}, "weekend:reason: is missing."),
        ({"reason": "x"}, "weekend: Value error, give until, for once, or cron"),
        ({**WEEKEND, "until": "2026-11-12T08:00+08:00"}, "give until, for once, or cron"),
        ({"reason": "x", "cron": "0 18 * * FRI"}, "cron and hours go together"),
        ({**WEEKEND, "cron": "every friday"}, "weekend:cron: Value error, give minute, hour"),
        ({**WEEKEND, "zone": "China"}, "weekend:zone: Value error, give a time zone"),
        ({**WEEKEND, "hour": 3}, "weekend:hour: unknown key; did you mean hours?"),
        ({"reason": "x", "until": "2026-11-12T08:00"}, "weekend:until"),
        (
            {"reason": "x", "since": "2026-11-12T08:00Z", "until": "2026-11-11T08:00Z"},
            "until is not after since",
        ),
        ({**WEEKEND, "kinds": ["deplyo"]}, "weekend:kinds:0"),
        ("fridays", "weekend: is str, not a mapping."),
    ],
)
def test_a_problem_is_told_with_its_path(given: Any, said: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        freezes_of({"weekend": given})
    assert any(said in one for one in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("rule", "frozen"),
    [
        ({}, {"shop production", "shop staging", "till production", "till staging"}),
        ({"modules": ["shop"]}, {"shop production", "shop staging"}),
        ({"teams": ["stores"]}, {"till production", "till staging"}),
        ({"environments": ["production"]}, {"shop production", "till production"}),
        (
            {"modules": ["shop"], "teams": ["stores"], "environments": ["staging"]},
            {"shop staging", "till staging"},
        ),
    ],
)
def test_whom_it_means(database: Database, rule: dict[str, Any], frozen: set[str]) -> None:
    given = {"always": {"reason": "x", "until": "2999-01-01T00:00Z", **rule}}
    library = Library(OPTS, modules=MODULES, freezes=given)
    moment = datetime.now(timezone.utc)

    def told(module: str, environment: str, kind: str = "deploy") -> list[str]:
        return told_of(library, database, module, environment, kind, moment)

    places = {
        (module, environment) for module in MODULES for environment in ("production", "staging")
    }
    assert {" ".join(one) for one in places if told(*one)} == frozen
    assert not any(told(*one, kind="rollback") for one in places)


def test_a_refusal_tells_each_freeze_and_the_way_out(database: Database) -> None:
    given = {"always": {"reason": "stocktaking", "until": "2999-01-01T00:00Z"}}
    library = Library(OPTS, modules=MODULES, freezes=given)
    moment = datetime.now(timezone.utc)
    told = told_of(library, database, "shop", "production", "deploy", moment)
    with pytest.raises(Frozen) as caught:
        demand_thawed(told)
    assert caught.value.problems[0] == (
        "deploy of shop to production is frozen until 2999-01-01T00:00+00:00: stocktaking "
        "(pushguide:freezes:always)."
    )
    assert "override_freeze" in caught.value.problems[1]
    demand_thawed([])


OPTS: dict[str, Any] = {"extension_modules": "", "id": "m_master", "cachedir": "/x/master"}


@pytest.fixture
def desk(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a desk for somebody whose role on the module shop was given by the runner."""
    (tmp_path / "master").write_text("")
    opts = {
        **OPTS,
        "conf_file": str(tmp_path / "master"),
        "pushguide": {"database": database.url.render_as_string(hide_password=False)},
    }
    library = Library(opts, modules=MODULES)
    monkeypatch.setattr(Parts, "library", lambda _: library)

    def make(person: str, role: str | None = None) -> Desk:
        if role:
            database.write(lambda one: grants.add(one, "module", "shop", role, person, "x", "y"))
        return Desk(opts, {}, person)

    return make


def test_it_is_declared_told_and_ended(desk: Any, database: Database) -> None:
    bob = desk("bob", "maintainer")
    until = datetime.now(timezone.utc) + timedelta(hours=2)
    given = {"reason": "stocktaking", "until": until.isoformat(), "zone": None}
    made = bob.freezing.freeze("shop", None, False, given)
    assert made["holds_until"] == until.isoformat(timespec="minutes")
    assert (made["where"], made["modules"]) == ("freeze 1", ["shop"])
    assert [one["where"] for one in bob.freezing.freezes("shop")] == ["freeze 1"]
    assert bob.freezing.freezes("till") == []
    assert desk("mallory").freezing.freezes(None) == []  # of a module that she may not see
    bob.freezing.unfreeze(1, "done earlier")
    assert bob.freezing.freezes("shop") == []
    ended = database.read(lambda one: freezes.look(one, 1))
    assert (ended.ended_by, ended.ended_reason) == ("bob", "done earlier")
    with pytest.raises(Refused, match="was ended by bob already"):
        bob.freezing.unfreeze(1, "again")


def test_a_maintainer_goes_on_with_a_reason_and_nobody_else(desk: Any) -> None:
    assert desk("bob", "maintainer").freezing.override("shop", None, "it is down") == "it is down"
    with pytest.raises(Denied, match="has not the role maintainer on shop"):
        desk("alice", "deployer").freezing.override("shop", None, "it is down")
    assert desk("alice").freezing.override("shop", None, None) is None


def test_what_does_not_read_is_not_declared(desk: Any, database: Database) -> None:
    bob = desk("bob", "maintainer")
    with pytest.raises(BadTemplate, match="freeze:cron"):
        bob.freezing.freeze("shop", None, False, {"reason": "x", "cron": "x", "hours": 1})
    with pytest.raises(Refused, match="There is no module 'shpo': did you mean shop"):
        bob.freezing.freeze("shpo", None, False, {"reason": "x", "cron": "0 0 * * *", "hours": 1})
    assert database.read(freezes.find) == []
