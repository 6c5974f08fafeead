"""Reading bytes that nobody vouches for: what they may cost, and what their errors become."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import IO

from pushguide.errors import BadArchive
from pushguide.host.archive.names import shown
from pushguide.inflate import CannotInflate

BLOCK = 2**20


@contextlib.contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn whatever the parsers raise over the archive's bytes into BadArchive.

    They raise nearly anything, and not the same in every version of Python. An OSError with a
    number comes from the disk, not from the archive; only EINVAL is a seek to a wild offset.
    """
    try:
        yield
    except (BadArchive, MemoryError):
        raise
    except CannotInflate as err:
        raise BadArchive(f"The archive {path!r} {err}.") from err
    except Exception as err:
        if isinstance(err, OSError) and err.errno not in (None, errno.EINVAL):
            raise
        raise BadArchive(
            f"Reading the archive {path!r} failed with {type(err).__name__}: {err}. It is damaged "
            "or cut short: fetch it again, or build it again."
        ) from err


class Metered:
    """A stream that bounds what is read while ``budget`` is set.

    The parsers read headers whole, as long as the headers say that they are.
    """

    def __init__(self, stream: IO[bytes], path: str) -> None:
        self.stream = stream
        self.path = path
        self.budget: int | None = None
        self.seek = stream.seek
        self.tell = stream.tell
        self.seekable = stream.seekable

    def read(self, count: int = -1) -> bytes:
        """Read, within the budget."""
        if self.budget is None:
            return self.stream.read(count)
        most = self.budget + 1
        data = self.stream.read(most if count < 0 else min(count, most))
        self.budget -= len(data)
        if self.budget < 0:
            raise BadArchive(
                f"Reading the archive {self.path!r} was given up: its headers or its padding "
                "are longer than any real archive's. Build it again with another tool."
            )
        return data


def checked_blocks(content: IO[bytes], name: str, size: int, path: str) -> Iterator[bytes]:
    """The blocks of an entry's content; BadArchive unless they make up the declared size."""
    left = size
    while True:
        with reading(path):
            block = content.read(min(BLOCK, left + 1))
        left -= len(block)
        if left < 0 or (left and not block):
            raise BadArchive(
                f"Unpacking {shown(name)} of {path!r} was given up: it holds "
                f"{'more' if left < 0 else 'less'} than the {size} bytes that it declares. The "
                "archive is damaged or a trap: build it again."
            )
        if not block:
            return
        yield block
