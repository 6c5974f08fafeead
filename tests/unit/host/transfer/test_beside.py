"""Signatures, and parts by an index."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from pushguide.errors import BadArchive, StepFailed
from pushguide.host import transfer
from pushguide.host.transfer import indexed
from pushguide.index import FILE, Index
from pushguide.master import indexing
from pushguide.share import Artifact, IndexAt, Transfer
from tests.support.file_server import Fault, FileServer
from tests.unit.host.transfer.conftest import Host, artifact_of
from tests.unit.test_index import tar_of


def _small(host: Host, server: FileServer, **settings: object) -> bytes:
    target = host.top / "signature"
    artifact = artifact_of(b"", f"{server.url}/site.zip")
    url = f"{server.url}/site.zip.asc"
    scene = host.scene([], lambda: None)
    transfer.fetch_small(url, artifact, str(target), Transfer(**settings), scene)
    return target.read_bytes()


def test_a_small_file_comes_through_cuts(host: Host, server: FileServer) -> None:
    server.files["/site.zip.asc"] = b"signed" * 500
    server.faults = [Fault("reset"), Fault("cut", 100), Fault("status", 503)]
    assert _small(host, server) == b"signed" * 500


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "answered 404"), (bytes(65537), "is longer than 65536 bytes")],
)
def test_a_small_file_that_is_none(
    host: Host, server: FileServer, content: bytes | None, told: str
) -> None:
    if content:
        server.files["/site.zip.asc"] = content
    with pytest.raises(StepFailed, match=told):
        _small(host, server)


class Indexed:
    """An artifact with its index on a server, and the contents of its files."""

    def __init__(self, server: FileServer, top: Path) -> None:
        made = random.Random(5)
        self.files = {f"lib/{number}": made.randbytes(30_000) for number in range(60)}
        packed = tar_of(*self.files.items())
        self.server = server
        artifact = artifact_of(packed, f"{server.url}/app.tar.gz")
        written = indexing.write(artifact, io.BytesIO(packed), str(top / "indexes"))
        data = Path(written.index_path).read_bytes()
        server.files |= {
            "/app.tar.gz": packed,
            "/app.index": data,
            "/app.pack": Path(written.pack_path).read_bytes(),
        }
        proof = artifact_of(data, f"{server.url}/app.index")
        at = IndexAt(proof.url, proof.sha256, proof.size, f"{server.url}/app.pack")
        self.artifact: Artifact = artifact._replace(indexed=at)
        self.index = Index.from_bytes(data)

    def known(self, missing: set[int]) -> set[str]:
        """What a host knows that has all but some of the files."""
        return {
            one.sha256 for number, one in enumerate(self.index.entries) if number not in missing
        }


@pytest.fixture
def published(server: FileServer, tmp_path: Path) -> Indexed:
    """An artifact with its index."""
    return Indexed(server, tmp_path)


def _by_index(
    host: Host, published: Indexed, missing: set[int], **settings: object
) -> transfer.Fetched | None:
    (host.top / "incoming").mkdir(exist_ok=True)
    return transfer.fetch_by_index(
        published.artifact,
        published.known(missing),
        str(host.top / "incoming"),
        Transfer(**settings),
        host.scene([], lambda: None),
    )


def test_by_its_index_only_what_is_missing_is_moved(host: Host, published: Indexed) -> None:
    published.server.faults = [None, Fault("cut", 20_000)]
    missing = {7, 8, 40}

    came = _by_index(host, published, missing)

    assert came is not None
    assert came.moved == published.server.sent < 0.08 * published.artifact.size
    with indexed.opened(str(host.top / "incoming")) as (index, parts):
        assert index == published.index
        for number, one in enumerate(index.entries):
            if number in missing:
                assert parts.content(one) == published.files[one.path]
        with pytest.raises(BadArchive, match=r"The content of lib/0 was not fetched"):
            parts.content(index.entries[0])


def test_where_much_is_missing_the_whole_is_to_be_fetched(host: Host, published: Indexed) -> None:
    assert _by_index(host, published, {*range(55)}) is None
    host.has_had(published.server.files["/app.tar.gz"])
    assert _by_index(host, published, {1}) is None
    assert not indexed.is_here(str(host.top / "incoming"))


@pytest.mark.parametrize("path", ["/app.index", "/app.pack"])
def test_an_index_that_cannot_be_had_costs_no_deployment(
    host: Host, published: Indexed, path: str
) -> None:
    del published.server.files[path]
    assert _by_index(host, published, {1}, attempts=1) is None
    assert not indexed.is_here(str(host.top / "incoming"))


def test_an_index_that_was_changed_is_not_believed(host: Host, published: Indexed) -> None:
    other = Index(published.artifact.sha256, 10, [published.index.entries[0]]).to_bytes()
    published.server.files["/app.index"] = other.ljust(published.artifact.indexed.size, b" ")
    assert _by_index(host, published, {1}) is None


def test_all_entries_are_files(published: Indexed) -> None:
    assert {one.kind for one in published.index.entries} == {FILE}
