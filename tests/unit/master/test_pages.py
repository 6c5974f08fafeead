"""What a front end shows at once: overview, hosts, locks, and what differs between two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pushguide.errors import Denied, Refused
from pushguide.master.desk import Desk
from pushguide.master.parts import Parts
from pushguide.master.plan import Rollout
from pushguide.master.rollout import targets
from pushguide.master.store import (
    freezes,
    grants,
    history,
    host_results,
    lock,
    quarantines,
    record,
)
from pushguide.master.store.database import Database
from pushguide.master.templates.library import Library
from tests.unit.master.conftest import make_plan

MODULE = {
    "type": "static_site",
    "team": "shop",
    "root": "/srv/shop-web",
    "source": {"directory": "/srv/artifacts", "url": "salt://artifacts"},
    "environments": {
        "production": {"hosts": ["web1", "web2"], "default": True},
        "staging": {"hosts": ["test1"], "people": {"deployer": ["stan"]}},
    },
}
PEOPLE = {"viewer": ["vic"], "admin": ["ada"]}

As = Callable[[str], Desk]


@pytest.fixture
def desk(opts: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> As:
    monkeypatch.setattr(
        Parts, "library", lambda _: Library(opts, modules={"shop-web": MODULE}, people=PEOPLE)
    )
    # No minion is known to this master: hosts come from the record alone.
    monkeypatch.setattr(targets, "hosts_of", lambda *_: [])
    return lambda person: Desk(opts, {}, person)


def written(database: Database, state: str = "succeeded", **changes: Any) -> int:
    """A deployment that has come to a state, with what became of its two hosts."""
    plan = make_plan(**changes)

    def work(connection: Any) -> int:
        number = record.create(connection, plan, "dan", "queued")
        record.change_state(connection, number, "running")
        for host, outcome, live in (
            ("web1", "succeeded", plan.version),
            ("web2", "failed", "1.0.0"),
        ):
            stage = {
                "stage": "prepare",
                "outcome": "succeeded",
                "started": 1_700_000_000.0,
                "seconds": 2.0 if host == "web1" else 3.5,
                "steps": [],
            }
            result = {
                "deployment": number,
                "module": plan.module,
                "environment": plan.environment,
                "error": None if outcome == "succeeded" else "the disk is full",
                "stages": [stage],
                "live": live,
            }
            host_results.write_host(connection, host, result, outcome)
        if state != "running":
            record.change_state(connection, number, state, "because")
        return number

    return database.write(work)


def test_a_module_as_it_stands(desk: As, database: Database) -> None:
    first = written(database, "failed")
    told = desk("ada").pages.overview()
    assert (told["person"], told["role"], told["unfinished"]) == ("ada", "admin", [])
    module = told["modules"]["shop-web"]
    assert (module["team"], module["owner"]) == ("shop", "pillar")
    place = module["environments"]["production"]
    assert place["live"] == {"1.0.0": 1, "1.1.0": 1}
    assert (place["role"], place["default"], place["frozen"]) == ("admin", True, [])
    assert (place["last"]["deployment"], place["last"]["state"]) == (first, "failed")
    assert place["last"]["hosts"] == {"succeeded": 1, "failed": 1, "left_out": 1}
    assert module["environments"]["staging"]["last"] is None


def test_only_what_may_be_seen_is_shown(desk: As, database: Database) -> None:
    number = written(database, "running")
    assert desk("vic").pages.overview()["unfinished"][0]["deployment"] == number
    seen = desk("stan").pages.overview()
    assert [*seen["modules"]["shop-web"]["environments"]] == ["staging"]
    assert seen["modules"]["shop-web"]["environments"]["staging"]["role"] == "deployer"
    assert (seen["role"], seen["unfinished"]) == (None, [])
    assert desk("stan").pages.hosts(None, False) == {}
    with pytest.raises(Denied, match="no deployment #1"):
        desk("stan").questions.compare(number, number)
    assert desk("nobody").pages.overview()["modules"] == {}


def test_a_freeze_is_shown_where_it_holds(desk: As, database: Database) -> None:
    rule = {"reason": "stocktaking", "until": "2099-01-01T00:00:00+00:00"}
    wanted = {**rule, "environments": ["production"]}
    database.write(lambda one: freezes.add(one, grants.MODULE, "shop-web", wanted, "ada"))
    places = desk("vic").pages.overview()["modules"]["shop-web"]["environments"]
    assert places["production"]["frozen"] == ["stocktaking"]
    assert places["staging"]["frozen"] == []


def test_what_runs_where(desk: As, database: Database) -> None:
    first, second = written(database, "failed"), written(database, "failed", version="1.2.0")
    told = desk("vic").pages.hosts("shop-web", False)
    assert [*told] == ["web1", "web2", "web3"]
    here = told["web2"]["modules"]["shop-web@production"]
    assert (told["web2"]["answers"], here["live"], here["says"]) == (None, "1.0.0", None)
    assert here["last"] == {"deployment": second, "outcome": "failed", "error": "the disk is full"}
    assert first < second
    assert desk("vic").pages.hosts("other", False) == {}
    assert told["web1"]["problem"] is None
    with pytest.raises(Refused, match="look is 'yes'"):
        desk("vic").pages.hosts(None, "yes")


def test_a_quarantine_is_shown_with_its_host(desk: As, database: Database) -> None:
    written(database)

    def work(connection: Any) -> None:
        quarantines.add(connection, "web1", None, "its disk fails", "ada", None)
        quarantines.add(connection, "web2", "shop-web", "it is slow", "ada", None)
        quarantines.add(connection, "web2", "till", "of another module", "ada", None)

    database.write(work)
    told = desk("vic").pages.hosts(None, False)
    assert [one["reason"] for one in told["web1"]["quarantine"]] == ["its disk fails"]
    assert len(told["web2"]["quarantine"]) == 2
    told = desk("vic").pages.hosts("shop-web", False)
    assert [one["reason"] for one in told["web2"]["quarantine"]] == ["it is slow"]


def test_locks(desk: As, database: Database) -> None:
    number = written(database, "running")
    assert desk("vic").questions.locks() == []
    database.write(lambda one: lock.take(one, "shop-web", "production", number, 60))
    (held,) = desk("vic").questions.locks()
    assert (held["deployment"], held["is_alive"]) == (number, True)
    assert desk("stan").questions.locks() == []
    database.write(lambda one: lock.release(one, number))
    assert desk("vic").questions.locks() == []


def test_what_differs_between_two(desk: As, database: Database) -> None:
    one = written(database, "failed")
    changes = {
        "version": "1.2.0",
        "rollout": Rollout(max_failures=3),
        "share": {"uid": "x", "a": 1},
    }
    other = written(database, "succeeded", **changes)
    told = desk("vic").questions.compare(one, other)
    assert [each["deployment"] for each in told["deployments"]] == [one, other]
    values = {each["path"]: each["values"] for each in told["plan"]}
    assert values["version"] == ["1.1.0", "1.2.0"]
    assert values["rollout:max_failures"] == [0, 3]
    assert values["share:a"] == [None, 1]
    assert "share:uid" not in values
    assert told["hosts"]["web1"][1]["version_after"] == "1.2.0"
    assert told["stages"]["prepare"] == [3.5, 3.5]
    assert told["stages"]["release"] == [None, None]
    assert told["left_out"] == 0


def test_history_is_found_by_what_is_asked(desk: As, database: Database) -> None:
    first, second = written(database, "failed"), written(database, "succeeded", version="1.2.0")

    def found(**given: Any) -> list[int]:
        rows = desk("vic").questions.history(20, given)
        return [one["deployment"] for one in rows]

    assert found() == [second, first]
    assert found(state="failed") == [first]
    assert found(state=["failed", "succeeded"]) == [second, first]
    assert found(version="1.2.0") == [second]
    assert found(person="dan", kind="deploy", host="web2") == [second, first]
    assert (found(person="eve"), found(host="web9"), found(kind="rollback")) == ([], [], [])
    assert found(before=second) == [first]
    assert found(since="2020-01-01T00:00Z") == [second, first]
    assert found(until="2020-01-01T00:00Z") == []


def test_what_cannot_be_asked_of_history_is_told_at_once(desk: As) -> None:
    given = {"state": ["faild", "x"], "kind": "deply", "since": "yesterday", "before": -1}
    with pytest.raises(Refused) as err:
        desk("vic").questions.history(20, given)
    told = " ".join(err.value.problems)
    for part in ("did you mean failed", "state is 'x'", "kind is", "since is", "before is -1"):
        assert part in told, told


def test_no_number_is_ignored(desk: As) -> None:
    with pytest.raises(Refused, match="before is 0"):
        desk("vic").questions.history(20, {"before": 0})


def test_everything_is_asked_for_by_default(database: Database) -> None:
    assert database.read(history.find) == []
