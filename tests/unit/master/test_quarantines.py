"""Quarantines: who declares them, whom they keep away, and how they end."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pushguide.errors import Denied, Refused
from pushguide.master.desk import Desk
from pushguide.master.parts import Parts
from pushguide.master.rollout import targets
from pushguide.master.store import quarantines
from pushguide.master.store.database import Database
from pushguide.master.templates.library import Library

WEB = {
    "type": "static_site",
    "root": "/srv/web",
    "environments": {"production": {"hosts": ["w1", "w2"]}},
    "source": {"directory": "/srv/artifacts", "url": "salt://artifacts"},
    "people": {"maintainer": ["bob"]},
}
MODULES = {"shop": WEB, "till": {**WEB, "root": "/srv/till", "people": {"viewer": ["vic"]}}}
PEOPLE = {"admin": ["ada"]}


@pytest.fixture
def desk(opts: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    library = Library(opts, modules=MODULES, people=PEOPLE)
    monkeypatch.setattr(Parts, "library", lambda _: library)
    # No minion is known to this master: a list is taken as it is.
    monkeypatch.setattr(targets, "hosts_of", lambda target, _: target.target)
    return lambda person: Desk(opts, {}, person)


def standing(desk: Desk, module: str | None = None) -> list[tuple[str, str | None]]:
    return [(one["host"], one["module"]) for one in desk.quarantining.quarantines(module)]


def test_it_is_declared_told_and_ended(desk: Any, database: Database) -> None:
    ada = desk("ada")
    made = ada.quarantining.quarantine("w1", None, "its disk fails", None)
    assert {key: made[key] for key in ("host", "module", "by", "until")} == {
        "host": "w1",
        "module": None,
        "by": "ada",
        "until": None,
    }
    assert standing(ada) == [("w1", None)]
    with pytest.raises(Refused, match=r"in quarantine already: its disk fails \(by ada since"):
        ada.quarantining.quarantine("w1", None, "again", None)

    ended = ada.quarantining.unquarantine("w1", None, "it has a new disk")
    assert ended["ended"] == "it has a new disk"
    assert standing(ada) == []
    with pytest.raises(Refused, match="w1 is in no quarantine for every module"):
        ada.quarantining.unquarantine("w1", None, "again")
    ada.quarantining.quarantine("w1", None, "it fails again", None)
    assert standing(ada) == [("w1", None)]


def test_one_module_is_kept_away_alone(desk: Any) -> None:
    bob = desk("bob")
    bob.quarantining.quarantine("w1", "shop", "it is slow", None)
    desk("ada").quarantining.quarantine("w2", None, "its disk fails", None)
    assert standing(bob) == [("w1", "shop"), ("w2", None)]
    assert standing(bob, "shop") == [("w1", "shop"), ("w2", None)]
    # Of a module that she may not see she sees nothing; of a host of every module she has to know.
    assert standing(desk("vic")) == standing(desk("vic"), "till") == [("w2", None)]
    with pytest.raises(Refused, match="w1 is in no quarantine for every module"):
        bob.quarantining.unquarantine("w1", None, "done")
    bob.quarantining.unquarantine("w1", "shop", "done")
    assert standing(bob) == [("w2", None)]


def test_it_ends_by_itself(desk: Any, database: Database) -> None:
    ended, later = (datetime.now(timezone.utc) + timedelta(hours=one) for one in (-1, 1))
    for host, until in (("w1", ended), ("w2", later)):
        database.write(lambda one, h=host, u=until: quarantines.add(one, h, None, "x", "ada", u))
    ada = desk("ada")
    assert standing(ada) == [("w2", None)]
    ada.quarantining.quarantine("w1", None, "again", None)
    assert standing(ada) == [("w2", None), ("w1", None)]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ((None, None, "x", None), "host is missing"),
        (("w3", None, "x", None), "w3 is no host that a template means: there are w1, w2"),
        (("w3", "shop", "x", None), "w3 is no host of shop"),
        (("w1", "shpo", "x", None), "There is no module 'shpo': did you mean shop"),
        (("w1", None, None, None), "reason is missing"),
        (("w1", None, "x", "2020-01-01T00:00Z"), "which has passed"),
        (("w1", None, "x", "soon"), "give date, time and zone"),
    ],
)
def test_what_does_not_read_is_not_declared(
    desk: Any, given: tuple[Any, ...], problem: str
) -> None:
    ada = desk("ada")
    with pytest.raises(Refused, match=problem):
        ada.quarantining.quarantine(*given)
    assert standing(ada) == []


def test_it_takes_a_maintainer_of_what_is_kept_away(desk: Any) -> None:
    about = {"host": "w1", "reason": "x"}
    for person, module, is_allowed in (
        ("bob", "shop", True),
        ("bob", "till", False),
        ("bob", None, False),
        ("vic", "till", False),
        ("ada", None, True),
    ):
        one = desk(person)
        asked = {**about, "module": module}

        def work(desk: Desk, module: str | None = module) -> Any:
            return desk.quarantining.quarantine("w1", module, "x", None)

        if is_allowed:
            one.serve("quarantine", asked, work)
        else:
            with pytest.raises(Denied):
                one.serve("quarantine", asked, work)
