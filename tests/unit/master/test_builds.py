"""Announced builds: what is kept of them, and what their checksums prove."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import Any

import pytest

from pushguide.errors import BadVersion
from pushguide.master import summary
from pushguide.master.sources.base import Version
from pushguide.master.sources.http_index import HttpIndexSource
from pushguide.master.store import builds
from pushguide.master.store.builds import Build
from pushguide.master.store.database import Database
from pushguide.master.store.pins import Pins
from pushguide.master.templates.sources import HttpModel
from tests.support.file_server import FileServer

_MOMENT = datetime(2026, 11, 20, 10, tzinfo=timezone.utc)
_CONTENT = b"what CI has built"
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()


def announce(database: Database, version: str = "1.0", **said: Any) -> tuple[Build, bool]:
    """Announce a build of shop."""
    build = Build("shop", version, "ci", _MOMENT, **said)
    return database.write(lambda one: builds.announce(one, build))


def known(database: Database) -> dict[str, Build]:
    """What is known of shop."""
    return database.read(lambda one: builds.of(one, "shop"))


def test_the_first_announcement_counts(database: Database) -> None:
    first, is_new = announce(database, author="li", built_at=_MOMENT)
    assert is_new
    again, is_new = announce(database, author="wang", sha256=_SHA256, notes="faster")
    assert not is_new
    assert again == known(database)["1.0"]
    assert (again.author, again.sha256, again.notes) == ("li", _SHA256, "faster")
    assert again.built_at == first.built_at


def test_another_checksum_is_refused(database: Database) -> None:
    announce(database, sha256="a" * 64)
    with pytest.raises(BadVersion, match=f"with sha256 {'a' * 64}, and now with {'b' * 64}"):
        announce(database, sha256="b" * 64, notes="not this")
    assert known(database)["1.0"].notes is None
    assert announce(database, "1.1", sha256="b" * 64)[1]


def test_what_the_source_does_not_know_was_announced() -> None:
    build = Build("shop", "1.0", "ci", _MOMENT, _MOMENT, "li", "abc", "faster")
    told = summary.of_version(Version("1.0", None, "wang"), build)
    assert (told["author"], told["commit"], told["notes"]) == ("wang", "abc", "faster")
    assert told["built"] == told["announced_at"] == "2026-11-20T10:00:00.000+00:00"
    assert summary.of_version(Version("1.0", None), None)["announced_by"] is None


@pytest.fixture
def backend() -> str:
    """The record in SQLite alone."""
    return "sqlite"


class Index:
    """An index with one version, with or without a checksum."""

    def __init__(self, server: FileServer, database: Database, sha256: str | None) -> None:
        digest = f'"sha256": "{sha256}", ' if sha256 else ""
        server.files["/shop/1.0.zip"] = _CONTENT
        server.files["/shop/index.json"] = (
            '{"versions": [{"version": "1.0", "file": "1.0.zip", ' + digest + '"built": '
            '"2026-11-20T10:00:00Z"}]}'
        ).encode()
        model = HttpModel(kind="http", address=server.url)
        pins = Pins(database, "shop", "production")
        self.source = HttpIndexSource(model, "shop", pins, None)


def test_an_announced_checksum_needs_no_first_sight(database: Database) -> None:
    announce(database, sha256="c" * 64)
    with FileServer() as server:
        assert Index(server, database, None).source.resolve("1.0").sha256 == "c" * 64
    assert Pins(database, "shop", "production").get("1.0") is None


def test_what_is_published_has_to_be_what_was_announced(database: Database) -> None:
    announce(database, sha256="c" * 64)
    wrong = pytest.raises(BadVersion, match=f"but CI has announced {'c' * 64}")
    with FileServer() as server, wrong:
        Index(server, database, _SHA256).source.resolve("1.0")
    with FileServer() as server:
        announce(database, "1.1", sha256=_SHA256)
        index = Index(server, database, _SHA256)
        text = server.files["/shop/index.json"].replace(b'"1.0"', b'"1.1"')
        server.files["/shop/index.json"] = text
        assert index.source.resolve("1.1").sha256 == _SHA256
