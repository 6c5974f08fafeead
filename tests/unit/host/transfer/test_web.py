"""Servers, redirects, credentials and proxies."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushguide.address import shown
from pushguide.errors import StepFailed
from pushguide.host.transfer.web import Web
from tests.support.certificates import self_signed, speaking_tls
from tests.support.file_server import FileServer
from tests.unit.host.transfer.conftest import Host, artifact_of

_CONTENT = b"what CI built" * 100
_SECRET = {"user": "ci", "password": "hunter2"}
_BASIC = "Basic " + base64.b64encode(b"ci:hunter2").decode()


@pytest.fixture
def other() -> Iterator[FileServer]:
    """Another server."""
    with FileServer({"/site.zip": _CONTENT}) as running:
        yield running


@pytest.fixture
def guarded(server: FileServer) -> FileServer:
    """A server that asks for a password."""
    server.files["/site.zip"] = _CONTENT
    server.authorization = _BASIC
    return server


def test_a_credential_comes_from_the_pillar_in_memory(host: Host, guarded: FileServer) -> None:
    host.pillar["pushguide:credentials:nexus"] = _SECRET
    artifact = artifact_of(_CONTENT, f"{guarded.url}/site.zip", credential="nexus")
    assert host.fetch(artifact)[0] == _CONTENT


def test_a_credential_that_is_there_for_this_deployment_alone_is_asked_for(
    host: Host, guarded: FileServer
) -> None:
    host.fresh_pillar["pushguide"] = {"credentials": {"nexus": _SECRET}}
    artifact = artifact_of(_CONTENT, f"{guarded.url}/site.zip", credential="nexus")
    assert host.fetch(artifact)[0] == _CONTENT


@pytest.mark.parametrize(
    ("given", "header", "value"),
    [
        ({"token": "t0ken"}, "authorization", "Bearer t0ken"),
        ({"headers": {"PRIVATE-TOKEN": "t0ken"}}, "private-token", "t0ken"),
    ],
)
def test_tokens_and_headers(
    host: Host, server: FileServer, given: dict, header: str, value: str
) -> None:
    server.files["/site.zip"] = _CONTENT
    host.pillar["pushguide:credentials:ci"] = given
    host.fetch(artifact_of(_CONTENT, f"{server.url}/site.zip", credential="ci"))
    assert server.requests[0][1][header] == value


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "is not in this host's pillar (pushguide:credentials:nexus)"),
        ({"user": "ci", "pass": "hunter2"}, "is none: give user and password"),
        ("hunter2", "is none: give user and password"),
    ],
)
def test_a_credential_that_is_none_is_told_and_never_shown(
    host: Host, guarded: FileServer, given: object, told: str
) -> None:
    host.pillar["pushguide:credentials:nexus"] = given
    with pytest.raises(StepFailed, match="credential 'nexus'") as err:
        host.fetch(artifact_of(_CONTENT, f"{guarded.url}/site.zip", credential="nexus"))
    assert told in str(err.value)
    assert "hunter2" not in str(err.value)
    assert not guarded.requests


def test_a_wrong_credential_is_not_tried_again(host: Host, guarded: FileServer) -> None:
    host.pillar["pushguide:credentials:nexus"] = {"user": "ci", "password": "wrong-one"}
    with pytest.raises(StepFailed, match="answered 401") as err:
        host.fetch(artifact_of(_CONTENT, f"{guarded.url}/site.zip", credential="nexus"))
    assert "wrong-one" not in str(err.value)
    assert len(guarded.requests) == 1


def test_another_server_is_not_told_the_credential(
    host: Host, server: FileServer, other: FileServer
) -> None:
    server.redirects["/site.zip"] = f"{other.url}/site.zip?signature=abc"
    host.pillar["pushguide:credentials:nexus"] = _SECRET
    artifact = artifact_of(_CONTENT, f"{server.url}/site.zip", credential="nexus")

    assert host.fetch(artifact)[0] == _CONTENT

    assert server.requests[0][1]["authorization"] == _BASIC
    assert [path for path, _ in other.requests] == ["/site.zip?signature=abc"]
    assert "authorization" not in other.requests[0][1]


def test_the_same_server_is_told_it_again(host: Host, guarded: FileServer) -> None:
    guarded.redirects["/latest.zip"] = "/site.zip"
    host.pillar["pushguide:credentials:nexus"] = _SECRET
    artifact = artifact_of(_CONTENT, f"{guarded.url}/latest.zip", credential="nexus")
    assert host.fetch(artifact)[0] == _CONTENT


def test_redirects_have_an_end(host: Host, server: FileServer) -> None:
    server.redirects["/site.zip"] = "/site.zip"
    with pytest.raises(StepFailed, match="leads on and on"):
        host.fetch(artifact_of(_CONTENT, f"{server.url}/site.zip"))


def test_a_redirect_to_what_is_no_web_address_is_refused(host: Host, server: FileServer) -> None:
    server.redirects["/site.zip"] = "file:///etc/passwd"
    with pytest.raises(StepFailed, match="which is no web address"):
        host.fetch(artifact_of(_CONTENT, f"{server.url}/site.zip"))


def test_addresses_are_shown_without_what_may_be_secret() -> None:
    assert shown("https://ci:pw@example.com/a.zip?key=1#x") == "https://example.com/a.zip"


def test_a_proxy_of_the_template_is_asked(host: Host, other: FileServer) -> None:
    other.authorization = None
    other.files["http://artifacts.example.com/site.zip"] = _CONTENT
    host.pillar["pushguide:credentials:proxy"] = _SECRET
    host.fetch(
        artifact_of(_CONTENT, "http://artifacts.example.com/site.zip"),
        proxy=other.url,
        proxy_credential="proxy",
    )
    assert other.requests[0][1]["proxy-authorization"] == _BASIC
    assert other.requests[0][1]["host"] == "artifacts.example.com"


def test_a_proxy_of_the_minion_is_asked_but_for_what_is_exempt(
    host: Host, server: FileServer, other: FileServer
) -> None:
    server.files["/site.zip"] = _CONTENT
    other.files["http://artifacts.example.com/site.zip"] = _CONTENT
    host.opts |= {
        "proxy_host": "127.0.0.1",
        "proxy_port": int(other.url.rpartition(":")[2]),
        "no_proxy": ["127.0.0.1"],
    }
    host.fetch(artifact_of(_CONTENT, "http://artifacts.example.com/site.zip"))
    host.opts["cachedir"] += "-new"
    host.fetch(artifact_of(_CONTENT, f"{server.url}/site.zip"))
    assert len(other.requests) == len(server.requests) == 1


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed but itself."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[FileServer]:
    """A server that speaks TLS."""
    with FileServer({"/site.zip": _CONTENT}, tls=speaking_tls(certificate)) as running:
        yield running


def test_a_certificate_that_is_trusted(
    host: Host, encrypted: FileServer, certificate: Path
) -> None:
    host.opts["ca_bundle"] = str(certificate)
    assert host.fetch(artifact_of(_CONTENT, f"{encrypted.url}/site.zip"))[0] == _CONTENT


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(
    host: Host, encrypted: FileServer
) -> None:
    with pytest.raises(StepFailed, match="CERTIFICATE_VERIFY_FAILED"):
        host.fetch(artifact_of(_CONTENT, f"{encrypted.url}/site.zip"))


def test_from_an_encrypted_address_nothing_leads_to_a_plain_one(
    host: Host, encrypted: FileServer, other: FileServer, certificate: Path
) -> None:
    host.opts["ca_bundle"] = str(certificate)
    encrypted.redirects["/site.zip"] = f"{other.url}/site.zip"
    with pytest.raises(StepFailed, match="which is not encrypted"):
        host.fetch(artifact_of(_CONTENT, f"{encrypted.url}/site.zip"))
    assert not other.requests


@contextlib.contextmanager
def _tunnelling_proxy() -> Iterator[tuple[int, list[bytes]]]:
    """A proxy that knows CONNECT alone; what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                client, _ = listening.accept()
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(4096)
                asked.append(head)
                where = head.split()[1].decode().rpartition(":")
                server = socket.create_connection((where[0], int(where[2])))
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                pumps = [
                    threading.Thread(target=_pump, args=pair)
                    for pair in ((client, server), (server, client))
                ]
                for one in pumps:
                    one.start()
                for one in pumps:
                    one.join()
                client.close()
                server.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], asked
        listening.close()
        thread.join(10)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_an_encrypted_address_is_reached_through_a_tunnel(
    host: Host, encrypted: FileServer, certificate: Path
) -> None:
    host.opts["ca_bundle"] = str(certificate)
    host.pillar["pushguide:credentials:proxy"] = _SECRET
    with _tunnelling_proxy() as (port, asked):
        came, _ = host.fetch(
            artifact_of(_CONTENT, f"{encrypted.url}/site.zip"),
            proxy=f"http://127.0.0.1:{port}",
            proxy_credential="proxy",
        )
    assert came == _CONTENT
    assert asked[0].startswith(b"CONNECT 127.0.0.1:")
    assert _BASIC.encode() in asked[0]
    assert "proxy-authorization" not in encrypted.requests[0][1]


def test_one_connection_serves_many_ranges(server: FileServer) -> None:
    server.files["/site.zip"] = _CONTENT
    web = Web({}, 10)
    with contextlib.closing(web):
        for start in range(5):
            response = web.get(f"{server.url}/site.zip", {"Range": f"bytes={start}-{start + 9}"})
            assert response.read() == _CONTENT[start : start + 10]
            kept = web._connection
            assert isinstance(kept, http.client.HTTPConnection)
            assert kept.sock is not None
    assert server.connections == 1
