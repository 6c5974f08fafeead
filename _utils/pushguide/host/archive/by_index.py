"""Build a release by an index: what an earlier release has from there, the rest from what came.

An index is data of someone else, like an archive: it goes through the same inspection. Every
content is proven by the sha256 that the index has of it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from pushguide.errors import BadArchive
from pushguide.host.archive.earlier import Earlier, identity_of
from pushguide.host.archive.entries import Entry, Kind, Limits, Unpacked
from pushguide.host.archive.names import host_parts_of
from pushguide.host.archive.tree import Plan
from pushguide.host.archive.writing import Writer
from pushguide.host.links import walk
from pushguide.host.windows.paths import extended
from pushguide.index import DIRECTORY, FILE, SYMLINK, Index, Listed
from pushguide.measure import measured

_KINDS = {FILE: Kind.FILE, DIRECTORY: Kind.DIRECTORY, SYMLINK: Kind.SYMLINK}


class Known(NamedTuple):
    """A file of the earlier release, as it was when it was summed."""

    path: str
    identity: tuple[int, int, int]


def contents_of(directory: str) -> dict[str, Known]:
    """The files of a release, by the sha256 of their content.

    Args:
        directory: the release; what cannot be read in it is passed over.
    """
    found: dict[str, Known] = {}
    for place, names in walk(extended(directory)):
        for name in names:
            path = os.path.join(place, name)
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    sha256, known = _summed(path)
                    found[sha256] = known
            except OSError:
                continue
    return found


def _summed(path: str) -> tuple[str, Known]:
    with open(path, "rb") as handle:
        status = os.fstat(handle.fileno())
        _, sha256 = measured(handle)
    return sha256, Known(path, identity_of(status))


def build(
    index: Index,
    content_of: Callable[[Listed], bytes],
    known: Mapping[str, Known],
    destination: str,
    limits: Limits,
    earlier: Earlier,
) -> Unpacked:
    """Build a release directory.

    Args:
        index: what is to be there.
        content_of: gives the content of a file that the earlier release has not.
        known: the contents that it has.
        destination: a directory that is empty or not there yet.
        limits: the most to accept.
        earlier: the earlier release.

    Returns:
        What was written.

    Raises:
        BadArchive: the index is refused, or a content is not what it says.
    """
    plan = Plan(limits)
    accepted = list(plan.inspect(_entries(index)))
    if plan.problems:
        raise BadArchive(
            f"Building the release by the index of {index.artifact[:12]} was refused, and nothing "
            f"was written: {'; '.join(plan.problems[:20])}."
        )
    writer = Writer(extended(destination), earlier)
    for entry in accepted:
        old = known.get(entry.info.sha256)
        content = _proven(entry.info, content_of, old)
        writer.shared(entry, old.path if old and _is_as_it_was(old) else None, content)
    return writer.finish(plan)


def _entries(index: Index) -> Iterator[Entry]:
    for one in index.entries:
        yield Entry(
            name=one.path,
            parts=host_parts_of(one.path),
            kind=_KINDS.get(one.kind, Kind.OTHER),
            size=one.size if one.kind == FILE else 0,
            executable=one.executable,
            mtime=one.mtime,
            target=one.target,
            complaint="",
            info=one,
        )


def _is_as_it_was(old: Known) -> bool:
    try:
        return identity_of(os.lstat(old.path)) == old.identity
    except OSError:
        return False


def _proven(
    one: Listed, content_of: Callable[[Listed], bytes], old: Known | None
) -> Iterator[bytes]:
    """The content of a file, from the earlier release or from what came."""
    content = b""
    if old:
        with open(old.path, "rb") as handle:
            content = handle.read(one.size + 1)
    else:
        content = content_of(one)
    if hashlib.sha256(content).hexdigest() != one.sha256:
        raise BadArchive(
            f"The content of {one.path} is not what the index says (sha256 {one.sha256}): it was "
            "changed or damaged. Make the index again (pushguide.index), and deploy again."
        )
    yield content
