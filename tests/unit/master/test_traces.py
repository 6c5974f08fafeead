"""Traces, as a collector gets them by OTLP over HTTP."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pushguide.master import traces

salts = pytest.importorskip("salt.utils.tracing")
service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

BEGAN = "2026-11-29T15:00:00.000+00:00"
SECOND = 1_000_000_000


class Collector:
    """A collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        request = service.ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans

    @property
    def opts(self) -> dict[str, Any]:
        """The master's opts that name it."""
        endpoint = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        return {"tracing": {"enabled": True, "exporter": "otlp-http", "endpoint": endpoint}}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """One, and Salt's tracing as it was before."""
    one = Collector()
    yield one
    one.server.shutdown()
    one.server.server_close()
    salts.configure({})


def stage(outcome: str, seconds: float, *steps: tuple[str, str, float]) -> dict[str, Any]:
    """A stage of a host."""
    told = [{"name": name, "outcome": one, "seconds": long} for name, one, long in steps]
    return {"outcome": outcome, "started_at": BEGAN, "seconds": seconds, "steps": told}


def deployment(state: str = "failed") -> dict[str, Any]:
    """A deployment as it is shown: the second host fails at its second step."""
    good = stage("succeeded", 2.0, ("fetch", "succeeded", 0.5), ("unpack", "succeeded", 1.5))
    bad = stage("failed", 3.0, ("fetch", "succeeded", 1.0), ("unpack", "failed", 2.0))
    return {
        "deployment": 42,
        "module": "shop-web",
        "environment": "production",
        "version": "1.1.0",
        "kind": "deploy",
        "state": state,
        "requested_by": "mia",
        "started_at": BEGAN,
        "finished_at": "2026-11-29T15:00:10.000+00:00",
        "hosts": {"web1": {"stages": {"prepare": good}}, "web2": {"stages": {"prepare": bad}}},
    }


def path_of(span: Any, spans: list[Any]) -> str:
    """The names from the root to a span."""
    by_id = {one.span_id: one for one in spans}
    names = [span.name]
    while span.parent_span_id:
        span = by_id[span.parent_span_id]
        names.insert(0, span.name)
    return " > ".join(names)


def test_a_deployment_is_one_tree(collector: Collector) -> None:
    traces.tell(collector.opts, 42, lambda _: deployment())
    spans = collector.spans
    root = "deploy shop-web (production)"
    told = {
        path_of(one, spans): (one.end_time_unix_nano - one.start_time_unix_nano, one.status.code)
        for one in spans
    }
    assert told == {
        root: (10 * SECOND, 2),
        f"{root} > prepare": (3 * SECOND, 2),
        f"{root} > prepare > web1": (2 * SECOND, 0),
        f"{root} > prepare > web1 > fetch": (SECOND // 2, 0),
        f"{root} > prepare > web1 > unpack": (3 * SECOND // 2, 0),
        f"{root} > prepare > web2": (3 * SECOND, 2),
        f"{root} > prepare > web2 > fetch": (SECOND, 0),
        f"{root} > prepare > web2 > unpack": (2 * SECOND, 2),
    }
    assert len({one.trace_id for one in spans}) == 1
    (first,) = [one for one in spans if not one.parent_span_id]
    attributes = {one.key: one.value for one in first.attributes}
    assert attributes["pushguide.deployment"].int_value == 42
    assert attributes["pushguide.requested_by"].string_value == "mia"


def test_what_has_not_ended_is_not_sent(collector: Collector) -> None:
    traces.tell(collector.opts, 42, lambda _: deployment(state="paused"))
    assert collector.spans == []


def test_nothing_is_sent_where_tracing_is_off(collector: Collector) -> None:
    opts = collector.opts
    opts["tracing"]["enabled"] = False
    traces.tell(opts, 42, lambda _: deployment())
    assert collector.spans == []


def test_a_collector_that_is_away_is_no_failure(collector: Collector) -> None:
    opts = collector.opts
    collector.server.shutdown()
    collector.server.server_close()
    traces.tell(opts, 42, lambda _: deployment())
    assert collector.spans == []
