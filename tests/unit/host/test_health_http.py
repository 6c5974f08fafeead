"""The HTTP probe, against a real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pushguide.errors import Inconclusive, Refused, StepFailed
from pushguide.host.health import Scene, checks_of, prove


class Handler(BaseHTTPRequestHandler):
    """Answers as the path says."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        kind = self.path.split("/")[1]
        getattr(self, f"_{kind}")(self.path.rpartition("/")[2])

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _status(self, code: str) -> None:
        self._answer(int(code), b"status page")

    def _version(self, version: str) -> None:
        self._answer(200, f"all is well: version {version}, \xfc".encode("latin-1"))

    def _redirect(self, _: str) -> None:
        self._answer(302, Location=f"http://127.0.0.1:{self.server.server_port}/status/200")

    def _later(self, tries: str) -> None:
        self._answer(200 if len(self.server.asked) >= int(tries) else 503)

    def _header(self, value: str) -> None:
        self._answer(200, **{"X-Release": value})

    def _slow(self, seconds: str) -> None:
        self.server.ended.wait(float(seconds))
        self._answer(200)

    def _never(self, _: str) -> None:
        self.server.ended.wait(20)
        self.close_connection = True

    def _endless(self, _: str) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.ended.wait(0.02):
                self.wfile.write(b"tick ")
        except OSError:
            pass
        self.close_connection = True

    def _huge(self, _: str) -> None:
        self._answer(200, b"x" * 3 * 2**20)

    def _chunks(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for one in text:
            self.wfile.write(f"1\r\n{one}\r\n".encode())
        self.wfile.write(b"0\r\n\r\n")

    def _garbage(self, _: str) -> None:
        self.wfile.write(b"this is no HTTP\r\n\r\n")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Remembers what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.ended = threading.Event()

    def handle_error(self, *_: Any) -> None:
        """A client that went away is none of our business."""


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(running: Server) -> Server:
    running.asked.clear()
    return running


class Probe:
    """A probe of the server, as a template without a kind has it."""

    def __init__(self, server: Server, path: str, version: str, **fields: Any) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}{path}"
        quick = {"within_seconds": 0.1, "interval_seconds": 0.02}
        [self.check] = checks_of({"url": self.url, **quick, **fields}, version)

    def prove(self) -> str:
        """Ask; what came back is told without the address."""
        return prove(self.check, Scene(), lambda: None).removeprefix(f"{self.check}: ")


def probe(server: Server, path: str, version: str = "1.4.2", **fields: Any) -> Probe:
    return Probe(server, path, version, **fields)


def test_a_right_status_is_proof(server: Server) -> None:
    assert probe(server, "/status/200").prove() == "status 200 at try 1"


@pytest.mark.parametrize(("code", "wanted"), [(204, [200, 204]), (401, [401]), (500, [500])])
def test_other_statuses_may_be_right(server: Server, code: int, wanted: list[int]) -> None:
    assert probe(server, f"/status/{code}", status=wanted).prove() == f"status {code} at try 1"


def test_a_wrong_status_is_named_with_the_address(server: Server) -> None:
    with pytest.raises(StepFailed, match="answered status 503, not 200 or 204") as error:
        probe(server, "/status/503", status=[200, 204]).prove()
    assert f"127.0.0.1:{server.server_port}/status/503" in str(error.value)


def test_text_has_to_be_in_the_answer_with_the_version_filled_in(server: Server) -> None:
    answer = probe(server, "/version/1.4.2", text="version {version},").prove()
    assert answer == "status 200 with 'version 1.4.2,' at try 1"
    with pytest.raises(StepFailed, match=r"does not hold 'version 1\.4\.2'"):
        probe(server, "/version/1.4.1", text="version {version}").prove()


def test_the_text_of_an_error_page_counts_too(server: Server) -> None:
    assert probe(server, "/status/500", status=[500], text="status page").prove()


def test_the_version_is_filled_in_in_the_address(server: Server) -> None:
    probe(server, "/version/{version}", text="version {version}").prove()
    assert server.asked[0][0] == "/version/1.4.2"


def test_a_redirect_is_shown_as_the_answer_that_it_is(server: Server) -> None:
    with pytest.raises(StepFailed, match="answered status 302"):
        probe(server, "/redirect/now").prove()
    assert {path for path, _ in server.asked} == {"/redirect/now"}
    assert probe(server, "/redirect/now", status=[302]).prove()


def test_headers_are_sent(server: Server) -> None:
    probe(server, "/status/200", headers={"Host": "shop.example", "X-Probe": "yes"}).prove()
    headers = server.asked[0][1]
    assert (headers["Host"], headers["X-Probe"]) == ("shop.example", "yes")


def test_a_proxy_of_the_minion_is_not_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert probe(server, "/status/200").prove()


def test_it_asks_until_the_answer_is_right(server: Server) -> None:
    assert probe(server, "/later/3", within_seconds=20).prove() == "status 200 at try 3"


def test_it_asks_no_longer_than_it_may(server: Server) -> None:
    began = time.monotonic()
    with pytest.raises(StepFailed, match=r"after \d+ tries in 0.3 s"):
        probe(server, "/status/503", within_seconds=0.3, interval_seconds=0.05).prove()
    assert time.monotonic() - began < 5
    assert len(server.asked) >= 2


def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_said(server: Server) -> None:
    began = time.monotonic()
    with pytest.raises(StepFailed, match=r"no answer .*timed out"):
        probe(server, "/never/", timeout_seconds=0.1, within_seconds=0.05).prove()
    assert time.monotonic() - began < 5


def test_an_answer_that_never_ends_is_read_no_longer_than_said(server: Server) -> None:
    began = time.monotonic()
    with pytest.raises(StepFailed, match="does not hold 'tock'"):
        probe(server, "/endless/", text="tock", timeout_seconds=0.2, within_seconds=0.05).prove()
    assert probe(server, "/endless/", text="tick", timeout_seconds=0.2).prove()
    assert time.monotonic() - began < 5


def test_no_more_than_the_beginning_of_an_answer_is_read(server: Server) -> None:
    assert probe(server, "/huge/").prove()


def test_an_answer_in_chunks_is_put_together(server: Server) -> None:
    assert probe(server, "/chunks/together", text="together").prove()


def test_what_is_no_http_is_no_answer(server: Server) -> None:
    with pytest.raises(StepFailed, match="no answer"):
        probe(server, "/garbage/").prove()


def test_nothing_that_listens_is_no_answer(server: Server) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(StepFailed, match=r"no answer .*refused"):
            probe(server, "", url=f"http://127.0.0.1:{port}/").prove()


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(Refused, match="colour"):
        checks_of({"url": "http://127.0.0.1/", "colour": "red"}, "1")


def test_a_header_of_the_answer_has_to_hold_its_text(server: Server) -> None:
    wanted = {"answer_headers": {"x-release": "1.4"}}
    assert probe(server, "/header/1.4.2", **wanted).prove() == "status 200 at try 1"
    with pytest.raises(StepFailed, match=r"header x-release is '1\.3', without '1\.4'"):
        probe(server, "/header/1.3", **wanted).prove()
    with pytest.raises(StepFailed, match=r"header x-release is ''"):
        probe(server, "/status/200", **wanted).prove()


def test_an_answer_that_comes_late_is_not_healthy(server: Server) -> None:
    with pytest.raises(StepFailed, match=r"but after 0\.\d+ s, which is more than 0\.1 s"):
        probe(server, "/slow/0.3", latency_seconds=0.1).prove()
    assert probe(server, "/slow/0.3", latency_seconds=20).prove()


def test_a_status_that_proves_neither(server: Server) -> None:
    with pytest.raises(Inconclusive, match="answered status 429, which proves nothing"):
        probe(server, "/status/429", inconclusive_status=[429, 503]).prove()
    with pytest.raises(StepFailed) as error:
        probe(server, "/status/500", inconclusive_status=[429, 503]).prove()
    assert type(error.value) is StepFailed
