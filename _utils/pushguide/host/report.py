"""Progress of a running job, told to the master while it runs.

A job's return carries everything, so a report is only worth an event when the job lasts.
Reports are held back for a moment and travel together: a quick job sends none, a long one
a few a second, and a step that waits is seen waiting.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

#: How long a report may be held back, in seconds.
HOLD_SECONDS = 0.25

Send = Callable[[str, dict[str, Any]], Any]


class Reporter:
    """Sends reports as events, a few at a time, from a thread of its own."""

    def __init__(self, send: Send, tag: str, header: dict[str, Any]) -> None:
        self._send = send
        self._tag = tag
        self._header = header
        self._pending: list[dict[str, Any]] = []
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def add(self, report: dict[str, Any]) -> None:
        """Take a report, to be sent within :data:`HOLD_SECONDS`."""
        with self._lock:
            self._pending.append(report)
            if self._timer is None:
                # Salt's dunders are context variables: the thread needs a copy of the context.
                context = contextvars.copy_context()
                self._timer = threading.Timer(HOLD_SECONDS, context.run, [self._flush])
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Stop. What is still held back is in the job's return anyway."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._pending = []

    def _flush(self) -> None:
        with self._lock:
            reports, self._pending, self._timer = self._pending, [], None
        if not reports:
            return
        try:
            self._send(self._tag, {**self._header, "reports": reports})
        except Exception:
            log.exception("Sending %d reports under %s failed", len(reports), self._tag)
