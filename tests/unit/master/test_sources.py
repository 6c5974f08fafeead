"""Sources that are servers: what they list, what is trusted, and what is not believed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from pushguide.errors import BadVersion
from pushguide.master.sources import client as client_module
from pushguide.master.sources.client import Client
from pushguide.master.sources.http_index import HttpIndexSource
from pushguide.master.store.database import Database
from pushguide.master.store.pins import Pin, Pins
from pushguide.master.templates.sources import HttpModel
from tests.support.file_server import Fault, FileServer

_CONTENT = b"what CI built" * 1000
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()
_BASIC = "Basic " + base64.b64encode(b"ci:hunter2").decode()


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_FIRST_WAIT_SECONDS", 0.0)


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A web server."""
    with FileServer() as running:
        yield running


class Shop:
    """A module's index on a server."""

    def __init__(self, server: FileServer, database: Database) -> None:
        self.server = server
        self.database = database
        self.versions: list[dict[str, Any]] = []

    def publish(self, version: str, content: bytes = _CONTENT, **more: Any) -> None:
        """Publish a version, as CI does."""
        file = f"{version}/shop.zip"
        self.server.files[f"/shop/{file}"] = content
        listed = {"version": version, "file": file, "built": "2026-11-20T10:00:00Z", **more}
        self.versions = [one for one in self.versions if one["version"] != version] + [listed]
        self.server.files["/shop/index.json"] = json.dumps({"versions": self.versions}).encode()
        self.server.tag += 1

    def source(self, credential: dict[str, Any] | None = None, **more: Any) -> HttpIndexSource:
        """The source, as a new command of somebody sees it."""
        model = HttpModel(kind="http", address=self.server.url, **more)
        return HttpIndexSource(model, "shop", Pins(self.database, "shop", "production"), credential)


@pytest.fixture
def shop(server: FileServer, database: Database) -> Shop:
    """An index with one version that has a checksum."""
    made = Shop(server, database)
    made.publish("1.0.0", sha256=_SHA256, author="li", commit="abc123", notes="the first")
    return made


def test_versions_with_what_is_known_of_them(shop: Shop) -> None:
    shop.publish("1.1.0", built="2026-11-21T10:00:00+08:00")
    newest, oldest = shop.source().versions()
    assert (newest.version, newest.author) == ("1.1.0", None)
    told = (oldest.version, oldest.author, oldest.commit, oldest.notes)
    assert told == ("1.0.0", "li", "abc123", "the first")


def test_what_is_no_label_is_passed_over(shop: Shop) -> None:
    shop.publish("../1.1.0", file="1.1.0/x.zip")
    assert [one.version for one in shop.source().versions()] == ["1.0.0"]


def test_an_artifact_with_its_checksum_is_not_read(shop: Shop, server: FileServer) -> None:
    shop.publish("1.1.0", sha256=_SHA256, signature="1.1.0/shop.zip.asc")
    artifact = shop.source(
        url="https://dc1.example.com/", mirrors=["https://m.example.com"], credential=None
    ).resolve("1.1.0")
    assert artifact.url == "https://dc1.example.com/shop/1.1.0/shop.zip"
    assert artifact.mirrors == ("https://m.example.com/shop/1.1.0/shop.zip",)
    assert artifact.signature == "https://dc1.example.com/shop/1.1.0/shop.zip.asc"
    assert (artifact.sha256, artifact.size, artifact.name) == (_SHA256, len(_CONTENT), "shop.zip")
    assert server.sent < 2000


def test_an_unknown_version_names_the_nearest(shop: Shop) -> None:
    with pytest.raises(BadVersion, match=r"has no version 1\.0\.O: did you mean 1\.0\.0"):
        shop.source().resolve("1.0.O")


# Trust on first use.


def test_without_a_checksum_the_first_sight_counts(shop: Shop, server: FileServer) -> None:
    shop.publish("1.1.0")
    first = shop.source().resolve("1.1.0")
    assert (first.sha256, first.size) == (_SHA256, len(_CONTENT))

    before = server.sent
    assert shop.source().resolve("1.1.0") == first
    assert server.sent - before < 2000  # the same state of the file is not read again

    server.tag += 1
    assert shop.source().resolve("1.1.0") == first  # another state, the same content


def test_a_later_change_is_an_error(shop: Shop) -> None:
    shop.publish("1.1.0")
    shop.source().resolve("1.1.0")
    shop.publish("1.1.0", _CONTENT[:-1] + b"!")
    for _ in range(2):
        with pytest.raises(BadVersion, match="it was changed after it was published") as err:
            shop.source().resolve("1.1.0")
        assert _SHA256 in str(err.value)
        assert "Let CI publish a new version" in str(err.value)


def test_of_two_first_sights_one_counts(database: Database) -> None:
    pins = Pins(database, "shop", "production")
    first = pins.put(Pin("1", "https://x/1", "a" * 64, 10, None))
    second = pins.put(Pin("1", "https://x/1", "b" * 64, 11, None))
    assert (first.sha256, second.sha256) == ("a" * 64, "a" * 64)
    assert Pins(database, "shop", "staging").get("1") is None


# What is not believed.


@pytest.mark.parametrize(
    ("index", "told"),
    [
        (b"<html>", "Reading the index at .* failed"),
        (b"[]", "Reading the index at .* failed: : Input should be"),
        (b'{"versions": [{"version": "1"}]}', "versions:0:file: Field required"),
        (
            (
                b'{"versions": [{"version": "1", "file": "a", "built": "2026-11-20T10:00:00Z", '
                b'"sha": "x"}]}'
            ),
            "versions:0:sha: Extra inputs",
        ),
        (
            b'{"versions": [{"version": "1", "file": "../a", "built": "2026-11-20T10:00:00Z"}]}',
            r"without '\.\.'",
        ),
        (
            (
                b'{"versions": [{"version": "1", "file": "https://evil/a", '
                b'"built": "2026-11-20T10:00:00Z"}]}'
            ),
            "a path below the index",
        ),
    ],
)
def test_an_index_that_does_not_read(
    shop: Shop, server: FileServer, index: bytes, told: str
) -> None:
    server.files["/shop/index.json"] = index
    with pytest.raises(BadVersion, match=told):
        shop.source().versions()


def test_a_version_that_is_there_twice(shop: Shop, server: FileServer) -> None:
    shop.versions *= 2
    server.files["/shop/index.json"] = json.dumps({"versions": shop.versions}).encode()
    with pytest.raises(BadVersion, match=r"has versions twice: 1\.0\.0"):
        shop.source().versions()


def test_a_size_that_is_not_the_files(shop: Shop) -> None:
    shop.publish("1.1.0", sha256=_SHA256, size=5)
    with pytest.raises(BadVersion, match="but its listing says 5: was it published whole"):
        shop.source().resolve("1.1.0")


# Servers.


def test_a_server_that_stumbles_is_asked_again(shop: Shop, server: FileServer) -> None:
    server.faults = [Fault("status", 503), Fault("reset"), Fault("status", 500)]
    assert len(shop.source().versions()) == 1


@pytest.mark.parametrize(("status", "told"), [(404, "404 Not Found"), (503, "503 Service")])
def test_a_server_that_says_no(shop: Shop, server: FileServer, status: int, told: str) -> None:
    server.faults = [Fault("status", status)] * 4
    with pytest.raises(BadVersion, match=f"Asking for the index at .* failed: {told}"):
        shop.source().versions()


def test_a_credential_is_sent_and_never_shown(shop: Shop, server: FileServer) -> None:
    server.authorization = _BASIC
    assert len(shop.source({"user": "ci", "password": "hunter2"}).versions()) == 1
    with pytest.raises(BadVersion, match="See the credential of the source") as err:
        shop.source({"user": "ci", "password": "wrong-one"}).versions()
    assert "wrong-one" not in str(err.value)


@pytest.mark.parametrize(
    "credential",
    [
        {"user": "ci", "password": "hunter2"},
        {"token": "t0ken"},
        {"headers": {"PRIVATE-TOKEN": "t0ken"}},
    ],
)
def test_another_server_is_not_told_the_credential(
    shop: Shop, server: FileServer, credential: dict[str, Any]
) -> None:
    with FileServer({"/elsewhere": server.files["/shop/index.json"]}) as other:
        server.redirects["/shop/index.json"] = f"{other.url}/elsewhere"
        assert len(shop.source(credential).versions()) == 1
        told = {*other.requests[0][1]}
    assert not told & {"authorization", "private-token"}
    assert {*server.requests[0][1]} & {"authorization", "private-token"}


# Reading parts of an artifact.


def test_the_directory_of_a_large_zip_is_read_without_the_rest(server: FileServer) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(200):
            archive.writestr(f"WEB-INF/lib/{number}.jar", bytes(100_000))
    server.files["/a.war"] = out.getvalue()
    remote = Client(server.url, None).open(f"{server.url}/a.war", len(out.getvalue()), "it")
    with zipfile.ZipFile(remote) as archive:  # type: ignore[arg-type]
        assert len(archive.infolist()) == 200
        assert archive.read("WEB-INF/lib/7.jar") == bytes(100_000)
    assert remote.moved == server.sent < 500_000


def test_reading_from_anywhere_gives_the_same(server: FileServer) -> None:
    content = bytes(range(256)) * 20_000
    server.files["/a"] = content
    remote = Client(server.url, None).open(f"{server.url}/a", len(content), "it")
    for place, count in ((0, 10), (65530, 20), (5_000_000, 500_000), (3, 4_000_000), (70_000, 5)):
        remote.seek(place)
        assert remote.read(count) == content[place : place + count]
    remote.seek(-5, io.SEEK_END)
    assert remote.read() == content[-5:]


def test_a_server_without_ranges_is_told(server: FileServer) -> None:
    server.files["/a"] = bytes(1000)
    server.faults = [Fault("ignore_range")]
    with pytest.raises(BadVersion, match="gives no parts of files"):
        Client(server.url, None).open(f"{server.url}/a", 1000, "it").read(10)
