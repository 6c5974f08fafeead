"""What statistics cost over a long record.

A record of two years is generated inside the database (:mod:`.long_record`). The rollups of it are
built by the product's own rebuild. Then the product's own queries are measured, warm, each many
times with other modules, hosts, people and periods; and the writing of one result, beside a record
of a thousandth.

    python -m bench.statistics
    python -m bench.statistics --deployments 1000000
    python -m bench.statistics --deployments 100000 \\
        --database postgresql+psycopg://postgres@127.0.0.1:5432/postgres

Where a database is named, one of its own is made on that server, and dropped at the end.
Where other work shares the machine, --rounds measures each query so many times over, and tells the
best p95.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from bench.figures import Figure, Samples, main
from bench.long_record import HOSTS_OF_ONE, MODULES, PEOPLE, finish, generate
from bench.scale import plan_for
from pushguide.master.plan import Rollout
from pushguide.master.statistics import answers, periods, queries, rebuilding
from pushguide.master.statistics.queries import About
from pushguide.master.store import history, host_results, record
from pushguide.master.store.database import Database

#: Milliseconds at p95: a query of a module, a host or a short period; of a whole year; of history.
FILTERED_GOAL, YEAR_GOAL, HISTORY_GOAL = 10.0, 100.0, 5.0
#: What writing one result may cost in the long record, in what it costs in the short one.
WRITE_GOAL = 1.3
NOW = datetime(2026, 12, 30, 12, tzinfo=timezone.utc)
_SEED = Random(6)


#: Gives what is asked about, the period and the time zone; others each time.
Asked = Callable[[], tuple[About, object, str]]


def asked() -> dict[str, tuple[float, Asked]]:
    """The queries by name: their goal, and what each time is asked."""

    def module() -> str:
        return f"shop-{_SEED.randrange(MODULES)}"

    def host() -> str:
        return f"web{_SEED.randrange(MODULES * HOSTS_OF_ONE)}"

    def person() -> str:
        return f"person{_SEED.randrange(PEOPLE)}"

    def month() -> str:
        return f"2026-{_SEED.randrange(1, 13):02}"

    def any_30_days() -> dict[str, str]:
        first = date(2026, 1, 1) + timedelta(days=_SEED.randrange(330))
        return {"from": str(first), "to": str(first + timedelta(days=29))}

    year = "2026"
    filtered: dict[str, Asked] = {
        "a module, a month": lambda: (About(modules=(module(),)), month(), "UTC"),
        "a module, 30 days": lambda: (About(modules=(module(),)), "30d", "UTC"),
        "a module, any 30 days": lambda: (About(modules=(module(),)), any_30_days(), "UTC"),
        "the busiest module, any 30 days": lambda: (
            About(modules=("shop-0",)),
            any_30_days(),
            "UTC",
        ),
        "a module, a year": lambda: (About(modules=(module(),)), year, "UTC"),
        "the busiest module, a year": lambda: (About(modules=("shop-0",)), year, "UTC"),
        "a module, a month, Asia/Shanghai": lambda: (
            About(modules=(module(),)),
            month(),
            "Asia/Shanghai",
        ),
        "a module, any 30 days, Europe/Berlin": lambda: (
            About(modules=(module(),)),
            any_30_days(),
            "Europe/Berlin",
        ),
        "a host, a month, Asia/Shanghai": lambda: (About(host=host()), month(), "Asia/Shanghai"),
        "a host, a month": lambda: (About(host=host()), month(), "UTC"),
        "a host, 30 days": lambda: (About(host=host()), "30d", "UTC"),
        "a host, any 30 days": lambda: (About(host=host()), any_30_days(), "UTC"),
        "a host, a year": lambda: (About(host=host()), year, "UTC"),
        "a person, a month": lambda: (About(person=person()), month(), "UTC"),
        "a month": lambda: (About(), month(), "UTC"),
        "a month, Asia/Shanghai": lambda: (About(), month(), "Asia/Shanghai"),
        "30 days": lambda: (About(), "30d", "UTC"),
        "any 30 days": lambda: (About(), any_30_days(), "UTC"),
        "a day": lambda: (About(), f"{month()}-{_SEED.randrange(1, 28):02}", "UTC"),
        "production, a month": lambda: (About(environment="production"), month(), "UTC"),
    }
    whole: dict[str, Asked] = {
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


def best_p95(work: Callable[[], Any], arguments: argparse.Namespace) -> float:
    """The p95 of a round, in milliseconds; the best, where there are several."""
    return min(p95(timed(work, arguments.repeat)) for _ in range(arguments.rounds))


def measure_queries(
    database: Database, label: str, arguments: argparse.Namespace
) -> Iterator[Figure]:
    """Ask everything that is asked."""

    def ask(one: Asked) -> Any:
        about, words, zone = one()
        period = periods.period_of(words, zone, NOW).until(NOW)
        return database.read(lambda connection: answers.answer(connection, about, period))

    def told(name: str, goal: float, work: Callable[[], Any]) -> Figure:
        return Figure(f"{label}: {name}, p95", best_p95(work, arguments), goal, " ms")

    for name, (goal, one) in asked().items():
        yield told(name, goal, partial(ask, one))
    year = periods.period_of("2026", "UTC", NOW)
    for scope in ("module", "environment", "person", "host"):
        work = partial(queries.by_name, about=About(), period=year, scope=scope)
        yield told(f"a year by {scope}", YEAR_GOAL, partial(database.read, work))
    pages = {
        "of all": history.Wanted(),
        "of a module": history.Wanted("shop-0"),
        "of a module and environment": history.Wanted("shop-0", "staging"),
    }
    for name, wanted in pages.items():
        page = partial(database.read, partial(history.find, wanted=wanted))
        yield told(f"first page of history {name}", HISTORY_GOAL, page)


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
            figures += measure_queries(long, label, arguments)
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
    options.add_argument("--rounds", type=int, default=1, help="tell the best p95 of so many")
    options.add_argument("--writes", type=int, default=200)
    sys.exit(main(measure, options))
