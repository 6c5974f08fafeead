"""Metrics: what a Prometheus reads from the engine of a master.

Everything is read from the record when somebody asks, so that every master tells the same, and
numbers go on where they were after a restart.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy.engine import Connection

from pushguide import __version__
from pushguide.errors import PushguideError
from pushguide.master import states
from pushguide.master.metrics import Place
from pushguide.master.statistics import rollups
from pushguide.master.statistics.buckets import highest_of
from pushguide.master.statistics.numbers import Numbers, merge
from pushguide.master.store import deliveries, duties, engines, history, host_health, lock
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now
from pushguide.words import STAGES

log = logging.getLogger(__name__)

#: The upper ends of what is told of durations, in seconds.
BOUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_OUTCOMES = ("succeeded", "failed", "aborted")
_STANDING = (
    states.PENDING_APPROVAL,
    states.SCHEDULED,
    states.QUEUED,
    states.RUNNING,
    states.PAUSED,
)


def serve(place: Place, database: Database, is_told: bool = False) -> Callable[[], None]:
    """Tell metrics over HTTP, in a thread of their own.

    Args:
        place: where.
        database: the record.
        is_told: whether anybody is told of anything.

    Returns:
        What ends it.
    """
    registry = CollectorRegistry()
    registry.register(Record(database, is_told))
    server, thread = start_http_server(place.port, place.address, registry)
    log.info("Metrics are told at %s:%d", place.address, place.port)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end


class Record(Collector):
    """The record as metrics.

    Args:
        database: the record.
        is_told: whether anybody is told of anything; otherwise the outbox waits for nobody.
    """

    def __init__(self, database: Database, is_told: bool = False) -> None:
        self.database = database
        self.is_told = is_told

    def describe(self) -> Iterable[Metric]:
        """Nothing is read only to be registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything, as it stands."""
        version = [((__version__,), 1)]
        yield _labelled("pushguide_build_info", "Which pushguide this is.", ["version"], version)
        began = time.perf_counter()
        try:
            found = self.database.read(_everything)
            if self.is_told:
                found += self.database.read(lambda one: [*_notifications(one)])
        except PushguideError as err:
            log.warning("Metrics cannot be read: %s", err)
            yield GaugeMetricFamily("pushguide_up", "Whether the record can be read.", value=0)
            return
        took = time.perf_counter() - began
        yield GaugeMetricFamily("pushguide_up", "Whether the record can be read.", value=1)
        yield GaugeMetricFamily(
            "pushguide_database_seconds", "How long reading all of this took.", value=took
        )
        yield from found


def _everything(connection: Connection) -> list[Metric]:
    return [
        *_deployments(connection),
        *_stages(connection),
        *_standing(connection),
        *_hosts(connection),
        *_engines(connection),
    ]


Labelled = Iterable[tuple[tuple[str, ...], float]]
#: By labels how many durations there are in each bucket of the record.
Taken = dict[tuple[str, ...], dict[str, int]]


def _labelled(name: str, told: str, labels: list[str], values: Labelled) -> Metric:
    family = GaugeMetricFamily(name, told, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family


def _deployments(connection: Connection) -> Iterator[Metric]:
    """Deployments by outcome, and how long they took."""
    cell, year = db.statistics_cell, db.statistics_rollup["year"]
    sums = [sa.func.sum(year.c[one]).label(one) for one in (*_OUTCOMES, "rollbacks")]
    place = (cell.c.name, cell.c.environment, cell.c.type)
    query = (
        sa.select(*place, *sums)
        .join(year, year.c.cell_id == cell.c.id)
        .where(cell.c.scope == rollups.MODULE)
        .group_by(*place)
        .order_by(*place)
    )
    ended = CounterMetricFamily(
        "pushguide_deployments",
        "Deployments that have ended.",
        labels=["module", "environment", "type", "outcome"],
    )
    rolled_back = CounterMetricFamily(
        "pushguide_rollbacks",
        "Rollbacks, by choice and by themselves.",
        labels=["module", "environment", "type"],
    )
    for row in connection.execute(query):
        where = [row.name, row.environment, row.type]
        for outcome in _OUTCOMES:
            ended.add_metric([*where, outcome], int(getattr(row, outcome)))
        rolled_back.add_metric(where, int(row.rollbacks))
    yield ended
    yield rolled_back
    took: Taken = {(): _summed(connection, year, "times").get("seconds", {})}
    yield _histogram("pushguide_deployment_seconds", "How long deployments took.", [], took)


def _stages(connection: Connection) -> Iterator[Metric]:
    """How long stages and steps took on hosts."""
    spreads = _summed(connection, db.statistics_detail["year"], "stages")
    stages: Taken = {(name,): spread for name, spread in spreads.items() if name in STAGES}
    steps: Taken = {
        (stage, step): spread
        for name, spread in spreads.items()
        for stage, slash, step in [name.partition("/")]
        if slash
    }
    told = "How long stages took on a host."
    yield _histogram("pushguide_stage_seconds", told, ["stage"], stages)
    told = "How long steps took on a host."
    yield _histogram("pushguide_step_seconds", told, ["stage", "step"], steps)


def _summed(connection: Connection, table: sa.Table, column: str) -> dict[str, dict[str, int]]:
    """The durations of everything, from the beginning on."""
    cell = db.statistics_cell
    query = (
        sa.select(table.c[column])
        .join(cell, cell.c.id == table.c.cell_id)
        .where(cell.c.scope == rollups.ALL)
    )
    found = Numbers()
    for spreads in connection.execute(query).scalars():
        merge(found.times, spreads, 1)
    return found.times


def _histogram(name: str, told: str, labels: list[str], spreads: Taken) -> Metric:
    """Durations as a histogram. Their sum is not kept, so none is told.

    A bucket of the record counts below the first bound that it lies below as a whole: a duration
    is never told to be shorter than it was.
    """
    family = HistogramMetricFamily(name, told, labels=labels)
    for label, spread in sorted(spreads.items()):
        counts = Counter[float]()
        for bucket, count in spread.items():
            highest = highest_of(bucket)
            counts[next((one for one in BOUNDS if highest <= one), float("inf"))] += count
        below, buckets = 0, []
        for bound in (*BOUNDS, float("inf")):
            below += counts[bound]
            buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), below))
        family.add_metric(list(label), buckets, sum_value=None)
    return family


def _standing(connection: Connection) -> Iterator[Metric]:
    """What has not ended, and who drives it."""
    counts = Counter(one.state for one in history.unfinished(connection))
    yield _labelled(
        "pushguide_unfinished_deployments",
        "Deployments that have not ended.",
        ["state"],
        [((state,), counts[state]) for state in _STANDING],
    )
    held = lock.held(connection)
    alive = sum(one.is_alive for one in held)
    yield _labelled(
        "pushguide_leases",
        "Deployments that are driven (alive), and whose driver has gone (expired).",
        ["state"],
        [(("alive",), alive), (("expired",), len(held) - alive)],
    )


def _hosts(connection: Connection) -> Iterator[Metric]:
    """Hosts by health."""
    found = host_health.find(connection).values()
    yield _labelled(
        "pushguide_hosts",
        "Hosts that templates mean, by what the monitor sees.",
        ["state"],
        [
            ((state,), sum(one.state == state for one in found))
            for state in (host_health.UP, host_health.DOWN)
        ],
    )
    flapping = sum(one.is_flapping for one in found)
    yield GaugeMetricFamily("pushguide_hosts_flapping", "Hosts that come and go.", value=flapping)
    odd = sum(one.state == host_health.UP and one.problem is not None for one in found)
    told = "Hosts that answer and cannot be deployed to."
    yield GaugeMetricFamily("pushguide_hosts_unfit", told, value=odd)


def _notifications(connection: Connection) -> Iterator[Metric]:
    """What was told, and what still waits."""
    standing = deliveries.standing(connection)
    pending = [
        ((channel,), count)
        for (channel, state), count in sorted(standing.items())
        if state == deliveries.PENDING
    ]
    told = "Notifications that have not arrived yet, with those that wait for quiet hours to end."
    yield _labelled("pushguide_notifications_pending", told, ["channel"], pending)
    oldest = deliveries.oldest_due(connection)
    yield GaugeMetricFamily(
        "pushguide_notifications_oldest_seconds",
        "How long the oldest one has waited that should have arrived; 0 if there is none.",
        value=(now() - oldest).total_seconds() if oldest else 0,
    )
    counts = sorted(deliveries.counts(connection).items())
    for name, of, told in (
        ("delivered", "delivered", "Notifications that have arrived."),
        ("given_up", "given_up", "Notifications that were given up."),
        ("failed_attempts", "failed", "Attempts that have failed."),
    ):
        family = CounterMetricFamily(f"pushguide_notifications_{name}", told, labels=["channel"])
        for channel, numbers in counts:
            family.add_metric([channel], numbers[of])
        yield family


def _engines(connection: Connection) -> Iterator[Metric]:
    """Engines, and their clocks."""
    known = engines.known(connection)
    yield _labelled(
        "pushguide_engine_up",
        "Whether the engine of a master was there a short while ago.",
        ["master"],
        [((one.master,), one.is_alive) for one in known],
    )
    yield _labelled(
        "pushguide_engine_clock_ahead_seconds",
        "How far the clock of a master is ahead of the database's.",
        ["master"],
        [((one.master,), one.ahead_seconds) for one in known if one.ahead_seconds is not None],
    )
    yield _labelled(
        "pushguide_duty_held",
        "Duties, and the engine that has each.",
        ["duty", "holder"],
        [(named, 1) for named in sorted(duties.held(connection).items())],
    )
