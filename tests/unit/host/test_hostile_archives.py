"""A corpus of archives that mean harm: each is refused before a byte is outside the release.

The table at the end of the run tells each of them, and what refused it.
"""

from __future__ import annotations

import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushguide.errors import BadArchive
from pushguide.host.archive import Limits, names, unpack
from tests.support import zips
from tests.support.zips import ZipEntry
from tests.unit.host.test_archive import (
    folder,
    hard_link,
    make_tar,
    make_zip,
    member,
    symlink,
    zip_member,
    zip_symlink,
)

#: Of each archive its name, its format, and what refused it: the table of the run.
TABLE: list[tuple[str, str, str]] = []
_LIMITS = Limits(entries=1000, unpacked_bytes=64 * 2**20, ratio=100, depth=50, free_bytes=2**20)
_LONG = "n" * 300
_BOTH_SIZES = struct.pack("<2H2Q", 1, 16, 50, 50)  # the extra field of zip64


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> Callable[[Path], Path]:
    return lambda path: make_tar(path, *members)


def _zip(*members: tuple[zipfile.ZipInfo, bytes]) -> Callable[[Path], Path]:
    return lambda path: make_zip(path, *members)


def _raw(content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


def _pax(**headers: str) -> Callable[[Path], Path]:
    """A tar whose extended header says other things than the header behind it."""

    def make(path: Path) -> Path:
        info, content = member("plain", b"x")
        info.pax_headers = headers
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as made:
            made.addfile(info, io.BytesIO(content))
        return path

    return make


def _gnu_long_name(length: int) -> Callable[[Path], Path]:
    """A tar whose name is declared to be of any length."""
    header, _ = member("././@LongLink", type=tarfile.GNUTYPE_LONGNAME)
    header.size = length
    block = header.tobuf(tarfile.GNU_FORMAT)
    return _raw(block + b"a" * min(length, 2**21) + bytes(1024))


def _overlapping() -> bytes:
    """Two entries that share the bytes of one content, as a quoted overlap bomb has them."""
    data = bytearray(zips.build([ZipEntry("a", b"x" * 5000), ZipEntry("b", b"y" * 5000)]))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    first_start = struct.pack("<L", 0)
    data[second + 42 : second + 46] = first_start
    return bytes(data)


def _other_name_inside() -> bytes:
    """A zip whose directory calls an entry otherwise than the entry itself."""
    data = bytearray(zips.build([ZipEntry("inside.txt", b"x")]))
    at = data.index(b"inside.txt")
    data[at : at + 10] = b"../../e.tx"
    return bytes(data)


def _told_otherwise(at: int, value: bytes, **more: Any) -> bytes:
    """A zip whose first entry has a header of its own with another field."""
    data = bytearray(zips.build([ZipEntry("a", b"x" * 50, **more)]))
    data[at : at + len(value)] = value
    return bytes(data)


def _zip64(**more: int) -> bytes:
    """A zip whose only entry tells its sizes in the extra field of zip64, or others there."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made, made.open("a", "w", force_zip64=True) as entry:
        entry.write(b"x" * 50)
    told = struct.pack("<2H2Q", 1, 16, more.get("size", 50), more.get("packed", 50))
    return out.getvalue().replace(_BOTH_SIZES, told)


def _covering() -> bytes:
    """Two entries, of which the first reaches over the second by its own extra field alone."""
    data = bytearray(zips.build([ZipEntry("a", b"x" * 90, deflated=False), ZipEntry("b", b"y")]))
    data[28:30] = struct.pack("<H", 20)
    return bytes(data)


def _beyond() -> bytes:
    """A zip whose directory leads to where nothing begins."""
    return zips.build([ZipEntry("a", b"x")]).replace(
        struct.pack("<2L", 0o100644 << 16, 0), struct.pack("<2L", 0o100644 << 16, 60)
    )


def _after_the_end(mode: str) -> Callable[[Path], Path]:
    """A tar with another one behind its end, which nobody would unpack."""

    def make(path: Path) -> Path:
        one, two = io.BytesIO(), io.BytesIO()
        for stream, name in ((one, "a"), (two, "b")):
            with tarfile.open(fileobj=stream, mode="w") as made:
                made.addfile(*_member_of(name))
        both = one.getvalue() + two.getvalue()
        packers = {"gz": gzip.compress, "xz": lzma.compress, "": bytes}
        path.write_bytes(packers[mode](both))
        return path

    return make


def _member_of(name: str) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info, content = member(name, b"x")
    return info, io.BytesIO(content)


def _hungry_xz() -> bytes:
    """An xz whose dictionary would take 1.5 GiB of memory."""
    block = member("a", b"")[0].tobuf() + bytes(10240)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0}]
    data = bytearray(lzma.compress(block, filters=filters))
    size = (data[12] + 1) * 4  # of the block's header, of which the last four bytes are its CRC-32
    at = data.index(b"\x21\x01", 12) + 2
    data[at] = 39  # the dictionary's size, 4 GiB less one byte being 40
    data[12 + size - 4 : 12 + size] = struct.pack("<L", zlib.crc32(data[12 : 12 + size - 4]))
    return bytes(data)


def _encrypted() -> bytes:
    """A zip whose only entry says that it is encrypted."""
    data = bytearray(zips.build([ZipEntry("a", b"x")]))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def _sparse_bomb() -> Callable[[Path], Path]:
    """A sparse file: a few bytes that claim to be many."""
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    headers |= {"GNU.sparse.name": "holes", "GNU.sparse.realsize": str(2**45)}
    return _pax(**headers)


#: name: how to make it, and a word of what refuses it.
CORPUS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "zip: up and out": (_zip(zip_member("../../escaped")), "goes up with"),
    "zip: up and out, backslashes": (_zip(zip_member("..\\..\\escaped")), "goes up with"),
    "zip: absolute": (_zip(zip_member("/tmp/escaped")), "absolute"),
    "zip: drive letter": (_zip(zip_member("C:\\escaped")), "drive letter"),
    "zip: UNC path": (_zip(zip_member("\\\\server\\share\\escaped")), "absolute"),
    "zip: link out": (_zip(zip_symlink("out", "../..")), "leaves the destination"),
    "zip: file through a link": (
        _zip(zip_symlink("out", "../.."), zip_member("out/escaped", b"x")),
        "symbolic link",
    ),
    "zip: absolute link": (_zip(zip_symlink("out", "/etc")), "absolute"),
    "zip: the same name twice": (_zip(zip_member("a"), zip_member("a")), "is there twice"),
    "zip: names that differ in case": (_zip(zip_member("a"), zip_member("A")), "only in case"),
    "zip: names that differ in accents": (
        _zip(zip_member("\u00e9"), zip_member("e\u0301")),
        "accents",
    ),
    "zip: a name of 300 characters": (_zip(zip_member(_LONG)), "too long"),
    "zip: control characters": (_zip(zip_member("a\x1b[2Jb")), "control characters"),
    "zip: entries over one another": (_raw(_overlapping()), "over another entry"),
    "zip: entries over one another by their own headers": (
        _raw(_covering()),
        "'b' lies over another entry",
    ),
    "zip: another name inside": (_raw(_other_name_inside()), "another name, '../../e.tx'"),
    "zip: another method inside": (_raw(_told_otherwise(8, b"\0")), "another method, 0"),
    "zip: another checksum inside": (_raw(_told_otherwise(14, b"\1\2")), "another checksum"),
    "zip: another packed size inside": (
        _raw(_told_otherwise(18, b"\0\1")),
        "other sizes, 256 bytes packed and 50 unpacked",
    ),
    "zip: another size inside": (_raw(_told_otherwise(22, b"\x51")), "and 81 unpacked"),
    "zip: another size inside, in zip64": (_raw(_zip64(size=2**40)), "and 1099511627776 unpacked"),
    "zip: another packed size inside, in zip64": (_raw(_zip64(packed=49)), "49 bytes packed"),
    "zip: zip64 without its extra field": (
        _raw(_told_otherwise(22, b"\xff" * 4)),
        "and 4294967295 unpacked",
    ),
    "zip: no header inside": (_raw(_beyond()), "no header of its own"),
    "zip: one entry's ratio": (
        _zip(zip_member("zeros", bytes(8 * 2**20)), zip_member("noise", random.randbytes(2**20))),
        "times its packed size",
    ),
    "zip: ratio bomb": (_zip(zip_member("zeros", bytes(8 * 2**20))), "times its"),
    "zip: total": (
        _zip(*(zip_member(str(n), bytes(2**20)) for n in range(70))),
        "which is the limit",
    ),
    "zip: entries": (_zip(*(zip_member(str(n)) for n in range(1001))), "more than 1000 entries"),
    "zip: nesting": (_zip(zip_member("d/" * 60 + "f")), "directories deep"),
    "zip: encrypted": (_raw(_encrypted()), "is encrypted"),
    "zip: declared size of 8 EiB": (
        _raw(zips.build([ZipEntry("a", b"x")]).replace(b"PK\x01\x02", b"PK\x01\x03")),
        "",
    ),
    "zip: cut short": (_raw(zips.build([ZipEntry("a", b"x" * 999)])[:-30]), ""),
    "tar: up and out": (_tar(member("../../escaped", b"x")), "goes up with"),
    "tar: absolute": (_tar(member("/tmp/escaped", b"x")), "absolute"),
    "tar: link out, file through it": (
        _tar(symlink("out", "../.."), member("out/escaped", b"x")),
        "symbolic link",
    ),
    "tar: link to a link out": (
        _tar(symlink("a", "b/.."), symlink("b", "..")),
        "leaves the destination",
    ),
    "tar: hard link out": (_tar(hard_link("out", "../../outside/canary")), "hard link"),
    "tar: absolute hard link": (_tar(hard_link("out", "/etc/passwd")), "hard link"),
    "tar: link in a circle": (_tar(symlink("a", "b"), symlink("b", "a")), "loop"),
    "tar: character device": (_tar(member("null", type=tarfile.CHRTYPE)), "device"),
    "tar: block device": (_tar(member("disk", type=tarfile.BLKTYPE)), "device"),
    "tar: pipe": (_tar(member("pipe", type=tarfile.FIFOTYPE)), "pipe"),
    "tar: the same name twice": (_tar(member("a", b"1"), member("a", b"2")), "is there twice"),
    "tar: file below a file": (_tar(member("a", b"1"), member("a/b", b"2")), "lies below"),
    "tar: names that differ in case": (_tar(folder("Lib"), member("lib/x")), "only in case"),
    "tar: a name of 300 characters": (_tar(member(_LONG, b"x")), "too long"),
    "tar: pax path": (_pax(path="../../escaped"), "goes up with"),
    "tar: pax size": (_pax(size=str(2**50)), ""),
    "tar: pax negative size": (_pax(size="-5"), ""),
    "tar: sparse bomb": (_sparse_bomb(), ""),
    "tar: GNU name of 4 GiB": (_gnu_long_name(2**32), ""),
    "tar: nothing but its beginning": (_raw(member("a", b"x" * 999)[0].tobuf()), ""),
    "tar.gz: ratio bomb": (
        lambda path: make_tar(path, member("zeros", bytes(8 * 2**20)), mode="w:gz"),
        "times its",
    ),
    "tar.gz: cut short": (
        _raw(gzip.compress(member("a", b"")[0].tobuf() + bytes(10240))[:-9]),
        "",
    ),
    "tar.gz: name in its header without end": (
        _raw(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 2**20),
        "",
    ),
    "tar: another tar behind its end": (_after_the_end(""), "after the mark of the end"),
    "tar.gz: another tar behind its end": (_after_the_end("gz"), "after the mark of the end"),
    "tar.xz: another tar behind its end": (_after_the_end("xz"), "after the mark of the end"),
    "tar.gz: something behind the gzip": (
        _raw(gzip.compress(member("a", b"")[0].tobuf() + bytes(10240)) + b"surprise"),
        "",
    ),
    "tar.xz: 1.5 GiB of memory": (_raw(_hungry_xz()), "more than 256 MiB of memory"),
    "tar.xz: cut short": (
        _raw(lzma.compress(member("a", b"")[0].tobuf() + bytes(10240))[:-9]),
        "",
    ),
    "gzip in gzip": (_raw(gzip.compress(gzip.compress(bytes(10**6)))), ""),
    "neither": (_raw(b"<html>Not Found</html>"), "not an archive"),
}


def _tree(top: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(top)): path.read_bytes() if path.is_file() else None
        for path in sorted(top.rglob("*"))
    }


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_archive_is_refused_before_a_byte_is_outside(name: str, tmp_path: Path) -> None:
    make, word = CORPUS[name]
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "canary").write_bytes(b"alive")
    path = make(tmp_path / "artifact")
    before = _tree(tmp_path)

    with pytest.raises(BadArchive) as err:
        unpack(str(path), str(tmp_path / "outside" / "top" / "release"), _LIMITS)

    assert word in str(err.value)
    left = _tree(tmp_path)
    inside = {key: left.pop(key) for key in list(left) if key.startswith("outside/top")}
    assert left == before
    assert not any(inside.values())  # no content is inside either
    said = str(err.value).partition("written: ")[2] or str(err.value)
    TABLE.append((name, "refused", said[:70]))


@pytest.mark.parametrize(
    "content",
    [
        _zip64(),
        _zip64().replace(_BOTH_SIZES, struct.pack("<2H4x2HQ", 9, 4, 1, 8, 50)),
        zips.build([ZipEntry("a", b"x" * 50, descriptor=True), ZipEntry("b", b"y")]),
        zips.build([ZipEntry("a", b"x" * 50, local_extra=zips.unix_time(1, 2, 3))]),
        zips.build([ZipEntry("a", b"x" * 50, local_extra=bytes(3))]),
        zips.build([ZipEntry("\u00e9", b"x" * 50)], prefix=b"PK\x03\x04" * 9),
    ],
    ids=["zip64", "zip64, one size", "descriptor", "local extra", "padding", "prefix"],
)
def test_headers_that_agree_are_accepted(content: bytes, tmp_path: Path) -> None:
    path = _raw(content)(tmp_path / "artifact")
    unpacked = unpack(str(path), str(tmp_path / "release"), _LIMITS)
    assert unpacked.bytes >= 50


RESERVED = ["CON", "nul.txt", "com1.log", "LPT9", "aux .txt", "COM\u00b9", "a.", "b ", "c:d", "e?f"]


@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize("form", ["zip", "tar"])
def test_names_that_windows_reserves_are_refused_for_its_hosts(
    name: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "WINDOWS", True)
    made = (
        make_zip(tmp_path / "a", zip_member(f"lib/{name}", b"x"))
        if form == "zip"
        else make_tar(tmp_path / "a", member(f"lib/{name}", b"x"))
    )
    with pytest.raises(BadArchive, match=r"Windows|ends in a dot"):
        unpack(str(made), str(tmp_path / "release"), _LIMITS)
    assert not (tmp_path / "release").exists()
    TABLE.append((f"{form}: {name!r} on Windows", "refused", "reserved or forbidden name"))


def test_names_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("caf\udce9")
    info.size = 1
    with tarfile.open(tmp_path / "a", "w", encoding="utf-8", errors="surrogateescape") as made:
        made.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(BadArchive, match="is not UTF-8"):
        unpack(str(tmp_path / "a"), str(tmp_path / "release"), _LIMITS)
    assert not (tmp_path / "release").exists()
    TABLE.append(("tar: a name that is no UTF-8", "refused", "is not UTF-8"))
