"""What statistics cost over a long record.

A record is generated inside the database: deployments of two years, of two hundred modules with
five hosts each, which differ much in how often they are deployed; of each host the results of the
four stages, and two of their steps. The rollups of it are built by the product's own rebuild. Then
the product's own queries are measured, warm, each many times with other modules, hosts, people and
periods; and the writing of one result, beside a record of a fiftieth.

    python -m bench.statistics
    python -m bench.statistics --deployments 1000000
    python -m bench.statistics --deployments 100000 \\
        --database postgresql+psycopg://postgres@127.0.0.1:5432/postgres

Where a database is named, one of its own is made on that server, and dropped at the end.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from bench.figures import Figure, Samples, main
from bench.scale import plan_for
from pushguide.master.plan import Rollout
from pushguide.master.statistics import answers, periods, queries, rebuilding
from pushguide.master.statistics.queries import About
from pushguide.master.store import history, host_results, record
from pushguide.master.store.database import Database
from pushguide.master.store.schema import migrate

#: Milliseconds at p95: a query of a module, a host or a short period; of a whole year; of history.
FILTERED_GOAL, YEAR_GOAL, HISTORY_GOAL = 10.0, 100.0, 5.0
#: What writing one result may cost in the long record, in what it costs in the short one.
WRITE_GOAL = 1.3
MODULES, HOSTS_OF_ONE, PEOPLE = 200, 5, 50
START, SECONDS = datetime(2025, 1, 1, tzinfo=timezone.utc), 2 * 365 * 86400
NOW = datetime(2026, 12, 30, 12, tzinfo=timezone.utc)
_SEED = Random(6)
_AT_ONCE = 20_000

#: A number from 0 up to {k}, which looks random and follows from the number of the deployment.
_CHANCE = "((({n} * {factor} + {salt} * 97531) % 4294967291) / 65536 % {k})"


def chance(k: int, salt: int, n: str = "n") -> str:
    """SQL for a number from 0 up to ``k``."""
    return _CHANCE.format(n=f"({n})", factor=2654435761 + salt * 60_000_022, salt=salt, k=k)


def sql_of(backend: str, deployments: int) -> Iterator[str]:
    """The statements that write a part of the record, from :first up to :last."""
    is_sqlite = backend == "sqlite"
    moment = "({at})" if is_sqlite else "timestamp '2025-01-01' + ({at}) * interval '1 second'"
    if is_sqlite:
        moment = (
            f"strftime('%Y-%m-%d %H:%M:%S', {int(START.timestamp())} + ({{at}}), 'unixepoch')"
            " || '.000000'"
        )
    series = "WITH RECURSIVE s(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM s WHERE n < :last)"
    if not is_sqlite:
        series = (
            "WITH s(n) AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)))"
        )
    at = f"(n * {SECONDS} / {deployments})"
    skewed = f"({chance(2000, 1)} * {chance(2000, 1)} * {MODULES} / 4000000)"
    d = f"""SELECT n, {skewed} AS m, {chance(10, 2)} AS place, {chance(100, 3)} AS fate,
        {chance(100, 4)} AS kind, {chance(5, 5)} AS who, {chance(600, 6)} AS took,
        {at} AS at FROM s"""
    plan = "CASE m % 3 WHEN 0 THEN :plan0 WHEN 1 THEN :plan1 ELSE :plan2 END"
    plan = plan if is_sqlite else f"({plan})::json"
    failed = "fate < 6"
    yield f"""{series}, d AS ({d}) INSERT INTO deployment
        (id, module, environment, kind, version, state, reason, requested_by, plan, created_at,
         started_at, finished_at)
        SELECT n, 'shop-' || m, CASE WHEN place < 4 THEN 'staging' ELSE 'production' END,
        CASE WHEN kind < 6 THEN 'rollback' WHEN kind < 10 THEN 'redeploy' ELSE 'deploy' END,
        '1.' || (n / 5000), CASE WHEN fate < 4 THEN 'failed' WHEN fate < 6 THEN 'rolled_back'
        WHEN fate < 7 THEN 'aborted' ELSE 'succeeded' END, NULL,
        'person' || ((m + who) % {PEOPLE}), {plan}, {moment.format(at="at")},
        {moment.format(at="at")}, {moment.format(at="at + 20 + took")} FROM d"""
    host = f"'web' || ((m * {HOSTS_OF_ONE} + h) + CASE WHEN place < 4 THEN 1000 ELSE 0 END)"
    hosts = " UNION ALL ".join(f"SELECT {one} AS h" for one in range(HOSTS_OF_ONE))
    fails = f"({failed} AND h = who)"
    yield f"""{series}, d AS ({d}), hosts AS ({hosts}) INSERT INTO deployment_host
        (deployment_id, host, batch, outcome, error, version_before, version_after, updated_at)
        SELECT n, {host}, 1, CASE WHEN {fails} THEN 'failed' ELSE 'succeeded' END,
        CASE WHEN {fails} THEN CASE took % 4
        WHEN 0 THEN 'The probe of http://web' || h || '\\:8080/health answered 503 after 30.2 s'
        WHEN 1 THEN 'The service shop-' || m || ' did not stop within 30 s (pid ' || took || ')'
        WHEN 2 THEN 'Only ' || took || ' MB are free in /srv/shop-' || m || '/releases'
        ELSE 'Fetching the artifact broke off at byte ' || (took * 4711) END END,
        '1.0', '1.1', {moment.format(at="at + 20 + took")} FROM d, hosts"""
    stages = " UNION ALL ".join(
        f"SELECT '{name}' AS stage, {number} AS place_of_it, {base} AS base"
        for number, (name, base) in enumerate(
            (("prepare", 8.0), ("pre_release", 1.5), ("release", 3.0), ("post_release", 5.0))
        )
    )
    many = f"""d AS ({d}), hosts AS ({hosts}), stages AS ({stages})"""
    spread = chance(1000, 7, "n * 20 + h * 4 + place_of_it")
    seconds = f"base * (0.5 + {spread} * {spread} / 400000.0)"
    yield f"""{series}, {many} INSERT INTO stage_result
        (deployment_id, host, stage, outcome, started_at, seconds)
        SELECT n, {host}, stage,
        CASE WHEN {fails} AND place_of_it = 3 THEN 'failed' ELSE 'succeeded' END,
        {moment.format(at="at + place_of_it")}, {seconds} FROM d, hosts, stages"""
    yield f"""{series}, {many} INSERT INTO step
        (deployment_id, host, stage, position, name, outcome, seconds, detail)
        SELECT n, {host}, stage, 1, CASE WHEN place_of_it = 0 THEN 'fetch' ELSE 'probe' END,
        'succeeded', {seconds} * 0.7, NULL FROM d, hosts, stages WHERE place_of_it IN (0, 3)"""


def generate(database: Database, deployments: int) -> None:
    """Write a record of as many deployments."""
    migrate(database)
    backend = database.url.get_backend_name()
    plans = {f"plan{one}": json.dumps(plan_of(one).to_dict()) for one in range(3)}
    engine = sa.create_engine(database.url)
    with engine.connect() as connection:
        if backend == "sqlite":
            for pragma in ("synchronous=OFF", "foreign_keys=OFF", "cache_size=-200000"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
            connection.exec_driver_sql("SET synchronous_commit = off")
        connection.commit()
        for first in range(1, deployments + 1, _AT_ONCE):
            bounds = {"first": first, "last": min(first + _AT_ONCE - 1, deployments)}
            for statement in sql_of(backend, deployments):
                wanted = {name: one for name, one in plans.items() if f":{name}" in statement}
                connection.execute(sa.text(statement), {**bounds, **wanted})
            connection.commit()
        builds = sa.text(
            "INSERT INTO build (module, version, announced_by, announced_at) "
            "SELECT module, version, 'ci', min(started_at) FROM deployment GROUP BY module, version"
        )
        connection.execute(builds)
        connection.commit()
        if backend == "postgresql":
            sequence = "SELECT setval('deployment_id_seq', (SELECT max(id) FROM deployment))"
            connection.execute(sa.text(sequence))
            connection.commit()
    engine.dispose()


def plan_of(number: int) -> Any:
    """A plan of usual length."""
    types = ("java_web", "static_site", "dotnet_iis")
    made = plan_for([f"web{one}" for one in range(HOSTS_OF_ONE)], "all_first", Rollout())
    return replace(made, type=types[number])


def finish(database: Database) -> None:
    """Let the database know what it has, as one that was filled over years does."""
    engine = sa.create_engine(database.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        is_sqlite = database.url.get_backend_name() == "sqlite"
        for words in ("PRAGMA wal_checkpoint(TRUNCATE)",) if is_sqlite else ("VACUUM ANALYZE",):
            connection.exec_driver_sql(words)
    engine.dispose()


# What is measured.


def asked() -> dict[str, tuple[float, Callable[[], tuple[About, str, str]]]]:
    """The queries by name: their goal, and what each time is asked."""

    def module() -> str:
        return f"shop-{_SEED.randrange(MODULES)}"

    def host() -> str:
        return f"web{_SEED.randrange(MODULES * HOSTS_OF_ONE)}"

    def person() -> str:
        return f"person{_SEED.randrange(PEOPLE)}"

    def month() -> str:
        return f"2026-{_SEED.randrange(1, 13):02}"

    year = "2026"
    filtered: dict[str, Callable[[], tuple[About, str, str]]] = {
        "a module, a month": lambda: (About(modules=(module(),)), month(), "UTC"),
        "a module, 30 days": lambda: (About(modules=(module(),)), "30d", "UTC"),
        "a module, a year": lambda: (About(modules=(module(),)), year, "UTC"),
        "the busiest module, a year": lambda: (About(modules=("shop-0",)), year, "UTC"),
        "a module, a month, Asia/Shanghai": lambda: (
            About(modules=(module(),)),
            month(),
            "Asia/Shanghai",
        ),
        "a host, a month, Asia/Shanghai": lambda: (About(host=host()), month(), "Asia/Shanghai"),
        "a host, a month": lambda: (About(host=host()), month(), "UTC"),
        "a host, 30 days": lambda: (About(host=host()), "30d", "UTC"),
        "a host, a year": lambda: (About(host=host()), year, "UTC"),
        "a person, a month": lambda: (About(person=person()), month(), "UTC"),
        "a month": lambda: (About(), month(), "UTC"),
        "30 days": lambda: (About(), "30d", "UTC"),
        "a day": lambda: (About(), f"{month()}-{_SEED.randrange(1, 28):02}", "UTC"),
        "production, a month": lambda: (About(environment="production"), month(), "UTC"),
    }
    whole: dict[str, Callable[[], tuple[About, str, str]]] = {
        "a year": lambda: (About(), year, "UTC"),
        "a year, Asia/Shanghai": lambda: (About(), year, "Asia/Shanghai"),
        "a year, Europe/Berlin": lambda: (About(), year, "Europe/Berlin"),
        "a year, production": lambda: (About(environment="production"), year, "UTC"),
        "a year, a type": lambda: (About(type="java_web"), year, "UTC"),
        "a year, a person": lambda: (About(person=person()), year, "UTC"),
        "a year, a team of 20 modules": lambda: (
            About(modules=tuple(f"shop-{one}" for one in range(_SEED.randrange(9), 190, 9))[:20]),
            year,
            "UTC",
        ),
    }
    return {
        **{name: (FILTERED_GOAL, one) for name, one in filtered.items()},
        **{name: (YEAR_GOAL, one) for name, one in whole.items()},
    }


def timed(work: Callable[[], Any], repeat: int) -> list[float]:
    """How long something takes, in milliseconds, after it has been done a few times."""
    for _ in range(3):
        work()
    found = []
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return found


def p95(values: Sequence[float]) -> float:
    """What 95 of 100 stay within."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def measure_queries(database: Database, label: str, repeat: int) -> Iterator[Figure]:
    """Ask everything that is asked."""

    def ask(one: Callable[[], tuple[About, str, str]]) -> Any:
        about, words, zone = one()
        period = periods.period_of(words, zone, NOW)
        return database.read(lambda connection: answers.answer(connection, about, period))

    for name, (goal, one) in asked().items():
        taken = timed(lambda one=one: ask(one), repeat)  # type: ignore[misc]
        yield Figure(f"{label}: {name}, p95", p95(taken), goal, " ms")
    year = periods.period_of("2026", "UTC", NOW)
    for scope in ("module", "environment", "person", "host"):
        taken = timed(
            lambda scope=scope: database.read(  # type: ignore[misc]
                lambda connection: queries.by_name(connection, About(), year, scope)
            ),
            repeat,
        )
        yield Figure(f"{label}: a year by {scope}, p95", p95(taken), YEAR_GOAL, " ms")
    for name, wanted in (
        ("of all", {}),
        ("of a module", {"module": "shop-0"}),
        ("of a module and environment", {"module": "shop-0", "environment": "staging"}),
    ):
        taken = timed(
            lambda wanted=wanted: database.read(  # type: ignore[misc]
                lambda connection: history.find(connection, **wanted)
            ),
            repeat,
        )
        yield Figure(f"{label}: first page of history {name}, p95", p95(taken), HISTORY_GOAL, " ms")


class Writer:
    """Writes results of hosts into one record.

    Args:
        database: the record.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.number = database.write(self._begin)
        self.hosts = [f"web{one}" for one in range(1000)]

    def _begin(self, connection: Any) -> int:
        names = [f"web{one}" for one in range(1000)]
        plan = replace(plan_for(names, "all_first", Rollout()), module="shop-0")
        number = record.create(connection, plan, "person0", "queued")
        record.change_state(connection, number, "running")
        return number

    def one(self) -> float:
        """Write the result of one host in a transaction; answer with how many ms that took."""
        host = self.hosts.pop()
        result = {
            "deployment": self.number,
            "module": "shop-0",
            "environment": "production",
            "error": None,
            "live": "1.1.0",
            "stages": [
                {
                    "stage": stage,
                    "outcome": "succeeded",
                    "started": time.time(),
                    "seconds": _SEED.random() * 10,
                    "steps": [
                        {"name": name, "outcome": "succeeded", "seconds": _SEED.random()}
                        for name in ("fetch", "unpack", "probe")
                    ],
                }
                for stage in ("prepare", "pre_release", "release", "post_release")
            ],
        }
        began = time.perf_counter()
        self.database.write(
            lambda connection: host_results.write_host(connection, host, result, "succeeded")
        )
        return (time.perf_counter() - began) * 1000


@contextmanager
def database_of(server: str, directory: Path, deployments: int) -> Iterator[Database]:
    """A generated record, in a database of its own that is gone afterwards."""
    name = f"pushguide_bench_{uuid.uuid4().hex[:8]}"
    if not server:
        database = Database(f"sqlite:///{directory}/{name}/pushguide.db")
        generate(database, deployments)
        yield database
        database.engine.dispose()
        return
    maker = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with maker.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    url = sa.engine.make_url(server).set(database=name)
    database = Database(url.render_as_string(hide_password=False))
    try:
        generate(database, deployments)
        yield database
    finally:
        database.engine.dispose()
        with maker.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        maker.dispose()


def measure(arguments: argparse.Namespace) -> tuple[Sequence[Samples], Sequence[Figure]]:
    """Generate a long and a short record, and measure."""
    many = arguments.deployments
    few = max(1000, many // 1000)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(dir=arguments.directory or None) as top:
        began = time.perf_counter()
        with (
            database_of(arguments.database, Path(top), few) as short,
            database_of(arguments.database, Path(top), many) as long,
        ):
            backend = long.url.get_backend_name()
            label = f"statistics, {backend}, {many} deployments"
            tell(f"generated in {time.perf_counter() - began:.0f} s")
            began = time.perf_counter()
            for database in (short, long):
                counted = database.write(rebuilding.rebuild)
                finish(database)
            rebuilt = time.perf_counter() - began
            tell(f"rebuilt in {rebuilt:.0f} s: {counted}")
            figures.append(Figure(f"{label}: rebuilding", rebuilt, None, " s"))
            figures += measure_queries(long, label, arguments.repeat)
            writers = (Writer(short), Writer(long))
            taken: tuple[list[float], list[float]] = ([], [])
            for turn in range(arguments.writes + 20):
                for place, writer in enumerate(writers):
                    milliseconds = writer.one()
                    if turn >= 20:
                        taken[place].append(milliseconds)
            medians = [statistics.median(one) for one in taken]
            figures += [
                Figure(f"{label}: writing one result, median", medians[1], None, " ms"),
                Figure(f"{label}: the same with {few}", medians[0], None, " ms"),
                Figure(f"{label}: the one in the other", medians[1] / medians[0], WRITE_GOAL, "x"),
            ]
    return [], figures


def tell(what: str) -> None:
    """Say how far it is, for somebody who waits."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--deployments", type=int, default=50_000)
    options.add_argument("--database", default="", help="a server's URL; SQLite if not given")
    options.add_argument("--directory", default="", help="where SQLite's files may lie for a while")
    options.add_argument("--repeat", type=int, default=40)
    options.add_argument("--writes", type=int, default=200)
    sys.exit(main(measure, options))
