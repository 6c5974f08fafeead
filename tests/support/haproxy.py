"""HAProxy: the real one behind its Runtime API, and a stand-in that speaks the same commands."""

from __future__ import annotations

import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.need import need
from tests.support.waiting import wait_until

#: srv_admin_state, as the management guide has it.
READY, MAINT, DRAIN = 0x00, 0x01, 0x08


class HaproxyDouble:
    """A stand-in that speaks ``set server``, ``show servers state`` and ``show stat``.

    One command a connection, as HAProxy without the prompt has it.

    Args:
        path: its socket.
        backend: its one backend.
        servers: the servers in it.
    """

    def __init__(self, path: Path, backend: str, *servers: str) -> None:
        self.path = path
        self.backend = backend
        self.admin = dict.fromkeys(servers, READY)
        self.sessions = dict.fromkeys(servers, 0)
        self.asked: list[str] = []
        self.deaf = False
        double = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                command = self.rfile.readline().decode().strip()
                double.asked.append(command)
                self.wfile.write(double.answer(command).encode())

        self.server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def __enter__(self) -> HaproxyDouble:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def changes(self) -> list[str]:
        """The commands that changed something."""
        return [one for one in self.asked if one.startswith("set ")]

    def answer(self, command: str) -> str:
        """What HAProxy 2.6 answers."""
        words = command.split()
        if words[:2] == ["set", "server"]:
            backend, _, server = words[2].partition("/")
            if backend != self.backend:
                return "No such backend.\n\n"
            if server not in self.admin:
                return "No such server.\n\n"
            if not self.deaf:
                self.admin[server] = {"drain": DRAIN, "ready": READY, "maint": MAINT}[words[4]]
            return "\n"
        if words[:3] == ["show", "servers", "state"]:
            if words[3] != self.backend:
                return "Can't find backend.\n\n"
            head = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state"
            rows = [
                f"3 {self.backend} {place} {name} 127.0.0.1 2 {admin}"
                for place, (name, admin) in enumerate(self.admin.items(), start=1)
            ]
            return "\n".join(["1", head, *rows, "", ""])
        if words == ["show", "stat"]:
            rows = [f"{self.backend},{name},0,0,{now}," for name, now in self.sessions.items()]
            return "\n".join(["# pxname,svname,qcur,qmax,scur,", *rows, "", ""])
        return "Unknown command.\n\n"


@contextmanager
def haproxy(top: Path, backend: str, **servers: int) -> Iterator[tuple[Path, int]]:
    """A real HAProxy in front of servers on local ports.

    Yields:
        Its admin socket, and the port on which it takes requests.
    """
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    need("haproxy", program, "HAProxy is not installed: apt-get install haproxy")
    assert program
    admin, front = top / "admin.sock", top / "front.sock"
    configuration = top / "haproxy.cfg"
    lines = "\n".join(f"  server {name} 127.0.0.1:{port}" for name, port in servers.items())
    with socket.socket() as listener:
        # It inherits the listening socket: nobody else can take the port meanwhile.
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.set_inheritable(True)
        configuration.write_text(
            f"global\n  stats socket {admin} level admin\n  maxconn 100\n"
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n"
            "  timeout server 60s\n"
            f"frontend in\n  bind fd@{listener.fileno()}\n  bind {front}\n"
            f"  default_backend {backend}\nbackend {backend}\n{lines}\n"
        )
        child = subprocess.Popen(
            [program, "-db", "-f", str(configuration)],
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            wait_until(lambda: admin.exists() or child.poll() is not None, "HAProxy's start", 20)
            assert child.poll() is None, child.stderr and child.stderr.read()
            yield admin, listener.getsockname()[1]
        finally:
            child.kill()
            child.wait(20)
            assert child.stderr
            child.stderr.close()
