"""Tars, plain or compressed, and whether a file is one."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, cast

from pushguide.errors import BadArchive
from pushguide.host.archive.entries import Entry, Kind, Limits, Source
from pushguide.host.archive.names import host_parts_of, shown
from pushguide.host.archive.untrusted import BLOCK, Metered, reading
from pushguide.inflate import decompressed

if TYPE_CHECKING:
    import tarfile

#: A header whose fields are all told in the usual digits, without a prefix to the name.
_PLAIN = re.compile(
    rb"[^\0].{99}[0-7]{7}\0.{16}[0-7]{11}[\0 ][0-7]{11}[\0 ][0-7]{6,7}[\0 ]+[05]"
    rb"\0{100}ustar[\0 ].{81}\0{155}",
    re.DOTALL,
)
MOST_HEADER_BYTES = 2**20  # of one tar entry: long names and extended headers
MOST_TRAILER_BYTES = 16 * 2**20  # after the end of a tar: padding


def is_tar_header(block: bytes) -> bool:
    """Whether a tar may begin with this block."""
    import tarfile

    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _lean_info() -> type[tarfile.TarInfo]:
    """Like TarInfo, and quicker with the plainest headers: files and directories of ustar."""
    import tarfile

    class LeanInfo(tarfile.TarInfo):
        @classmethod
        def frombuf(  # type: ignore[override]
            cls, buf: bytes, encoding: str, errors: str
        ) -> tarfile.TarInfo:
            if not _PLAIN.match(buf):
                return super().frombuf(buf, encoding, errors)
            told = int(buf[148:155].strip(b"\0 "), 8)
            if told != sum(buf) - sum(buf[148:156]) + 256:
                return super().frombuf(buf, encoding, errors)
            info = cls(buf[:100].partition(b"\0")[0].decode(encoding, errors))
            info.mode = int(buf[100:107], 8)
            info.size = int(buf[124:135], 8)
            info.mtime = int(buf[136:147], 8)
            info.type = buf[156:157]
            if info.isdir():
                info.name = info.name.rstrip("/")
            return info

    return LeanInfo


def open_tar(raw: IO[bytes], path: str, limits: Limits) -> Source:
    """Open a tar, compressed or not; the limits are left to the plan."""
    import tarfile

    with reading(path):
        stream = Metered(decompressed(raw), path)
        stream.budget = MOST_HEADER_BYTES
        tar = tarfile.TarFile(
            fileobj=cast("IO[bytes]", stream),
            encoding="utf-8",
            errors="surrogateescape",
            tarinfo=_lean_info(),
        )
    return TarSource(tar, stream, path)


class TarSource:
    """A tar, read once from front to back."""

    goes_by_once = True

    def __init__(self, tar: tarfile.TarFile, stream: Metered, path: str) -> None:
        self.tar = tar
        self.stream = stream
        self.path = path

    def entries(self) -> Iterator[Entry]:
        """Every entry; BadArchive if the tar does not come to its proper end."""
        with reading(self.path):
            while (info := self._next()) is not None:
                yield self._entry(info)
            self._check_end()
        self.stream.budget = None

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        """The content of the file that came last."""
        self.stream.budget = None
        with reading(self.path):
            if entry.info.issparse():
                content = cast("IO[bytes]", self.tar.extractfile(entry.info))
            else:
                self.stream.seek(entry.info.offset_data)
                content = cast("IO[bytes]", self.stream)
        left = entry.size
        while left:
            with reading(self.path):
                block = content.read(min(BLOCK, left))
            if not block:
                raise BadArchive(
                    f"Unpacking {shown(entry.name)} of {self.path!r} was given up: it holds less "
                    f"than the {entry.size} bytes that it declares. The archive is damaged: fetch "
                    "it again, or build it again."
                )
            left -= len(block)
            yield block

    def checksum(self, entry: Entry) -> int | None:
        """A tar tells none."""
        return None

    def _next(self) -> tarfile.TarInfo | None:
        self.stream.budget = MOST_HEADER_BYTES
        info = self.tar.next()
        if info is None:
            return None
        # Only sparse files store other than they hold; the map of the holes comes on top.
        stored = self.tar.offset - info.offset_data
        if info.size < 0 or not 0 <= stored <= info.size + MOST_HEADER_BYTES:
            raise BadArchive(
                f"Reading the archive {self.path!r} was given up at {shown(info.name)}: it "
                f"declares {info.size} bytes and takes {stored}. Build it again."
            )
        return info

    def _entry(self, info: tarfile.TarInfo) -> Entry:
        kind = _tar_kind(info)
        has_content = kind in (Kind.FILE, Kind.OTHER)
        return Entry(
            name=info.name,
            parts=host_parts_of(info.name),
            kind=kind,
            size=info.size if has_content else 0,
            executable=bool(info.mode & stat.S_IXUSR),
            mtime=info.mtime,
            target=info.linkname,
            complaint="",
            info=info,
        )

    def _check_end(self) -> None:
        """See the block of zeros, without which the tar was cut, and any checksum behind it."""
        self.stream.budget = MOST_TRAILER_BYTES
        self.stream.seek(self.tar.offset)
        block = self.stream.read(512)
        if len(block) < 512 or any(block):
            raise BadArchive(
                f"Reading the archive {self.path!r} failed at byte {self.tar.offset} of the tar: "
                "neither an entry nor the mark of the end is there. It is damaged or cut short: "
                "fetch it again, or build it again."
            )
        while block := self.stream.read(BLOCK):
            if block.count(0) != len(block):
                raise BadArchive(
                    f"Reading the archive {self.path!r} was given up: something comes after the "
                    "mark of the end of the tar, which nobody would unpack. Build it again."
                )


def _tar_kind(info: tarfile.TarInfo) -> Kind:
    if info.isreg():
        return Kind.FILE
    if info.isdir():
        return Kind.DIRECTORY
    if info.issym():
        return Kind.SYMLINK
    return Kind.HARD_LINK if info.islnk() else Kind.OTHER
