"""What a gzip holds, read from front to back.

Python's own reader takes 8 KiB at a time and keeps its own checksum beside zlib's: this one needs
half of its CPU. It goes forward only; to go back it begins anew.
"""

from __future__ import annotations

import zlib
from typing import IO

_IN_BYTES = 2**17
_OUT_BYTES = 2**20
_GZIP = 31  # window bits: a gzip header and trailer, both checked


class Gunzip:
    """A stream of what a gzip holds, of one member or of several.

    Args:
        raw: the gzip.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._restart()

    def _restart(self) -> None:
        self._raw.seek(0)
        self._unpacker = zlib.decompressobj(_GZIP)
        self._waiting = b""
        self._ready = memoryview(b"")
        self._at = 0
        self._is_over = False

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

    def _fill(self) -> bool:
        """Unpack some more; whether there was any."""
        while not self._is_over:
            data = self._waiting or self._raw.read(_IN_BYTES)
            if not data:
                raise EOFError("the gzip is cut short")
            self._ready = memoryview(self._unpacker.decompress(data, _OUT_BYTES))
            self._waiting = self._unpacker.unconsumed_tail
            if self._unpacker.eof:
                self._next_member()
            if self._ready:
                return True
        return False

    def _next_member(self) -> None:
        """Go on with the next gzip behind this one, if there is one; zeros are padding."""
        rest = self._unpacker.unused_data.lstrip(b"\0")
        while not rest and (block := self._raw.read(_IN_BYTES)):
            rest = block.lstrip(b"\0")
        self._waiting = rest
        if rest:
            self._unpacker = zlib.decompressobj(_GZIP)
        else:
            self._is_over = True
