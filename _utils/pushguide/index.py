"""An index: what an artifact unpacks to, file by file, and where each content is in its pack.

A tar.gz can only be read from its beginning. So the master reads it once and writes two files: a
*pack*, which holds the content of each file compressed by itself, and an *index*, which tells of
each file its place in the pack and its sha256. A host that has an earlier release fetches the index
and, by Range, the content that it has not.

What proves an index is its own sha256, which is part of the plan.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import NamedTuple

FORMAT = 1
#: The longest index that is taken for one, unpacked: 200,000 entries of 1 KB.
MOST_BYTES = 200 * 2**20

FILE, DIRECTORY, SYMLINK = "file", "directory", "symlink"


class NoIndex(Exception):
    """These bytes are no index of this version."""


class Listed(NamedTuple):
    """One entry of a release.

    Attributes:
        path: its path below the release, with slashes.
        kind: file, directory or symlink.
        executable: whether it is.
        mtime: its time of change, in seconds; None where the archive has none.
        size: the length of a file.
        sha256: a file's checksum.
        target: where a symlink leads to.
        start: where a file's content begins in the pack.
        stored: how many bytes it takes there; the same as ``size`` if it is not compressed.
    """

    path: str
    kind: str
    executable: bool = False
    mtime: float | None = None
    size: int = 0
    sha256: str = ""
    target: str = ""
    start: int = 0
    stored: int = 0


class Index(NamedTuple):
    """The index of one artifact.

    Attributes:
        artifact: the sha256 of the artifact.
        pack_size: the length of its pack.
        entries: what it unpacks to.
    """

    artifact: str
    pack_size: int
    entries: list[Listed]

    def to_bytes(self) -> bytes:
        """The index as it is published."""
        data = {**self._asdict(), "format": FORMAT}
        return zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> Index:
        """Read an index.

        Raises:
            NoIndex: it is none, or of another version.
        """
        try:
            unpacker = zlib.decompressobj()
            text = unpacker.decompress(data, MOST_BYTES)
            if unpacker.unconsumed_tail or not unpacker.eof:
                raise NoIndex("it is too long, or cut short")
            told = json.loads(text)
            if told.pop("format", None) != FORMAT:
                raise NoIndex("it is of another version")
            entries = [Listed(*one) for one in told.pop("entries")]
            return cls(entries=entries, **told)
        except (zlib.error, ValueError, TypeError, AttributeError) as err:
            raise NoIndex(f"it does not read: {type(err).__name__}: {err}") from err


def packed(content: bytes) -> bytes:
    """Content as a pack holds it: compressed, unless that makes it no shorter."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    short = packer.compress(content) + packer.flush()
    return short if len(short) < len(content) else content


def unpacked(stored: bytes, size: int) -> bytes:
    """The content again; never more than a byte above ``size``.

    Raises:
        NoIndex: it does not unpack.
    """
    if len(stored) == size:
        return stored
    try:
        return zlib.decompressobj(-15).decompress(stored, size + 1)
    except zlib.error as err:
        raise NoIndex(f"a part of the pack does not unpack: {err}") from err


def needed(entries: Iterable[Listed], near_bytes: int) -> list[tuple[int, int]]:
    """The ranges of the pack that hold the content of files, joined where little lies between.

    Args:
        entries: the files.
        near_bytes: two ranges with less between them become one.

    Returns:
        Begin and end of each, in their order.
    """
    ranges: list[tuple[int, int]] = []
    for start, end in sorted({(one.start, one.start + one.stored) for one in entries}):
        if ranges and start - ranges[-1][1] <= near_bytes:
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        elif end > start:
            ranges.append((start, end))
    return ranges
