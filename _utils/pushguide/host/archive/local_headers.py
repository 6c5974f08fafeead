"""The header that each entry of a zip has of its own, held against the central directory.

Tools differ in which of the two they go by: a zip whose two do not agree is one thing to whoever
looked through it before, and another one here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

from pushguide.host.archive.names import shown

if TYPE_CHECKING:
    import zipfile

_FIXED = struct.Struct("<4s2x2H4x3L2H")
_BEGIN = b"PK\x03\x04"
_IN_DESCRIPTOR = 1 << 3  # checksum and sizes stand behind the content
_UTF_8 = 1 << 11
_ZIP64 = 1
_IN_ZIP64 = 0xFFFFFFFF


def complaints(stream: IO[bytes], infos: Sequence[zipfile.ZipInfo]) -> dict[int, str]:
    """What speaks against entries, by the place where they begin.

    Args:
        stream: the zip.
        infos: its central directory.
    """
    found: dict[int, str] = {}
    end = last = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        start = info.header_offset
        if start < end:  # not read: bombs have thousands of them
            found[last] = found[start] = "lies over another entry"
            header_length = _FIXED.size + len(info.orig_filename)
        else:
            header_length, complaint = _look_at(stream, info)
            if complaint:
                found[start] = complaint
        last = start
        end = max(end, start + header_length + info.compress_size)
    return found


def _look_at(stream: IO[bytes], info: zipfile.ZipInfo) -> tuple[int, str]:
    """The length of an entry's own header, and what speaks against it."""
    stream.seek(info.header_offset)
    fixed = stream.read(_FIXED.size)
    if len(fixed) < _FIXED.size or not fixed.startswith(_BEGIN):
        return 0, "has no header of its own where the directory says"
    _, flags, method, crc, packed, size, name_length, extra_length = _FIXED.unpack(fixed)
    rest = stream.read(name_length + extra_length)
    name = rest[:name_length].decode("utf-8" if flags & _UTF_8 else "cp437", "surrogateescape")
    told = (crc, *_sizes(packed, size, rest[name_length:]))
    differing = " and ".join(_differences(info, name, method, flags, told))
    complaint = f"has a header of its own with {differing}" if differing else ""
    return _FIXED.size + len(rest), complaint


def _differences(
    info: zipfile.ZipInfo, name: str, method: int, flags: int, told: tuple[int, int, int]
) -> Iterator[str]:
    if name != info.orig_filename:
        yield f"another name, {shown(name)}"
    if method != info.compress_type:
        yield f"another method, {method}"
    if flags & _IN_DESCRIPTOR:
        return
    crc, packed, size = told
    if crc != info.CRC:
        yield "another checksum"
    if (packed, size) != (info.compress_size, info.file_size):
        yield f"other sizes, {packed} bytes packed and {size} unpacked"


def _sizes(packed: int, size: int, extra: bytes) -> tuple[int, int]:
    """The packed and the unpacked size, which stand in the extra field of zip64 if need be."""
    if _IN_ZIP64 not in (packed, size):
        return packed, size
    field = _zip64(extra)
    numbers = list(struct.unpack_from(f"<{len(field) // 8}Q", field))
    if len(numbers) == 1:  # some write only the one that is too long, instead of both
        numbers *= 2
    if not numbers:
        return packed, size
    return (
        numbers[1] if packed == _IN_ZIP64 else packed,
        numbers[0] if size == _IN_ZIP64 else size,
    )


def _zip64(extra: bytes) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == _ZIP64:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""
