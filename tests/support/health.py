"""A web server for health probes: what is live on each host, and gates that a test opens."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Health:
    """Serves ``/files/...`` below a directory, and ``/gate/<name>``: 503 until it is opened.

    Args:
        directory: what is served.
        address: where it listens.
    """

    def __init__(self, directory: Path, address: str = "127.0.0.1") -> None:
        self.directory = directory
        self.asked: list[str] = []
        self.opened: set[str] = set()
        self.spoiled: set[tuple[str, str]] = set()
        self.server = ThreadingHTTPServer((address, 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Health:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server.server_address[:2]
        return f"http://{host!s}:{port}"

    def gate(self, name: str) -> str:
        """The address of a gate."""
        return f"{self.url}/gate/{name}"

    def is_asked(self, name: str) -> bool:
        """Whether somebody waits at a gate, or has been there."""
        return f"/gate/{name}" in self.asked

    def open(self, name: str) -> None:
        """Let through all who ask at a gate from now on."""
        self.opened.add(f"/gate/{name}")

    def spoil(self, host: str, module: str, version: str) -> None:
        """Answer wrongly for one version of a module on one host."""
        self.spoiled.add((f"/files/{host}/{module}/live/health", version))

    def mend(self, host: str, module: str, version: str) -> None:
        """Answer rightly again."""
        self.spoiled.discard((f"/files/{host}/{module}/live/health", version))

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and text for a path."""
        self.asked.append(path)
        if path.startswith("/gate/"):
            return (200, b"open") if path in self.opened else (503, b"closed")
        try:
            body = (self.directory / path.removeprefix("/files/")).read_bytes()
            version = body.decode("utf-8", "replace").strip().rpartition(" ")[2]
            is_spoiled = (path, version) in self.spoiled
            return (500, b"spoiled") if is_spoiled else (200, body)
        except OSError as err:
            return 404, str(err).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        health = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = health.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
