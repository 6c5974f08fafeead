"""Duties: one engine has one at a time, and another one takes it when that one is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from pushguide.master.store import duties
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now


def take(database: Database, holder: str, seconds: float = 30) -> bool:
    return database.write(lambda one: duties.take(one, "watch main", holder, seconds))


def test_it_belongs_to_one_until_that_one_is_silent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert take(database, "a")
    assert not take(database, "b")
    assert take(database, "a")
    assert database.read(duties.held) == {"watch main": "a"}
    later = now() + timedelta(seconds=31)
    monkeypatch.setattr(duties, "now", lambda: later)
    assert database.read(duties.held) == {}
    assert take(database, "b")
    assert not take(database, "a")


def test_it_may_be_left(database: Database) -> None:
    assert take(database, "a")
    database.write(lambda one: duties.leave(one, "watch main", "b"))  # not b's to leave
    assert not take(database, "b")
    database.write(lambda one: duties.leave(one, "watch main", "a"))
    assert take(database, "b")


def test_of_many_that_come_at_once_one_gets_it(database: Database) -> None:
    def come(holder: Any) -> bool:
        return take(database, str(holder))

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(come, range(4))].count(True) == 1
