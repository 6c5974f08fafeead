"""A CMDB: a real HTTP server that tells the hosts of modules, and misbehaves when it is told to."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from tests.support.file_server import Fault, FileServer


@dataclass
class CmdbDouble(FileServer):
    """Serves ``/api/apps/<module>/hosts``.

    Attributes:
        apps: of each module its hosts, as they are told.
        raw: what is told instead, as it is.
        trickles: whether it sends one byte each 50 ms, and never ends.
    """

    apps: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    raw: bytes | None = None
    trickles: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        super().__exit__()

    def serve(self, handler: Any, path: str, headers: dict[str, str], fault: Fault) -> None:
        """Tell the hosts of a module."""
        if self.trickles:
            self._trickle(handler)
            return
        module = path.removeprefix("/api/apps/").removesuffix("/hosts")
        data = self.raw
        if data is None and module in self.apps:
            data = json.dumps({"result": {"items": self.apps[module]}}).encode()
        self.files = {} if data is None else {path: data}
        super().serve(handler, path, headers, fault)

    def _trickle(self, handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not self.ended.wait(0.05):
            handler.wfile.write(b" ")
