"""Unpacking only what changed: the same tree as ever, whatever the release before looks like."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushguide.errors import BadArchive, StepFailed
from pushguide.host import ownership
from pushguide.host.archive import Earlier, unpack
from pushguide.host.archive import earlier as earlier_module
from pushguide.host.removal import remove_tree
from pushguide.inflate import Gunzip

Files = dict[str, tuple[bytes, bool]]


def pack(path: Path, files: Files, form: str, mtime: int = 1_700_000_000) -> str:
    """An archive of some files, each with whether it is executable."""
    if form == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            for name, (content, executable) in files.items():
                info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
                info.external_attr = (0o100755 if executable else 0o100644) << 16
                made.writestr(info, content, zipfile.ZIP_DEFLATED)
        return str(path)
    with tarfile.open(path, "w:gz") as tar:
        for name, (content, executable) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), mtime
            entry.mode = 0o755 if executable else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return str(path)


def look(top: Path) -> dict[str, tuple[bytes, bool]]:
    """What is in a tree."""
    return {
        one.relative_to(top).as_posix(): (one.read_bytes(), bool(one.stat().st_mode & stat.S_IXUSR))
        for one in top.rglob("*")
        if one.is_file()
    }


_NAMES = st.sampled_from([f"{top}/{name}" for top in ("app", "lib/x", "lib") for name in "abcd"])
_FILES = st.dictionaries(
    _NAMES, st.tuples(st.binary(max_size=20) | st.just(b"z" * 3000), st.booleans()), min_size=1
)


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
@settings(max_examples=150, deadline=None)
@given(
    before=_FILES,
    after=_FILES,
    edits=st.dictionaries(_NAMES, st.binary(max_size=20)),
    way=st.sampled_from(["copy", "reflink", "hard_link"]),
)
def test_the_tree_is_what_the_archive_says(
    form: str, before: Files, after: Files, edits: dict[str, bytes], way: str
) -> None:
    with tempfile.TemporaryDirectory() as place:
        top = Path(place)
        old, new = top / "old", top / "new"
        unpack(pack(top / "1", before, form), str(old), earlier=Earlier(None, way))
        for name, content in edits.items():
            # As root, and in spite of a read-only mode, somebody edits what is live.
            if (old / name).is_file():
                (old / name).write_bytes(content)

        told = unpack(pack(top / "2", after, form), str(new), earlier=Earlier(str(old), way))

        assert look(new) == after
        assert told.files == len(after)
        remove_tree(str(old))
        assert look(new) == after


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_unchanged_files_are_shared_and_cannot_be_written_to(form: str, tmp_path: Path) -> None:
    before = {"a": (b"same", False), "bin/run": (b"#!", True), "b": (b"old", False)}
    after = {**before, "b": (b"new", False), "c": (b"same", False)}
    first = Earlier(None, "hard_link")
    unpack(pack(tmp_path / "1", before, form), str(tmp_path / "old"), earlier=first)

    second = Earlier(str(tmp_path / "old"), "hard_link")
    told = unpack(pack(tmp_path / "2", after, form), str(tmp_path / "new"), earlier=second)

    assert told.unchanged == 2
    inodes = {
        name: [(tmp_path / top / name).stat().st_ino for top in ("old", "new")] for name in before
    }
    assert {name: len({*pair}) for name, pair in inodes.items()} == {"a": 1, "bin/run": 1, "b": 2}
    modes = {str(one.relative_to(tmp_path)): one.stat().st_mode for one in tmp_path.rglob("new/**")}
    assert not any(mode & 0o222 for mode in modes.values())
    assert (tmp_path / "new" / "bin" / "run").stat().st_mode & 0o777 == 0o555


def test_a_tree_that_may_be_written_to_is_not_shared(tmp_path: Path) -> None:
    files = {"a": (b"same", False)}
    unpack(pack(tmp_path / "1", files, "zip"), str(tmp_path / "old"), earlier=None)
    shared = Earlier(str(tmp_path / "old"), "hard_link")
    assert unpack(pack(tmp_path / "2", files, "zip"), str(tmp_path / "new"), earlier=shared)[2] == 0


def test_a_file_system_without_reflinks_gets_copies_with_right_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_clone(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(earlier_module, "_clone", no_clone)
    files = {"a": (b"same", False), "b": (b"z" * 3_000_000, True)}
    unpack(pack(tmp_path / "1", files, "tar.gz"), str(tmp_path / "old"))
    other = Earlier(str(tmp_path / "old"), "reflink")
    packed = pack(tmp_path / "2", files, "tar.gz", mtime=1_600_000_000)
    unpack(packed, str(tmp_path / "new"), earlier=other)
    assert look(tmp_path / "new") == files
    assert {one.stat().st_mtime for one in (tmp_path / "new").iterdir()} == {1_600_000_000}


def test_a_large_file_that_differs_at_its_end_is_written_whole(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(3_000_000)
    before, after = {"a": (content, False)}, {"a": (content[:-1] + b"!", False)}
    first = Earlier(None, "hard_link")
    unpack(pack(tmp_path / "1", before, "tar.gz"), str(tmp_path / "old"), earlier=first)
    second = Earlier(str(tmp_path / "old"), "hard_link")
    unpack(pack(tmp_path / "2", after, "tar.gz"), str(tmp_path / "new"), earlier=second)
    assert look(tmp_path / "new") == after
    assert look(tmp_path / "old") == before


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_a_directory_that_became_a_link_is_not_followed(form: str, tmp_path: Path) -> None:
    files = {"lib/a": (b"same", False)}
    unpack(pack(tmp_path / "1", files, form), str(tmp_path / "old"), earlier=Earlier(None, "copy"))
    outside = tmp_path / "outside"
    (tmp_path / "old" / "lib").rename(outside)
    (outside / "a").chmod(0o444)
    (tmp_path / "old" / "lib").symlink_to(outside)
    shared = Earlier(str(tmp_path / "old"), "hard_link")
    told = unpack(pack(tmp_path / "2", files, form), str(tmp_path / "new"), earlier=shared)
    assert told.unchanged == 0
    assert (tmp_path / "new/lib/a").stat().st_ino != (outside / "a").stat().st_ino


def test_a_file_that_is_touched_while_it_is_proven_is_not_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a": (b"same", False)}
    unpack(
        pack(tmp_path / "1", files, "zip"),
        str(tmp_path / "old"),
        earlier=Earlier(None, "hard_link"),
    )
    usual = earlier_module._crc_of

    def and_then_somebody_edits(path: str) -> int:
        crc = usual(path)
        Path(path).write_bytes(b"else")
        os.utime(path, (1, 1))
        return crc

    monkeypatch.setattr(earlier_module, "_crc_of", and_then_somebody_edits)
    shared = Earlier(str(tmp_path / "old"), "hard_link")
    told = unpack(pack(tmp_path / "2", files, "zip"), str(tmp_path / "new"), earlier=shared)
    assert told.unchanged == 0
    assert look(tmp_path / "new") == files


def test_directories_keep_their_times(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "1", "w") as tar:
        for number, name in enumerate(("app", "app/lib")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mtime = tarfile.DIRTYPE, 1_600_000_000 + number
            tar.addfile(entry)
        entry = tarfile.TarInfo("app/lib/a")
        tar.addfile(entry, io.BytesIO())
    unpack(str(tmp_path / "1"), str(tmp_path / "new"))
    assert (tmp_path / "new/app").stat().st_mtime == 1_600_000_000
    assert (tmp_path / "new/app/lib").stat().st_mtime == 1_600_000_001


# Read-only trees can be removed, by who is not root as well.


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() != 0, reason="only root can become somebody else"
)
def test_who_is_not_root_removes_a_read_only_tree(tmp_path: Path) -> None:
    files = {"a/b/c": (b"x", False), "d": (b"y", True)}
    tree = Path(tempfile.mkdtemp())
    tree.chmod(0o755)
    unpack(pack(tmp_path / "1", files, "zip"), str(tree / "r"), earlier=Earlier(None, "hard_link"))
    ownership.give_to("nobody", str(tree))
    code = (
        "import os, sys; os.setgid({gid}); os.setuid({uid}); "
        "from pushguide.host.removal import remove_tree; remove_tree({path!r})"
    )
    user = pytest.importorskip("pwd").getpwnam("nobody")
    words = code.format(gid=user.pw_gid, uid=user.pw_uid, path=str(tree / "r"))
    # What is imported has to be readable for nobody: it is loaded before root is given up.
    words = "from pushguide.host import removal; " + words
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-500:]
    assert not (tree / "r").exists()
    remove_tree(str(tree))


# Users.


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files away")
def test_files_and_links_are_given_to_a_user(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("root's")
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "file").write_text("x")
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "outside")
    ownership.give_to("nobody", str(tmp_path / "tree"))
    uid = pytest.importorskip("pwd").getpwnam("nobody").pw_uid
    assert {one.lstat().st_uid for one in (tmp_path / "tree").rglob("*")} == {uid}
    assert (tmp_path / "tree").stat().st_uid == uid
    assert (tmp_path / "outside").stat().st_uid == 0


def test_a_user_that_is_not_there_is_told() -> None:
    with pytest.raises(StepFailed, match=r"There is no user 'nobody-at-all' on this host"):
        ownership.demand_user("nobody-at-all")


# Gunzip.


@settings(max_examples=200, deadline=None)
@given(
    members=st.lists(st.binary(max_size=2000), min_size=1, max_size=4),
    counts=st.lists(st.integers(0, 700), min_size=1, max_size=20),
    padding=st.integers(0, 20),
)
def test_gunzip_reads_what_gzip_reads(
    members: list[bytes], counts: list[int], padding: int
) -> None:
    packed = b"".join(map(gzip.compress, members)) + bytes(padding)
    ours, theirs = Gunzip(io.BytesIO(packed)), gzip.GzipFile(fileobj=io.BytesIO(packed))
    for count in counts:
        assert ours.read(count) == theirs.read(count)
        assert ours.tell() == theirs.tell()
    ours.seek(counts[0])
    theirs.seek(counts[0])
    assert ours.tell() == min(counts[0], len(b"".join(members)))
    assert ours.read() == theirs.read()


@pytest.mark.parametrize("cut", [1, 5, 9, 20])
def test_a_gzip_that_is_cut_short_is_told(cut: int) -> None:
    with pytest.raises(EOFError):
        Gunzip(io.BytesIO(gzip.compress(bytes(range(256)) * 20)[:-cut])).read()


def test_what_follows_a_gzip_must_be_one(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("x"))
    with (tmp_path / "a").open("ab") as handle:
        handle.write(b"something else")
    with pytest.raises(BadArchive):
        unpack(str(tmp_path / "a"), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
