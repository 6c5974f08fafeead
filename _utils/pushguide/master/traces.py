"""Traces: a deployment as OpenTelemetry sees it, where Salt's own tracing is on.

They are made out of the record when a deployment has ended, so they cost it nothing, and a
deployment that several masters drove one after the other is one trace all the same. The spans are
deployment > stage > host > step. Steps have a length and no beginning in the record: they are laid
end to end from where their host began the stage.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pushguide.master import states
from pushguide.words import FAILED, STAGES

log = logging.getLogger(__name__)

#: How long whoever waits for the deployment waits for the collector, too.
_PATIENCE_SECONDS = 3.0
_TOLD = ("deployment", "module", "environment", "version", "kind", "state", "requested_by")


def tell(opts: Mapping[str, Any], number: int, in_full: Callable[[int], Mapping[str, Any]]) -> None:
    """Send the trace of a deployment that has ended to the collector that Salt's config names.

    A collector that is away or slow is waited for shortly, and logged; nothing else comes of it.

    Args:
        opts: the master's opts; their ``tracing`` is Salt's.
        number: the deployment.
        in_full: tells a deployment as ``pushguide.show`` does.
    """
    tracing = opts.get("tracing")
    if isinstance(tracing, Mapping) and tracing.get("enabled"):
        given = (opts, number, in_full)
        thread = threading.Thread(target=_send, args=given, name="trace", daemon=True)
        thread.start()
        thread.join(_PATIENCE_SECONDS)


def _send(
    opts: Mapping[str, Any], number: int, in_full: Callable[[int], Mapping[str, Any]]
) -> None:
    try:
        full = in_full(number)
        if full["state"] not in states.TERMINAL or not full["started_at"]:
            return
        import salt.utils.tracing as salts  # Salt 3006 has none

        salts.configure(dict(opts))
        tracer = getattr(salts, "_tracer", None)
        if tracer is not None:
            _Tree(tracer).grow(full)
            salts.shutdown()  # which sends what waits; Salt starts it anew if it needs it
    except Exception:
        log.exception("Sending the trace of deployment #%s failed", number)


class _Tree:
    """The spans of one deployment.

    Args:
        tracer: an OpenTelemetry tracer.
    """

    def __init__(self, tracer: Any) -> None:
        from opentelemetry import trace

        self.tracer = tracer
        self.trace = trace

    def grow(self, full: Mapping[str, Any]) -> None:
        """Make all spans."""
        told = {f"pushguide.{key}": full[key] for key in _TOLD if full[key] is not None}
        begin, end = _moment(full["started_at"]), _moment(full["finished_at"])
        name = f"{full['kind']} {full['module']} ({full['environment']})"
        root = self._span(name, None, begin, told, full["state"] != states.SUCCEEDED)
        for stage in _stages(full["hosts"]):
            self._stage(root, stage, full["hosts"])
        root.end(_nanoseconds(end))

    def _stage(self, parent: Any, stage: str, hosts: Mapping[str, Any]) -> None:
        there = {
            host: one["stages"][stage] for host, one in hosts.items() if stage in one["stages"]
        }
        begin = min(_moment(one["started_at"]) for one in there.values())
        end = max(_moment(one["started_at"]) + one["seconds"] for one in there.values())
        has_failed = any(one["outcome"] == FAILED for one in there.values())
        span = self._span(stage, parent, begin, {"pushguide.hosts": len(there)}, has_failed)
        for host, one in there.items():
            self._host(span, host, one)
        span.end(_nanoseconds(end))

    def _host(self, parent: Any, host: str, stage: Mapping[str, Any]) -> None:
        begin = _moment(stage["started_at"])
        told = {"pushguide.host": host, "pushguide.outcome": stage["outcome"]}
        span = self._span(host, parent, begin, told, stage["outcome"] == FAILED)
        moment = begin
        for step in stage["steps"]:
            told = {"pushguide.host": host, "pushguide.outcome": step["outcome"]}
            one = self._span(step["name"], span, moment, told, step["outcome"] == FAILED)
            moment += step["seconds"]
            one.end(_nanoseconds(moment))
        span.end(_nanoseconds(begin + stage["seconds"]))

    def _span(
        self, name: str, parent: Any, begin: float, told: Mapping[str, Any], has_failed: bool
    ) -> Any:
        context = self.trace.set_span_in_context(parent) if parent is not None else None
        span = self.tracer.start_span(
            name, context=context, start_time=_nanoseconds(begin), attributes=dict(told)
        )
        if has_failed:
            span.set_status(self.trace.StatusCode.ERROR)
        return span


def _stages(hosts: Mapping[str, Any]) -> list[str]:
    """The stages that any host went through, in their order; what is no usual stage comes last."""
    seen = dict.fromkeys(stage for one in hosts.values() for stage in one["stages"])
    return sorted(seen, key=lambda one: STAGES.index(one) if one in STAGES else len(STAGES))


def _moment(text: str) -> float:
    """A moment of the record, in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def _nanoseconds(moment: float) -> int:
    return round(moment * 1_000_000_000)
