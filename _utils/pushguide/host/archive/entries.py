"""What an archive holds, alike for every format, and how much it may hold."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple, Protocol


class Limits(NamedTuple):
    """The most that an archive may hold.

    Attributes:
        entries: files, directories and links.
        unpacked_bytes: the content of all files.
        ratio: how many times longer than the archive the content may be.
        depth: directories within directories.
        free_bytes: as much content is taken whatever the ratio: zeros pack very well.
    """

    entries: int = 200_000
    unpacked_bytes: int = 20 * 2**30
    ratio: float = 100
    depth: int = 100
    free_bytes: int = 256 * 2**20


DEFAULT_LIMITS = Limits()


class Unpacked(NamedTuple):
    """What is there now.

    Attributes:
        files: the files (hard links are files too).
        bytes: the bytes of their content.
        unchanged: how many of the files were taken from the earlier release.
    """

    files: int
    bytes: int
    unchanged: int = 0


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

    #: Whether a content can only be read before the next entry is asked for.
    goes_by_once: bool

    def entries(self) -> Iterator[Entry]:
        """Every entry, in the order of the archive."""

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        """The content of a file; BadArchive unless it is as long as it is declared to be."""

    def checksum(self, entry: Entry) -> int | None:
        """The CRC-32 of a file's content, where the archive tells it."""
