"""Deploying by an index: what a host has stays, the rest is moved, and all of it is proven."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pushguide.errors import BadArchive
from pushguide.host.archive import Earlier, by_index
from pushguide.host.archive.entries import DEFAULT_LIMITS
from pushguide.index import FILE, SYMLINK, Index, Listed
from pushguide.master import indexing
from pushguide.share import Artifact, IndexAt
from pushguide.words import SUCCEEDED
from tests.support.file_server import FileServer
from tests.support.host import Host
from tests.unit.host.test_deploy import steps
from tests.unit.test_index import tar_of


@pytest.fixture
def server() -> Iterator[FileServer]:
    """Where artifacts and indexes are."""
    with FileServer() as running:
        yield running


class Published:
    """Versions with their indexes."""

    def __init__(self, host: Host, server: FileServer, top: Path) -> None:
        self.host, self.server, self.top = host, server, top
        made = random.Random(1)
        common = {f"lib/{number}": made.randbytes(5000) for number in range(40)}
        common["run.sh"] = b"#!/bin/sh\n"
        self.files = {
            "1": {**common, "health": b"version 1"},
            "2": {**common, "health": b"version 2", "lib/3": made.randbytes(4000)},
        }
        self.artifacts = {version: self._publish(version) for version in self.files}

    def _publish(self, version: str) -> Artifact:
        packed = tar_of(*self.files[version].items())
        name = f"shop-{version}.tar.gz"
        url = f"{self.server.url}/{name}"
        artifact = Artifact(version, url, name, hashlib.sha256(packed).hexdigest(), len(packed))
        written = indexing.write(artifact, io.BytesIO(packed), str(self.top / "indexes"))
        data = Path(written.index_path).read_bytes()
        self.server.files |= {
            f"/{name}": packed,
            f"/{version}.index": data,
            f"/{version}.pack": Path(written.pack_path).read_bytes(),
        }
        sha256 = hashlib.sha256(data).hexdigest()
        place = f"{self.server.url}/{version}"
        return artifact._replace(
            indexed=IndexAt(f"{place}.index", sha256, len(data), f"{place}.pack")
        )

    def deploy(self, version: str, **changes: Any) -> dict[str, Any]:
        """Deploy a version, and see that it is all there."""
        self.server.forget()
        answer = self.host.deploy(version, artifact=self.artifacts[version], **changes)
        assert answer["outcome"] == SUCCEEDED, answer["error"]
        live = self.host.root / "live"
        found = {
            one.relative_to(live.resolve()).as_posix(): one.read_bytes()
            for one in live.resolve().rglob("*")
            if one.is_file()
        }
        assert found == self.files[version]
        return answer


@pytest.fixture
def published(host: Host, server: FileServer, tmp_path: Path) -> Published:
    """Two versions with their indexes, the first of them live."""
    made = Published(host, server, tmp_path)
    made.deploy("1")
    return made


@pytest.mark.parametrize("way", ["copy", "hard_link"])
def test_only_what_changed_is_moved(
    host: Host, server: FileServer, tmp_path: Path, way: str
) -> None:
    published = Published(host, server, tmp_path)
    published.deploy("1", unpacking={"unchanged": way})
    answer = published.deploy("2", unpacking={"unchanged": way})
    assert "by its index" in steps(answer, "prepare")["fetch"][1]
    unpacked = steps(answer, "prepare")["unpack"][1]
    assert (", 40 as before" in unpacked) == (way == "hard_link")
    assert [path for path, _ in server.requests] == ["/2.index", "/2.pack", "/2.pack"]
    assert server.sent < 0.1 * published.artifacts["2"].size


def test_what_is_in_the_cache_is_not_moved_at_all(published: Published) -> None:
    published.deploy("2")
    answer = published.deploy("1", kind="redeploy")
    assert "were here already" in steps(answer, "prepare")["fetch"][1]
    assert not published.server.requests


def test_the_first_version_comes_as_a_whole(host: Host, server: FileServer, tmp_path: Path) -> None:
    answer = Published(host, server, tmp_path).deploy("2")
    assert "by its index" not in steps(answer, "prepare")["fetch"][1]


def test_an_old_file_that_was_edited_is_moved_anew(published: Published, host: Host) -> None:
    (host.root / "live" / "lib" / "5").write_bytes(b"edited in place")
    (host.root / "live" / "lib" / "7").unlink()
    published.deploy("2")


def test_a_pack_that_was_changed_costs_the_whole(published: Published) -> None:
    good = published.server.files["/2.pack"]
    published.server.files["/2.pack"] = bytes(len(good))
    published.deploy("2")
    assert "/shop-2.tar.gz" in [path for path, _ in published.server.requests]


def test_without_its_pack_the_whole_is_fetched(published: Published) -> None:
    del published.server.files["/2.pack"]
    published.deploy("2")
    assert "/shop-2.tar.gz" in [path for path, _ in published.server.requests]


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (Listed("../../escaped", FILE), "goes up with"),
        (Listed("/etc/passwd", FILE), "absolute"),
        (Listed("out", SYMLINK, target="../.."), "leaves the destination"),
        (Listed("null", "device"), "device"),
        (Listed("a", FILE, size=2**50), "which is the limit"),
    ],
)
def test_a_hostile_index_is_refused(tmp_path: Path, listed: Listed, told: str) -> None:
    index = Index("0" * 64, 0, [Listed("first", FILE, sha256="x"), listed])
    with pytest.raises(BadArchive, match=told):
        by_index.build(
            index, lambda _: b"", {}, str(tmp_path / "new"), DEFAULT_LIMITS, Earlier(None, "copy")
        )
    assert not (tmp_path / "new").exists()


def test_a_file_that_changes_after_it_was_summed_is_noticed(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "a").write_bytes(b"as it was")
    known = by_index.contents_of(str(old))
    (old / "a").write_bytes(b"as it is!")
    (sha256,) = known
    index = Index("0" * 64, 0, [Listed("a", FILE, size=9, sha256=sha256)])
    for way in ("copy", "hard_link"):
        with pytest.raises(BadArchive, match="is not what the index says"):
            by_index.build(
                index,
                lambda _: b"",
                known,
                str(tmp_path / way),
                DEFAULT_LIMITS,
                Earlier(str(old), way),
            )
