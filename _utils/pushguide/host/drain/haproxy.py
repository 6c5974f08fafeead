"""Out of HAProxy, through its Runtime API.

Source: HAProxy's management guide, "Unix Socket commands": ``set server``, ``show servers
state`` (the field srv_admin_state) and ``show stat`` (the field scur).
"""

from __future__ import annotations

import csv
import socket as sockets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pushguide.errors import StepFailed
from pushguide.host.drain.way import Way

_TIMEOUT_SECONDS = 10
#: Maintenance (forced, inherited, of the resolver) and drain (forced, inherited).
_OUT = 0x01 | 0x02 | 0x20 | 0x08 | 0x10


@dataclass(kw_only=True)
class HaproxyWay(Way):
    """The host is one server of a backend."""

    kind: ClassVar[str] = "haproxy"

    backend: str
    server: str
    socket: str | None = None
    address: str | None = None

    def is_out(self) -> bool:
        """Whether the server is in drain or maintenance."""
        rows = self._table(f"show servers state {self.backend}", header=1, separator=" ")
        mine = [row for row in rows if row.get("srv_name") == self.server]
        if not mine:
            names = ", ".join(sorted(str(row.get("srv_name")) for row in rows)) or "none"
            raise StepFailed(
                f"HAProxy at {self._where} has no server {self.server!r} in {self.backend!r}: "
                f"there are {names}"
            )
        return bool(int(mine[0]["srv_admin_state"]) & _OUT)

    def take_out(self) -> str:
        """Let the server take no new sessions."""
        return self._set("drain", is_out=True)

    def put_back(self, found: Mapping[str, Any]) -> str:
        """Let the server take sessions again."""
        return self._set("ready", is_out=False)

    def connections(self) -> int | None:
        """Those on the port if one is given, else the server's sessions, as HAProxy counts them."""
        if self.port is not None:
            return super().connections()
        for row in self._table("show stat", header=0, separator=","):
            if (row.get("# pxname"), row.get("svname")) == (self.backend, self.server):
                return int(row["scur"])
        raise StepFailed(f"HAProxy at {self._where} has no {self.backend}/{self.server}")

    def _set(self, state: str, is_out: bool) -> str:
        answer = self._ask(f"set server {self.backend}/{self.server} state {state}").strip()
        if answer:
            raise StepFailed(
                f"HAProxy at {self._where} answered {answer[:300]!r} to set server "
                f"{self.backend}/{self.server} state {state}"
            )
        if self.is_out() != is_out:
            raise StepFailed(
                f"HAProxy at {self._where} took set server {self.backend}/{self.server} state "
                f"{state}, but the server is {'not ' if is_out else 'still '}out"
            )
        return f"{self.backend}/{self.server} is in state {state}"

    def _table(self, command: str, header: int, separator: str) -> list[dict[str, Any]]:
        """What a command answers, as rows; the line that names the columns is number ``header``."""
        answer = self._ask(command)
        lines = answer.splitlines()[header:]
        if not lines or not lines[0].startswith("# "):
            raise StepFailed(
                f"HAProxy at {self._where} answered {answer.strip()[:300]!r} to {command}"
            )
        if separator == " ":
            lines[0] = lines[0].removeprefix("# ")
        return [dict(row) for row in csv.DictReader(filter(None, lines), delimiter=separator)]

    @property
    def _where(self) -> str:
        return str(self.socket or self.address)

    def _ask(self, command: str) -> str:
        """Send one command; HAProxy closes the connection when it has answered."""
        answer = b""
        try:
            with self._connect() as connection:
                connection.sendall(f"{command}\n".encode())
                while block := connection.recv(65536):
                    answer += block
        except (OSError, ValueError) as err:
            raise StepFailed(
                f"HAProxy at {self._where} did not answer to {command}: {err}"
            ) from err
        return answer.decode("utf-8", "replace")

    def _connect(self) -> sockets.socket:
        if self.socket is None:
            host, _, port = str(self.address).rpartition(":")
            return sockets.create_connection((host.strip("[]"), int(port)), _TIMEOUT_SECONDS)
        if not hasattr(sockets, "AF_UNIX"):
            raise OSError("this system has no unix sockets: give an address")
        connection = sockets.socket(sockets.AF_UNIX)
        try:
            connection.settimeout(_TIMEOUT_SECONDS)
            connection.connect(self.socket)
        except OSError:
            connection.close()
            raise
        return connection
