"""Unpack only what changed: files that an earlier release has already are taken from there.

That a file is unchanged is proven each time, by its content: somebody may have edited it in place
since. Where the archive tells a checksum beforehand (zip) the old file is summed; otherwise it is
compared with what the archive gives.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from collections.abc import Iterable
from itertools import chain

from pushguide.host.archive.attributes import mode_of, set_time
from pushguide.host.archive.entries import Entry
from pushguide.host.archive.untrusted import BLOCK
from pushguide.host.links import is_directory
from pushguide.host.windows.paths import extended

REFLINK, HARD_LINK = "reflink", "hard_link"

#: What a tar gives is held in memory while it is compared; a longer file is written.
_MOST_HELD_BYTES = 16 * 2**20
_FICLONE = 0x40049409  # ioctl_ficlone(2)
_MAY_WRITE = 0o222


class Earlier:
    """An earlier release of the same module.

    Args:
        directory: its directory; None where there is none, and only the way counts.
        way: ``reflink`` shares the blocks on disk where the file system can; ``hard_link`` shares
            the files themselves, and makes the trees read-only.
    """

    def __init__(self, directory: str | None, way: str) -> None:
        self.directory = extended(directory) if directory else ""
        self.way = way
        self._works = directory is not None and way in (REFLINK, HARD_LINK)
        self._ways: dict[tuple[str, ...], bool] = {}

    def reuse(
        self, entry: Entry, target: str, blocks: Iterable[bytes], checksum: int | None
    ) -> tuple[bool, Iterable[bytes]]:
        """Take a file from here, if it is unchanged.

        Args:
            entry: the file.
            target: where it is to be.
            blocks: its content.
            checksum: the CRC-32 of the content, if it is known.

        Returns:
            Whether it was taken, and the content that is to be written if it was not.
        """
        old = os.path.join(self.directory, *entry.parts)
        before = self._status(old, entry) if self._is_ours(entry.parts[:-1]) else None
        if before is None or (checksum is None and entry.size > _MOST_HELD_BYTES):
            return False, blocks
        if checksum is not None:
            is_same = _crc_of(old) == checksum
        else:
            is_same, blocks = _compared(old, blocks)
        if is_same and self._share(old, target, entry, before):
            return True, ()
        return False, blocks

    @property
    def mask(self) -> int:
        """The modes that nothing in the new tree has: files that are shared are read-only."""
        return _MAY_WRITE if self.way == HARD_LINK else 0

    def _is_ours(self, parts: tuple[str, ...]) -> bool:
        """Whether the way to a file leads through directories alone: somebody may have put a link
        in the place of one.
        """
        if parts not in self._ways:
            above = not parts or self._is_ours(parts[:-1])
            place = os.path.join(self.directory, *parts)
            self._ways[parts] = above and is_directory(place)
        return self._ways[parts]

    def _status(self, old: str, entry: Entry) -> os.stat_result | None:
        """The state of a file that could be shared; None of one that could not."""
        if not self._works:
            return None
        try:
            status = os.lstat(old)
        except OSError:
            return None
        is_alike = (
            stat.S_ISREG(status.st_mode)
            and status.st_size == entry.size > 0  # an empty one is as quickly written
            and (os.name == "nt" or bool(status.st_mode & stat.S_IXUSR) == entry.executable)
        )
        # A file that may be written to is not shared: an edit would change both releases.
        is_safe = not (self.way == HARD_LINK and status.st_mode & _MAY_WRITE)
        return status if is_alike and is_safe else None

    def share(self, old: str, target: str, entry: Entry) -> bool:
        """Share a file whose content is known to be the same; whether that could be."""
        before = self._status(old, entry)
        return before is not None and self._share(old, target, entry, before)

    def _share(self, old: str, target: str, entry: Entry, before: os.stat_result) -> bool:
        """Share a file that was proven; not if somebody has touched it since."""
        try:
            if self.way == HARD_LINK:
                os.link(old, target)
            else:
                _clone(old, target, entry)
        except OSError:
            # Another file system, or one that has no such thing: then none of the others either.
            with contextlib.suppress(FileNotFoundError):
                os.remove(target)
            self._works = False
            return False
        shared = os.lstat(target if self.way == HARD_LINK else old)
        if identity_of(shared) == identity_of(before):
            return True
        _take_back(old, target)
        return False


def _take_back(old: str, target: str) -> None:
    """Remove the new name of a file; Windows lets none go that is read-only, by any name."""
    if os.name == "nt":
        mode = stat.S_IMODE(os.lstat(old).st_mode)
        os.chmod(target, mode | stat.S_IWRITE)
        os.remove(target)
        os.chmod(old, mode)
    else:
        os.remove(target)


def identity_of(status: os.stat_result) -> tuple[int, int, int]:
    """What changes of a file when it is written to, or replaced."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def _crc_of(path: str) -> int:
    crc = 0
    with open(path, "rb") as handle:
        while block := handle.read(BLOCK):
            crc = zlib.crc32(block, crc)
    return crc


def _compared(old: str, blocks: Iterable[bytes]) -> tuple[bool, Iterable[bytes]]:
    """Whether a file holds just these blocks; and the blocks again, for who has to write them."""
    waiting = iter(blocks)
    held: list[bytes] = []
    with open(old, "rb") as handle:
        for block in waiting:
            held.append(block)
            if handle.read(len(block)) != block:
                return False, chain(held, waiting)
    return True, held


def _clone(old: str, target: str, entry: Entry) -> None:
    """Make a file that shares its blocks with another one (btrfs, XFS and the like)."""
    if os.name == "nt":
        raise OSError("there are no reflinks here")
    import fcntl

    with open(old, "rb") as source, open(target, "xb") as out:
        fcntl.ioctl(out.fileno(), _FICLONE, source.fileno())
        os.fchmod(out.fileno(), mode_of(entry))
    set_time(target, entry)
