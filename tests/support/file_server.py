"""A real HTTP server with ranges that misbehaves when it is told to."""

from __future__ import annotations

import contextlib
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import Self


@dataclass(frozen=True)
class Fault:
    """What one answer does wrong.

    ``kind`` is one of KINDS; ``number`` and ``data`` say how much of it.
    """

    kind: str
    number: int = 0
    data: bytes = b""


#: Every way in which an answer can go wrong.
KINDS = (
    "cut",  # break off after some bytes
    "reset",  # close without a word
    "status",  # answer with an error status
    "ignore_range",  # answer the whole, whatever was asked for
    "short",  # say and send fewer bytes than were asked for
    "long",  # say and send more bytes than were asked for
    "shifted",  # answer another range than was asked for
    "flip",  # one byte is wrong
    "swap",  # another file from now on, with a tag of its own
    "swap_silently",  # another file from now on, under the same tag
    "no_length",  # no Content-Length; the end is when the connection closes
)


@dataclass
class FileServer:
    """Serves bytes by path, and notes what it sent.

    Attributes:
        files: the bytes by path.
        faults: what goes wrong, one for each request, in their order.
        requests: of each request the path and its headers.
        sent: the bytes of all bodies.
        redirects: where a path leads to.
        authorization: what has to be said to be served.
        connections: how many there were.
        tls: how to speak TLS, if it is to.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault | None] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    authorization: str | None = None
    sent: int = 0
    tag: int = 0
    connections: int = 0
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                served.connections += 1
                super().setup()

            def do_GET(self) -> None:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    served.answer(self)

            do_POST = do_GET  # noqa: N815 - the name that http.server looks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing of clients that hang up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._server.server_port}"

    def forget(self) -> None:
        """Begin a new story."""
        self.faults, self.requests, self.sent = [], [], 0

    def answer(self, handler: Any) -> None:
        """Answer one request."""
        headers = {key.lower(): value for key, value in handler.headers.items()}
        path = handler.path.partition("?")[0]
        self.requests.append((handler.path, headers))
        fault = (self.faults.pop(0) if self.faults else None) or Fault("none")
        if fault.kind.startswith("swap"):
            self.files[path] = fault.data
            self.tag += fault.kind == "swap"
        if fault.kind == "reset":
            handler.close_connection = True
            return
        if fault.kind == "status":
            self._say(handler, fault.number, {}, b"")
            return
        if path in self.redirects:
            self._say(handler, 302, {"Location": self.redirects[path]}, b"")
            return
        if self.authorization and headers.get("authorization") != self.authorization:
            self._say(handler, 401, {}, b"")
            return
        self.serve(handler, path, headers, fault)

    def serve(self, handler: Any, path: str, headers: dict[str, str], fault: Fault) -> None:
        """Serve what a path stands for."""
        if path not in self.files:
            self._say(handler, 404, {}, b"")
            return
        self._file(handler, self.files[path], headers, fault)

    def _file(self, handler: Any, data: bytes, headers: dict[str, str], fault: Fault) -> None:
        told = {"ETag": f'"{self.tag}"'}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
        is_fresh = headers.get("if-range", told["ETag"]) == told["ETag"]
        status, body = 200, data
        if wanted and is_fresh and fault.kind != "ignore_range":
            start, end = int(wanted[1]), min(int(wanted[2]) + 1, len(data))
            if start >= len(data):
                self._say(handler, 416, {"Content-Range": f"bytes */{len(data)}"}, b"")
                return
            if fault.kind == "shifted":
                start, end = max(0, start - 1 - fault.number), max(1, end - 1 - fault.number)
            status, body = 206, data[start:end]
            told["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        if fault.kind == "short":
            body = body[: max(0, len(body) - 1 - fault.number)]
        if fault.kind == "long":
            body += b"x" * (1 + fault.number)
        if fault.kind == "flip" and body:
            at = fault.number % len(body)
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        sent = body[: fault.number] if fault.kind == "cut" else body
        if fault.kind == "no_length":
            told["Connection"] = "close"
        else:
            told["Content-Length"] = str(len(body))
        if sent != body or fault.kind == "no_length":
            handler.close_connection = True
        self._say(handler, status, told, sent)

    def _say(self, handler: Any, status: int, headers: dict[str, str], body: bytes) -> None:
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, value)
        if not {"Content-Length", "Connection"} & {*headers}:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        self.sent += len(body)
        handler.wfile.write(body)


@contextlib.contextmanager
def serving(**files: bytes) -> Iterator[FileServer]:
    """A server with some files at its top."""
    with FileServer({f"/{name}": data for name, data in files.items()}) as server:
        yield server
