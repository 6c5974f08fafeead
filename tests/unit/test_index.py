"""Indexes: what the master writes is what a host reads."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import random
import tarfile
import zlib
from pathlib import Path

import pytest

from pushguide import index
from pushguide.errors import BadVersion
from pushguide.index import DIRECTORY, FILE, SYMLINK, Index, Listed, NoIndex
from pushguide.master import indexing
from tests.unit.host.transfer.conftest import artifact_of


def tar_of(*entries: tuple[str, object]) -> bytes:
    """A tar.gz: bytes are a file, None a directory, text the target of a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in entries:
            one = tarfile.TarInfo(name)
            one.mtime = 1_700_000_000
            if isinstance(content, bytes):
                one.size, one.mode = len(content), 0o755 if name.endswith(".sh") else 0o600
            elif content is None:
                one.type = tarfile.DIRTYPE
            else:
                one.type, one.linkname = tarfile.SYMTYPE, str(content)
            archive.addfile(one, io.BytesIO(content) if isinstance(content, bytes) else None)
    return out.getvalue()


def test_what_the_master_writes_is_what_a_host_reads(tmp_path: Path) -> None:
    same, noise = b"again and " * 100, bytes(range(256))
    content = tar_of(
        ("app", None), ("app/run.sh", same), ("app/copy", same), ("app/noise", noise), ("to", "app")
    )
    artifact = artifact_of(content, "https://example.com/app.tar.gz")

    written = indexing.write(artifact, io.BytesIO(content), str(tmp_path / "indexes"))

    read = Index.from_bytes(Path(written.index_path).read_bytes())
    pack = Path(written.pack_path).read_bytes()
    assert (read.artifact, read.pack_size) == (artifact.sha256, len(pack))
    assert [(one.path, one.kind, one.executable) for one in read.entries] == [
        ("app", DIRECTORY, False),
        ("app/run.sh", FILE, True),
        ("app/copy", FILE, False),
        ("app/noise", FILE, False),
        ("to", SYMLINK, False),
    ]
    _, run, copy, raw, link = read.entries
    assert (run.start, run.stored, run.mtime) == (copy.start, copy.stored, 1_700_000_000)
    assert link.target == "app"
    for one, wanted in ((run, same), (raw, noise)):
        assert index.unpacked(pack[one.start : one.start + one.stored], one.size) == wanted
    assert sorted(one.name for one in (tmp_path / "indexes").iterdir()) == [
        f"{artifact.sha256}.index",
        f"{artifact.sha256}.pack",
    ]


def _damaged_xz() -> bytes:
    """A tar.xz with a wrong byte in its midst."""
    inside = gzip.decompress(tar_of(("a", random.Random(1).randbytes(200_000))))
    packed = bytearray(lzma.compress(inside))
    packed[100_000] ^= 1
    return bytes(packed)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x05\x06" + bytes(18), "is a zip, which needs no index"),
        (b"neither", "does not read as an archive"),
        (_damaged_xz(), "does not read as an archive: LZMAError"),
    ],
)
def test_what_gets_no_index_says_why(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(BadVersion, match=told):
        indexing.write(artifact_of(content, "https://x/app"), io.BytesIO(content), str(tmp_path))
    assert not list(tmp_path.glob("*.index"))


def test_an_artifact_that_was_changed_gets_no_index(tmp_path: Path) -> None:
    artifact = artifact_of(b"as it was", "https://x/app")
    with pytest.raises(BadVersion, match="changed or damaged"):
        indexing.write(artifact, io.BytesIO(b"as it is"), str(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no index",
        zlib.compress(b"[]"),
        zlib.compress(b"{"),
        zlib.compress(json.dumps({"format": 2, "entries": []}).encode()),
        zlib.compress(json.dumps({"format": 1, "entries": [[1] * 20]}).encode()),
        zlib.compress(json.dumps({"format": 1, "entries": 7}).encode()),
        Index("0" * 64, 0, []).to_bytes()[:-3],
    ],
)
def test_what_is_no_index_is_not_taken_for_one(data: bytes) -> None:
    with pytest.raises(NoIndex):
        Index.from_bytes(data)


def test_an_index_that_unpacks_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MOST_BYTES", 1000)
    with pytest.raises(NoIndex, match="too long"):
        Index.from_bytes(zlib.compress(bytes(10_000)))


def test_a_part_of_a_pack_never_grows_beyond_what_was_said() -> None:
    bomb = index.packed(bytes(10_000_000))
    assert len(index.unpacked(bomb, 100)) == 101


def test_ranges_are_joined_where_little_lies_between() -> None:
    def listed(start: int, stored: int) -> Listed:
        return Listed("x", FILE, start=start, stored=stored)

    files = [listed(0, 10), listed(500, 10), listed(15, 10), listed(0, 10), listed(90, 0)]
    assert index.needed(files, 5) == [(0, 25), (500, 510)]
    assert index.needed(files, 4) == [(0, 10), (15, 25), (500, 510)]
    assert index.needed([], 5) == []
