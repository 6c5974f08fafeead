"""A small service for tests: ``python server.py``, with its settings beside it in ``server.json``.

It answers every request with its version and its pid. With ``stubborn`` it ignores SIGTERM,
with ``exits`` it ends at once, with ``forks`` it leaves the work to a child process.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

SETTINGS = json.loads(Path(__file__).with_name("server.json").read_text())


class Handler(BaseHTTPRequestHandler):
    """Says who answers."""

    def do_GET(self) -> None:
        body = f"{SETTINGS['says']} from {os.getpid()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until the end."""
    if SETTINGS.get("exits"):
        sys.exit("there is no database")
    if SETTINGS.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if SETTINGS.get("forks") and os.fork():
        signal.pause()
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()


main()
