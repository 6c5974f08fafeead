"""Metrics: they say what the record says, and Prometheus' own tool reads them, and the alerts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from pushguide.errors import Refused
from pushguide.master.config import Config
from pushguide.master.metrics import Place
from pushguide.master.statistics import definitions
from pushguide.master.store import deliveries, engines, host_health
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.host_health import Seer
from pushguide.master.store.tables import now
from pushguide.master.watch import prometheus
from tests.support.need import need
from tests.support.ports import free_port
from tests.unit.master.statistics.histories import Historian

MONITORING = Path(__file__).parents[4] / "docs" / "monitoring"
PROMTOOL = shutil.which("promtool")


def tell(connection: sa.Connection) -> None:
    """Let three things be told on a channel, of which one arrives, and one is given up."""
    connection.execute(sa.update(db.outbox).values(expanded_at=now()))
    (number,) = connection.execute(sa.select(sa.func.max(db.outbox.c.id))).one()
    deliveries.add(connection, number, "ops", [0, 1, 2], now(), False)
    ids = [*connection.execute(sa.select(db.delivery.c.id).order_by(db.delivery.c.id)).scalars()]
    deliveries.delivered(connection, ids[:1], "ops")
    deliveries.given_up(connection, ids[1:2], "ops", "x")


@pytest.fixture
def told(database: Database) -> Iterator[Any]:
    """Ask for the metrics over HTTP, of a record with a history: the text."""
    Historian(database, 5).write(25)
    seen = {
        "w1": {"state": "up", "pushguide": "0.0.1", "problem": "it runs pushguide 0.0.1"},
        "w2": {"state": "down"},
    }
    database.write(lambda one: host_health.note(one, seen, Seer("main", "m1")))
    database.write(lambda one: engines.beat(one, "m1", "main"))
    place = Place("127.0.0.1", free_port())
    database.write(tell)
    end = prometheus.serve(place, database, is_told=True)

    def ask() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{place.port}/metrics") as answer:
            return str(answer.read().decode())

    yield ask
    end()


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_they_say_what_the_record_says(told: Any, database: Database) -> None:
    found = samples(told())

    def work(connection: sa.Connection) -> list[Any]:
        facts = db.statistics_deployment
        columns = (facts.c.module, facts.c.environment, facts.c.type, facts.c.state)
        return connection.execute(
            sa.select(*columns, sa.func.count())
            .where(facts.c.state.in_(("succeeded", "aborted")))
            .where(facts.c.cause.is_(None))
            .group_by(*columns)
        ).all()

    raw = database.read(work)
    assert raw
    for module, environment, kind, state, count in raw:
        labels = {"module": module, "environment": environment, "type": kind, "outcome": state}
        key = ("pushguide_deployments_total", tuple(sorted(labels.items())))
        assert found[key] >= count > 0
    assert found["pushguide_up", ()] == 1
    assert found["pushguide_hosts", (("state", "up"),)] == 1
    assert found["pushguide_hosts", (("state", "down"),)] == 1
    assert found["pushguide_hosts_unfit", ()] == 1
    assert found["pushguide_engine_up", (("master", "m1"),)] == 1
    on = (("channel", "ops"),)
    assert found["pushguide_notifications_pending", on] == 1
    assert 0 < found["pushguide_notifications_oldest_seconds", ()] < 300
    for name in ("delivered", "given_up", "failed_attempts"):
        assert found[f"pushguide_notifications_{name}_total", on] == 1
    stages, facts = db.stage_result, db.statistics_deployment
    counted = (
        sa.select(sa.func.count())
        .join(facts, facts.c.deployment_id == stages.c.deployment_id)
        .where(stages.c.stage == "release", stages.c.outcome.in_(definitions.MEASURED))
    )
    measured = database.read(lambda one: one.execute(counted).scalar())
    labels = (("le", "+Inf"), ("stage", "release"))
    assert found["pushguide_stage_seconds_bucket", labels] == measured > 0


def test_a_duration_is_never_told_to_be_shorter_than_it_was() -> None:
    family = prometheus._histogram("x", "y", [], {(): {"0": 1, "60": 2, "200": 4}})
    buckets = {one.labels["le"]: one.value for one in family.samples}
    # 0.01 * 1.12 ** 60 is 8.98 seconds; bucket 200 is longer than all.
    assert [buckets[one] for one in ("0.1", "5.0", "10.0", "3600.0", "+Inf")] == [1, 1, 3, 3, 7]


def test_a_record_that_is_away_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Database(f"postgresql+psycopg://u:hush@127.0.0.1:{free_port()}/x")
    away.away_seconds = 0
    registry = CollectorRegistry()
    registry.register(prometheus.Record(away))
    assert registry.get_sample_value("pushguide_up") == 0
    assert registry.get_sample_value("pushguide_hosts_unfit") is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (9722, "give port and, if you like, address"),
        ({"port": 9722, "adress": "::1"}, "give port and, if you like, address"),
        ({"port": 0}, "port is 0: give a number"),
        ({"port": "9722"}, "port is '9722': give a number"),
        ({"port": 9722, "address": "a b"}, "address is 'a b'"),
    ],
)
def test_what_does_not_read_is_refused(given: Any, problem: str) -> None:
    opts = {"cachedir": "/x/master", "pushguide": {"metrics": given}}
    with pytest.raises(Refused, match=re.escape(problem)):
        Config.from_opts(opts)
    right = {"cachedir": "/x/master", "pushguide": {"metrics": {"port": 9722}}}
    assert Config.from_opts(right).metrics == Place("127.0.0.1", 9722)


def promtool(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    need("promtool", PROMTOOL, "apt-get install --no-install-recommends prometheus")
    assert PROMTOOL
    return subprocess.run(
        [PROMTOOL, *words], input=text, capture_output=True, text=True, timeout=60, check=False
    )


def test_prometheus_reads_them(told: Any) -> None:
    done = promtool("check", "metrics", text=told())
    assert done.returncode == 0, done.stdout + done.stderr


def expressions() -> dict[str, str]:
    """The questions of the alerts and of the dashboard, by where they stand."""
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
    board = json.loads((MONITORING / "grafana.json").read_text())
    panels = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in board["panels"]
        for target in panel["targets"]
    }
    return {**{one["alert"]: one["expr"] for one in rules}, **panels}


def test_alerts_and_dashboard_ask_for_what_there_is(told: Any) -> None:
    text = told()
    families = {one.name for one in text_string_to_metric_families(text)}
    known = families | {name for name, _ in samples(text)}
    for where, expression in expressions().items():
        asked = {*re.findall(r"pushguide_\w+", expression)}
        assert asked, where
        assert asked <= known, where


def test_prometheus_understands_alerts_and_dashboard(tmp_path: Path) -> None:
    done = promtool("check", "rules", str(MONITORING / "alerts.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    rules = [
        {"record": f"asked:{number}", "expr": one.replace("$module", ".*")}
        for number, one in enumerate(expressions().values())
    ]
    (tmp_path / "board.yml").write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}))
    done = promtool("check", "rules", str(tmp_path / "board.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_come_when_they_should(tmp_path: Path) -> None:
    def series(name: str, values: str) -> dict[str, str]:
        return {"series": name, "values": values}

    shop = 'module="shop",environment="production",type="service"'
    given = [
        series("pushguide_up{instance='m1'}", "1x10 0x10"),
        series('pushguide_leases{state="expired"}', "0x5 1x20"),
        series(f'pushguide_deployments_total{{{shop},outcome="failed"}}', "0x10 5x15"),
        series(f'pushguide_deployments_total{{{shop},outcome="succeeded"}}', "7x25"),
        series("pushguide_notifications_oldest_seconds", "60x5 1200x20"),
        series('pushguide_notifications_given_up_total{channel="ops"}', "0x10 1x15"),
    ]

    def alerts(at: str, name: str, labels: list[dict[str, Any]]) -> dict[str, Any]:
        rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
        notes = next(one["annotations"] for one in rules if one["alert"] == name)

        def filled(text: str, labels: dict[str, Any]) -> str:
            return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda one: labels[one[1]], text)

        expected = [
            {
                "exp_labels": one,
                "exp_annotations": {key: filled(text, one) for key, text in notes.items()},
            }
            for one in labels
        ]
        return {"eval_time": at, "alertname": name, "exp_alerts": expected}

    failing = {"severity": "warning", "module": "shop", "environment": "production"}
    tests = {
        "rule_files": [str(MONITORING / "alerts.yml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": given,
                "alert_rule_test": [
                    alerts("8m", "PushguideRecordAway", []),
                    alerts(
                        "15m",
                        "PushguideRecordAway",
                        [{"severity": "critical", "instance": "m1"}],
                    ),
                    alerts("10m", "PushguideDeploymentOrphaned", []),
                    alerts("20m", "PushguideDeploymentOrphaned", [{"severity": "critical"}]),
                    alerts("8m", "PushguideManyFailures", []),
                    alerts("20m", "PushguideManyFailures", [failing]),
                    alerts("8m", "PushguideNotificationsGivenUp", []),
                    alerts(
                        "20m",
                        "PushguideNotificationsGivenUp",
                        [{"severity": "warning", "channel": "ops"}],
                    ),
                    alerts("8m", "PushguideNotificationsLate", []),
                ],
            }
        ],
    }
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    done = promtool("test", "rules", str(tmp_path / "tests.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
