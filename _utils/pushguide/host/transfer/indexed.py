"""Fetch by an index: of an artifact that can only be read as a whole, what this host has not.

The index is proven by its sha256, which is part of the plan. Each content that was fetched is
proven by the sha256 that the index has of it, when it is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from bisect import bisect_right
from collections.abc import Collection, Iterator
from typing import IO

from pushguide.errors import BadArchive
from pushguide.host.transfer.pace import Pace
from pushguide.host.transfer.remote import NoRanges, Remote
from pushguide.host.transfer.web import Unusable, Web
from pushguide.index import FILE, Index, Listed, NoIndex, needed, unpacked
from pushguide.share import IndexAt

#: Above this part of the artifact it is fetched as a whole.
_MOST_PART = 0.8
_MOST_RANGES = 256
_NEAR_BYTES = 32 * 1024
_INDEX, _PARTS = "index", "parts"


def fetch(
    at: IndexAt, artifact_size: int, known: Collection[str], directory: str, web: Web, pace: Pace
) -> bool:
    """Fetch an index, and the contents that it lists and this host has not.

    Args:
        at: where index and pack are.
        artifact_size: how long the artifact itself is.
        known: the sha256 of the contents that this host has.
        directory: where to put both; it is there.
        web: the way to the server.
        pace: the bounds.

    Returns:
        Whether it is all there; not where the whole costs no more, or the index cannot be had.
    """
    with contextlib.suppress(NoIndex, NoRanges, Unusable):
        data = Remote(at.url, at.size, web, pace).read(0, at.size)
        if hashlib.sha256(data).hexdigest() != at.sha256:
            return False
        index = Index.from_bytes(data)
        missing = [one for one in index.entries if one.kind == FILE and one.sha256 not in known]
        ranges = needed(missing, _NEAR_BYTES)
        moved = len(data) + sum(end - start for start, end in ranges)
        if moved > _MOST_PART * artifact_size or len(ranges) > _MOST_RANGES:
            return False
        remote = Remote(at.pack_url, index.pack_size, web, pace)
        with open(os.path.join(directory, _PARTS), "wb") as out:
            for start, end in ranges:
                out.write(start.to_bytes(8, "big") + (end - start).to_bytes(8, "big"))
                for block in remote.blocks(start, end):
                    out.write(block)
        with open(os.path.join(directory, _INDEX), "wb") as out:
            out.write(data)
        return True
    return False


def is_here(directory: str) -> bool:
    """Whether a release is to be built by an index that lies here."""
    return os.path.isfile(os.path.join(directory, _INDEX))


@contextlib.contextmanager
def opened(directory: str) -> Iterator[tuple[Index, Parts]]:
    """The index and the contents that were fetched.

    Raises:
        BadArchive: they do not read.
    """
    try:
        with open(os.path.join(directory, _INDEX), "rb") as handle:
            index = Index.from_bytes(handle.read())
    except NoIndex as err:
        raise BadArchive(f"Reading the index in {directory} failed: {err}.") from err
    with open(os.path.join(directory, _PARTS), "rb") as handle:
        yield index, Parts(handle)


class Parts:
    """The contents that were fetched.

    Args:
        handle: the file that holds them, each range after its place and its length.
    """

    def __init__(self, handle: IO[bytes]) -> None:
        self.handle = handle
        self.starts: list[int] = []
        self.places: list[tuple[int, int]] = []
        while len(head := handle.read(16)) == 16:
            start, length = int.from_bytes(head[:8], "big"), int.from_bytes(head[8:], "big")
            self.starts.append(start)
            self.places.append((handle.tell(), length))
            handle.seek(length, os.SEEK_CUR)

    def content(self, one: Listed) -> bytes:
        """The content of a file.

        Raises:
            BadArchive: it was not fetched, or does not unpack.
        """
        at = bisect_right(self.starts, one.start) - 1
        offset = one.start - self.starts[at] if at >= 0 else -1
        if offset < 0 or offset + one.stored > self.places[at][1]:
            raise BadArchive(
                f"The content of {one.path} was not fetched, and the earlier release has it no "
                "more: deploy again."
            )
        self.handle.seek(self.places[at][0] + offset)
        try:
            return unpacked(self.handle.read(one.stored), one.size)
        except NoIndex as err:
            raise BadArchive(f"Unpacking {one.path} failed: {err}.") from err
