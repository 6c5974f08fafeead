"""Sources that fsspec reads: local files, a real SFTP server, and moto's double of S3."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pushguide.errors import BadVersion
from pushguide.master.sources.files import FilesSource, _options, _time
from pushguide.master.store.database import Database
from pushguide.master.store.pins import Pins
from pushguide.master.templates.sources import FilesModel
from tests.support.need import need
from tests.support.object_store import SSHD, s3_double, ssh_server

WAR = b"PK what CI has built" * 50
DIGEST = sha256(WAR).hexdigest()
KEYS = {"user": "minio", "password": "minio-secret"}

Make = Callable[..., FilesSource]


@pytest.fixture
def backend() -> str:
    """The record in SQLite alone: what pins do on others is shown with the HTTP index."""
    return "sqlite"


@pytest.fixture
def make(database: Database) -> Make:
    """Makes sources."""

    def make(address: str, login: dict[str, Any] | None = None, **more: Any) -> FilesSource:
        settings = {"kind": "files", "address": address, "url": "https://b.example.com/", **more}
        model = FilesModel(**settings)
        return FilesSource(model, "shop", Pins(database, "shop", "production"), login)

    return make


def publish(top: Path, **files: bytes) -> None:
    """Put files below a directory; ``__`` stands for ``/``, ``_`` for a dot."""
    for name, data in files.items():
        path = top / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.fixture
def builds(tmp_path: Path) -> Path:
    """Two versions, of which one has a checksum and a signature beside it."""
    top = tmp_path / "builds"
    publish(
        top,
        shop__1_0__shop_war=WAR,
        shop__1_1__shop_war=WAR,
        shop__1_1__shop_war_sha256=f"{DIGEST}  shop.war\n".encode(),
        shop__1_1__shop_war_asc=b"-----BEGIN",
        shopping__9_9__shop_war=WAR,
    )
    for version, day in (("1.0", 20), ("1.1", 21)):
        moment = datetime(2026, 11, day, tzinfo=timezone.utc).timestamp()
        os.utime(top / "shop" / version / "shop.war", (moment, moment))
    return top


def demand_both(source: FilesSource) -> None:
    """What every file system has to give of those builds."""
    newest, oldest = source.versions()
    assert (newest.version, oldest.version) == ("1.1", "1.0")
    proven = source.resolve("1.1")
    assert proven.url == "https://b.example.com/shop/1.1/shop.war"
    assert (proven.name, proven.sha256, proven.size) == ("shop.war", DIGEST, len(WAR))
    assert proven.signature == f"{proven.url}.asc"
    pinned = source.resolve("1.0")
    assert (pinned.sha256, pinned.signature) == (DIGEST, None)
    with source.open(proven) as content:
        content.seek(5)
        assert content.read(10) == WAR[5:15]


def test_local_files(make: Make, builds: Path) -> None:
    source = make(f"file://{builds}")
    demand_both(source)
    assert source.versions()[1].built == datetime(2026, 11, 20, tzinfo=timezone.utc)


def test_a_real_sftp_server(make: Make, builds: Path, tmp_path: Path) -> None:
    need("sshd", SSHD, "apt-get install openssh-server")
    keys = tmp_path / "keys"
    keys.mkdir()
    with ssh_server(keys) as options:
        demand_both(make(f"sftp://127.0.0.1{builds}", options=options))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """moto's double of S3, and no credentials of whoever runs this."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    with s3_double() as address:
        yield address


def test_a_double_of_s3(make: Make, builds: Path, store: str) -> None:
    import s3fs

    files = s3fs.S3FileSystem(key="minio", secret="minio-secret", endpoint_url=store)
    files.mkdir("builds")
    for name in ("1.0", "1.1"):
        files.put(f"{builds}/shop/{name}/", f"builds/nightly/shop/{name}/", recursive=True)
    source = make("s3://builds/nightly", KEYS, options={"endpoint_url": store})
    demand_both_of_store(source)
    with files.open("builds/nightly/shop/1.0/shop.war", "wb") as handle:
        handle.write(WAR + b"!")
    with pytest.raises(BadVersion, match="it was changed after it was published"):
        make("s3://builds/nightly", KEYS, options={"endpoint_url": store}).resolve("1.0")


def demand_both_of_store(source: FilesSource) -> None:
    """The same, where both were uploaded at one time."""
    assert {one.version for one in source.versions()} == {"1.0", "1.1"}
    assert all(one.built for one in source.versions())
    assert source.resolve("1.1").sha256 == source.resolve("1.0").sha256 == DIGEST


def test_a_bucket_that_there_is_not(make: Make, store: str) -> None:
    with pytest.raises(BadVersion, match=r"s3://none.* See address, options and login") as err:
        make("s3://none", KEYS, options={"endpoint_url": store}).resolve("1.0")
    assert "minio-secret" not in str(err.value)


def test_a_file_system_that_fsspec_does_not_know(make: Make) -> None:
    with pytest.raises(BadVersion, match="Opening it of The source unknown://x failed"):
        make("unknown://x").versions()


def test_a_change_after_the_first_sight(make: Make, builds: Path) -> None:
    make(f"file://{builds}").resolve("1.0")
    (builds / "shop/1.0/shop.war").write_bytes(WAR[:-1] + b"!")
    with pytest.raises(BadVersion, match="it was changed after it was published"):
        make(f"file://{builds}").resolve("1.0")


def test_a_checksum_that_is_none(make: Make, builds: Path) -> None:
    (builds / "shop/1.1/shop.war.sha256").write_bytes(b"<html>")
    with pytest.raises(BadVersion, match="does not begin with a sha256"):
        make(f"file://{builds}").resolve("1.1")


def test_several_files_of_a_version(make: Make, builds: Path) -> None:
    publish(builds, shop__1_1__shop_jar=b"x")
    with pytest.raises(BadVersion, match=r"2 files of 1\.1: shop/1\.1/shop\.jar, shop/1\.1/shop"):
        make(f"file://{builds}").resolve("1.1")
    source = make(f"file://{builds}", path="{module}/{version}/*.war")
    assert source.resolve("1.1").name == "shop.war"


def test_the_version_may_stand_in_the_name(make: Make, tmp_path: Path) -> None:
    top = tmp_path / "flat"
    top.mkdir()
    for name in ("shop-1.0.tar.gz", "shop-1.1.tar.gz", "other-1.0.tar.gz"):
        tarfile.open(top / name, "w:gz").close()
    source = make(f"file://{top}", path="{module}-{version}.tar.gz")
    assert {one.version for one in source.versions()} == {"1.0", "1.1"}


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ({"LastModified": datetime(2026, 1, 2, tzinfo=timezone.utc)}, "2026-01-02"),
        ({"mtime": datetime(2026, 1, 2)}, "2026-01-02"),  # noqa: DTZ001 - as some file systems
        ({"mtime": 1767312000.5}, "2026-01-02"),
        ({"updated": "2026-01-02T03:04:05Z"}, "2026-01-02"),
        ({"modified": "yesterday"}, None),
        ({}, None),
    ],
)
def test_times_as_file_systems_tell_them(told: dict[str, Any], moment: str | None) -> None:
    found = _time(told)
    assert (found.date().isoformat() if found else None) == moment
    assert found is None or found.tzinfo


@pytest.mark.parametrize(
    ("scheme", "credential", "options"),
    [
        ("s3", KEYS, {"key": "minio", "secret": "minio-secret"}),
        ("sftp", KEYS, {"username": "minio", "password": "minio-secret"}),
        ("abfs", KEYS, {"account_name": "minio", "account_key": "minio-secret"}),
        ("gs", {"token": "t"}, {"token": "t"}),
        ("https", {"headers": {"X-Key": "k"}}, {"headers": {"X-Key": "k"}}),
        ("s3", {}, {}),
    ],
)
def test_a_credential_as_file_systems_call_it(
    scheme: str, credential: dict[str, Any], options: dict[str, Any]
) -> None:
    assert _options(scheme, credential) == options


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"address": "s3://key:secret@builds"}, "give no user or password"),
        ({"address": "/srv/builds"}, "give an address such as s3://builds"),
        ({"address": "filecache::s3://builds"}, "give an address such as"),
        ({"options": {"secret": "x"}}, "give the name of a credential as login"),
        ({"path": "shop/*.war"}, "say where the version stands"),
        ({"path": "../{version}/*"}, "without '.', '..'"),
        ({"path": "{version}/{build}"}, r"there is no \{build\}"),
        ({"path": "{version}/[a]"}, "give letters, digits"),
    ],
)
def test_what_a_template_may_not_say(given: dict[str, Any], told: str) -> None:
    settings = {"kind": "files", "address": "s3://builds", "url": "https://b.example.com"}
    with pytest.raises(ValidationError, match=told):
        FilesModel(**{**settings, **given})
