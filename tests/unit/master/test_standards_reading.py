"""Reading an archive's directory: what moves, what is found, and what hostile archives cost."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pushguide.master.standards import bounds, reading, tars
from pushguide.standards.builtin import BUILT_IN
from pushguide.standards.checking import check
from pushguide.standards.kinds import Facts
from pushguide.standards.listing import MOST_OF_ALL_FILES, MOST_OF_ONE_FILE, Entry, Listing

KEY = b"-----BEGIN PRIVATE KEY-----\nMII"
FILES = {
    "WEB-INF/web.xml": b"<web-app/>",
    "bin/start.sh": b"#!/bin/sh\r\n",
    "tls/a.key": KEY,
    "logs/app.log": b"...",
    "readme": b"hello",
}
FOUND = {
    ("script-line-endings", "bin/start.sh"),
    ("no-private-keys", "tls/a.key"),
    ("no-logs", "logs/app.log"),
    ("no-log-directory", "logs"),
}


class Counting(io.BufferedIOBase):
    """A seekable file that counts what is read of it, as a server far away would."""

    def __init__(self, path: Path) -> None:
        self.handle = path.open("rb")
        self.moved = 0
        self.reads = 0

    def read(self, count: int | None = -1, /) -> bytes:
        data = self.handle.read(-1 if count is None else count)
        self.moved += len(data)
        self.reads += 1
        return data

    def seek(self, place: int, whence: int = 0, /) -> int:
        return self.handle.seek(place, whence)

    def tell(self) -> int:
        return self.handle.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.handle.close()
        super().close()


def zipped(files: Mapping[str, bytes] = FILES) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files: Mapping[str, bytes] = FILES, **more: Any) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", **more) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def read(content: bytes, settings: Mapping[str, Any] | None = None) -> Listing:
    rules = [one for one in BUILT_IN if one.holds_for("java_web")]
    return reading.of_artifact(io.BytesIO(content), "shop.war", settings or {}, rules)


def problem(content: bytes) -> str:
    told = read(content).unreadable
    assert told, "it reads"
    return told


@pytest.mark.parametrize(
    "content",
    [
        zipped(),
        tarred(),
        tarred({f"./{name}": content for name, content in FILES.items()}),
        tarred(format=tarfile.PAX_FORMAT),
        gzip.compress(tarred()),
        bz2.compress(tarred()),
        lzma.compress(tarred()),
    ],
    ids=["zip", "tar", "dots", "pax", "gz", "bz2", "xz"],
)
def test_every_format_tells_the_same(content: bytes) -> None:
    listing = read(content)
    assert {(one.path, one.size) for one in listing.files} == {
        (name, len(content)) for name, content in FILES.items()
    }
    rules = [one for one in BUILT_IN if one.holds_for("java_web")]
    assert {(one.rule, one.path) for one in check(rules, listing, Facts())} == FOUND


def test_links_and_directories_are_told() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("empty/", "")
    assert read(packed.getvalue()).entries == [
        Entry("link", "link", target="/etc/passwd"),
        Entry("empty", "directory"),
    ]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, kind in (
            ("link", tarfile.SYMTYPE),
            ("d", tarfile.DIRTYPE),
            ("p", tarfile.FIFOTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    assert [(one.path, one.kind) for one in read(packed.getvalue()).entries] == [
        ("link", "link"),
        ("d", "directory"),
        ("p", "other"),
    ]


def test_a_release_that_is_one_file() -> None:
    listing = read(KEY, {"unpack": False, "file_name": "a.key"})
    assert listing.entries == [Entry("a.key", size=len(KEY))]
    assert listing.beginnings == {"a.key": KEY}
    assert read(b"jar", {"unpack": False}).entries == [Entry("shop.war", size=3)]


def test_a_500_mb_war_moves_under_2_mb(tmp_path: Path) -> None:
    path = tmp_path / "shop.war"
    with zipfile.ZipFile(path, "w") as archive:
        block = os.urandom(2**20)
        for number in range(200):  # libraries that are not compressed once more
            with archive.open(f"WEB-INF/lib/lib-{number}.jar", "w", force_zip64=True) as out:
                out.write(block * 2)
                out.write(block[: 2**19])
        for number in range(2000):
            archive.writestr(f"WEB-INF/classes/com/example/shop/Thing{number}.class", block[:1500])
        for number in range(60):
            archive.writestr(f"WEB-INF/classes/messages_{number}.properties", b"a=b\n" * 500)
    assert path.stat().st_size > 500 * 2**20
    rules = [one for one in BUILT_IN if one.holds_for("java_web")]
    with Counting(path) as handle:
        began = time.process_time()
        listing = reading.of_artifact(handle, path.name, {}, rules)
        seconds = time.process_time() - began
    assert len(listing.entries) == 2260
    assert listing.unreadable is None
    assert handle.moved < 2 * 2**20, f"{handle.moved} bytes in {handle.reads} reads"
    looked_into = len(listing.beginnings)
    assert looked_into > 60
    assert handle.reads < 1.2 * looked_into + 10, "each read may be a request to a server"
    assert seconds < 5


def test_the_beginnings_have_bounds() -> None:
    large = b"#!/bin/sh\n" + b"x" * (2 * MOST_OF_ONE_FILE)
    files = {f"{number}.sh": large for number in range(20)}
    for content in (zipped(files), gzip.compress(tarred(files))):
        listing = read(content)
        assert len(listing.beginnings) == MOST_OF_ALL_FILES // MOST_OF_ONE_FILE
        assert {len(one) for one in listing.beginnings.values()} == {MOST_OF_ONE_FILE}
        assert len(listing.unseen) == 20 - len(listing.beginnings)
        assert listing.unseen.isdisjoint(listing.beginnings)


# Archives that are damaged, or traps.


def cost_of(work: Callable[[], Any]) -> int:
    """How many bytes Python held at the most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_is_no_archive() -> None:
    assert "neither zip nor tar: it begins with 68 65 6c 6c 6f" in problem(b"hello")
    assert "it begins with nothing" in problem(b"")
    assert problem(gzip.compress(b"hello" * 1000))


@pytest.mark.parametrize(
    ("content", "lengths"),
    [
        (zipped(), (10, 200, -1)),
        (tarred(), (10, 600, 1500, 512 * 10)),  # ten blocks: the mark at the end comes after
        (gzip.compress(tarred()), (10, 100, -1)),
    ],
    ids=["zip", "tar", "gz"],
)
def test_an_archive_that_was_cut(content: bytes, lengths: tuple[int, ...]) -> None:
    for length in lengths:
        assert problem(content[:length])


def test_no_change_of_a_byte_raises() -> None:
    for content in (zipped(), gzip.compress(tarred(), mtime=0), tarred()):
        for place in range(0, len(content), max(1, len(content) // 300)):
            changed = bytearray(content)
            changed[place] ^= 0xFF
            read(bytes(changed))


def test_a_bomb_in_a_zip_is_not_inflated() -> None:
    bomb = zipped({"a.sh": b"#!/bin/sh\n" + bytes(300 * 2**20)})
    assert len(bomb) < 2**20
    assert cost_of(lambda: read(bomb)) < 8 * 2**20
    assert len(read(bomb).beginnings["a.sh"]) == MOST_OF_ONE_FILE


def test_a_bomb_in_a_tar_is_given_up() -> None:
    bomb = gzip.compress(tarred({"a": bytes(300 * 2**20)}))
    began = time.process_time()
    told: list[str] = []
    assert cost_of(lambda: told.append(problem(bomb))) < 8 * 2**20
    assert f"inflates to more than {tars.MOST_RATIO} times its length" in told[0]
    assert time.process_time() - began < 20


def test_a_header_that_is_too_long() -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 200 * 2**20
    trap = gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + b"a" * 2**20 + bytes(2**21))
    told: list[str] = []
    assert cost_of(lambda: told.append(problem(trap))) < 8 * 2**20
    assert "a header is longer than" in told[0]


def test_a_directory_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_DIRECTORY_BYTES", 1000)
    content = zipped({f"{number}": b"" for number in range(100)})
    assert "the directory of this zip is longer than 1000 bytes" in problem(content)


def test_too_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ENTRIES", 3)
    assert "has 5 entries, and 3 are the bound" in problem(zipped())
    assert "has more than 3 entries" in problem(tarred())


def test_paths_that_are_too_long_or_too_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a" * 5000, "a/" * 300 + "b"):
        for content in (zipped({name: b""}), tarred({name: b""})):
            assert "too long or too deep" in problem(content)
    monkeypatch.setattr(bounds, "MOST_PATH_BYTES", 20)
    assert "longer than 20 bytes together" in problem(zipped())


def test_content_that_cannot_be_looked_into() -> None:
    encrypted = bytearray(zipped({"a.sh": b"x"}))
    directory = encrypted.index(b"PK\x01\x02")
    struct.pack_into("<H", encrypted, directory + 8, 1)
    assert "'a.sh', which is encrypted" in problem(bytes(encrypted))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.sh", "x")
    assert "neither stored nor deflated" in problem(packed.getvalue())


def test_a_file_that_does_not_read_is_an_error_of_its_own(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        reading.of_artifact(Broken(b"PK"), "a", {}, BUILT_IN)
