"""Unpacking the archive of a release, without trusting it.

Deciding comes apart from doing. First every entry is inspected: where it would go, what it is
called on file systems that ignore case, where its links lead. With a single problem the archive
is refused, all problems are named and nothing is written. Only then are directories made, files
written, hard links set, and symbolic links at the very last, so that no write ever goes through
a link. An archive is data of someone else: declared sizes may lie, headers may be huge, and what
the parsers of the standard library raise over them is always BadArchive here.

Zip entries may be stored or deflated. The other methods are refused: the standard library
inflates them without a bound on memory.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import os
import re
import stat
import struct
import time
import unicodedata
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from pushguide.errors import BadArchive
from pushguide.host.journal import flush_directory

if TYPE_CHECKING:
    import tarfile
    import zipfile

WINDOWS = os.name == "nt"

OPEN_MODE = 0o755  # of directories and executables
FILE_MODE = 0o644
BLOCK = 2**20
MOST_HEADER_BYTES = 2**20  # of one tar entry: long names and extended headers
MOST_TRAILER_BYTES = 16 * 2**20  # after the end of a tar: padding
MOST_DIRECTORY_BYTES = 1024  # of one zip entry in the central directory, on average
MOST_PATH_LENGTH = 4096  # of a name, and of the target of a link
MOST_HOPS = 40  # from one symbolic link to the next, as Linux has it
MOST_LISTED = 20

_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)
_RESERVED = r"(?is)(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *(\..*)?"


class Limits(NamedTuple):
    """The most that an archive may hold."""

    entries: int = 200_000
    unpacked_bytes: int = 20 * 2**30


DEFAULT_LIMITS = Limits()


class Unpacked(NamedTuple):
    """What was written: the files (hard links are files too) and the bytes of their content."""

    files: int
    bytes: int


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

    def entries(self) -> Iterator[Entry]:
        """Every entry, in the order of the archive."""

    def open(self, entry: Entry) -> IO[bytes]:
        """The content of a file."""


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


def unpack(path: str, destination: str, limits: Limits = DEFAULT_LIMITS) -> Unpacked:
    """Unpack the archive at ``path`` into ``destination``.

    Directories and executables get mode 0755, other files 0644; files keep their time. After
    an error in the midst of writing, what was written stays for the caller to remove.

    Args:
        path: the archive, zip or tar.
        destination: a directory that is empty or does not exist yet.
        limits: the most entries and bytes to accept.

    Returns:
        What was written.

    Raises:
        BadArchive: the archive is refused (nothing was written), or turned out to be damaged,
            or the destination is not empty.
        OSError: the archive could not be read, or the destination not be written.
    """
    _check_destination(path, destination)
    with open(path, "rb") as raw:
        opened = _open_zip if _format_of(raw, path) == "zip" else _open_tar
        source = opened(raw, path, limits)
        plan = Plan(limits)
        plan.inspect(source.entries())
        if plan.problems:
            raise BadArchive(_refusal(path, destination, plan.problems))
        return _write(source, plan, path, destination)


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
    descriptor = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_destination(path: str, destination: str) -> None:
    if not os.path.lexists(destination):
        return
    if os.path.isdir(destination) and not os.path.islink(destination):
        if not os.listdir(destination):
            return
        found = "is a directory with content"
    else:
        found = "is not a directory"
    raise BadArchive(
        f"Unpacking {path!r} needs a new or empty directory, and {destination!r} {found}: "
        "remove it or choose another."
    )


def _refusal(path: str, destination: str, problems: list[str]) -> str:
    listed = problems[:MOST_LISTED]
    if len(problems) > MOST_LISTED:
        listed.append(f"and {len(problems) - MOST_LISTED} more problems")
    return (
        f"Unpacking {path!r} into {destination!r} was refused, and nothing was written: "
        f"{'; '.join(listed)}. Build the archive again without that."
    )


# Reading.


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turn whatever the parsers raise over the archive's bytes into BadArchive.

    They raise nearly anything, and not the same in every version of Python. An OSError with a
    number comes from the disk, not from the archive; only EINVAL is a seek to a wild offset.
    """
    try:
        yield
    except (BadArchive, MemoryError):
        raise
    except Exception as err:
        if isinstance(err, OSError) and err.errno not in (None, errno.EINVAL):
            raise
        raise BadArchive(
            f"Reading the archive {path!r} failed with {type(err).__name__}: {err}. It is damaged "
            "or cut short: fetch it again, or build it again."
        ) from err


def _format_of(raw: IO[bytes], path: str) -> str:
    head = raw.read(8)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    with _reading(path):
        if _is_tar_header(_decompressed(raw).read(512)):
            return "tar"
    begins = f"begins with the bytes {head.hex(' ')}" if head else "is empty"
    raise BadArchive(
        f"Telling the format of {path!r} failed: it is not an archive, it {begins}. Accepted are "
        "zip, tar, tar.gz, tar.bz2 and tar.xz: build it as one of them."
    )


def _is_tar_header(block: bytes) -> bool:
    import tarfile

    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    raw.seek(0)
    head = raw.read(6)
    raw.seek(0)
    if head.startswith(b"\x1f\x8b"):
        import gzip

        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if head.startswith(b"BZh"):
        import bz2

        return cast("IO[bytes]", bz2.BZ2File(raw))
    if head == b"\xfd7zXZ\x00":
        import lzma

        return cast("IO[bytes]", lzma.LZMAFile(raw))
    return raw


class Metered:
    """A stream that bounds what is read while ``budget`` is set.

    The parsers read headers whole, as long as the headers say that they are.
    """

    def __init__(self, stream: IO[bytes], path: str) -> None:
        self.stream = stream
        self.path = path
        self.budget: int | None = None
        self.seek = stream.seek
        self.tell = stream.tell
        self.seekable = stream.seekable

    def read(self, count: int = -1) -> bytes:
        """Read, within the budget."""
        if self.budget is None:
            return self.stream.read(count)
        most = self.budget + 1
        data = self.stream.read(most if count < 0 else min(count, most))
        self.budget -= len(data)
        if self.budget < 0:
            raise BadArchive(
                f"Reading the archive {self.path!r} was given up: its headers or its padding "
                "are longer than any real archive's. Build it again with another tool."
            )
        return data


def _open_tar(raw: IO[bytes], path: str, limits: Limits) -> Source:
    import tarfile

    stream = Metered(_decompressed(raw), path)
    stream.budget = MOST_HEADER_BYTES
    with _reading(path):
        tar = tarfile.TarFile(
            fileobj=cast("IO[bytes]", stream), encoding="utf-8", errors="surrogateescape"
        )
    return TarSource(tar, stream, path)


class TarSource:
    """A tar, read twice from front to back: once to inspect it, once to write."""

    def __init__(self, tar: tarfile.TarFile, stream: Metered, path: str) -> None:
        self.tar = tar
        self.stream = stream
        self.path = path

    def entries(self) -> Iterator[Entry]:
        """Every entry; BadArchive if the tar does not come to its proper end."""
        with _reading(self.path):
            while (info := self._next()) is not None:
                yield self._entry(info)
            self._check_end()
        self.stream.budget = None

    def open(self, entry: Entry) -> IO[bytes]:
        """The content of a file."""
        with _reading(self.path):
            return cast("IO[bytes]", self.tar.extractfile(entry.info))

    def _next(self) -> tarfile.TarInfo | None:
        self.stream.budget = MOST_HEADER_BYTES
        info = self.tar.next()
        if info is None:
            return None
        # Only sparse files store other than they hold; the map of the holes comes on top.
        stored = self.tar.offset - info.offset_data
        if info.size < 0 or not 0 <= stored <= info.size + MOST_HEADER_BYTES:
            raise BadArchive(
                f"Reading the archive {self.path!r} was given up at {_shown(info.name)}: it "
                f"declares {info.size} bytes and takes {stored}. Build it again."
            )
        return info

    def _entry(self, info: tarfile.TarInfo) -> Entry:
        kind = _tar_kind(info)
        has_content = kind in (Kind.FILE, Kind.OTHER)
        return Entry(
            name=info.name,
            parts=_parts(info.name, r"[/\\]" if WINDOWS else "/"),
            kind=kind,
            size=info.size if has_content else 0,
            executable=bool(info.mode & stat.S_IXUSR),
            mtime=info.mtime,
            target=info.linkname,
            complaint="",
            info=info,
        )

    def _check_end(self) -> None:
        """See the block of zeros, without which the tar was cut, and any checksum behind it."""
        self.stream.budget = MOST_TRAILER_BYTES
        self.stream.seek(self.tar.offset)
        block = self.stream.read(512)
        if len(block) < 512 or any(block):
            raise BadArchive(
                f"Reading the archive {self.path!r} failed at byte {self.tar.offset} of the tar: "
                "neither an entry nor the mark of the end is there. It is damaged or cut short: "
                "fetch it again, or build it again."
            )
        while self.stream.read(BLOCK):
            pass


def _tar_kind(info: tarfile.TarInfo) -> Kind:
    if info.isreg():
        return Kind.FILE
    if info.isdir():
        return Kind.DIRECTORY
    if info.issym():
        return Kind.SYMLINK
    return Kind.HARD_LINK if info.islnk() else Kind.OTHER


def _open_zip(raw: IO[bytes], path: str, limits: Limits) -> Source:
    import zipfile

    stream = Metered(raw, path)
    stream.budget = MOST_DIRECTORY_BYTES * (limits.entries + 128)
    with _reading(path):
        archive = zipfile.ZipFile(cast("IO[bytes]", stream))
    stream.budget = None
    return ZipSource(archive, path)


class ZipSource:
    """A zip, known by its central directory."""

    def __init__(self, archive: zipfile.ZipFile, path: str) -> None:
        self.archive = archive
        self.path = path

    def entries(self) -> Iterator[Entry]:
        """Every entry of the central directory, duplicates as well."""
        with _reading(self.path):
            for info in self.archive.infolist():
                yield self._entry(info)

    def open(self, entry: Entry) -> IO[bytes]:
        """The content of a file."""
        return self._open(entry.info)

    def _open(self, info: zipfile.ZipInfo) -> IO[bytes]:
        # Left alone, zipfile cuts at the declared size, as if nothing came after it.
        wider = copy.copy(info)
        wider.file_size += BLOCK
        with _reading(self.path):
            return self.archive.open(wider)

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        # Only orig_filename is what the archive says: zipfile cuts the other one at a NUL.
        name = info.orig_filename
        mode = info.external_attr >> 16
        kind = _zip_kind(name, mode)
        complaint = _zip_complaint(info, kind)
        is_readable_link = kind is Kind.SYMLINK and not complaint
        return Entry(
            name=name,
            parts=_parts(name, r"[/\\]"),
            kind=kind,
            size=info.file_size if kind is Kind.FILE else 0,
            executable=bool(mode & stat.S_IXUSR),
            mtime=_zip_mtime(info),
            target=self._link_target(info) if is_readable_link else "",
            complaint=complaint,
            info=info,
        )

    def _link_target(self, info: zipfile.ZipInfo) -> str:
        with self._open(info) as content:
            blocks = _checked_blocks(content, info.orig_filename, info.file_size, self.path)
            return b"".join(blocks).decode("utf-8", "surrogateescape")


def _zip_kind(name: str, mode: int) -> Kind:
    form = stat.S_IFMT(mode)
    if name.endswith(("/", "\\")):
        return Kind.DIRECTORY if form in (0, stat.S_IFREG, stat.S_IFDIR) else Kind.OTHER
    kinds = {
        0: Kind.FILE,
        stat.S_IFREG: Kind.FILE,
        stat.S_IFDIR: Kind.DIRECTORY,
        stat.S_IFLNK: Kind.SYMLINK,
    }
    return kinds.get(form, Kind.OTHER)


def _zip_complaint(info: zipfile.ZipInfo, kind: Kind) -> str:
    if info.flag_bits & 0x2041:
        return "is encrypted"
    if info.compress_type not in (0, 8):
        return f"is compressed by method {info.compress_type}, only stored and deflated are read"
    if kind is Kind.DIRECTORY and info.file_size:
        return "is a directory with content of its own"
    if kind is Kind.SYMLINK and info.file_size > MOST_PATH_LENGTH:
        return f"is a symbolic link with a target of {info.file_size} bytes"
    return ""


def _zip_mtime(info: zipfile.ZipInfo) -> float | None:
    """The time in UTC where the archive has it (extra field 0x5455), else its local time."""
    extra, at = info.extra, 0
    while at + 9 <= len(extra):
        tag, size, flags = struct.unpack_from("<HHB", extra, at)
        if tag == 0x5455 and size >= 5 and flags & 1:
            return float(struct.unpack_from("<i", extra, at + 5)[0])
        at += 4 + size
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (OverflowError, ValueError):
        return None


def _checked_blocks(content: IO[bytes], name: str, size: int, path: str) -> Iterator[bytes]:
    """The blocks of an entry's content; BadArchive unless they make up the declared size."""
    left = size
    while True:
        with _reading(path):
            block = content.read(min(BLOCK, left + 1))
        left -= len(block)
        if left < 0 or (left and not block):
            raise BadArchive(
                f"Unpacking {_shown(name)} of {path!r} was given up: it holds "
                f"{'more' if left < 0 else 'less'} than the {size} bytes that it declares. The "
                "archive is damaged or a trap: build it again."
            )
        if not block:
            return
        yield block


# Deciding.


def _shown(name: str) -> str:
    shown = repr(name)
    return shown if len(shown) <= 120 else f"{shown[:80]}...{shown[-36:]}"


def _parts(name: str, separator: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(separator, name) if part not in ("", "."))


def _spelling_problems(name: str) -> Iterator[str]:
    """What is wrong with a name or a link's target, wherever it leads."""
    if name[:1] in ("/", "\\"):
        yield "is an absolute path"
    if re.match("[A-Za-z]:", name):
        yield "begins with a drive letter"
    if re.search(r"[\x00-\x1f\x7f-\x9f]", name):
        yield "has control characters"


def _host_problems(parts: Iterable[str]) -> Iterator[str]:
    """What this host cannot store, in the parts of a name or of a link's target."""
    pieces = [part for part in parts if part not in ("", ".", "..")]
    try:
        # Windows counts UTF-16 units.
        lengths = [
            len(p.encode("utf-16-le")) // 2 if WINDOWS else len(os.fsencode(p)) for p in pieces
        ]
    except UnicodeEncodeError:
        yield "cannot be spelled in this host's encoding"
        return
    if max(lengths, default=0) > 255 or sum(lengths) + len(lengths) > MOST_PATH_LENGTH:
        yield "is too long"
    if WINDOWS:
        yield from _windows_problems(pieces)


def _windows_problems(pieces: list[str]) -> Iterator[str]:
    if any(re.fullmatch(_RESERVED, piece) for piece in pieces):
        yield "uses a name that Windows reserves"
    if any(piece.endswith((".", " ")) for piece in pieces):
        yield "has a part that ends in a dot or a space"
    if any(set(piece) & set('<>:"|?*') for piece in pieces):
        yield "has characters that Windows forbids"


def _problems_of(entry: Entry) -> Iterator[str]:
    """What is wrong with an entry, looked at alone."""
    is_root = entry.kind is Kind.DIRECTORY and entry.name != ""
    if not entry.parts and not is_root:
        yield "has an empty name"
    yield from _spelling_problems(entry.name)
    yield from _host_problems(entry.parts)
    if ".." in re.split(r"[/\\]", entry.name):
        yield "goes up with '..'"
    if entry.kind is Kind.OTHER:
        yield "is a device, a pipe, a socket or another thing that is no file"
    if entry.complaint:
        yield entry.complaint
    elif entry.kind is Kind.SYMLINK:
        yield from (f"its target {why}" for why in _target_problems(entry.target))


def _target_problems(target: str) -> Iterator[str]:
    if not target:
        yield "is empty"
    if "\\" in target:
        yield "has backslashes"
    for why in (*_spelling_problems(target), *_host_problems(target.split("/"))):
        yield f"{_shown(target)} {why}"


def _folded(part: str) -> str:
    """The same for all names that some file system takes for one."""
    if part.isascii():
        return part.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).casefold())


class Node:
    """A place below the destination, with or without an entry of its own."""

    __slots__ = ("children", "entry", "leads_to", "name", "parent")

    def __init__(self, name: str, parent: Node | None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[str, Node] = {}
        self.entry: Entry | None = None
        self.leads_to: Node | str | None = None  # what follow() found

    @property
    def kind(self) -> Kind:
        """What is here; a directory where the archive only implies one."""
        return self.entry.kind if self.entry else Kind.DIRECTORY

    @property
    def path(self) -> str:
        """The path below the destination."""
        names: list[str] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            names.append(node.name)
            node = node.parent
        return "/".join(reversed(names))

    def follow(self, hops: int = 0) -> Node | str:
        """Where a symbolic link leads to, through others of the archive; or why it may not."""
        if self.leads_to is None:
            self.leads_to = self._walk(hops)
        return self.leads_to

    def _walk(self, hops: int) -> Node | str:
        if hops > MOST_HOPS:
            return f"goes round in a loop, or through more than {MOST_HOPS} links"
        assert self.entry and self.parent
        node = self.parent
        for part in _parts(self.entry.target, "/"):
            if part == "..":
                if node.parent is None:
                    return "leaves the destination"
                if node.entry is None and not node.children:
                    return "goes up again from what is not in the archive"
                node = node.parent
                continue
            node = node.children.get(_folded(part)) or Node(part, node)
            if node.kind is Kind.SYMLINK:
                end = node.follow(hops + 1)
                if isinstance(end, str):
                    return end
                node = end
        return node


class Plan:
    """What an archive would put where, and everything that speaks against it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.problems: list[str] = []
        self.root = Node("", None)
        self.files: list[Entry] = []
        self.hard_links: list[tuple[Entry, Entry]] = []  # each with the file that it names
        self.symlinks: list[tuple[Entry, bool]] = []  # each with whether it is to a directory
        self._links: list[tuple[Entry, Node]] = []
        self._places = 0
        self._bytes = 0

    def inspect(self, entries: Iterable[Entry]) -> None:
        """Take in all entries; none may be left out, links are followed once all are known."""
        count = 0
        for count, entry in enumerate(entries, start=1):
            self._bytes += entry.size
            self._take(entry)
            if self._is_beyond_limits(count):
                return
        if not count:
            self.problems.append("it holds nothing")
        for entry, node in self._links:
            self._take_link(entry, node)
        self._is_beyond_limits(count)

    def directories(self) -> Iterator[tuple[str, ...]]:
        """Every directory, those the archive only implies too; each after its parent."""
        waiting: list[tuple[Node, tuple[str, ...]]] = [(self.root, ())]
        while waiting:
            node, parts = waiting.pop()
            for child in node.children.values():
                if child.kind is Kind.DIRECTORY:
                    waiting.append((child, (*parts, child.name)))
                    yield (*parts, child.name)

    def _is_beyond_limits(self, count: int) -> bool:
        # A directory that is only implied costs as much as an entry.
        reason = ""
        if count > self.limits.entries or self._places > 2 * self.limits.entries:
            reason = f"it holds more than {self.limits.entries} entries"
        elif self._bytes > self.limits.unpacked_bytes:
            reason = f"it unpacks to more than {self.limits.unpacked_bytes} bytes"
        if reason:
            self.problems.append(f"{reason}, which is the limit; the rest was not looked at")
        return bool(reason)

    def _take(self, entry: Entry) -> None:
        found = [f"{_shown(entry.name)} {why}" for why in _problems_of(entry)]
        self.problems += found
        if found or not entry.parts:
            return
        node = self._settle(entry)
        if node is None:
            return
        if entry.kind is Kind.FILE:
            self.files.append(entry)
        elif entry.kind is not Kind.DIRECTORY:
            self._links.append((entry, node))

    def _settle(self, entry: Entry) -> Node | None:
        """Put the entry in its place; None, and a problem noted, where it cannot be."""
        node = self.root
        for part in entry.parts:
            if node.kind is not Kind.DIRECTORY:
                self._refuse(entry, f"lies below {_shown(node.path)}, {node.kind.value}")
                return None
            child = node.children.get(_folded(part))
            if child is None:
                child = node.children[_folded(part)] = Node(part, node)
                self._places += 1
            elif child.name != part:
                self._refuse(entry, f"differs from {_shown(child.path)} only in case or accents")
                return None
            node = child
        if node.entry is None and not (node.children and entry.kind is not Kind.DIRECTORY):
            node.entry = entry
        elif node.kind is not entry.kind:
            self._refuse(entry, f"is there as {entry.kind.value} and as {node.kind.value}")
        elif entry.kind is not Kind.DIRECTORY:
            self._refuse(entry, "is there twice")
        return node if node.entry is entry else None

    def _refuse(self, entry: Entry, why: str) -> None:
        self.problems.append(f"{_shown(entry.name)} {why}")

    def _take_link(self, entry: Entry, node: Node) -> None:
        if entry.kind is Kind.HARD_LINK:
            self._take_hard_link(entry)
            return
        end = node.follow()
        if isinstance(end, str):
            self._refuse(entry, f"is a symbolic link to {_shown(entry.target)}, which {end}")
        else:
            self.symlinks.append((entry, end.kind is Kind.DIRECTORY))

    def _take_hard_link(self, entry: Entry) -> None:
        file: Entry | None = entry
        for _ in range(MOST_HOPS):
            if file is None or file.kind is not Kind.HARD_LINK:
                break
            file = self._at(file.target)
        if file is None or file.kind is not Kind.FILE:
            why = f"is a hard link to {_shown(entry.target)}, which is not a file of the archive"
            self._refuse(entry, why)
            return
        self.hard_links.append((entry, file))
        self._bytes += file.size  # it may have to be written as a copy

    def _at(self, name: str) -> Entry | None:
        if name.startswith("/"):
            return None
        node: Node | None = self.root
        for part in _parts(name, "/"):
            node = node.children.get(_folded(part)) if node else None
        return node.entry if node else None


# Doing.


def _write(source: Source, plan: Plan, path: str, destination: str) -> Unpacked:
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
            blocks = _checked_blocks(content, entry.name, entry.size, path)
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
