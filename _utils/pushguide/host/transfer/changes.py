"""Move only what changed: a zip is rebuilt, byte for byte, out of one that is here already.

The new archive's central directory is read by Range. An entry whose checksum, sizes and method
equal an entry of the archive at hand is taken from there; the rest is fetched in a few ranges. What
stands in an entry's own header beside that is foretold from the directory and from the old header.
Nothing rests on the foretelling: whoever calls proves the sha256 of the whole.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import IO, NamedTuple

from pushguide.host.transfer.remote import Remote
from pushguide.host.transfer.zip_layout import Entry, Layout, NotLaidOut, Reader, read_layout

#: Above this part of the whole it is fetched as a whole.
MOST_PART = 0.8
MOST_RANGES = 256
#: Two ranges that lie nearer together are fetched as one.
_NEAR_BYTES = 32 * 1024

_BLOCK = 2**18

_LOCAL = struct.Struct("<4s5H3L2H")
_HAS_DESCRIPTOR = 0x08
_UNIX_TIME = 0x5455


class Piece(NamedTuple):
    """Some bytes of the new archive, and where they come from.

    ``literal`` are the bytes themselves, ``old`` is their place in the archive at hand; with
    neither they have to be fetched.
    """

    start: int
    end: int
    literal: bytes = b""
    old: int | None = None

    @property
    def is_remote(self) -> bool:
        """Whether it has to be fetched."""
        return self.old is None and not self.literal


def plan(read: Reader, size: int, old: IO[bytes]) -> list[Piece] | None:
    """How the new archive can be put together; None where it is not worth it, or no zip.

    Args:
        read: gives bytes of the new archive; what it gives counts as fetched.
        size: the length of the new archive.
        old: the archive at hand.

    Returns:
        Pieces that make up the whole, in their order.
    """
    try:
        old_size = os.fstat(old.fileno()).st_size
        here = read_layout(_reader_of(old), old_size)
        directory_bytes = old_size - here.directory
        seen = _Seen(read)
        there = read_layout(seen.read, size, directory_bytes + directory_bytes // 8)
    except NotLaidOut:
        return None
    pieces = _joined([*_pieces(there, _ByContent(here, old)), *seen.pieces(there.directory, size)])
    remote = [one for one in pieces if one.is_remote]
    if len(remote) > MOST_RANGES:
        return None
    moved = seen.bytes + sum(one.end - one.start for one in remote)
    return None if moved > MOST_PART * size else pieces


def _reader_of(handle: IO[bytes]) -> Reader:
    def read(start: int, end: int) -> bytes:
        handle.seek(start)
        return handle.read(end - start)

    return read


class _Seen:
    """Keeps what was read of the new archive: it need not be fetched again."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._parts: list[tuple[int, bytes]] = []
        self.bytes = 0

    def read(self, start: int, end: int) -> bytes:
        data = self._read(start, end)
        self._parts.append((start, data))
        self.bytes += len(data)
        return data

    def pieces(self, start: int, end: int) -> Iterator[Piece]:
        """What lies between two places: what was read, and what has to be fetched still."""
        at = start
        for begin, data in sorted(self._parts):
            stop = min(begin + len(data), end)
            if stop <= at:
                continue
            if begin > at:
                yield Piece(at, min(begin, end))
                at = min(begin, end)
            if at < stop:
                yield Piece(at, stop, literal=data[at - begin : stop - begin])
                at = stop
        if at < end:
            yield Piece(at, end)


class _ByContent:
    """The entries of the archive at hand, by their content."""

    def __init__(self, layout: Layout, handle: IO[bytes]) -> None:
        self._read = _reader_of(handle)
        self._entries: dict[tuple[int, int, int, int], list[Entry]] = {}
        for one in layout.entries:
            if one.stored:
                self._entries.setdefault(one.content, []).append(one)

    def like(self, new: Entry) -> Entry | None:
        """The entry with the same content; of several the one of the same name."""
        found = self._entries.get(new.content, [])
        return next((one for one in found if one.name == new.name), found[0] if found else None)

    def header(self, one: Entry) -> bytes | None:
        """An entry's own header, None if it is none."""
        fixed = self._read(one.start, one.start + _LOCAL.size)
        if len(fixed) < _LOCAL.size or fixed[:4] != b"PK\x03\x04":
            return None
        *_, name_length, extra_length = _LOCAL.unpack(fixed)
        length = _LOCAL.size + name_length + extra_length
        if one.start + length + one.stored > one.end:
            return None
        return self._read(one.start, one.start + length)


def _pieces(there: Layout, here: _ByContent) -> Iterator[Piece]:
    """Where the bytes before the central directory come from."""
    at = 0
    for new in there.entries:
        if at < new.start:
            yield Piece(at, new.start)
        yield from _of_entry(new, here)
        at = new.end
    if at < there.directory:
        yield Piece(at, there.directory)


def rebuild(pieces: list[Piece], remote: Remote, old: IO[bytes]) -> Iterator[bytes]:
    """The bytes of the new archive, in blocks.

    Args:
        pieces: what :func:`plan` answered.
        remote: where the rest is fetched from.
        old: the archive at hand.
    """
    for piece in pieces:
        if piece.old is not None:
            yield from _copied(old, piece.old, piece.end - piece.start)
        elif piece.literal:
            yield piece.literal
        else:
            yield from remote.blocks(piece.start, piece.end)


def _copied(old: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    old.seek(start)
    while length > 0:
        block = old.read(min(_BLOCK, length))
        if not block:
            return  # it was cut meanwhile: the checksum tells
        length -= len(block)
        yield block


def _of_entry(new: Entry, here: _ByContent) -> Iterator[Piece]:
    old = here.like(new)
    header = here.header(old) if old else None
    if old is None or header is None:
        yield Piece(new.start, new.end)
        return
    foretold, is_sure = _foretell(header, old, new)
    rest = old.end - old.start - len(header)
    if len(foretold) + rest != new.end - new.start:
        yield Piece(new.start, new.end)
        return
    content = new.start + len(foretold)
    if is_sure:
        yield Piece(new.start, content, literal=foretold)
    else:
        yield Piece(new.start, content)
    yield Piece(content, new.end, old=old.start + len(header))


def _foretell(header: bytes, old: Entry, new: Entry) -> tuple[bytes, bool]:
    """The new entry's own header, and whether there is no doubt of it but its checksum's."""
    # The same content was stored in the same way: the three numbers are as they were.
    _, _, flags, _, _, _, crc, stored, size, name_length, _ = _LOCAL.unpack_from(header)
    extra = header[_LOCAL.size + name_length :]
    told, is_sure = (extra, True) if old.extra == new.extra else _retimed(extra, old, new)
    if (flags ^ new.flags) & _HAS_DESCRIPTOR:
        is_sure = False
    fixed = _LOCAL.pack(
        b"PK\x03\x04",
        new.needed,
        new.flags,
        new.method,
        new.time,
        new.date,
        crc,
        stored,
        size,
        len(new.name),
        len(told),
    )
    return fixed + new.name + told, is_sure


def _retimed(extra: bytes, old: Entry, new: Entry) -> tuple[bytes, bool]:
    """An extra field with the new time of change, where the directory tells it."""
    fields, wanted = dict(_fields(extra)), dict(_fields(new.extra))
    others = {tag for tag in {*dict(_fields(old.extra)), *wanted} if tag != _UNIX_TIME}
    same = all(dict(_fields(old.extra)).get(tag) == wanted.get(tag) for tag in others)
    own, time = fields.get(_UNIX_TIME, b""), wanted.get(_UNIX_TIME, b"")
    if not same or len(own) < 5 or len(time) < 5 or own[:1] != time[:1]:
        return extra, False
    told = b"".join(
        struct.pack("<HH", tag, len(value))
        + (own[:1] + time[1:5] + own[5:] if tag == _UNIX_TIME else value)
        for tag, value in _fields(extra)
    )
    # Times of access and of creation are in the entry's own header alone.
    return told, len(own) == 5 and len(told) == len(extra)


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        yield tag, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Pieces that follow one another out of the same place become one.

    So do fetched ones with little between them: a range costs more than the bytes it saves.
    """
    joined: list[Piece] = []
    for one in pieces:
        last = joined[-1] if joined else None
        if last and last.is_remote and one.is_remote:
            joined[-1] = Piece(last.start, one.end)
        elif last and last.old is not None and one.old == last.old + last.end - last.start:
            joined[-1] = Piece(last.start, one.end, old=last.old)
        else:
            joined.append(one)
    return _bridged(joined)


def _bridged(pieces: list[Piece]) -> list[Piece]:
    bridged: list[Piece] = []
    waiting: list[Piece] = []
    for one in pieces:
        if one.is_remote and bridged and bridged[-1].is_remote:
            between = sum(some.end - some.start for some in waiting)
            if between <= _NEAR_BYTES:
                bridged[-1] = Piece(bridged[-1].start, one.end)
                waiting = []
                continue
        if one.is_remote or not (bridged and bridged[-1].is_remote):
            bridged += [*waiting, one]
            waiting = []
        else:
            waiting.append(one)
    return [*bridged, *waiting]
