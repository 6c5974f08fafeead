"""Random histories, written by the store's own functions, for statistics to be held against."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock

from sqlalchemy.engine import Connection

from pushguide.master import states
from pushguide.master.plan import HostFacts
from pushguide.master.store import builds, history, host_results, record
from pushguide.master.store import tables as db
from pushguide.master.store.builds import Build
from pushguide.master.store.database import Database
from pushguide.words import (
    FAILED,
    RESTORED,
    STAGES,
    STOPPED_SHORT,
    SUCCEEDED,
    UNCHANGED,
    UNDER_WAY,
    UNKNOWN,
    WARNING,
)
from tests.unit.master.conftest import make_plan

START = datetime(2026, 3, 27, 22, 40, tzinfo=timezone.utc)
MODULES = ("shop-web", "shop-api", "shop-jobs")
TYPES = {"shop-web": "java_web", "shop-api": "service", "shop-jobs": "service"}
ENVIRONMENTS = ("staging", "production")
PEOPLE = ("ann", "bob", "ci")
HOSTS = tuple(f"web{number}" for number in range(6))
ERRORS = (
    "probe http://{host}:8080/health answered 503 after 30.2 s",
    "no space left in /srv/releases/{host}/1.2.3: 120 MB free",
    "the service did not stop within 30 s (pid 4711)",
)


class Clock:
    """The time that the store reads; it goes on with each look."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """The time, a little later than before."""
        self.moment += timedelta(microseconds=1)
        return self.moment

    def go_on(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)

    @contextmanager
    def read_by_the_store(self) -> Iterator[Clock]:
        """Let the store read this clock while the block runs."""
        with (
            mock.patch.object(record, "now", autospec=True, side_effect=self.now),
            mock.patch.object(host_results, "now", autospec=True, side_effect=self.now),
        ):
            yield self


class Historian:
    """Writes one random history.

    Args:
        database: the record.
        seed: what the history follows from.
    """

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.chance = random.Random(seed)
        self.clock = Clock()
        self.failed: list[tuple[int, str, str]] = []
        self.unknown: list[tuple[int, str]] = []

    def write(self, many: int) -> None:
        """Write so many deployments, one after the other, and what comes late of each."""
        with self.clock.read_by_the_store():
            for _ in range(many):
                self.clock.go_on(self.chance.choice([60, 3600, 40_000, 900_000]))
                place = (self.chance.choice(MODULES), self.chance.choice(ENVIRONMENTS))
                kind = self.chance.choice(["deploy", "deploy", "deploy", "rollback", "redeploy"])
                cause = None
                if self.failed and self.chance.random() < 0.5:
                    number, *failed_place = self.failed.pop()
                    place = (failed_place[0], failed_place[1])
                    is_retry = self.chance.random() < 0.4
                    kind = "deploy" if is_retry else "rollback"
                    cause = (record.RETRY if is_retry else record.AUTO_ROLLBACK, number)
                self.deployment(place, kind, cause)
                self.something_late()

    def deployment(
        self, place: tuple[str, str], kind: str, cause: tuple[str, int] | None = None
    ) -> None:
        """Write one deployment, from its beginning to its end or to where it stands."""
        chance, module = self.chance, place[0]
        hosts = chance.sample(HOSTS, chance.randint(1, 4))
        plan = make_plan(
            module=module,
            environment=place[1],
            kind=kind,
            version=f"1.{chance.randint(0, 9)}.0",
            type=TYPES[module],
            hosts={name: HostFacts("0.1.0", "1.0.0", ["1.0.0"]) for name in hosts},
            batches=[hosts],
            left_out=[],
        )
        person = chance.choice(PEOPLE)
        number = self._do(record.create, plan, person, states.QUEUED, cause=cause)
        if chance.random() < 0.1:
            self._change(number, states.ABORTED)
            return
        self._change(number, states.RUNNING)
        for host in hosts:
            for _ in range(chance.choice([1, 1, 2])):  # a result may be written again
                self.clock.go_on(chance.expovariate(0.1))
                self.result(number, plan, host)
        if chance.random() < 0.2:
            self._change(number, states.PAUSED)
            self._change(number, states.RUNNING)
            self._do(host_results.reopen_hosts, number)
        if chance.random() < 0.05:
            return  # It stands there for ever.
        self.end(number, cause)

    def end(self, number: int, cause: tuple[str, int] | None) -> None:
        """End a deployment; what it was put back for becomes rolled back, if it may."""
        self._do(host_results.close_hosts, number)
        state = self.chance.choice(
            [states.SUCCEEDED] * 4 + [states.FAILED] * 3 + [states.ROLLED_BACK, states.ABORTED]
        )
        self._change(number, state, "in the orchestration: step 3 failed")
        one = self.database.read(lambda connection: record.get(connection, number))
        if state == states.FAILED:
            self.failed.append((number, one.module, one.environment))
        if cause and cause[0] == record.AUTO_ROLLBACK and state == states.SUCCEEDED:
            self._change(cause[1], states.ROLLED_BACK)

    def result(self, number: int, plan: Any, host: str) -> None:
        """Write what a host returned, or that it said nothing."""
        outcome = self.chance.choice(
            [SUCCEEDED, SUCCEEDED, SUCCEEDED, FAILED, RESTORED, UNKNOWN, UNDER_WAY, STOPPED_SHORT]
        )
        error = None
        if outcome not in (SUCCEEDED, UNDER_WAY):
            error = self.chance.choice(ERRORS).format(host=host)
        if outcome == UNKNOWN:
            self._do(host_results.set_outcome, number, host, outcome, "it did not answer")
            self.unknown.append((number, host))
            return
        told = {
            "deployment": number,
            "module": plan.module,
            "environment": plan.environment,
            "error": error,
            "live": plan.version,
            "stages": self.stages(outcome),
        }
        self._do(host_results.write_host, host, told, outcome)

    def stages(self, outcome: str) -> list[dict[str, Any]]:
        """The stages of a result, up to the one that failed."""
        last = self.chance.randint(1, 4) if outcome != SUCCEEDED else 4
        ended = [SUCCEEDED, SUCCEEDED, UNCHANGED, WARNING]
        told = []
        for place, stage in enumerate(STAGES[:last], 1):
            fails = outcome in (FAILED, RESTORED) and place == last
            how = FAILED if fails else self.chance.choice(ended)
            told.append(
                {
                    "stage": stage,
                    "outcome": how,
                    "started": self.clock.now().timestamp(),
                    "seconds": self.chance.expovariate(0.2),
                    "again": self.chance.random() < 0.2,
                    "steps": [
                        {
                            "name": name,
                            "outcome": self.chance.choice(ended),
                            "seconds": self.chance.expovariate(1),
                        }
                        for name in ("fetch", "unpack")[: self.chance.randint(0, 2)]
                    ],
                }
            )
        return told

    def something_late(self) -> None:
        """Hear from a host that fell silent, or of a build that was not announced in time."""
        if self.unknown and self.chance.random() < 0.6:
            number, host = self.unknown.pop(self.chance.randrange(len(self.unknown)))
            one = self.database.read(lambda connection: record.get(connection, number))
            if self.chance.random() < 0.3:
                self._do(host_results.set_outcome, number, host, STOPPED_SHORT, "it was cut off")
            else:
                plan = make_plan(module=one.module, environment=one.environment, version="1.2.3")
                self.result(number, plan, host)
        if self.chance.random() < 0.4:
            self.build()

    def build(self) -> None:
        """Announce a version of a module, now and then a second time with more about it."""
        module, version = self.chance.choice(MODULES), f"1.{self.chance.randint(0, 9)}.0"
        moment = self.clock.moment
        built = moment - timedelta(hours=self.chance.randint(1, 900))
        said = self.chance.choice([built, None])
        self._do(builds.announce, Build(module, version, "ci", moment, said))

    def _change(self, number: int, state: str, reason: str | None = None) -> None:
        self._do(record.change_state, number, state, reason)

    def _do(self, function: Any, *arguments: Any, **named: Any) -> Any:
        return self.database.write(lambda one: function(one, *arguments, **named))


def everything(connection: Connection) -> dict[str, Any]:
    """All that the statistics have, in a form that can be compared."""
    import sqlalchemy as sa

    cells = {row.id: tuple(row)[1:] for row in connection.execute(sa.select(db.statistics_cell))}
    rollups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for tables in (db.statistics_rollup, db.statistics_detail):
        for grain, table in tables.items():
            for row in connection.execute(sa.select(table)).mappings():
                numbers = {
                    name: value
                    for name, value in row.items()
                    if value and name not in ("cell_id", "start")
                }
                if numbers:
                    place = (*cells[row["cell_id"]], grain, row["start"])
                    rollups.setdefault(place, {}).update(numbers)
    facts = {
        row["deployment_id"]: dict(row)
        for row in connection.execute(sa.select(db.statistics_deployment)).mappings()
    }
    failures = {
        (row["deployment_id"], row["host"]): dict(row)
        for row in connection.execute(sa.select(db.statistics_failure)).mappings()
    }
    hosts = {
        (row.deployment_id, row.host): row.counted_as
        for row in connection.execute(sa.select(db.deployment_host))
    }
    return {"rollups": rollups, "facts": facts, "failures": failures, "hosts": hosts}


def numbers_of_all(database: Database) -> int:
    """How many deployments there are."""
    return len(database.read(lambda one: history.find(one, limit=1_000_000)))
