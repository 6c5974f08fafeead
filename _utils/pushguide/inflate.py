"""What a compressed file holds, read from front to back, by hosts and by the master alike."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from typing import IO, cast

_IN_BYTES = 2**17
_OUT_BYTES = 2**20
_GZIP = 31  # window bits: a gzip header and trailer, both checked
#: What unpacking may take: xz has dictionaries of up to 4 GiB, and of 64 MiB at its level 9.
MOST_MEMORY_MB = 256


class CannotInflate(Exception):
    """A file is not unpacked here; the message ends a sentence that begins with the file."""


def decompressed(raw: IO[bytes]) -> IO[bytes]:
    """What a compressed file holds; the file itself if it is not compressed.

    Raises:
        CannotInflate: this Python does not read its kind of compression.
    """
    raw.seek(0)
    head = raw.read(6)
    raw.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", Gunzip(raw))
    if head.startswith(b"BZh"):
        import bz2

        return cast("IO[bytes]", bz2.BZ2File(raw))
    if head == b"\xfd7zXZ\x00":
        return cast("IO[bytes]", Unxz(raw))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return _unzstd(raw)
    return raw


def _unzstd(raw: IO[bytes]) -> IO[bytes]:
    try:
        from compression.zstd import ZstdFile  # type: ignore[import-not-found, unused-ignore]
    except ImportError as err:
        raise CannotInflate(
            "is compressed with zstd, which Python reads from 3.14 on: build it as tar.gz or "
            "tar.xz, which are read everywhere"
        ) from err
    return cast("IO[bytes]", ZstdFile(raw))


class _Forward(ABC):
    """A stream that goes forward; to go back it begins anew.

    Args:
        raw: the compressed file.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._restart()

    def _restart(self) -> None:
        self._raw.seek(0)
        self._waiting = b""
        self._ready = memoryview(b"")
        self._at = 0
        self._is_over = False
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Begin to unpack a member."""

    @abstractmethod
    def _fill(self) -> bool:
        """Unpack some more; whether there was any."""

    def read(self, count: int = -1) -> bytes:
        """Read up to ``count`` bytes, all that is left below 0; fewer at the end alone.

        Raises:
            EOFError: the gzip is cut short.
            zlib.error: it is damaged.
        """
        if 0 <= count <= len(self._ready):
            return self._take(count)
        parts = [self._take(len(self._ready))]
        left = count - len(parts[0])
        while (count < 0 or left > 0) and self._fill():
            parts.append(self._take(len(self._ready) if count < 0 else min(left, len(self._ready))))
            left -= len(parts[-1])
        return b"".join(parts)

    def seek(self, place: int) -> int:
        """Go to a place, by reading what is before it."""
        if place < self._at:
            self._restart()
        while self._at < place:
            if not self.read(min(_OUT_BYTES, place - self._at)):
                break
        return self._at

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seekable(self) -> bool:
        """It is, though going back costs as much as going there."""
        return True

    def _take(self, count: int) -> bytes:
        taken, self._ready = self._ready[:count], self._ready[count:]
        self._at += count
        return bytes(taken)

    def _next_member(self, unused: bytes) -> None:
        """Go on with the next member behind this one, if there is one; zeros are padding."""
        rest = unused.lstrip(b"\0")
        while not rest and (block := self._raw.read(_IN_BYTES)):
            rest = block.lstrip(b"\0")
        self._waiting = rest
        if rest:
            self._begin()
        else:
            self._is_over = True


class Gunzip(_Forward):
    """What a gzip holds.

    Python's own reader takes 8 KiB at a time and keeps its own checksum beside zlib's: this one
    needs half of its CPU.
    """

    def _begin(self) -> None:
        self._unpacker = zlib.decompressobj(_GZIP)

    def _fill(self) -> bool:
        """Unpack some more; whether there was any."""
        while not self._is_over:
            data = self._waiting or self._raw.read(_IN_BYTES)
            if not data:
                raise EOFError("the gzip is cut short")
            self._ready = memoryview(self._unpacker.decompress(data, _OUT_BYTES))
            self._waiting = self._unpacker.unconsumed_tail
            if self._unpacker.eof:
                self._next_member(self._unpacker.unused_data)
            if self._ready:
                return True
        return False


class Unxz(_Forward):
    """What an xz holds, within a bound on memory."""

    def _begin(self) -> None:
        import lzma

        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_MEMORY_MB * 2**20)

    def _fill(self) -> bool:
        import lzma

        while not self._is_over:
            if self._unpacker.eof:
                self._next_member(self._unpacker.unused_data)
                continue
            data, self._waiting = self._waiting, b""
            if not data and self._unpacker.needs_input:
                data = self._raw.read(_IN_BYTES)
                if not data:
                    raise EOFError("the xz is cut short")
            try:
                self._ready = memoryview(self._unpacker.decompress(data, _OUT_BYTES))
            except lzma.LZMAError as err:
                if "emory" in str(err):
                    raise CannotInflate(
                        f"takes more than {MOST_MEMORY_MB} MiB of memory to unpack: pack it with "
                        "xz -9 or less"
                    ) from err
                raise
            if self._ready:
                return True
        return False
