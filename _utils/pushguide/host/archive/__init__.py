"""Unpacking the archive of a release, without trusting it.

Deciding comes apart from doing. With a single problem the archive is refused, all problems are
named, and nothing of it stays. An archive is data of someone else: declared sizes may lie, headers
may be huge, and what the parsers of the standard library raise over them is always BadArchive
here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO

from pushguide.errors import BadArchive
from pushguide.host.archive.attributes import FILE_MODE, OPEN_MODE
from pushguide.host.archive.earlier import Earlier
from pushguide.host.archive.entries import DEFAULT_LIMITS, Entry, Limits, Source, Unpacked
from pushguide.host.archive.tars import is_tar_header, open_tar
from pushguide.host.archive.tree import Plan
from pushguide.host.archive.untrusted import reading
from pushguide.host.archive.writing import Writer, flush_tree
from pushguide.host.archive.zips import open_zip
from pushguide.host.links import is_directory
from pushguide.host.removal import remove_tree
from pushguide.host.windows.paths import extended, plain
from pushguide.inflate import decompressed

__all__ = [
    "DEFAULT_LIMITS",
    "FILE_MODE",
    "OPEN_MODE",
    "Earlier",
    "Limits",
    "Unpacked",
    "detect",
    "flush_tree",
    "unpack",
]

MOST_LISTED = 20


def detect(path: str) -> str:
    """Tell the format of an archive from its first bytes.

    Args:
        path: the archive.

    Returns:
        ``zip`` or ``tar`` (a compressed tar too).

    Raises:
        BadArchive: it is neither.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as raw:
        return _format_of(raw, path)


def unpack(
    path: str,
    destination: str,
    limits: Limits = DEFAULT_LIMITS,
    earlier: Earlier | None = None,
) -> Unpacked:
    """Unpack the archive at ``path`` into ``destination``.

    Directories and executables get mode 0755, other files 0644; files keep their time. A tar can
    only be read from front to back: what was written of one that is refused is removed again.
    After another error in the midst of writing, what was written stays for the caller to remove.

    Args:
        path: the archive, zip or tar.
        destination: a directory that is empty or does not exist yet.
        limits: the most to accept.
        earlier: an earlier release, whose unchanged files are taken from there.

    Returns:
        What was written.

    Raises:
        BadArchive: the archive is refused (nothing was written), or turned out to be damaged,
            or the destination is not empty.
        OSError: the archive could not be read, or the destination not be written.
    """
    destination = extended(destination)
    _check_destination(path, destination)
    with open(path, "rb") as raw:
        opened = open_zip if _format_of(raw, path) == "zip" else open_tar
        source = opened(raw, path, limits)
        plan = Plan(limits, os.path.getsize(path))
        files = plan.inspect(source.entries())
        if source.goes_by_once:
            return _write_by_the_way(source, plan, files, path, destination, earlier)
        accepted = list(files)
        _demand_no_problems(plan, path, destination)
        writer = Writer(destination, earlier)
        for entry in accepted:
            writer.file(entry, source.blocks(entry), source.checksum(entry))
        return writer.finish(plan)


def _write_by_the_way(
    source: Source,
    plan: Plan,
    files: Iterable[Entry],
    path: str,
    destination: str,
    earlier: Earlier | None,
) -> Unpacked:
    """Write each file as it goes by; none of them once something speaks against the archive."""
    was_there = os.path.isdir(destination)
    writer = None
    try:
        for entry in files:
            writer = writer or Writer(destination, earlier)
            writer.file(entry, source.blocks(entry))
        _demand_no_problems(plan, path, destination)
    except BadArchive:
        if writer:
            remove_tree(destination)  # links are not there yet
        if writer and was_there:
            os.mkdir(destination)
        raise
    return (writer or Writer(destination, earlier)).finish(plan)


def _demand_no_problems(plan: Plan, path: str, destination: str) -> None:
    if plan.problems:
        raise BadArchive(_refusal(path, destination, plan.problems))


def _format_of(raw: IO[bytes], path: str) -> str:
    head = raw.read(8)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    with reading(path):
        if is_tar_header(decompressed(raw).read(512)):
            return "tar"
    begins = f"begins with the bytes {head.hex(' ')}" if head else "is empty"
    raise BadArchive(
        f"Telling the format of {path!r} failed: it is not an archive, it {begins}. Accepted are "
        "zip, tar, tar.gz, tar.bz2, tar.xz and, from Python 3.14 on, tar.zst: build it as one of "
        "them."
    )


def _check_destination(path: str, destination: str) -> None:
    if not os.path.lexists(destination):
        return
    if is_directory(destination):
        if not os.listdir(destination):
            return
        found = "is a directory with content"
    else:
        found = "is not a directory"
    raise BadArchive(
        f"Unpacking {path!r} needs a new or empty directory, and {plain(destination)!r} {found}: "
        "remove it or choose another."
    )


def _refusal(path: str, destination: str, problems: list[str]) -> str:
    listed = problems[:MOST_LISTED]
    if len(problems) > MOST_LISTED:
        listed.append(f"and {len(problems) - MOST_LISTED} more problems")
    return (
        f"Unpacking {path!r} into {plain(destination)!r} was refused, and nothing was written: "
        f"{'; '.join(listed)}. Build the archive again without that."
    )
