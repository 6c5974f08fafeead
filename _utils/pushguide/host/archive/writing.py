"""Doing: what was decided gets written, and what was written gets durable.

Directories come first, then files, then hard links, and symbolic links at the very last, so that
no write ever goes through a link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from pushguide.host.archive.entries import Entry, Source, Unpacked
from pushguide.host.archive.tree import Plan
from pushguide.host.archive.untrusted import BLOCK, checked_blocks
from pushguide.host.journal import flush_directory

OPEN_MODE = 0o755  # of directories and executables
FILE_MODE = 0o644

_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)


def write(source: Source, plan: Plan, path: str, destination: str) -> Unpacked:
    """Write what was planned: symbolic links last, so that nothing goes through one."""
    written = 0
    if not os.path.isdir(destination):
        os.makedirs(destination)
        os.chmod(destination, OPEN_MODE)
    for parts in plan.directories():
        directory = os.path.join(destination, *parts)
        os.mkdir(directory)
        os.chmod(directory, OPEN_MODE)
    for entry in plan.files:
        with source.open(entry) as content:
            blocks = checked_blocks(content, entry.name, entry.size, path)
            _write_file(os.path.join(destination, *entry.parts), blocks, entry)
        written += entry.size
    for entry, file in plan.hard_links:
        _link(os.path.join(destination, *file.parts), os.path.join(destination, *entry.parts), file)
    for entry, is_directory in plan.symlinks:
        target = entry.target.replace("/", os.sep)
        os.symlink(target, os.path.join(destination, *entry.parts), is_directory)
    return Unpacked(files=len(plan.files) + len(plan.hard_links), bytes=written)


def _write_file(target: str, blocks: Iterable[bytes], entry: Entry) -> None:
    with open(os.open(target, _CREATE, 0o600), "wb") as out:
        out.writelines(blocks)
    os.chmod(target, OPEN_MODE if entry.executable else FILE_MODE)
    # A time that is no number, or that no file system knows, is left alone.
    if entry.mtime is not None and 0 <= entry.mtime < 2**34:
        os.utime(target, (entry.mtime, entry.mtime))


def _link(file: str, target: str, entry: Entry) -> None:
    """Link ``target`` to ``file``, or copy it where the file system has no hard links."""
    try:
        os.link(file, target)
    except OSError:
        with open(file, "rb") as content:
            _write_file(target, iter(lambda: content.read(BLOCK), b""), entry)


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
    directories = [os.path.dirname(os.path.abspath(root))]
    for directory, _, names in os.walk(root, onerror=_raise):
        directories.append(directory)
        files += [os.path.join(directory, name) for name in names]
    files = [file for file in files if stat.S_ISREG(os.lstat(file).st_mode)]
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
