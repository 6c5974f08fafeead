"""Archives: good ones of every format, and all the ways in which one can be bad."""

from __future__ import annotations

import errno
import io
import os
import stat
import struct
import tarfile
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from pushguide.errors import BadArchive
from pushguide.host import archive
from pushguide.host.archive import Limits, Unpacked, detect, flush_tree, names, tars, unpack
from pushguide.host.archive.untrusted import BLOCK

TAR_MODES = {"tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}
FORMATS = [*TAR_MODES, "zip"]
MTIME = 1_600_000_000

Member = tuple[tarfile.TarInfo, bytes]
ZipMember = tuple[zipfile.ZipInfo, bytes]


# Building archives.


def member(name: str, content: bytes = b"", **fields: object) -> Member:
    """One entry of a tar, with any field of its header."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mtime = MTIME
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def folder(name: str) -> Member:
    return member(name, type=tarfile.DIRTYPE, mode=0o700)


def symlink(name: str, target: str) -> Member:
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> Member:
    return member(name, type=tarfile.LNKTYPE, linkname=target)


def make_tar(path: Path, *members: Member, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def zip_member(name: str, content: bytes = b"", mode: int = 0, **fields: object) -> ZipMember:
    """One entry of a zip; ``mode`` is the Unix one, with its type."""
    info = zipfile.ZipInfo(name)
    info.orig_filename = info.filename = name
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def zip_symlink(name: str, target: str) -> ZipMember:
    return zip_member(name, target.encode(), mode=stat.S_IFLNK | 0o777)


def make_zip(path: Path, *members: ZipMember) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as made:
        warnings.simplefilter("ignore", UserWarning)  # of duplicate names
        for info, content in members:
            made.writestr(info, content)
    return path


def patch_directory(path: Path, at: int, value: bytes) -> Path:
    """Overwrite a field of the first entry in a zip's central directory."""
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02") + at
    data[start : start + len(value)] = value
    path.write_bytes(data)
    return path


def patch_headers(path: Path, at: int, value: bytes) -> Path:
    """Overwrite a field of the first entry, in the directory and in the entry's own header."""
    patch_directory(path, at, value)
    with path.open("r+b") as made:
        made.seek(at - 2)
        made.write(value)
    return path


def make_site(path: Path, form: str) -> Path:
    """The same small tree in any format."""
    files = {"index.html": b"<p>hello</p>" * 50, "bin/run": b"#!/bin/sh\n", "a/b/empty": b""}
    modes = {"index.html": 0o640, "bin/run": 0o6777, "a/b/empty": 0o4602}
    if form == "zip":
        members = [
            zip_member(name, data, stat.S_IFREG | modes[name]) for name, data in files.items()
        ]
        return make_zip(path, zip_member("a/"), *members, zip_symlink("current", "a/../bin/run"))
    tar_members = [member(name, data, mode=modes[name]) for name, data in files.items()]
    link = symlink("current", "a/../bin/run")
    return make_tar(path, folder("./"), folder("./a"), *tar_members, link, mode=TAR_MODES[form])


def look(root: Path) -> dict[str, bytes | str | None]:
    """Everything under ``root``: content of files, targets of links, None for directories."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


SITE = {
    "a": None,
    "a/b": None,
    "a/b/empty": b"",
    "bin": None,
    "bin/run": b"#!/bin/sh\n",
    "current": "a/../bin/run",
    "index.html": b"<p>hello</p>" * 50,
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Where to unpack: next to a file that must stay as it is."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "canary").write_bytes(b"alive")
    return tmp_path / "outside" / "site"


# Good archives.


@pytest.mark.parametrize("form", FORMATS)
def test_detect_looks_at_the_content(tmp_path: Path, form: str) -> None:
    path = make_site(tmp_path / "artifact.bin", form)
    assert detect(str(path)) == form[:3]


def test_detect_knows_a_tar_without_magic(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "v7", member("a", b"x"))
    data = bytearray(path.read_bytes())
    data[257:265] = bytes(8)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    path.write_bytes(data)
    assert detect(str(path)) == "tar"


@pytest.mark.parametrize("content", [b"", b"\x7fELF\x02\x01\x01", b"PK", bytes(10240)])
def test_detect_names_what_it_found(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "artifact"
    path.write_bytes(content)
    with pytest.raises(BadArchive, match=r"is not an archive.*Accepted are zip, tar") as caught:
        detect(str(path))
    assert content[:8].hex(" ") in str(caught.value)
    assert str(path) in str(caught.value)


def test_detect_refuses_a_compressed_file_that_is_no_tar(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress(b"GET /" * 500))
    with pytest.raises(BadArchive, match="is not an archive"):
        detect(str(path))


@pytest.mark.parametrize("form", FORMATS)
def test_unpack_writes_the_tree(tmp_path: Path, site: Path, form: str) -> None:
    path = make_site(tmp_path / "artifact", form)
    assert unpack(str(path), str(site)) == Unpacked(files=3, bytes=610)
    assert look(site) == SITE


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("umask", [0, 0o077])
def test_modes_are_plain_whatever_the_archive_and_the_umask_say(
    tmp_path: Path, site: Path, form: str, umask: int
) -> None:
    path = make_site(tmp_path / "artifact", form)
    before = os.umask(umask)
    try:
        unpack(str(path), str(site))
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((site / name).lstat().st_mode) for name in SITE}
    del modes["current"]
    assert modes == {
        "a": 0o755,
        "a/b": 0o755,
        "a/b/empty": 0o644,
        "bin": 0o755,
        "bin/run": 0o755,
        "index.html": 0o644,
    }
    assert stat.S_IMODE(site.stat().st_mode) == 0o755


def test_a_zip_without_unix_modes_gives_plain_ones(tmp_path: Path, site: Path) -> None:
    path = make_zip(tmp_path / "z", zip_member("d/"), zip_member("d/f", b"x"))
    unpack(str(path), str(site))
    assert stat.S_IMODE((site / "d").stat().st_mode) == 0o755
    assert stat.S_IMODE((site / "d" / "f").stat().st_mode) == 0o644


def test_an_empty_directory_is_a_fine_destination(tmp_path: Path, site: Path) -> None:
    site.mkdir(mode=0o700)
    unpack(str(make_site(tmp_path / "artifact", "tar")), str(site))
    assert look(site) == SITE
    assert stat.S_IMODE(site.stat().st_mode) == 0o700


def test_tar_keeps_the_time_of_files(tmp_path: Path, site: Path) -> None:
    wild = ["-1e300", "nan", "inf", "1e300"]
    odd = [member(f"odd{text}", pax_headers={"mtime": text}) for text in wild]
    path = make_tar(tmp_path / "t", member("f", b"x"), *odd)
    earliest = time.time() - 1
    unpack(str(path), str(site))
    assert (site / "f").stat().st_mtime == MTIME
    assert all((site / f"odd{text}").stat().st_mtime >= earliest for text in wild)


def test_zip_keeps_the_time_of_files(tmp_path: Path, site: Path) -> None:
    universal = struct.pack("<HHHHBi", 0x9999, 0, 0x5455, 5, 1, MTIME)
    path = make_zip(
        tmp_path / "z",
        zip_member("local", b"x", date_time=(2021, 7, 1, 12, 30, 10)),
        zip_member("universal", b"x", date_time=(2021, 7, 1, 12, 30, 10), extra=universal),
    )
    unpack(str(path), str(site))
    local = time.localtime((site / "local").stat().st_mtime)
    assert local[:6] == (2021, 7, 1, 12, 30, 10)
    assert (site / "universal").stat().st_mtime == MTIME


def test_symbolic_links_inside_are_kept(tmp_path: Path, site: Path) -> None:
    links = {
        "up/down/link": "../../file",
        "dir": "up/down",
        "through": "dir/../down/link",  # through another link, and up again from its end
        "root": "up/..",
        "dangling": "up/../not/there/yet",
    }
    members = [symlink(name, target) for name, target in links.items()]
    path = make_tar(tmp_path / "t", *members, member("file", b"content"))
    unpack(str(path), str(site))
    assert {name: os.readlink(site / name) for name in links} == links
    assert (site / "through").read_bytes() == b"content"


def test_hard_links_are_hard_links(tmp_path: Path, site: Path) -> None:
    path = make_tar(
        tmp_path / "t",
        hard_link("early", "./d/file"),
        member("d/file", b"content"),
        hard_link("chained", "early"),
    )
    assert unpack(str(path), str(site)) == Unpacked(files=3, bytes=7)
    assert (site / "early").read_bytes() == b"content"
    assert (site / "d" / "file").stat().st_nlink == 3


def test_hard_links_become_copies_where_there_are_none(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = OSError(errno.EOPNOTSUPP, "no hard links here")
    monkeypatch.setattr(os, "link", mock.create_autospec(os.link, side_effect=failure))
    path = make_tar(tmp_path / "t", member("file", b"run", mode=0o755), hard_link("copy", "file"))
    unpack(str(path), str(site))
    copied = (site / "copy").stat()
    assert (site / "copy").read_bytes() == b"run"
    assert (stat.S_IMODE(copied.st_mode), copied.st_mtime) == (0o755, MTIME)
    assert (site / "file").stat().st_nlink == 1


def test_a_zip_made_with_backslashes_gives_directories(tmp_path: Path, site: Path) -> None:
    deep = "a" * 150, "b" * 150
    path = make_zip(
        tmp_path / "z",
        zip_member("bin\\"),
        zip_member("bin\\app.dll", b"x"),
        zip_member("\\".join(deep), b"y"),
    )
    unpack(str(path), str(site))
    made = {"bin": None, "bin/app.dll": b"x", deep[0]: None, "/".join(deep): b"y"}
    assert look(site) == made


def test_sparse_files_are_filled(tmp_path: Path, site: Path) -> None:
    sparse_map = b"2\n0\n5\n100\n5\n".ljust(512, b"\0")
    headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "holes",
        "GNU.sparse.realsize": "105",
    }
    content = sparse_map + b"beginends!"
    path = make_tar(tmp_path / "t", member("GNUSparseFile.0/holes", content, pax_headers=headers))
    assert unpack(str(path), str(site)) == Unpacked(files=1, bytes=105)
    assert (site / "holes").read_bytes() == b"begin" + bytes(95) + b"ends!"


def test_content_longer_than_a_block_arrives_whole(tmp_path: Path, site: Path) -> None:
    content = os.urandom(2 * BLOCK + 17)
    make_tar(tmp_path / "t", member("big", content))
    make_zip(tmp_path / "z", zip_member("big", content))
    unpack(str(tmp_path / "t"), str(site / "t"))
    unpack(str(tmp_path / "z"), str(site / "z"))
    assert (site / "t" / "big").read_bytes() == (site / "z" / "big").read_bytes() == content


def test_directories_may_be_listed_twice(tmp_path: Path, site: Path) -> None:
    path = make_tar(tmp_path / "t", folder("a"), member("a//f", b"x"), folder("./a/"))
    unpack(str(path), str(site))
    assert look(site) == {"a": None, "a/f": b"x"}


# Refused archives.

TAR_REFUSALS = {
    "absolute": ([member("/abs")], "'/abs' is an absolute path"),
    "unc": ([member("\\\\server\\share\\f")], "is an absolute path"),
    "drive": ([member("C:f")], "'C:f' begins with a drive letter"),
    "dotdot": ([member("a/../../canary")], "goes up with '..'"),
    "dotdot inside": ([member("a/../f")], "goes up with '..'"),
    "backslash dotdot": ([member("..\\canary")], "goes up with '..'"),
    "control": ([member("a\nb")], "has control characters"),
    "nul": ([member("f", pax_headers={"path": "a\0b"})], "has control characters"),
    "c1 control": ([member("a\x9bb")], "has control characters"),
    "empty": ([member("")], "'' has an empty name"),
    "dot as a file": ([member(".")], "'.' has an empty name"),
    "long part": ([member("x" * 256)], "is too long"),
    "long part with a backslash": ([member("x" * 200 + "\\" + "y" * 200)], "is too long"),
    "long name": ([member("x/" * 2500 + "f")], "is too long"),
    "symlink up": ([symlink("a", "..")], "which leaves the destination"),
    "symlink to canary": ([symlink("a/b", "../../canary")], "which leaves the destination"),
    "symlink absolute": ([symlink("a", "/etc")], "its target '/etc' is an absolute path"),
    "symlink drive": ([symlink("a", "C:x")], "begins with a drive letter"),
    "symlink backslash": ([symlink("a", "..\\canary")], "its target has backslashes"),
    "symlink control": ([symlink("a", "x\ty")], "has control characters"),
    "symlink empty": ([symlink("a", "")], "its target is empty"),
    "symlink chain": ([symlink("a", "b"), symlink("b", "..")], "'a' is a symbolic link to 'b'"),
    "symlink through symlink": (
        [folder("x/y"), symlink("x/y/to", "../.."), symlink("a", "x/y/to/../canary")],
        "'a' is a symbolic link to 'x/y/to/../canary', which leaves the destination",
    ),
    "symlink through other case": (
        [symlink("x/Deep", ".."), symlink("a", "x/deep/../canary")],
        "which leaves the destination",
    ),
    "symlink up from nowhere": (
        [symlink("a", "made/later/../f")],
        "which goes up again from what is not in the archive",
    ),
    "symlink loop": ([symlink("a", "b"), symlink("b", "a")], "goes round in a loop"),
    "symlink to itself": ([symlink("a", "./a/x")], "goes round in a loop"),
    "below a symlink": (
        [symlink("a", "b"), member("a/f", b"x")],
        "'a/f' lies below 'a', a symbolic link",
    ),
    "symlink above": (
        [member("a/f", b"x"), symlink("a", "b")],
        "'a' is there as a symbolic link and as a directory",
    ),
    "below a file": ([member("a"), member("a/f")], "'a/f' lies below 'a', a file"),
    "hard link outside": ([hard_link("a", "../canary")], "which is not a file of the archive"),
    "hard link absolute": ([member("f"), hard_link("a", "/f")], "is a hard link to '/f'"),
    "hard link to nothing": ([hard_link("a", "b")], "which is not a file of the archive"),
    "hard link to itself": ([hard_link("a", "a")], "which is not a file of the archive"),
    "hard link to symlink": (
        [member("f"), symlink("s", "f"), hard_link("a", "s")],
        "'a' is a hard link to 's', which is not a file of the archive",
    ),
    "character device": ([member("a", type=tarfile.CHRTYPE)], "'a' is a device, a pipe"),
    "block device": ([member("a", type=tarfile.BLKTYPE)], "'a' is a device, a pipe"),
    "fifo": ([member("a", type=tarfile.FIFOTYPE)], "'a' is a device, a pipe"),
    "unknown type": ([member("a", type=b"Z")], "'a' is a device, a pipe"),
    "twice": ([member("a"), member("./a")], "'./a' is there twice"),
    "case": ([member("Read"), member("READ")], "'READ' differs from 'Read' only in case"),
    "case of a directory": ([member("D/x"), member("d/y")], "'d/y' differs from 'D' only in case"),
    "composition": ([member("caf\u00e9"), member("cafe\u0301")], "only in case or accents"),
    "sharp s": ([member("stra\u00dfe"), member("STRASSE")], "only in case or accents"),
    "file and directory": ([member("a"), folder("a")], "is there as a directory and as a file"),
    "implied directory": ([member("a/b"), member("a")], "is there as a file and as a directory"),
    "nothing": ([folder("./a"), member("../x")], "'../x' goes up with '..'"),
}

ZIP_REFUSALS = {
    "absolute": ([zip_member("/abs")], "is an absolute path"),
    "drive": ([zip_member("c:\\f")], "begins with a drive letter"),
    "unc": ([zip_member("//server/share/f")], "is an absolute path"),
    "dotdot": ([zip_member("../canary", b"dead")], "goes up with '..'"),
    "backslash dotdot": ([zip_member("a\\..\\..\\canary")], "goes up with '..'"),
    "nul": ([zip_member("a\0b")], "has control characters"),
    "empty": ([zip_member("")], "'' has an empty name"),
    "nothing in it": ([], "it holds nothing"),
    "twice": ([zip_member("a"), zip_member("a")], "'a' is there twice"),
    "backslash twice": ([zip_member("a\\b"), zip_member("a/b")], "'a/b' is there twice"),
    "file and directory": ([zip_member("a"), zip_member("a/")], "as a directory and as a file"),
    "symlink up": ([zip_symlink("a", "../canary")], "which leaves the destination"),
    "symlink chain": ([zip_symlink("a", "b/.."), zip_symlink("b", ".")], "leaves the destination"),
    "below a symlink": ([zip_symlink("a", "b"), zip_member("a/f")], "'a/f' lies below 'a'"),
    "symlink with a long target": ([zip_symlink("a", "x" * 5000)], "with a target of 5000 bytes"),
    "fifo": ([zip_member("a", mode=stat.S_IFIFO | 0o644)], "is a device, a pipe"),
    "socket": ([zip_member("a", mode=stat.S_IFSOCK | 0o644)], "is a device, a pipe"),
    "device": ([zip_member("a/", mode=stat.S_IFBLK | 0o644)], "is a device, a pipe"),
    "directory with content": ([zip_member("a/", b"hidden")], "with content of its own"),
    "bzip2": ([zip_member("a", b"x", compress_type=zipfile.ZIP_BZIP2)], "compressed by method 12"),
    "lzma": ([zip_member("a", b"x", compress_type=zipfile.ZIP_LZMA)], "compressed by method 14"),
}


def refusal_of(path: Path, site: Path, limits: Limits = archive.DEFAULT_LIMITS) -> str:
    """The message of a refusal, having proved that nothing at all was written."""
    before = look(path.parent)
    with pytest.raises(BadArchive) as caught:
        unpack(str(path), str(site), limits)
    assert look(path.parent) == before
    assert not site.exists()
    message = str(caught.value)
    assert str(path) in message
    assert str(site) in message
    return message


@pytest.mark.parametrize(("members", "why"), TAR_REFUSALS.values(), ids=TAR_REFUSALS.keys())
def test_bad_tars_are_refused_before_anything_is_written(
    tmp_path: Path, site: Path, members: list[Member], why: str
) -> None:
    path = make_tar(tmp_path / "artifact", member("good", b"x"), *members)
    assert why in refusal_of(path, site)


@pytest.mark.parametrize(("members", "why"), ZIP_REFUSALS.values(), ids=ZIP_REFUSALS.keys())
def test_bad_zips_are_refused_before_anything_is_written(
    tmp_path: Path, site: Path, members: list[ZipMember], why: str
) -> None:
    path = make_zip(tmp_path / "artifact", *members)
    assert why in refusal_of(path, site)


@pytest.mark.parametrize(
    ("at", "value", "why"),
    [
        (8, b"\x01\x00", "is encrypted"),
        (8, b"\x41\x00", "is encrypted"),
        (10, b"\x09\x00", "is compressed by method 9"),
    ],
)
def test_zips_that_cannot_be_read_are_refused(
    tmp_path: Path, site: Path, at: int, value: bytes, why: str
) -> None:
    path = make_zip(tmp_path / "artifact", zip_member("a", b"x"), zip_member("b", b"x"))
    assert f"'a' {why}" in refusal_of(patch_directory(path, at, value), site)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("con", "a name that Windows reserves"),
        ("a/NUL.tar.gz", "a name that Windows reserves"),
        ("lpt1 .txt/f", "a name that Windows reserves"),
        ("COM\u00b9", "a name that Windows reserves"),
        ("a./f", "ends in a dot or a space"),
        ("f ", "ends in a dot or a space"),
        ("file:stream", "characters that Windows forbids"),
        ("what?", "characters that Windows forbids"),
        ("a\\f|g", "characters that Windows forbids"),
    ],
)
def test_names_that_windows_cannot_have_are_refused_there_alone(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    members = [member(name, b"x"), member("console/com10/nulls.txt", b"x")]
    path = tmp_path / "artifact"
    with tarfile.open(path, "w", errors="surrogateescape") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    unpack(str(path), str(tmp_path / "elsewhere"))
    monkeypatch.setattr(names, "WINDOWS", True)
    message = refusal_of(path, site)
    assert why in message
    assert "console" not in message


def test_all_problems_are_named_up_to_twenty(tmp_path: Path, site: Path) -> None:
    path = make_tar(tmp_path / "artifact", *[member(f"../{n:02}") for n in range(27)])
    message = refusal_of(path, site)
    assert message.count("goes up with '..'") == 20
    assert "'../19'" in message
    assert "'../20'" not in message
    assert "and 7 more problems" in message


def test_one_entry_may_have_several_problems(tmp_path: Path, site: Path) -> None:
    path = make_tar(tmp_path / "artifact", member("/../a\tb", type=tarfile.FIFOTYPE))
    message = refusal_of(path, site)
    for why in ("is an absolute path", "goes up", "has control characters", "is a device"):
        assert why in message


def test_a_long_name_does_not_flood_the_message(tmp_path: Path, site: Path) -> None:
    path = make_tar(tmp_path / "artifact", member("x" * 100_000))
    assert len(refusal_of(path, site)) < 1000


@pytest.mark.parametrize("form", ["tar.gz", "zip"])
def test_a_bomb_is_refused_by_its_declared_size(tmp_path: Path, site: Path, form: str) -> None:
    zeros = bytes(8 * 2**20)
    path = tmp_path / "artifact"
    if form == "zip":
        make_zip(path, *[zip_member(f"f{n}", zeros) for n in range(4)])
    else:
        make_tar(path, *[member(f"f{n}", zeros) for n in range(4)], mode="w:gz")
    assert path.stat().st_size < 2**17
    message = refusal_of(path, site, Limits(unpacked_bytes=32 * 2**20 - 1))
    assert "more than 33554431 bytes, which is the limit" in message
    assert unpack(str(path), str(site), Limits(unpacked_bytes=32 * 2**20)).bytes == 32 * 2**20


def test_hard_links_count_as_what_their_copies_would_take(tmp_path: Path, site: Path) -> None:
    path = make_tar(tmp_path / "artifact", member("f", bytes(600)), hard_link("g", "f"))
    assert "more than 1000 bytes" in refusal_of(path, site, Limits(unpacked_bytes=1000))


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_more_entries_than_the_limit_are_refused(tmp_path: Path, site: Path, form: str) -> None:
    path = tmp_path / "artifact"
    if form == "zip":
        make_zip(path, *[zip_member(f"f{n}") for n in range(4)])
    else:
        make_tar(path, *[member(f"f{n}") for n in range(4)])
    assert "more than 3 entries" in refusal_of(path, site, Limits(entries=3))
    assert unpack(str(path), str(site), Limits(entries=4)).files == 4


def test_implied_directories_count_too(tmp_path: Path, site: Path) -> None:
    path = make_tar(tmp_path / "artifact", member("d/" * 50 + "f"))
    assert "more than 20 entries" in refusal_of(path, site, Limits(entries=20))


def test_headers_without_end_are_not_read_into_memory(tmp_path: Path, site: Path) -> None:
    flood = {"comment": "x" * (2 * tars.MOST_HEADER_BYTES)}
    path = make_tar(tmp_path / "artifact", member("a"), member("b", pax_headers=flood))
    with pytest.raises(BadArchive, match="headers or its padding are longer"):
        unpack(str(path), str(site))
    assert not site.exists()


def test_a_central_directory_without_end_is_not_read_into_memory(
    tmp_path: Path, site: Path
) -> None:
    comments = [zip_member(f"f{n}", comment=b"x" * 60_000) for n in range(10)]
    path = make_zip(tmp_path / "artifact", *comments)
    with pytest.raises(BadArchive, match="headers or its padding are longer"):
        unpack(str(path), str(site), Limits(entries=10))
    assert not site.exists()


def test_padding_without_end_is_given_up(tmp_path: Path, site: Path) -> None:
    path = make_tar(tmp_path / "artifact", member("a"))
    with path.open("r+b") as made:
        made.truncate(tars.MOST_TRAILER_BYTES)
    assert unpack(str(path), str(tmp_path / "elsewhere")).files == 1
    with path.open("r+b") as made:
        made.truncate(tars.MOST_TRAILER_BYTES + 4096)
    with pytest.raises(BadArchive, match="headers or its padding are longer"):
        unpack(str(path), str(site))
    assert not site.exists()


def test_a_tar_with_a_negative_size_is_given_up(tmp_path: Path, site: Path) -> None:
    path = make_tar(tmp_path / "artifact", member("a"), member("b"))
    data = bytearray(path.read_bytes())
    data[512 + 124 : 512 + 136] = (-1024).to_bytes(12, "big", signed=True)
    data[512 + 148 : 512 + 156] = b" " * 8
    data[512 + 148 : 512 + 156] = b"%06o\0 " % sum(data[512:1024])
    path.write_bytes(data)
    # Some tarfiles refuse such a header themselves, each with words of its own.
    refusal = r"'b'.*declares -1024 bytes|Reading the archive .* failed"
    with pytest.raises(BadArchive, match=refusal):
        unpack(str(path), str(site))
    assert not site.exists()


@pytest.mark.parametrize("found", ["full", "file", "link"])
def test_the_destination_must_be_new_or_empty(tmp_path: Path, site: Path, found: str) -> None:
    path = make_site(tmp_path / "artifact", "zip")
    if found == "full":
        site.mkdir()
        (site / "index.html").write_bytes(b"live")
    elif found == "file":
        site.write_bytes(b"live")
    else:
        (tmp_path / "empty").mkdir()
        site.symlink_to(tmp_path / "empty")
    before = look(tmp_path)
    with pytest.raises(BadArchive, match="needs a new or empty directory"):
        unpack(str(path), str(site))
    assert look(tmp_path) == before


# Archives that lie or are damaged.


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("declared", [10, 0])
def test_content_beyond_the_declared_size_is_given_up(
    tmp_path: Path, site: Path, method: int, declared: int
) -> None:
    content = bytes(range(256)) * 2**16
    path = make_zip(tmp_path / "z", zip_member("trap", content, compress_type=method))
    patch_headers(path, 24, struct.pack("<L", declared))
    # A checksum that fits the beginning, so that nothing but the length can tell.
    patch_headers(path, 16, struct.pack("<L", zlib.crc32(content[:declared])))
    with pytest.raises(BadArchive, match=f"'trap'.*more than the {declared} bytes") as caught:
        unpack(str(path), str(site))
    assert str(path) in str(caught.value)
    assert (site / "trap").stat().st_size == 0


def test_content_short_of_the_declared_size_is_given_up(tmp_path: Path, site: Path) -> None:
    path = make_zip(tmp_path / "z", zip_member("short", b"x" * 100))
    patch_headers(path, 24, struct.pack("<L", 200))
    with pytest.raises(BadArchive, match=r"'short'.*less than the 200 bytes"):
        unpack(str(path), str(site))


def test_a_wrong_checksum_is_damage(tmp_path: Path, site: Path) -> None:
    path = make_zip(tmp_path / "z", zip_member("f", b"x" * 100))
    patch_headers(path, 16, b"\0\0\0\0")
    with pytest.raises(BadArchive, match="damaged or cut short") as caught:
        unpack(str(path), str(site))
    assert isinstance(caught.value.__cause__, zipfile.BadZipFile)


def test_a_tar_gz_with_a_wrong_checksum_is_found_before_writing(tmp_path: Path, site: Path) -> None:
    path = make_site(tmp_path / "artifact", "tar.gz")
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadArchive, match="damaged or cut short"):
        unpack(str(path), str(site))
    assert not site.exists()


def test_a_tar_cut_between_two_entries_is_not_taken_for_whole(tmp_path: Path, site: Path) -> None:
    path = make_tar(tmp_path / "artifact", member("a", b"x"), member("b", b"x"))
    path.write_bytes(path.read_bytes()[:1024])
    with pytest.raises(BadArchive, match=r"at byte 1024 of the tar.*cut short"):
        unpack(str(path), str(site))
    assert not site.exists()


def test_a_tar_with_a_broken_header_in_the_middle_is_not_taken_for_whole(
    tmp_path: Path, site: Path
) -> None:
    path = make_tar(tmp_path / "artifact", member("a", b"x"), member("b", b"x"))
    data = bytearray(path.read_bytes())
    data[1024] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadArchive, match="at byte 1024 of the tar"):
        unpack(str(path), str(site))
    assert not site.exists()


def cuts(data: bytes) -> Iterator[bytes]:
    for length in range(0, len(data), max(1, len(data) // 150)):
        yield data[:length]


def flips(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), max(1, len(data) // 400)):
        yield data[:at] + bytes([data[at] ^ 0x95]) + data[at + 1 :]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("damage", [cuts, flips])
def test_damage_anywhere_is_bad_archive_and_stays_inside(
    tmp_path: Path, form: str, damage: Callable[[bytes], Iterator[bytes]]
) -> None:
    whole = make_site(tmp_path / "whole", form).read_bytes()
    refused = 0
    for number, data in enumerate(damage(whole)):
        path = tmp_path / "artifact"
        path.write_bytes(data)
        try:
            unpack(str(path), str(tmp_path / "made" / str(number)))
        except BadArchive:
            refused += 1
        else:
            if damage is cuts:  # only padding may be missing
                assert look(tmp_path / "made" / str(number)) == SITE
    assert refused > 20
    assert {found.name for found in tmp_path.iterdir()} <= {"whole", "artifact", "made"}


# What is not the archive's fault.


def test_a_missing_archive_is_an_os_error(tmp_path: Path, site: Path) -> None:
    with pytest.raises(FileNotFoundError):
        unpack(str(tmp_path / "nowhere"), str(site))


def test_a_destination_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    path = make_site(tmp_path / "artifact", "tar.gz")
    with pytest.raises(NotADirectoryError):
        unpack(str(path), str(path / "below a file"))


@pytest.mark.parametrize("form", ["tar.xz", "zip"])
def test_a_file_that_cannot_be_written_is_an_os_error(
    tmp_path: Path, site: Path, form: str
) -> None:
    path = make_site(tmp_path / "artifact", form)
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            unpack(str(path), str(site))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG


# Durability.


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The inodes that were flushed one by one; 0 for the whole system."""
    seen: list[int] = []
    fsync, sync = os.fsync, os.sync

    def note_fsync(fd: int) -> None:
        seen.append(os.fstat(fd).st_ino)
        fsync(fd)

    def note_sync() -> None:
        seen.append(0)
        sync()

    monkeypatch.setattr(os, "fsync", mock.create_autospec(fsync, side_effect=note_fsync))
    monkeypatch.setattr(os, "sync", mock.create_autospec(sync, side_effect=note_sync))
    return seen


def test_a_small_tree_is_flushed_piece_by_piece(
    tmp_path: Path, site: Path, flushed: list[int]
) -> None:
    unpack(str(make_site(tmp_path / "artifact", "tar")), str(site))
    (site / "out").symlink_to(tmp_path / "artifact")
    flush_tree(str(site), most_single=3)
    places = [site.parent, site, *(path for path in site.rglob("*") if not path.is_symlink())]
    assert sorted(flushed) == sorted(path.stat().st_ino for path in places)
    assert flushed[-2:] == [site.stat().st_ino, site.parent.stat().st_ino]


def test_a_large_tree_is_flushed_with_the_system(
    tmp_path: Path, site: Path, flushed: list[int]
) -> None:
    unpack(str(make_site(tmp_path / "artifact", "tar")), str(site))
    flush_tree(str(site), most_single=2)
    assert flushed == [0]


def test_a_large_tree_is_flushed_piece_by_piece_where_the_system_cannot(
    tmp_path: Path, site: Path, flushed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack(str(make_site(tmp_path / "artifact", "tar")), str(site))
    monkeypatch.delattr(os, "sync")
    flush_tree(str(site), most_single=2)
    assert (site / "index.html").stat().st_ino in flushed
    assert (site / "a" / "b").stat().st_ino in flushed


def test_flushing_what_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        flush_tree(str(tmp_path / "nowhere"))
