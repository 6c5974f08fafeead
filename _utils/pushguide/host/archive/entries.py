"""What an archive holds, alike for every format, and how much it may hold."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import IO, Any, NamedTuple, Protocol


class Limits(NamedTuple):
    """The most that an archive may hold."""

    entries: int = 200_000
    unpacked_bytes: int = 20 * 2**30


DEFAULT_LIMITS = Limits()


class Unpacked(NamedTuple):
    """What was written: the files (hard links are files too) and the bytes of their content."""

    files: int
    bytes: int


class Kind(Enum):
    """What an entry is, in the words of the refusals."""

    FILE = "a file"
    DIRECTORY = "a directory"
    SYMLINK = "a symbolic link"
    HARD_LINK = "a hard link"
    OTHER = "neither file nor directory nor link"


class Entry(NamedTuple):
    """One entry, alike for both formats; ``parts`` is its place below the destination."""

    name: str
    parts: tuple[str, ...]
    kind: Kind
    size: int
    executable: bool
    mtime: float | None
    target: str
    complaint: str
    info: Any


class Source(Protocol):
    """An open archive."""

    def entries(self) -> Iterator[Entry]:
        """Every entry, in the order of the archive."""

    def open(self, entry: Entry) -> IO[bytes]:
        """The content of a file."""
