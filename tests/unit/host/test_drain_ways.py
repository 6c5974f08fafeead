"""The ways out of a load balancer and back, one by one."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import salt.modules.network
import salt.modules.systemd_service

from pushguide.errors import Refused, StepFailed
from pushguide.host import process
from pushguide.host.drain import Way, way_of
from pushguide.host.drain import way as ways
from tests.support.haproxy import DRAIN, MAINT, READY, HaproxyDouble, haproxy
from tests.support.waiting import wait_until


def way(kind: str, salt: Any = None, **fields: Any) -> Way:
    # What a share says of it has travelled as JSON.
    return way_of(json.loads(json.dumps({"kind": kind, **fields})), salt or {})


def found_by(one: Way) -> dict[str, Any]:
    """What the journal has of how it was found."""
    found: dict[str, Any] = json.loads(json.dumps(one.look()))
    return found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "fiel"}, "no kind 'fiel' of drain"),
        ({"kind": "file", "pth": "/x"}, "unknown fields: pth"),
        ({"kind": "file", "path": "/x", "salt": {}}, "unknown fields: salt"),
        ({"kind": "file"}, "does not read: .*path"),
    ],
)
def test_what_does_not_read_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        way_of(given, {})


# By a file.


def test_a_file_goes_and_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    path.write_bytes("yes, ready: ü\r\n".encode())
    path.chmod(0o640)
    if os.getuid() == 0:
        os.chown(path, 1234, 2345)
    before = (path.read_bytes(), path.stat().st_uid, path.stat().st_gid, path.stat().st_mode)
    one = way("file", path=str(path))
    found = found_by(one)
    assert (found["was_out"], one.is_out()) == (False, False)
    assert one.take_out() == f"removed {path}"
    assert one.is_out()
    assert not path.exists()
    assert one.take_out() == f"{path} is not there"
    assert one.put_back(found) == f"made {path}"
    after = (path.read_bytes(), path.stat().st_uid, path.stat().st_gid, path.stat().st_mode)
    assert after == before
    assert one.put_back(found) == f"{path} is there"


def test_a_link_comes_back_as_a_link(tmp_path: Path) -> None:
    (tmp_path / "healthy").write_text("yes")
    path = tmp_path / "ready"
    path.symlink_to("healthy")
    one = way("file", path=str(path))
    found = found_by(one)
    one.take_out()
    one.put_back(found)
    assert path.readlink() == Path("healthy")


def test_a_file_that_says_out_is_made_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "maintenance"
    one = way("file", path=str(path), when_out="present")
    found = found_by(one)
    assert found["was_out"] is False
    one.take_out()
    assert "pushguide" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert one.is_out()
    one.put_back(found)
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "said"), [(b"\xff\xff", "cannot be read"), (b"x" * 70_000, "more than 64 KiB")]
)
def test_a_file_that_could_not_be_put_back_is_not_removed(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "ready"
    path.write_bytes(content)
    with pytest.raises(StepFailed, match=said):
        way("file", path=str(path)).look()
    assert path.read_bytes() == content


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    one = way("file", path=str(tmp_path / "none" / "out"), when_out="present")
    with pytest.raises(StepFailed, match="none/out"):
        one.take_out()


# By HTTP.


class Balancer(ThreadingHTTPServer):
    """Remembers what it was asked; answers with the status that the path ends with."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, str]] = []
        balancer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                kind = self.headers.get("Content-Type") or ""
                balancer.asked.append((self.command, self.path, kind, body))
                self.send_response(int(self.path.rpartition("/")[2]))
                self.end_headers()
                self.wfile.write(b"state: drained")

            def do_PUT(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    with Balancer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_one_request_out_and_one_back(balancer: Balancer) -> None:
    one = way(
        "http",
        out={"url": balancer.url("/out/202"), "status": [200, 202], "text": "drained"},
        back={
            "url": balancer.url("/back/200"),
            "method": "PUT",
            "headers": {"Content-Type": "application/json"},
            "body": '{"weight": 1}',
        },
    )
    found = found_by(one)
    assert (found["was_out"], one.is_out()) == (False, None)
    assert one.take_out() == f"POST {balancer.url('/out/202')}: status 202"
    assert one.put_back(found) == f"PUT {balancer.url('/back/200')}: status 200"
    assert [asked[:2] for asked in balancer.asked] == [("POST", "/out/202"), ("PUT", "/back/200")]
    assert balancer.asked[1][2:] == ("application/json", '{"weight": 1}')


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"path": "/out/503"}, "it answered status 503, not 200"),
        ({"path": "/out/200", "text": "gone"}, "does not hold 'gone'"),
        ({"path": None}, "no answer"),
    ],
)
def test_another_answer_is_a_failure(balancer: Balancer, call: dict[str, Any], said: str) -> None:
    path = call.pop("path")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        call["url"] = balancer.url(path) if path else nobody
        with pytest.raises(StepFailed, match=said) as error:
            way("http", out=call, back=call).take_out()
    assert call["url"] in str(error.value)


# HAProxy.


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose sockets' names are not too long for the system."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        yield Path(path)


def test_a_server_is_drained_and_made_ready(short_path: Path) -> None:
    with HaproxyDouble(short_path / "s", "shop", "web1", "web2") as double:
        one = way("haproxy", socket=str(double.path), backend="shop", server="web1")
        found = found_by(one)
        assert found == {"was_out": False}
        assert one.take_out() == "shop/web1 is in state drain"
        assert (double.admin, one.is_out()) == ({"web1": DRAIN, "web2": READY}, True)
        double.sessions["web1"] = 3
        assert one.connections() == 3
        assert one.put_back(found) == "shop/web1 is in state ready"
        assert double.admin == {"web1": READY, "web2": READY}
        double.admin["web1"] = MAINT
        assert found_by(one) == {"was_out": True}


@pytest.mark.parametrize(
    ("backend", "server", "said"),
    [
        ("shop", "web3", "no server 'web3' in 'shop': there are web1"),
        ("shpo", "web1", 'answered "Can\'t find backend."'),
    ],
)
def test_a_server_that_there_is_not(short_path: Path, backend: str, server: str, said: str) -> None:
    with HaproxyDouble(short_path / "s", "shop", "web1") as double:
        one = way("haproxy", socket=str(double.path), backend=backend, server=server)
        with pytest.raises(StepFailed, match=said):
            one.look()
        with pytest.raises(StepFailed, match="No such"):
            one.take_out()


def test_what_haproxy_took_and_did_not_do_is_a_failure(short_path: Path) -> None:
    with HaproxyDouble(short_path / "s", "shop", "web1") as double:
        double.deaf = True
        one = way("haproxy", socket=str(double.path), backend="shop", server="web1")
        with pytest.raises(StepFailed, match="but the server is not out"):
            one.take_out()


def test_a_haproxy_that_is_away_is_named(short_path: Path) -> None:
    one = way("haproxy", socket=f"{short_path}/none", backend="shop", server="web1")
    with pytest.raises(StepFailed, match="/none did not answer"):
        one.take_out()
    one = way("haproxy", address="127.0.0.1:1", backend="shop", server="web1")
    with pytest.raises(StepFailed, match=r"127\.0\.0\.1:1 did not answer .*refused"):
        one.take_out()


class Slow(ThreadingHTTPServer):
    """Says its name, once it is let go on."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        self.go_on = threading.Event()
        self.busy = threading.Event()
        slow = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/slow":
                    slow.busy.set()
                    slow.go_on.wait(60)
                self.send_response(200)
                self.send_header("Content-Length", str(len(name)))
                self.end_headers()
                self.wfile.write(name.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self.thread.start()

    def stop(self) -> None:
        self.go_on.set()
        self.shutdown()
        self.thread.join()
        self.server_close()


def ask(port: int, path: str = "/") -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_a_real_haproxy(short_path: Path) -> None:
    web1, web2 = Slow("web1"), Slow("web2")
    try:
        with haproxy(short_path, "shop", web1=web1.server_port, web2=web2.server_port) as (
            admin,
            port,
        ):
            one = way("haproxy", socket=str(admin), backend="shop", server="web1")
            other = way("haproxy", socket=str(admin), backend="shop", server="web2")
            assert {ask(port) for _ in range(4)} == {"web1", "web2"}
            found = found_by(one)
            assert found == {"was_out": False}

            # One is out before: all slow requests go to the other one.
            other.take_out()
            answers: list[str] = []
            customer = threading.Thread(target=lambda: answers.append(ask(port, "/slow")))
            customer.start()
            assert web1.busy.wait(60)
            other.put_back({})
            assert one.take_out() == "shop/web1 is in state drain"
            assert one.is_out()
            assert {ask(port) for _ in range(4)} == {"web2"}
            # Who was being served is served to the end.
            assert one.connections() == 1
            web1.go_on.set()
            customer.join(60)
            assert answers == ["web1"]
            wait_until(lambda: one.connections() == 0, "the end of the session", 20)

            assert one.put_back(found) == "shop/web1 is in state ready"
            assert {ask(port) for _ in range(4)} == {"web1", "web2"}
            unknown = way("haproxy", socket=str(admin), backend="shop", server="web9")
            with pytest.raises(StepFailed, match="there are web1, web2"):
                unknown.look()
            with pytest.raises(StepFailed, match="No such server"):
                unknown.take_out()
            nowhere = way("haproxy", socket=str(admin), backend="none", server="web1")
            with pytest.raises(StepFailed, match=r"answered .*backend"):
                nowhere.look()
    finally:
        web1.stop()
        web2.stop()


# By a Salt function.


def calls(**given: Any) -> dict[str, Any]:
    return {
        "out": {"function": "service.stop", "arg": ["lb-agent"], "kwarg": {}, **given},
        "back": {"function": "service.start", "arg": [], "kwarg": {"name": "lb-agent"}},
    }


def test_functions_are_called_out_and_back() -> None:
    stop = mock.create_autospec(salt.modules.systemd_service.stop, return_value=True)
    start = mock.create_autospec(salt.modules.systemd_service.start, return_value=None)
    salt_functions = {"service.stop": stop, "service.start": start}
    one = way("function", salt_functions, function="out-of-lb", **calls())
    found = found_by(one)
    assert one.take_out() == "service.stop: True"
    assert one.put_back(found) == "service.start: None"
    stop.assert_called_once_with("lb-agent")
    start.assert_called_once_with(name="lb-agent")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"return_value": False}, r"service\.stop answered False"),
        ({"side_effect": OSError("no route")}, r"service\.stop: OSError: no route"),
    ],
)
def test_a_function_that_fails(answer: dict[str, Any], said: str) -> None:
    stop = mock.create_autospec(salt.modules.systemd_service.stop, **answer)
    with pytest.raises(StepFailed, match=said):
        way("function", {"service.stop": stop}, function="x", **calls()).take_out()


def test_a_function_that_the_minion_has_not() -> None:
    with pytest.raises(StepFailed, match=r"no function service\.stop"):
        way("function", function="x", **calls()).take_out()


# Connections.


def test_connections_to_a_port_are_counted(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        one = way("file", path=str(tmp_path / "x"), port=str(port))
        assert one.connections() == 0
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            with accepted:
                assert one.connections() == 1
        wait_until(lambda: one.connections() == 0, "the end of the connection", 20)


def test_those_by_ipv6_too(tmp_path: Path) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            with accepted:
                assert process.count_connections(port) == 1


def test_without_a_port_there_is_nothing_to_count(tmp_path: Path) -> None:
    assert way("file", path=str(tmp_path / "x")).connections() is None


def test_elsewhere_salt_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"proto": "TCP", "local-address": "10.0.0.1:8080", "state": "ESTABLISHED"},
        {"proto": "tcp4", "local-address": "10.0.0.1.8080", "state": "ESTABLISHED"},
        {"proto": "TCP", "local-address": "10.0.0.1:80", "state": "ESTABLISHED"},
        {"proto": "TCP", "local-address": "0.0.0.0:8080", "state": "LISTENING"},
        {"proto": "UDP", "local-address": "0.0.0.0:8080", "state": None},
    ]
    netstat = mock.create_autospec(salt.modules.network.netstat, return_value=rows)
    monkeypatch.setattr(ways.os.path, "exists", lambda path: False)
    one = way("file", {"network.netstat": netstat}, path=str(tmp_path / "x"), port=8080)
    assert one.connections() == 2
    with pytest.raises(StepFailed, match="port 8080 cannot be counted"):
        way("file", path=str(tmp_path / "x"), port=8080).connections()
