"""A receiver of notifications: a web server that comes and goes, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.ports import free_port


class Received(NamedTuple):
    """One message.

    Attributes:
        path: the path of the address that it was sent to.
        key: its idempotency key.
        data: what it says, by Apprise's own names.
    """

    path: str
    key: str | None
    data: dict[str, Any]

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.data["title"])

    @property
    def body(self) -> str:
        """What stands below."""
        return str(self.data["message"])


class Receiver:
    """Takes messages at one port, whenever it is up."""

    def __init__(self) -> None:
        self.port = free_port()
        self.received: list[Received] = []
        #: What is answered, by path; 200 where nothing is said.
        self.statuses: dict[str, int] = {}
        #: What is done before a message is answered.
        self.before_answer: Callable[[Received], None] = lambda _: None
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, path: str, kind: str = "json", options: str = "") -> str:
        """The address, as Apprise takes it."""
        return f"{kind}://127.0.0.1:{self.port}/{path}{options}"

    def keys(self) -> list[str | None]:
        """The keys of all messages, as they came."""
        return [one.key for one in self.received]

    def start(self) -> None:
        """Be there."""
        if self._server is None:
            self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
            self._server.daemon_threads = True
            self._thread = threading.Thread(
                target=self._server.serve_forever, args=[0.05], daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Be gone: nobody listens at the port."""
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_json = self.headers["Content-Type"] == "application/json"
                data = json.loads(body) if is_json else {"raw": body.decode()}
                one = Received(self.path, self.headers["Idempotency-Key"], data)
                status = receiver.statuses.get(self.path, 200)
                if status == 200:
                    receiver.received.append(one)
                receiver.before_answer(one)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
