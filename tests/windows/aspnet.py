"""ASP.NET behind the SIMULATED IIS: what it says that it serves is served by a real Mono.

For each request IIS's state says which site answers, from which directory, and in which worker
process. For each such process there is one real fastcgi-mono-server4 behind a real nginx, started
with the first request and ended when IIS has the process no more. So what a worker has compiled
and read it keeps, and only that, as w3wp does.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support.need import need
from tests.support.ports import free_port
from tests.support.waiting import wait_until
from tests.windows.channel import Windows

MONO = "fastcgi-mono-server4"
_PATIENCE_SECONDS = 60
_NGINX = """\
daemon off;
pid {scratch}/nginx.pid;
error_log {scratch}/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {scratch}/client_body;
  fastcgi_temp_path {scratch}/fastcgi;
  proxy_temp_path {scratch}/proxy;
  scgi_temp_path {scratch}/scgi;
  uwsgi_temp_path {scratch}/uwsgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      fastcgi_pass 127.0.0.1:{mono_port};
      fastcgi_read_timeout {patience};
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param SCRIPT_NAME $fastcgi_script_name;
      fastcgi_param SCRIPT_FILENAME {root}$fastcgi_script_name;
      fastcgi_param PATH_INFO "";
      fastcgi_param SERVER_PROTOCOL $server_protocol;
      fastcgi_param SERVER_NAME $host;
      fastcgi_param SERVER_PORT $server_port;
      fastcgi_param HTTP_HOST $http_host;
    }}
  }}
}}
"""


def programs() -> tuple[str, str]:
    """Where nginx and Mono's server are; the test is skipped, or fails, without them."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    need("nginx", nginx, "nginx is not installed: apt-get install nginx-light")
    mono = shutil.which(MONO)
    need("mono", mono, f"{MONO} is not installed: apt-get install mono-fastcgi-server4")
    assert nginx
    assert mono
    return nginx, mono


class Worker:
    """A worker process of IIS: one Mono, and the nginx that speaks HTTP for it.

    Args:
        scratch: a directory of its own.
        root: the application's directory on this machine.
        application: the application's path, such as ``/``.
    """

    def __init__(self, scratch: Path, root: Path, application: str) -> None:
        nginx, mono = programs()
        scratch.mkdir()
        self.port, mono_port = free_port(), free_port()
        configuration = scratch / "nginx.conf"
        configuration.write_text(
            _NGINX.format(
                scratch=scratch,
                port=self.port,
                mono_port=mono_port,
                root=root,
                patience=_PATIENCE_SECONDS,
            )
        )
        # What Mono compiles lies below TMPDIR; another worker's is of no use to it.
        environment = {**os.environ, "TMPDIR": str(scratch), "HOME": str(scratch)}
        commands = (
            [mono, f"/applications={application}:{root}", f"/socket=tcp:127.0.0.1:{mono_port}"],
            [nginx, "-p", str(scratch), "-c", str(configuration)],
        )
        with (scratch / "said.log").open("wb") as said:
            self.processes = [
                subprocess.Popen(one, env=environment, cwd=scratch, stdout=said, stderr=said)
                for one in commands
            ]
        try:
            for port in (mono_port, self.port):
                wait_until(lambda port=port: _listens(port), f"a server's start on {port}")
        except BaseException:
            self.end()
            raise

    def ask(self, path: str, host: str) -> http.client.HTTPResponse:
        """Ask it for a page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        return connection.getresponse()

    def end(self) -> None:
        """End it, as IIS ends a process that does not end by itself."""
        for one in self.processes:
            # nginx ends its own workers when it is told to; Mono has no children.
            one.terminate()
        for one in self.processes:
            try:
                one.wait(20)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait(20)


class AspNet:
    """What listens on the ports of a simulated IIS.

    Args:
        windows: a Windows Python for this alone: requests come while a deployment runs in another.
        scratch: a directory for what the servers write.

    Attributes:
        workers: the processes that IIS has, by their id, as far as somebody has asked them.
        started: the id of each that was ever started.
    """

    def __init__(self, windows: Windows, scratch: Path) -> None:
        self.windows = windows
        self.scratch = scratch
        self.workers: dict[int, Worker] = {}
        self.started: list[int] = []
        self.lock = threading.Lock()

    def worker(self, port: int, host: str, path: str) -> tuple[int, Worker | None]:
        """The worker that answers a request, or the status without one; 0 where nobody listens."""
        with self.lock:
            answer = self.windows.call("iis_store.request", port, host, path)
            self._end_those_that_iis_has_no_more()
            if answer.get("pid") is None:
                return int(answer["status"]), None
            pid = int(answer["pid"])
            if pid not in self.workers:
                root = self.windows.drive.joinpath(*answer["root"].split("\\")[1:])
                scratch = self.scratch / str(pid)
                self.workers[pid] = Worker(scratch, root, answer["application"])
                self.started.append(pid)
            return 200, self.workers[pid]

    def end(self) -> None:
        """End all workers."""
        with self.lock:
            for one in self.workers.values():
                one.end()
            self.workers.clear()

    def _end_those_that_iis_has_no_more(self) -> None:
        there = self.windows.call("iis_store.processes")
        for pid in [*self.workers]:
            if pid not in there:
                self.workers.pop(pid).end()


def _listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _handler(aspnet: AspNet, port: int) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """Stands where http.sys does: gives a request to the worker that IIS names."""

        def do_GET(self) -> None:
            named = self.headers.get("Host", "")
            status, worker = aspnet.worker(
                port, named.partition(":")[0], self.path.partition("?")[0]
            )
            if not status:
                self.close_connection = True  # nobody listens here, says IIS
                return
            body = b"Service Unavailable"
            if worker:
                answer = worker.ask(self.path, named)
                status, body = answer.status, answer.read()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


@contextlib.contextmanager
def serving(windows: Windows, scratch: Path, ports: Sequence[int]) -> Iterator[AspNet]:
    """ASP.NET on the ports of a simulated IIS.

    Args:
        windows: the host.
        scratch: a directory for what the servers write.
        ports: the ports of the loopback address on which to listen.
    """
    programs()
    with contextlib.ExitStack() as stack:
        asking = Windows(windows.host)
        stack.callback(asking.end)
        aspnet = AspNet(asking, scratch)
        stack.callback(aspnet.end)
        for port in ports:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _handler(aspnet, port))
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            stack.callback(_end, server, thread)
        yield aspnet


def _end(server: http.server.ThreadingHTTPServer, thread: threading.Thread) -> None:
    server.shutdown()
    thread.join()
    server.server_close()
