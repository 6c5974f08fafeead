"""Rollups are what the record says, whatever has happened, on every database."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.statistics import rebuilding, rollups
from pushguide.master.statistics.buckets import bucket_of
from pushguide.master.statistics.numbers import Numbers
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from tests.unit.master.statistics.histories import Historian, everything

FAILED = ("failed", "restored", "unknown", "inconclusive", "stopped_short")


@pytest.mark.parametrize("seed", range(2))
def test_what_was_counted_step_by_step_is_what_the_record_gives(
    database: Database, seed: int
) -> None:
    Historian(database, seed).write(30)
    kept_in_step = database.read(everything)
    database.write(rebuilding.rebuild)
    rebuilt = database.read(everything)
    for what, found in kept_in_step.items():
        assert found == rebuilt[what], what
    assert len(rebuilt["facts"]) > 12
    assert rebuilt["failures"]


def test_the_rollups_are_what_the_raw_rows_say(database: Database) -> None:
    Historian(database, 7).write(40)
    found = database.read(everything)["rollups"]
    raw = database.read(_raw)
    months = {key: one for key, one in found.items() if key[0] == "all" and key[4] == "month"}
    counters: Counter[str] = Counter()
    stages: dict[str, Counter[str]] = {}
    for one in months.values():
        counters.update({name: one[name] for name in raw["counters"] if name in one})
        for name, buckets in one.get("stages", {}).items():
            stages.setdefault(name, Counter()).update(buckets)
    assert counters == raw["counters"]
    assert stages == raw["stages"]
    hosts = Counter[tuple[str, str]]()
    for key, one in found.items():
        if key[0] == "host" and key[4] == "day":
            hosts.update({(key[1], what): one.get(what, 0) for what in ("succeeded", "failed")})
    assert {name: count for name, count in hosts.items() if count} == raw["hosts"]


def test_those_who_count_the_first_of_a_day_at_once_all_count(database: Database) -> None:
    together = threading.Barrier(4)

    def count(day: date) -> None:
        def work(connection: Connection) -> None:
            gathered = rollups.Rollups(connection)
            gathered.add([rollups.Cell(rollups.ALL)], day, Numbers(counted=1))
            gathered.write()

        together.wait(30)
        database.write(work)

    days = [date(2026, 4, 1) + timedelta(days=one) for one in range(20)]
    with ThreadPoolExecutor(together.parties) as pool:
        for day in days:
            assert [*pool.map(count, [day] * together.parties)] == [None] * together.parties
    table = db.statistics_rollup["day"]
    found = database.read(lambda one: one.execute(sa.select(table.c.counted)).scalars().all())
    assert found == [together.parties] * len(days)


def _raw(connection: Connection) -> dict[str, Any]:
    """The same, computed from the record alone, as plainly as can be."""
    rows = connection.execute(sa.select(db.deployment)).mappings().all()
    begun = {one["id"]: one for one in rows if one["started_at"]}
    ended = {key: one for key, one in begun.items() if one["state"] in states.TERMINAL}
    asked = [one for one in ended.values() if one["cause"] != "auto_rollback"]
    counters = Counter(
        counted=len(asked),
        succeeded=sum(one["state"] == "succeeded" for one in asked),
        failed=sum(one["state"] in ("failed", "rolled_back") for one in asked),
        aborted=sum(one["state"] == "aborted" for one in asked),
        rollbacks=sum(one["kind"] == "rollback" for one in asked),
        automatic_rollbacks=len(ended) - len(asked),
        retries=sum(one["cause"] == "retry" for one in asked),
        changes=sum(
            one["kind"] == "deploy" and one["cause"] is None and one["state"] != "aborted"
            for one in asked
        ),
        deliveries=sum(one["kind"] == "deploy" and one["state"] == "succeeded" for one in asked),
    )
    stages: dict[str, Counter[str]] = {}
    for one in connection.execute(sa.select(db.stage_result)):
        if one.deployment_id in begun and one.outcome in ("succeeded", "warning"):
            stages.setdefault(one.stage, Counter())[bucket_of(one.seconds)] += 1
    for one in connection.execute(sa.select(db.step)):
        if one.deployment_id in begun and one.outcome in ("succeeded", "warning"):
            stages.setdefault(f"{one.stage}/{one.name}", Counter())[bucket_of(one.seconds)] += 1
    hosts: Counter[tuple[str, str]] = Counter()
    for one in connection.execute(sa.select(db.deployment_host)):
        if one.deployment_id in ended:
            if one.outcome == "succeeded":
                hosts[one.host, "succeeded"] += 1
            elif one.outcome in FAILED:
                hosts[one.host, "failed"] += 1
    return {"counters": counters, "stages": stages, "hosts": hosts}
