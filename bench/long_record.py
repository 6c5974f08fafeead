"""A long record, generated inside the database: two years of deployments.

There are two hundred modules with five hosts each, which differ much in how often they are
deployed; of each host the results of the four stages, and two of their steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa

from bench.scale import plan_for
from pushguide.master.plan import Rollout
from pushguide.master.store.database import Database
from pushguide.master.store.schema import migrate

MODULES, HOSTS_OF_ONE, PEOPLE = 200, 5, 50
START, SECONDS = datetime(2025, 1, 1, tzinfo=timezone.utc), 2 * 365 * 86400
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
