"""Servers that a test takes away and brings back: the way to a database, and one of artifacts."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import sqlalchemy as sa

from tests.support.ports import free_port


class _Server:
    """A server on a port of its own that is stopped, with every connection to it, and started.

    Args:
        kind: the class of the server.
        handler: what deals with a connection.
    """

    def __init__(
        self,
        kind: type[socketserver.ThreadingTCPServer],
        handler: type[socketserver.BaseRequestHandler],
    ) -> None:
        self.port = free_port()
        self.connections: set[socket.socket] = set()
        self._kind = kind
        self._handler = handler
        self._server: socketserver.ThreadingTCPServer | None = None

    def start(self) -> None:
        """Take connections."""
        if self._server is None:
            self._server = self._kind(("127.0.0.1", self.port), self._handler, False)
            self._server.allow_reuse_address = self._server.daemon_threads = True
            self._server.block_on_close = False
            self._server.server_bind()
            self._server.server_activate()
            threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self) -> None:
        """Refuse connections, and cut those that there are."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for one in [*self.connections]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class DatabaseProxy(_Server):
    """The way to a database server, which can be cut.

    Args:
        url: the URL of the database.
    """

    def __init__(self, url: str) -> None:
        #: Its URL without this way.
        self.direct = url
        direct = sa.engine.make_url(url)
        there = (direct.host, direct.port or 5432)
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(there) as server:
                    proxy.carry(self.request, server)

        super().__init__(socketserver.ThreadingTCPServer, Handler)
        through = direct.set(host="127.0.0.1", port=self.port)
        #: The URL of the database by this way.
        self.url = through.render_as_string(hide_password=False)

    def carry(self, client: socket.socket, server: socket.socket) -> None:
        """Carry bytes both ways until one side ends, or the way is cut."""
        self.connections |= {client, server}
        other = {client: server, server: client}
        with contextlib.suppress(OSError):
            while ready := select.select([client, server], [], [])[0]:
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        self.connections -= {client, server}
                        return
                    other[one].sendall(data)
        self.connections -= {client, server}


class ArtifactServer(_Server):
    """Serves artifacts by HTTP.

    Args:
        directory: what it serves.
    """

    def __init__(self, directory: Path) -> None:
        #: Whether the next answer is cut after half of its bytes, and whether it is garbage.
        self.cuts_next = self.gives_garbage = False
        self.asked: list[str] = []
        artifacts = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                artifacts.asked.append(self.path)
                body = (directory / self.path.lstrip("/")).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(artifacts.what_goes_out(body))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(ThreadingHTTPServer, Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def what_goes_out(self, body: bytes) -> bytes:
        """The bytes of an answer that really go out."""
        if self.gives_garbage:
            return body[::-1]
        if self.cuts_next:
            self.cuts_next = False
            return body[: len(body) // 2]
        return body
