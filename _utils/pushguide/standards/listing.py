"""Listings: what lies in a release, whether in an archive or on a host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

FILE, DIRECTORY, LINK, OTHER = "file", "directory", "link", "other"

#: How much of one file, and of all files together, is looked into at the most.
MOST_OF_ONE_FILE = 64 * 1024
MOST_OF_ALL_FILES = 1024 * 1024


class Entry(NamedTuple):
    """One thing in a release.

    Attributes:
        path: its path below the release, with ``/`` between the parts.
        kind: file, directory, link or other.
        size: the bytes of a file.
        target: where a link leads.
        touched: on a host, whether it was written after the release was unpacked.
    """

    path: str
    kind: str = FILE
    size: int = 0
    target: str = ""
    touched: bool = False


class Placed(NamedTuple):
    """An entry with its directory and name in lower case, which patterns are compared with."""

    directory: str
    name: str
    entry: Entry


@dataclass(frozen=True)
class Listing:
    """What lies in a release.

    Attributes:
        entries: everything in it; directories may be missing where they are implied.
        beginnings: the first bytes of the files that rules have to look into.
        unseen: files that rules would have looked into, and whose content was not read.
        unreadable: why it could not be read, or not to its end.
    """

    entries: list[Entry]
    beginnings: Mapping[str, bytes] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    unreadable: str | None = None

    @cached_property
    def placed(self) -> list[Placed]:
        """The entries, prepared for patterns."""
        return [*placed(self.entries)]

    @cached_property
    def files(self) -> list[Entry]:
        """The plain files."""
        return [one for one in self.entries if one.kind == FILE]


def placed(entries: Iterable[Entry]) -> Iterable[Placed]:
    """Entries with their directories and names in lower case."""
    for one in entries:
        directory, _, name = one.path.lower().rpartition("/")
        yield Placed(directory, name, one)
