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
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from pushguide.host.archive.entries import Entry, Kind, Limits, Source
from pushguide.host.archive.names import MOST_PATH_LENGTH, parts_of
from pushguide.host.archive.untrusted import BLOCK, Metered, checked_blocks, reading

if TYPE_CHECKING:
    import zipfile

_LOCAL_BYTES = 30  # of an entry's own header, without its name
_NAME_IS_UTF8 = 0x800
_SIZES_FOLLOW = 0x8  # the header was written before the content was known
_ENCRYPTED = 0x2041
_TOO_LONG = 0xFFFFFFFF
MOST_DIRECTORY_BYTES = 1024  # of one zip entry in the central directory, on average


def open_zip(raw: IO[bytes], path: str, limits: Limits) -> Source:
    """Open a zip, unless its central directory is far longer than the limits allow."""
    import zipfile

    stream = Metered(raw, path)
    stream.budget = MOST_DIRECTORY_BYTES * (limits.entries + 128)
    with reading(path):
        archive = zipfile.ZipFile(cast("IO[bytes]", stream))
    stream.budget = None
    return ZipSource(archive, raw, path, limits)


class ZipSource:
    """A zip, as its central directory tells it."""

    goes_by_once = False

    def __init__(self, archive: zipfile.ZipFile, raw: IO[bytes], path: str, limits: Limits) -> None:
        self.archive = archive
        self.raw = raw
        self.path = path
        self.limits = limits

    def entries(self) -> Iterator[Entry]:
        """Every entry of the central directory, duplicates as well."""
        with reading(self.path):
            complaints = self._complaints()
            for info in self.archive.infolist():
                entry = self._entry(info)
                if info.header_offset in complaints and not entry.complaint:
                    entry = entry._replace(complaint=complaints[info.header_offset])
                yield entry

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        """The content of a file."""
        with self._open(entry.info) as content:
            yield from checked_blocks(content, entry.name, entry.size, self.path)

    def checksum(self, entry: Entry) -> int | None:
        """The CRC-32 of a file's content."""
        return int(entry.info.CRC)

    def _complaints(self) -> dict[int, str]:
        """What speaks against entries, by where they begin: their own headers say other things
        than the directory, or they lie over one another, as those of a bomb do."""
        found = {}
        end = last = 0
        for one in sorted(self.archive.infolist(), key=lambda one: one.header_offset):
            own = _OwnHeader.at(self.raw, one)
            if own is None or not own.agrees_with(one):
                found[one.header_offset] = "differs from what the directory says of it"
            if one.header_offset < end:
                found[last] = found[one.header_offset] = "lies over another entry"
            last = one.header_offset
            end = max(end, last + (own.length if own else _LOCAL_BYTES) + one.compress_size)
        return found

    def _open(self, info: zipfile.ZipInfo) -> IO[bytes]:
        # Left alone, zipfile cuts at the declared size, as if nothing came after it.
        wider = copy.copy(info)
        wider.file_size += BLOCK
        with reading(self.path):
            return self.archive.open(wider)

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        # Only orig_filename is what the archive says: zipfile cuts the other one at a NUL.
        name = info.orig_filename
        mode = info.external_attr >> 16
        kind = _zip_kind(name, mode)
        complaint = _zip_complaint(info, kind, self.limits)
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


class _OwnHeader(NamedTuple):
    """The header that stands before an entry's content.

    Source: APPNOTE.TXT of PKWARE, 4.3.7; the extra field of long sizes, 4.5.3.
    """

    flags: int
    method: int
    crc: int
    packed: int
    size: int
    name: bytes
    length: int

    @classmethod
    def at(cls, raw: IO[bytes], info: zipfile.ZipInfo) -> _OwnHeader | None:
        """The header of an entry; None if there is none where the directory says."""
        raw.seek(info.header_offset)
        fixed = raw.read(_LOCAL_BYTES)
        if len(fixed) < _LOCAL_BYTES:
            return None
        mark, _, flags, method, _, crc, packed, size, name_length, extra_length = struct.unpack(
            "<4sHHHLLLLHH", fixed
        )
        if mark != b"PK\x03\x04":
            return None
        name, extra = raw.read(name_length), raw.read(extra_length)
        size, packed = _long_sizes(extra, size, packed)
        length = _LOCAL_BYTES + name_length + extra_length
        return cls(flags, method, crc, packed, size, name, length)

    def agrees_with(self, info: zipfile.ZipInfo) -> bool:
        """Whether the directory says the same of the entry."""
        encoding = "utf-8" if info.flag_bits & _NAME_IS_UTF8 else "cp437"
        told = (info.compress_type, info.orig_filename.encode(encoding))
        if (self.method, self.name) != told or (self.flags ^ info.flag_bits) & _ENCRYPTED:
            return False
        unknown = {0, _TOO_LONG} if self.flags & _SIZES_FOLLOW else set()
        own = (self.crc, self.packed, self.size)
        said = (info.CRC, info.compress_size, info.file_size)
        return all(one == two or one in unknown for one, two in zip(own, said, strict=True))


def _long_sizes(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """The sizes, which stand in an extra field where they are too long for the header."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            field = extra[at + 4 : at + 4 + length]
            if size == _TOO_LONG and len(field) >= 8:
                size, field = int.from_bytes(field[:8], "little"), field[8:]
            if packed == _TOO_LONG and len(field) >= 8:
                packed = int.from_bytes(field[:8], "little")
        at += 4 + length
    return size, packed


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
    if info.flag_bits & _ENCRYPTED:
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
