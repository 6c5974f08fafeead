"""A directory on the master, which hosts reach by salt://, HTTP or a mount."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import IO

from pushguide.errors import BadVersion
from pushguide.master import versions
from pushguide.master.sources.base import Found, Source, Version, newest_first, sha256_in
from pushguide.master.store.pins import Pins
from pushguide.master.templates.sources import DirectoryModel
from pushguide.measure import measured
from pushguide.share import Artifact

_SIGNATURES = (".asc", ".sig")


class DirectorySource(Source):
    """A directory with ``<module>/<version>/``: one archive, and a file ``sha256``.

    Args:
        model: the source of the template.
        module: the module's name.
        pins: not needed: every version has its checksum.
    """

    def __init__(self, model: DirectoryModel, module: str, pins: Pins, _: object = None) -> None:
        super().__init__(pins, model.mirrors, model.credential)
        self.directory = os.path.join(model.directory, module)
        self.address = model.url
        self.url = f"{model.url}/{module}"
        self.where = f"The source {self.directory}"

    def versions(self) -> list[Version]:
        """The versions that are there, the newest first.

        Raises:
            BadVersion: the directory does not read.
        """
        try:
            found = list(self._scan())
        except OSError as err:
            raise BadVersion(
                f"Reading the versions in {self.directory} failed: {err}. Does CI publish there, "
                "and may the master read it?"
            ) from err
        return newest_first(found)

    def _scan(self) -> Iterator[Version]:
        with os.scandir(self.directory) as entries:
            for entry in entries:
                if entry.is_dir() and versions.is_label(entry.name):
                    built = datetime.fromtimestamp(entry.stat().st_mtime, timezone.utc)
                    yield Version(entry.name, built)

    def find(self, version: str) -> Found:
        """The artifact of a version, proven to be what its sha256 says."""
        directory = os.path.join(self.directory, version)
        name = self._only_archive(directory)
        path = os.path.join(directory, name)
        promised = self._promised(directory, name)
        size, digest = _measured(path)
        if digest != promised:
            raise BadVersion(
                f"The artifact {path} has sha256 {digest}, but {directory} says {promised}: it "
                "was changed or damaged after it was published. Let CI publish a new version."
            )
        signature = next((one for one in _SIGNATURES if os.path.isfile(path + one)), None)
        url = f"{self.url}/{version}/{name}"
        return Found(url, name, size, promised, f"{url}{signature}" if signature else None)

    def open(self, artifact: Artifact) -> IO[bytes]:
        """The artifact, as a file of this master."""
        path = self.path_of(artifact)
        try:
            return open(path, "rb")
        except OSError as err:
            raise BadVersion(f"Reading the artifact {path} failed: {err}.") from err

    def path_of(self, artifact: Artifact) -> str:
        """Where an artifact lies on this master."""
        return os.path.join(self.directory, artifact.version, artifact.name)

    def _only_archive(self, directory: str) -> str:
        names = [
            entry.name
            for entry in os.scandir(directory)
            if entry.is_file()
            and entry.name != "sha256"
            and not entry.name.endswith((".sha256", *_SIGNATURES))
            and not entry.name.startswith(".")
        ]
        if len(names) != 1:
            what = f"{len(names)} files ({', '.join(sorted(names))})" if names else "no artifact"
            raise BadVersion(f"{directory} holds {what}: it should hold one archive and sha256.")
        if not versions.is_label(names[0]):
            raise BadVersion(f"The artifact {names[0]!r} in {directory} has no plain file name.")
        return names[0]

    def _promised(self, directory: str, name: str) -> str:
        for candidate in ("sha256", f"{name}.sha256"):
            path = os.path.join(directory, candidate)
            if os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as handle:
                    found = sha256_in(handle.read(4096))
                if found:
                    return found
                raise BadVersion(
                    f"{path} does not begin with a sha256: write it with "
                    f"'sha256sum {name} > sha256'."
                )
        raise BadVersion(
            f"{directory} has no file sha256: write it with 'sha256sum {name} > sha256'."
        )


def _measured(path: str) -> tuple[int, str]:
    try:
        with open(path, "rb") as handle:
            return measured(handle)
    except OSError as err:
        raise BadVersion(f"Reading the artifact {path} failed: {err}.") from err
