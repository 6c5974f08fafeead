"""Zips as different tools write them, and as none does: for tests of what reads them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ZipEntry:
    """One entry, with everything that its own header and the directory may say differently."""

    name: str
    content: bytes
    deflated: bool = True
    time: int = 0
    date: int = 0x21
    extra: bytes = b""
    local_extra: bytes = b""
    descriptor: bool = False
    gap: bytes = b""
    needed: int = 20


def build(
    entries: Sequence[ZipEntry],
    comment: bytes = b"",
    prefix: bytes = b"",
    zip64: bool = False,
    directory_order: Sequence[int] | None = None,
) -> bytes:
    """The bytes of a zip."""
    out, central = bytearray(prefix), []
    for one in entries:
        name, start = one.name.encode(), len(out)
        stored = _deflate(one.content) if one.deflated else one.content
        method, flags = (8 if one.deflated else 0), (0x808 if one.descriptor else 0x800)
        crc, size = zlib.crc32(one.content), len(one.content)
        told = (0, 0, 0) if one.descriptor else (crc, len(stored), size)
        common = (one.needed, flags, method, one.time, one.date)
        out += struct.pack(
            "<4s5H3L2H", b"PK\x03\x04", *common, *told, len(name), len(one.local_extra)
        )
        out += name + one.local_extra + stored
        if one.descriptor:
            out += struct.pack("<4s3L", b"PK\x07\x08", crc, len(stored), size)
        out += one.gap
        central.append(
            struct.pack(
                "<4s6H3L5H2L",
                *(b"PK\x01\x02", 0x314, *common, crc, len(stored), size),
                *(len(name), len(one.extra), 0, 0, 0, 0o100644 << 16, start),
            )
            + name
            + one.extra
        )
    order = directory_order if directory_order is not None else range(len(central))
    directory = b"".join(central[place] for place in order)
    start, count = len(out), len(central)
    out += directory
    if zip64:
        end = len(out)
        numbers = (44, 45, 45, 0, 0, count, count, len(directory), start)
        out += struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", *numbers)
        out += struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
        told_end = (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    else:
        told_end = (count, count, len(directory), start)
    out += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, *told_end, len(comment)) + comment
    return bytes(out)


def unix_time(seconds: int, *more: int) -> bytes:
    """The extra field that holds the time in UTC; with ``more`` as Info-ZIP's local one."""
    times = (seconds, *more)
    flags = (1 << len(times)) - 1
    body = struct.pack(f"<B{len(times)}l", flags, *times)
    return struct.pack("<HH", 0x5455, len(body)) + body


def _deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()
