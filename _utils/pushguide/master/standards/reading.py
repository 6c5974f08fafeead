"""Reading an archive's directory, without trusting it and without reading it whole.

Of a zip the central directory is read, and the beginnings of the few files that rules look into.
A tar has no directory: it is read once from front to back. What an archive says about itself is
bounded in every way, and what is wrong with it becomes a finding, never an error.
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import IO, Any, cast

from pushguide.master.standards import tars
from pushguide.master.standards.bounds import Beginnings, Paths, Unreadable, Watched, reading
from pushguide.standards.checking import may_be_looked_into, to_look_into
from pushguide.standards.listing import DIRECTORY, FILE, LINK, OTHER, Entry, Listing
from pushguide.standards.rules import Rule

MOST_ENTRIES = 200_000
MOST_DIRECTORY_BYTES = 16 * 2**20
MOST_TARGET_BYTES = 4096
#: Of a zip's entry, what stands before its content, but for its name.
_HEADER_BYTES = 30 + 64

_FORMS = {0: FILE, stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: LINK}


def of_artifact(
    handle: IO[bytes], name: str, settings: Mapping[str, Any], rules: Sequence[Rule]
) -> Listing:
    """What lies in an artifact.

    Args:
        handle: the artifact as a seekable binary file; it may lie far away.
        name: its file name.
        settings: the settings of the project type; with ``unpack: False`` the artifact is the one
            file that lies in the release, named ``file_name``.
        rules: the rules that are to be applied: they say what has to be looked into.

    Raises:
        OSError: the file itself cannot be read.
    """
    if not settings.get("unpack", True):
        return _one_file(handle, str(settings.get("file_name") or name), rules)
    entries: list[Entry] = []
    beginnings = Beginnings()
    try:
        head = _head(handle)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            _read_zip(handle, entries, beginnings, rules)
        else:
            wanted = may_be_looked_into(rules)
            tars.read(handle, head, entries, beginnings, wanted, MOST_ENTRIES)
    except Unreadable as err:
        return Listing(entries, unreadable=str(err))
    return Listing(entries, beginnings.read, frozenset(beginnings.unseen))


def _head(handle: IO[bytes]) -> bytes:
    handle.seek(0)
    return handle.read(8)


def _one_file(handle: IO[bytes], name: str, rules: Sequence[Rule]) -> Listing:
    """The listing of a release that is one file."""
    entry = Entry(name, FILE, handle.seek(0, os.SEEK_END))
    beginnings = Beginnings()
    if to_look_into(rules, [entry]):
        handle.seek(0)
        beginnings.take(entry, handle.read)
    return Listing([entry], beginnings.read, frozenset(beginnings.unseen))


def _read_zip(
    handle: IO[bytes], entries: list[Entry], beginnings: Beginnings, rules: Sequence[Rule]
) -> None:
    watched = Watched(handle, MOST_DIRECTORY_BYTES, "the directory of this zip")
    with reading():
        archive = zipfile.ZipFile(cast("IO[bytes]", watched))
    watched.left = None
    by_path = {}
    with archive:
        begin = partial(_begin, archive, watched)
        for info, entry in _zip_entries(archive.infolist(), begin):
            entries.append(entry)
            by_path[entry.path] = info
        for entry in to_look_into(rules, entries):
            beginnings.take(entry, partial(begin, by_path[entry.path]))


def _zip_entries(
    infos: list[zipfile.ZipInfo], begin: Callable[[zipfile.ZipInfo, int], bytes]
) -> Iterator[tuple[zipfile.ZipInfo, Entry]]:
    if len(infos) > MOST_ENTRIES:
        raise Unreadable(f"has {len(infos)} entries, and {MOST_ENTRIES} are the bound")
    paths = Paths()
    for info in infos:
        name = info.orig_filename
        path = paths.plain(name)
        form = stat.S_IFMT(info.external_attr >> 16)
        kind = DIRECTORY if name.endswith(("/", "\\")) else _FORMS.get(form, OTHER)
        if kind == LINK:
            target = begin(info, MOST_TARGET_BYTES).decode("utf-8", "replace")
            yield info, Entry(path, LINK, target=target)
        elif path:
            yield info, Entry(path, kind, info.file_size if kind == FILE else 0)


def _begin(archive: zipfile.ZipFile, watched: Watched, info: zipfile.ZipInfo, most: int) -> bytes:
    """The first bytes of a file; no more of it is inflated, whatever it declares."""
    if info.flag_bits & 0x2041:
        raise Unreadable(f"has {info.orig_filename[:80]!r}, which is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The standard library inflates the other methods without a bound.
        raise Unreadable(f"has {info.orig_filename[:80]!r}, which is neither stored nor deflated")
    # Deflating makes nothing much longer, and reading goes by blocks of 4096 bytes.
    content_length = min(info.compress_size, most + most // 64 + 4096)
    with reading():
        watched.prefetch(info.header_offset, _HEADER_BYTES + len(info.filename) + content_length)
    with reading(), archive.open(info) as content:
        return content.read(min(most, info.file_size))
