"""Reading a tar, compressed or not, in one pass from front to back."""

from __future__ import annotations

import os
import tarfile
from typing import IO, cast

from pushguide.inflate import decompressed
from pushguide.master.standards.bounds import Beginnings, Paths, Unreadable, reading
from pushguide.standards.globs import Globs
from pushguide.standards.listing import DIRECTORY, FILE, LINK, OTHER, Entry

MOST_HEADER_BYTES = 2**20
#: How far a tar may be inflated: so many times its length, and so much besides.
MOST_RATIO = 200
MOST_INFLATED_BESIDES = 64 * 2**20
_BLOCK = 256 * 1024


def read(
    handle: IO[bytes],
    head: bytes,
    entries: list[Entry],
    beginnings: Beginnings,
    wanted: Globs,
    most_entries: int,
) -> None:
    """Read the entries of a tar, and the beginnings of the files that are wanted.

    Args:
        handle: the archive.
        head: its first bytes.
        entries: gets what is there, also where the tar breaks off.
        beginnings: gets the beginnings.
        wanted: the files that rules may look into.
        most_entries: how many entries there may be.

    Raises:
        Unreadable: it is no tar, is damaged, or goes beyond a bound.
    """
    size = handle.seek(0, os.SEEK_END)
    with reading():
        stream = _Forward(decompressed(handle), MOST_RATIO * size + MOST_INFLATED_BESIDES)
        if not _is_tar(stream):
            raise Unreadable(f"is neither zip nor tar: it begins with {head.hex(' ') or 'nothing'}")
        tar = tarfile.TarFile(
            fileobj=cast("IO[bytes]", stream), encoding="utf-8", errors="surrogateescape"
        )
        paths = Paths()
        while (info := tar.next()) is not None:
            if len(entries) >= most_entries:
                raise Unreadable(f"has more than {most_entries} entries")
            entry = _entry(info, paths.plain(info.name))
            if entry.path:
                entries.append(entry)
                _look_into(tar, info, entry, beginnings, wanted, stream)
            tar.members = []  # type: ignore[attr-defined]  # it would keep all of them
            stream.budget = MOST_HEADER_BYTES
        if not stream.is_ended:
            raise Unreadable("breaks off: the mark at the end of a tar is missing")
        stream.drain()


def _look_into(
    tar: tarfile.TarFile,
    info: tarfile.TarInfo,
    entry: Entry,
    beginnings: Beginnings,
    wanted: Globs,
    stream: _Forward,
) -> None:
    """Keep the beginning of a file that rules may look into."""
    directory, _, name = entry.path.lower().rpartition("/")
    if entry.kind == FILE and entry.size and wanted.match(directory, name):
        content = cast("IO[bytes]", tar.extractfile(info))
        stream.budget = None
        beginnings.take(entry, content.read)


def _entry(info: tarfile.TarInfo, path: str) -> Entry:
    if info.isreg():
        return Entry(path, FILE, info.size)
    if info.isdir():
        return Entry(path, DIRECTORY)
    if info.issym():
        return Entry(path, LINK, target=info.linkname)
    return Entry(path, FILE if info.islnk() else OTHER)


def _is_tar(stream: _Forward) -> bool:
    """Whether a tar begins here; the block is read again afterwards."""
    block = stream.peek(512)
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


class _Forward:
    """A stream that only goes forward, and bounds what is read of it.

    tarfile reads headers whole, as long as they say that they are, and seeks over contents: the
    one is bounded by ``budget``, both together by the bound on all.

    Args:
        stream: what is read.
        most: how many bytes it may hold.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self.budget: int | None = MOST_HEADER_BYTES
        self._stream = stream
        self._most = most
        self._place = 0
        self._ahead = b""
        self._last = b""

    @property
    def is_ended(self) -> bool:
        """Whether the last whole block that was read is the mark at the end."""
        return len(self._last) == 512 and not any(self._last)

    def peek(self, count: int) -> bytes:
        """The next bytes, which stay to be read."""
        self._ahead = self._stream.read(count)
        return self._ahead

    def tell(self) -> int:
        """Where the stream stands."""
        return self._place

    def seek(self, place: int) -> int:
        """Go forward."""
        if place < self._place:
            raise Unreadable("does not read: its headers lead back")
        while self._place < place:
            if not self._pull(min(_BLOCK, place - self._place)):
                raise Unreadable("breaks off in the middle of a file")
        return self._place

    def drain(self) -> None:
        """Go to the end, where the checksum of what is compressed is proven."""
        while block := self._pull(_BLOCK):
            if block.count(0) != len(block):
                raise Unreadable("goes on after the mark at the end of a tar")

    def read(self, count: int = -1) -> bytes:
        """Read, within the bounds."""
        if self.budget is not None:
            if count < 0 or count > self.budget:
                raise Unreadable(f"was given up: a header is longer than {MOST_HEADER_BYTES} bytes")
            self.budget -= count
        self._last = self._pull(count)
        return self._last

    def _pull(self, count: int) -> bytes:
        data, self._ahead = self._ahead[:count], self._ahead[count:]
        if len(data) < count:
            data += self._stream.read(count - len(data))
        self._place += len(data)
        if self._place > self._most:
            raise Unreadable(
                f"was given up after {self._place} bytes: it inflates to more than {MOST_RATIO} "
                "times its length"
            )
        return data
