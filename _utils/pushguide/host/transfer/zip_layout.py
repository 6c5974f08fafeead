"""How the bytes of a zip are laid out: every entry's place, as the central directory tells it.

The format is PKWARE's APPNOTE.TXT, sections 4.3.6 to 4.3.16 (zip64 included). This is no check of
the archive: whoever rebuilds one by what is read here proves its checksum afterwards.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LONGEST_COMMENT = 2**16
_MOST_DIRECTORY_BYTES = 64 * 2**20

#: Gives the bytes from a place to before another.
Reader = Callable[[int, int], bytes]


class NotLaidOut(Exception):
    """These bytes are no zip, or one of an unusual build."""


class Entry(NamedTuple):
    """One entry.

    ``start`` and ``end`` are where its bytes are: local header, content, and what follows before
    the next entry.
    """

    start: int
    end: int
    name: bytes
    needed: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    stored: int
    size: int
    extra: bytes

    @property
    def content(self) -> tuple[int, int, int, int]:
        """What tells its content from another's, as it is stored."""
        return self.crc, self.stored, self.size, self.method


class Layout(NamedTuple):
    """The entries by their place, and where the central directory begins; it ends the file."""

    entries: list[Entry]
    directory: int


def read_layout(read: Reader, size: int, guess: int = 0) -> Layout:
    """Read the layout of a zip.

    Args:
        read: gives its bytes.
        size: its length.
        guess: about how long its central directory is, so that one read may be enough.

    Raises:
        NotLaidOut: it cannot be read.
    """
    tail_at = max(0, size - max(guess + 1024, _LONGEST_COMMENT))
    tail = read(tail_at, size)
    end_at, count, length, start = _end_of(read, tail, tail_at)
    if start + length != end_at or length > _MOST_DIRECTORY_BYTES:
        raise NotLaidOut("its central directory is not where the end says")
    if start >= tail_at:
        directory = tail[start - tail_at : start - tail_at + length]
    else:
        directory = read(start, min(tail_at, start + length)) + tail[: max(0, end_at - tail_at)]
    places = sorted(_entries(directory, start))
    if len(places) != count or len({one.start for one in places}) != count:
        raise NotLaidOut("its entries lie over one another, or are not as many as the end says")
    starts = [*(one.start for one in places), start]
    entries = [one._replace(end=end) for one, end in zip(places, starts[1:], strict=True)]
    return Layout(entries, start)


def _end_of(read: Reader, tail: bytes, tail_at: int) -> tuple[int, int, int, int]:
    """Where the directory ends, how many entries it has, its length, and where it begins."""
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + _END.size:
        raise NotLaidOut("it has no end of a central directory")
    _, disk, _, here, count, length, start, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail) or disk or here != count:
        raise NotLaidOut("its end is of an unusual build")
    if 0xFFFF not in (count, here) and 0xFFFFFFFF not in (length, start):
        return tail_at + at, count, length, start
    if at < _LOCATOR_64.size:
        raise NotLaidOut("its end is of an unusual build")
    signature, _, end_at, _ = _LOCATOR_64.unpack_from(tail, at - _LOCATOR_64.size)
    if signature != b"PK\x06\x07" or not 0 <= end_at < tail_at + at:
        raise NotLaidOut("its end is of an unusual build")
    block = read(end_at, end_at + _END_64.size)
    if len(block) < _END_64.size or block[:4] != b"PK\x06\x06":
        raise NotLaidOut("its end is of an unusual build")
    *_, count, length, start = _END_64.unpack(block)
    return end_at, count, length, start


def _entries(directory: bytes, before: int) -> Iterator[Entry]:
    at = 0
    while at < len(directory):
        if len(directory) < at + _CENTRAL.size or directory[at : at + 4] != b"PK\x01\x02":
            raise NotLaidOut("its central directory is damaged")
        (_, _, needed, flags, method, time, date, crc, stored, size, *lengths, _, _, _, start) = (
            _CENTRAL.unpack_from(directory, at)
        )
        name_length, extra_length, comment_length = lengths
        name_at = at + _CENTRAL.size
        extra_at = name_at + name_length
        at = extra_at + extra_length + comment_length
        extra = directory[extra_at : extra_at + extra_length]
        if at > len(directory):
            raise NotLaidOut("its central directory is damaged")
        size, stored, start = _in_64(extra, size, stored, start)
        if not 0 <= start < before:
            raise NotLaidOut("an entry lies outside")
        name = directory[name_at:extra_at]
        yield Entry(start, 0, name, needed, flags, method, time, date, crc, stored, size, extra)


def _in_64(extra: bytes, size: int, stored: int, start: int) -> tuple[int, int, int]:
    """The three numbers, from the extra field for zip64 where they did not fit."""
    values = [size, stored, start]
    wanted = [place for place, value in enumerate(values) if value == 0xFFFFFFFF]
    if not wanted:
        return size, stored, start
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1 and length >= 8 * len(wanted) and at + 4 + length <= len(extra):
            found = struct.unpack_from(f"<{len(wanted)}Q", extra, at + 4)
            for place, value in zip(wanted, found, strict=True):
                values[place] = value
            return values[0], values[1], values[2]
        at += 4 + length
    raise NotLaidOut("an entry of zip64 does not tell its sizes")
