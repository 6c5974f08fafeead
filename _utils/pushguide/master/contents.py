"""Contents: which files an artifact would bring to a host, read without unpacking it."""

from __future__ import annotations

import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from pushguide.measure import measured

#: Of each file its size and its sha256.
Files = dict[str, tuple[int, str]]


def of_artifact(path: str, settings: Mapping[str, Any]) -> Files | None:
    """The files of an artifact.

    Args:
        path: the artifact on this machine.
        settings: the settings of the project type; ``unpack: False`` and ``file_name`` say that
            the artifact is placed as the file it is.

    Returns:
        Path to size and sha256; None if it is no archive that can be read here.
    """
    if not settings.get("unpack", True):
        with open(path, "rb") as handle:
            name = settings.get("file_name") or os.path.basename(path)
            return {str(name): measured(handle)}
    try:
        if zipfile.is_zipfile(path):
            return dict(_of_zip(path))
        return dict(_of_tar(path))
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
    ):
        return None


def _of_zip(path: str) -> Iterator[tuple[str, tuple[int, str]]]:
    with zipfile.ZipFile(path) as archive:
        for one in archive.infolist():
            is_link = stat.S_ISLNK(one.external_attr >> 16)
            if not one.is_dir() and not is_link:
                with archive.open(one) as handle:
                    yield _normal(one.filename), measured(handle)


def _of_tar(path: str) -> Iterator[tuple[str, tuple[int, str]]]:
    with tarfile.open(path) as archive:
        for one in archive:
            handle = archive.extractfile(one) if one.isfile() else None
            if handle is not None:
                yield _normal(one.name), measured(handle)


def _normal(name: str) -> str:
    return os.path.normpath(name.replace("\\", "/"))
