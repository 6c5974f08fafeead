"""Write the index and the pack of an artifact, for hosts that have most of it already."""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from pushguide.errors import BadVersion, PushguideError
from pushguide.index import DIRECTORY, FILE, SYMLINK, Index, Listed, packed
from pushguide.inflate import CannotInflate, decompressed
from pushguide.measure import measured
from pushguide.share import Artifact, IndexAt

#: A file above this is not held in memory to be packed: such an artifact gets no index.
MOST_FILE_BYTES = 512 * 2**20


class Written(NamedTuple):
    """What was written.

    Attributes:
        index_path: the path of the index.
        index_bytes: its length.
        pack_path: the path of the pack.
        pack_bytes: its length.
        files: how many files the artifact unpacks to.
    """

    index_path: str
    index_bytes: int
    pack_path: str
    pack_bytes: int
    files: int


def paths(directory: str, sha256: str) -> tuple[str, str]:
    """Where the index and the pack of an artifact are, or would be."""
    place = os.path.join(directory, sha256)
    return f"{place}.index", f"{place}.pack"


def write(artifact: Artifact, content: IO[bytes], directory: str) -> Written:
    """Read an artifact once, prove it, and write its index and its pack.

    Args:
        artifact: what it should be.
        content: its bytes; a file that can be read twice.
        directory: where the two files go; each appears there as a whole.

    Raises:
        BadVersion: it is not what the source promised, or no archive that can be read.
        PushguideError: the files cannot be written.
    """
    _prove(artifact, content)
    index_path, pack_path = paths(directory, artifact.sha256)
    try:
        os.makedirs(directory, exist_ok=True)
        with open(f"{pack_path}.new", "wb") as pack:
            entries = list(_entries(content, pack, artifact))
            pack_bytes = pack.tell()
        told = Index(artifact.sha256, pack_bytes, entries).to_bytes()
        with open(f"{index_path}.new", "wb") as out:
            out.write(told)
        os.replace(f"{pack_path}.new", pack_path)
        os.replace(f"{index_path}.new", index_path)
    except OSError as err:
        raise PushguideError(
            f"Writing the index of {artifact.name} into {directory} failed: {err}. Make it "
            "writable for the user of the master."
        ) from err
    files = sum(one.kind == FILE for one in entries)
    return Written(index_path, len(told), pack_path, pack_bytes, files)


def indexed(artifact: Artifact, directory: str, url: str) -> Artifact:
    """An artifact with its index, if one was made of it.

    Args:
        artifact: the artifact.
        directory: where indexes are written to.
        url: the same directory, as hosts reach it.
    """
    index_path, _ = paths(directory, artifact.sha256)
    try:
        with open(index_path, "rb") as handle:
            data = handle.read()
    except OSError:
        return artifact
    place = f"{url.rstrip('/')}/{artifact.sha256}"
    sha256 = hashlib.sha256(data).hexdigest()
    at = IndexAt(f"{place}.index", sha256, len(data), f"{place}.pack")
    return artifact._replace(indexed=at)


def _prove(artifact: Artifact, content: IO[bytes]) -> None:
    _, sha256 = measured(content)
    content.seek(0)
    if sha256 != artifact.sha256:
        raise BadVersion(
            f"The artifact {artifact.name} has sha256 {sha256}, and should have "
            f"{artifact.sha256}: it was changed or damaged after it was published. Let CI publish "
            "a new version."
        )


def _entries(content: IO[bytes], pack: IO[bytes], artifact: Artifact) -> Iterator[Listed]:
    is_zip = zipfile.is_zipfile(content)
    content.seek(0)
    if is_zip:
        raise BadVersion(
            f"The artifact {artifact.name} of {artifact.version} is a zip, which needs no index: "
            "hosts move only what changed of it anyway."
        )
    try:
        yield from _of_tar(content, _Packer(pack))
    except CannotInflate as err:
        raise BadVersion(f"The artifact {artifact.name} of {artifact.version} {err}.") from err
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError) as err:
        raise BadVersion(
            f"The artifact {artifact.name} of {artifact.version} does not read as an archive: "
            f"{type(err).__name__}: {err}."
        ) from err


class _Packer:
    """Puts contents into a pack, each of them once."""

    def __init__(self, pack: IO[bytes]) -> None:
        self.pack = pack
        self.places: dict[str, tuple[int, int]] = {}

    def add(self, path: str, handle: IO[bytes], size: int, **more: Any) -> Listed:
        """Put a file's content into the pack, if it is not there yet."""
        if size > MOST_FILE_BYTES:
            raise BadVersion(
                f"{path} has {size} bytes: an artifact with a file above {MOST_FILE_BYTES} gets no "
                "index."
            )
        content = handle.read()
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 not in self.places:
            stored = packed(content)
            self.places[sha256] = (self.pack.tell(), len(stored))
            self.pack.write(stored)
        start, stored_bytes = self.places[sha256]
        return Listed(
            path, FILE, size=len(content), sha256=sha256, start=start, stored=stored_bytes, **more
        )


def _of_tar(content: IO[bytes], packer: _Packer) -> Iterator[Listed]:
    stream = decompressed(content)
    with tarfile.TarFile(fileobj=stream) as archive:
        for one in archive:
            path = one.name.rstrip("/")
            if one.isdir():
                yield Listed(path, DIRECTORY, mtime=one.mtime)
            elif one.issym():
                yield Listed(path, SYMLINK, target=one.linkname)
            else:
                handle = archive.extractfile(one) if one.isfile() or one.islnk() else None
                if handle is None:
                    raise BadVersion(f"{path} is neither a file nor a directory nor a link.")
                is_executable = bool(one.mode & stat.S_IXUSR)
                yield packer.add(path, handle, one.size, executable=is_executable, mtime=one.mtime)
    while stream.read(2**20):  # to the end, where what is compressed has its checksum
        pass
