"""Doing: what was decided gets written, and what was written gets durable.

Directories come before what is in them, then files, then hard links, and symbolic links at the very
last, so that no write ever goes through a link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from pushguide.host.archive.attributes import OPEN_MODE, mode_of, set_time
from pushguide.host.archive.earlier import Earlier
from pushguide.host.archive.entries import Entry, Unpacked
from pushguide.host.archive.tree import Plan
from pushguide.host.archive.untrusted import BLOCK
from pushguide.host.journal import flush_directory
from pushguide.host.links import walk
from pushguide.host.windows.paths import extended

_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)


class Writer:
    """Writes a release tree.

    Args:
        destination: a directory that is empty or not there yet.
        earlier: an earlier release, whose unchanged files are taken from there.
    """

    def __init__(self, destination: str, earlier: Earlier | None = None) -> None:
        self.destination = destination
        self.earlier = earlier
        self.unpacked = Unpacked(0, 0)
        self._mask = earlier.mask if earlier else 0
        self._made: set[tuple[str, ...]] = set()
        self._modes_that_hold: set[int] = set()
        if not os.path.isdir(destination):
            os.makedirs(destination)
            os.chmod(destination, OPEN_MODE)

    def directory(self, parts: tuple[str, ...]) -> str:
        """Make a directory and those above it; answer with its path."""
        path = os.path.join(self.destination, *parts)
        if parts and parts not in self._made:
            self.directory(parts[:-1])
            os.mkdir(path)
            os.chmod(path, OPEN_MODE)
            self._made.add(parts)
        return path

    def file(self, entry: Entry, blocks: Iterable[bytes], checksum: int | None = None) -> None:
        """Write a file.

        Args:
            entry: the file.
            blocks: its content; not asked for where the earlier release has it.
            checksum: the CRC-32 of the content, where the archive tells it beforehand.
        """
        target = os.path.join(self.directory(entry.parts[:-1]), entry.parts[-1])
        reused = False
        if self.earlier:
            reused, blocks = self.earlier.reuse(entry, target, blocks, checksum)
        if not reused:
            self._write(target, blocks, entry)
        self._count(entry, reused)

    def shared(self, entry: Entry, old: str | None, blocks: Iterable[bytes]) -> None:
        """Share a file that is known to be unchanged, or write it where that cannot be.

        Args:
            entry: the file.
            old: a file of the earlier release with the same content; None for none.
            blocks: its content; not asked for where it is shared.
        """
        target = os.path.join(self.directory(entry.parts[:-1]), entry.parts[-1])
        reused = bool(old and self.earlier and self.earlier.share(old, target, entry))
        if not reused:
            self._write(target, blocks, entry)
        self._count(entry, reused)

    def _count(self, entry: Entry, reused: bool) -> None:
        files, size, before = self.unpacked
        self.unpacked = Unpacked(files + 1, size + entry.size, before + reused)

    def finish(self, plan: Plan) -> Unpacked:
        """Make what is left: empty directories, links, and the times of directories."""
        for parts in plan.directories():
            self.directory(parts)
        for entry, file in plan.hard_links:
            self._link(file, entry)
        for entry, is_directory in plan.symlinks:
            target = entry.target.replace("/", os.sep)
            os.symlink(target, self._path(entry), is_directory)
        for entry in sorted(plan.directory_entries, key=lambda one: len(one.parts), reverse=True):
            set_time(self._path(entry), entry)
        for parts in sorted(self._made | {()}, key=len, reverse=True) if self._mask else ():
            os.chmod(os.path.join(self.destination, *parts), OPEN_MODE & ~self._mask)
        files, size, before = self.unpacked
        return Unpacked(files + len(plan.hard_links), size, before)

    def _path(self, entry: Entry) -> str:
        return os.path.join(self.destination, *entry.parts)

    def _write(self, target: str, blocks: Iterable[bytes], entry: Entry) -> None:
        mode = mode_of(entry) & ~self._mask
        descriptor = os.open(target, _CREATE, mode)
        try:
            for block in blocks:
                _write_all(descriptor, block)
            if mode not in self._modes_that_hold:
                # Each system call counts where there are thousands of files.
                if stat.S_IMODE(os.fstat(descriptor).st_mode) == mode:
                    self._modes_that_hold.add(mode)
                else:
                    os.chmod(target, mode)
            set_time(descriptor if os.utime in os.supports_fd else target, entry)
        finally:
            os.close(descriptor)

    def _link(self, file: Entry, entry: Entry) -> None:
        """Link to a file, or copy it where the file system has no hard links."""
        target = os.path.join(self.directory(entry.parts[:-1]), entry.parts[-1])
        try:
            os.link(self._path(file), target)
        except OSError:
            self._write(target, _blocks_of(self._path(file)), file)


def _blocks_of(path: str) -> Iterator[bytes]:
    with open(path, "rb") as content:
        while block := content.read(BLOCK):
            yield block


def _write_all(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def flush_tree(root: str, most_single: int = 64) -> None:
    """Make the tree under ``root`` durable.

    Args:
        root: the directory.
        most_single: up to so many files are flushed one by one; of more, the whole system is
            flushed at once where the platform can.

    Raises:
        OSError: flushing failed.
    """
    files: list[str] = []
    root = extended(os.path.abspath(root))
    directories = [os.path.dirname(root)]
    for directory, names in walk(root, onerror=_raise):
        directories.append(directory)
        here = [os.path.join(directory, name) for name in names]
        files += [file for file in here if stat.S_ISREG(os.lstat(file).st_mode)]
        if len(files) > most_single and hasattr(os, "sync"):
            os.sync()
            return
    for file in files:
        _flush_file(file)
    for directory in reversed(directories):
        flush_directory(directory)


def _raise(err: OSError) -> None:
    raise err


def _flush_file(path: str) -> None:
    # Windows flushes only what is open for writing; elsewhere reading is enough.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
