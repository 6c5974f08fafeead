"""Zips, known by their central directory.

Entries may be stored or deflated. The other methods are refused: the standard library inflates
them without a bound on memory.
"""

from __future__ import annotations

import copy
import stat
import struct
import time
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, cast

from pushguide.host.archive import local_headers
from pushguide.host.archive.entries import Entry, Kind, Limits, Source
from pushguide.host.archive.names import MOST_PATH_LENGTH, parts_of
from pushguide.host.archive.untrusted import BLOCK, Metered, checked_blocks, reading

if TYPE_CHECKING:
    import zipfile

MOST_DIRECTORY_BYTES = 1024  # of one zip entry in the central directory, on average


def open_zip(raw: IO[bytes], path: str, limits: Limits) -> Source:
    """Open a zip, unless its central directory is far longer than the limits allow."""
    import zipfile

    stream = Metered(raw, path)
    stream.budget = MOST_DIRECTORY_BYTES * (limits.entries + 128)
    with reading(path):
        archive = zipfile.ZipFile(cast("IO[bytes]", stream))
    stream.budget = None
    return ZipSource(archive, stream, path, limits)


class ZipSource:
    """A zip, as its central directory tells it, and the header of each entry confirms it."""

    goes_by_once = False

    def __init__(
        self, archive: zipfile.ZipFile, stream: Metered, path: str, limits: Limits
    ) -> None:
        self.archive = archive
        self.stream = stream
        self.path = path
        self.limits = limits

    def entries(self) -> Iterator[Entry]:
        """Every entry of the central directory, duplicates as well."""
        with reading(self.path):
            infos = self.archive.infolist()
            complaints = local_headers.complaints(cast("IO[bytes]", self.stream), infos)
            for info in infos:
                yield self._entry(info, complaints.get(info.header_offset, ""))

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        """The content of a file."""
        with self._open(entry.info) as content:
            yield from checked_blocks(content, entry.name, entry.size, self.path)

    def checksum(self, entry: Entry) -> int | None:
        """The CRC-32 of a file's content."""
        return int(entry.info.CRC)

    def _open(self, info: zipfile.ZipInfo) -> IO[bytes]:
        # Left alone, zipfile cuts at the declared size, as if nothing came after it.
        wider = copy.copy(info)
        wider.file_size += BLOCK
        with reading(self.path):
            return self.archive.open(wider)

    def _entry(self, info: zipfile.ZipInfo, told_otherwise: str) -> Entry:
        # Only orig_filename is what the archive says: zipfile cuts the other one at a NUL.
        name = info.orig_filename
        mode = info.external_attr >> 16
        kind = _zip_kind(name, mode)
        complaint = _zip_complaint(info, kind, self.limits) or told_otherwise
        is_readable_link = kind is Kind.SYMLINK and not complaint
        return Entry(
            name=name,
            parts=parts_of(name, r"[/\\]"),
            kind=kind,
            size=info.file_size if kind is Kind.FILE else 0,
            executable=bool(mode & stat.S_IXUSR),
            mtime=_zip_mtime(info),
            target=self._link_target(info) if is_readable_link else "",
            complaint=complaint,
            info=info,
        )

    def _link_target(self, info: zipfile.ZipInfo) -> str:
        with self._open(info) as content:
            blocks = checked_blocks(content, info.orig_filename, info.file_size, self.path)
            return b"".join(blocks).decode("utf-8", "surrogateescape")


def _zip_kind(name: str, mode: int) -> Kind:
    form = stat.S_IFMT(mode)
    if name.endswith(("/", "\\")):
        return Kind.DIRECTORY if form in (0, stat.S_IFREG, stat.S_IFDIR) else Kind.OTHER
    kinds = {
        0: Kind.FILE,
        stat.S_IFREG: Kind.FILE,
        stat.S_IFDIR: Kind.DIRECTORY,
        stat.S_IFLNK: Kind.SYMLINK,
    }
    return kinds.get(form, Kind.OTHER)


def _zip_complaint(info: zipfile.ZipInfo, kind: Kind, limits: Limits) -> str:
    if info.flag_bits & 0x2041:
        return "is encrypted"
    if info.compress_type not in (0, 8):
        return f"is compressed by method {info.compress_type}, only stored and deflated are read"
    if kind is Kind.DIRECTORY and info.file_size:
        return "is a directory with content of its own"
    if info.file_size > max(limits.free_bytes, limits.ratio * info.compress_size):
        return f"unpacks to more than {limits.ratio:g} times its packed size"
    if kind is Kind.SYMLINK and info.file_size > MOST_PATH_LENGTH:
        return f"is a symbolic link with a target of {info.file_size} bytes"
    return ""


def _zip_mtime(info: zipfile.ZipInfo) -> float | None:
    """The time in UTC where the archive has it (extra field 0x5455), else its local time."""
    extra, at = info.extra, 0
    while at + 9 <= len(extra):
        tag, size, flags = struct.unpack_from("<HHB", extra, at)
        if tag == 0x5455 and size >= 5 and flags & 1:
            return float(struct.unpack_from("<i", extra, at + 5)[0])
        at += 4 + size
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (OverflowError, ValueError):
        return None
