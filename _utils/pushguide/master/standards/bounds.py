"""Bounds on what reading an archive may cost, and what its errors become."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from typing import IO

from pushguide.inflate import CannotInflate
from pushguide.standards.listing import MOST_OF_ALL_FILES, MOST_OF_ONE_FILE, Entry

MOST_PATH_LENGTH = 4096
MOST_DEPTH = 200
MOST_PATH_BYTES = 32 * 2**20


class Unreadable(Exception):
    """An archive does not read; the message ends a sentence that begins with the archive."""


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Turn whatever the parsers raise over an archive's bytes into Unreadable.

    They raise nearly anything. An OSError with a number comes from the disk or the server, and not
    from the archive; only EINVAL is a seek to a wild offset.
    """
    try:
        yield
    except (Unreadable, MemoryError):
        raise
    except CannotInflate as err:
        raise Unreadable(str(err)) from err
    except Exception as err:
        if isinstance(err, OSError) and err.errno not in (None, errno.EINVAL):
            raise
        raise Unreadable(f"does not read: {type(err).__name__}: {str(err)[:200]}") from err


class Paths:
    """The paths of an archive's entries, within bounds: comparing them must not hold anybody up."""

    def __init__(self) -> None:
        self._left = MOST_PATH_BYTES

    def plain(self, name: str) -> str:
        """A name as rules compare it.

        Raises:
            Unreadable: it is too long or too deep, or all of them together are too long.
        """
        parts = [one for one in name.replace("\\", "/").split("/") if one not in ("", ".")]
        self._left -= len(name)
        if len(name) > MOST_PATH_LENGTH or len(parts) > MOST_DEPTH:
            raise Unreadable(f"has a path that is too long or too deep: {name[:80]!r}...")
        if self._left < 0:
            raise Unreadable(f"has paths that are longer than {MOST_PATH_BYTES} bytes together")
        path = "/".join(parts)
        return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Watched:
    """A file that gives up where more is read at once than ``left``; None lets all pass.

    Args:
        handle: the file.
        left: how many bytes may be read.
        what: what they are, for the message.
    """

    def __init__(self, handle: IO[bytes], left: int, what: str) -> None:
        self.left: int | None = left
        self.what = what
        self._handle = handle
        self._most = left
        self._ahead = (0, b"")
        self.seek = handle.seek
        self.tell = handle.tell

    def seekable(self) -> bool:
        """It is."""
        return True

    def prefetch(self, place: int, count: int) -> None:
        """Read a part at once, out of which the small reads that follow are served: each may be a
        request to a server."""
        self._handle.seek(place)
        self._ahead = (place, self._handle.read(count))

    def read(self, count: int = -1) -> bytes:
        """Read, within what is left."""
        if self.left is None:
            begin, data = self._ahead
            place = self._handle.tell() - begin
            if place >= 0 and 0 <= count <= len(data) - place:
                self._handle.seek(begin + place + count)
                return data[place : place + count]
            return self._handle.read(count)
        if count > self.left:
            raise Unreadable(f"was given up: {self.what} is longer than {self._most} bytes")
        data = self._handle.read(self.left + 1 if count < 0 else count)
        self.left -= len(data)
        return data


class Beginnings:
    """The beginnings of files, as far as their bounds allow.

    Attributes:
        read: of each path its first bytes.
        unseen: the files that were not looked into.
    """

    def __init__(self) -> None:
        self.read: dict[str, bytes] = {}
        self.unseen: list[str] = []
        self._left = MOST_OF_ALL_FILES

    def take(self, entry: Entry, read: Callable[[int], bytes]) -> None:
        """Keep the beginning of a file, unless all of them together grew too long.

        Args:
            entry: the file.
            read: reads so many of its first bytes.
        """
        most = min(entry.size, MOST_OF_ONE_FILE)
        if most > self._left:
            self.unseen.append(entry.path)
            return
        self._left -= most
        self.read[entry.path] = read(most)
