"""The returner's other half: Salt's job cache and events in our database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pushguide.master.store import job_cache
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now


@pytest.fixture
def opts(database: Database) -> dict[str, Any]:
    """A master's opts."""
    url = database.url.render_as_string(hide_password=False)
    return {"pushguide": {"database": url}, "cachedir": "/x/master", "keep_jobs_seconds": 60}


JID = "20261123000000000001"


def test_a_job_is_kept_and_read_back(opts: dict[str, Any]) -> None:
    job_cache.keep_load(opts, JID, {"fun": "test.ping", "tgt": "*"}, ["a"])
    job_cache.keep_load(opts, JID, {"fun": "other"}, None)
    job_cache.add_minions(opts, JID, ["b"])
    load = job_cache.load_of(opts, JID)
    assert (load["fun"], load["Minions"]) == ("test.ping", ["a", "b"])
    assert job_cache.jobs(opts)[JID]["Function"] == "test.ping"
    assert job_cache.load_of(opts, "unknown") == {}


def test_returns_are_kept_once_for_each_host(opts: dict[str, Any]) -> None:
    for value in (False, True):
        ret = {"jid": JID, "id": "a", "fun": "test.ping", "return": value, "retcode": 0}
        job_cache.keep_return(opts, {**ret, "odd": object()})
    assert job_cache.returns_of(opts, JID) == {"a": {"return": True, "retcode": 0}}
    assert job_cache.last_of_function(opts, "test.ping")["a"]["return"] is True
    assert job_cache.minions(opts) == ["a"]


def test_only_our_own_events_are_kept(opts: dict[str, Any], database: Database) -> None:
    events = [
        {"tag": "salt/auth", "data": {"secret": "x"}},
        {"tag": "pushguide/deployment/1/state", "data": {"state": "running"}},
    ]
    job_cache.keep_events(opts, events)
    job_cache.keep_events(opts, [])
    found = database.read(lambda one: one.execute(sa.select(db.event.c.tag)).scalars().all())
    assert list(found) == ["pushguide/deployment/1/state"]


def test_old_jobs_go_and_new_ones_stay(opts: dict[str, Any], database: Database) -> None:
    for jid in ("old", "new"):
        job_cache.keep_load(opts, jid, {"fun": "x", "arg": []}, [])
    past = now() - timedelta(seconds=120)
    database.write(
        lambda one: one.execute(
            sa.update(db.job).where(db.job.c.jid == "old").values(created_at=past)
        )
    )
    job_cache.clean(opts)
    assert list(job_cache.jobs(opts)) == ["new"]
