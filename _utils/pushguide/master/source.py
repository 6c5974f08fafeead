"""Sources: where the versions of a module are found, and what each one's artifact is."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from pushguide.errors import BadVersion
from pushguide.master import versions
from pushguide.master.templates.template import Source
from pushguide.share import Artifact

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Version:
    """A version that CI has built."""

    version: str
    built: datetime


class DirectorySource:
    """A directory with ``<module>/<version>/``: one archive, and a file ``sha256``.

    Args:
        source: the source of the template.
        module: the module's name.
    """

    def __init__(self, source: Source, module: str) -> None:
        self.directory = os.path.join(source.directory, module)
        self.url = f"{source.url}/{module}"
        self.mirrors = [f"{one}/{module}" for one in source.mirrors]
        self.credential = source.credential

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
        return sorted(found, key=lambda one: (one.built, one.version), reverse=True)

    def _scan(self) -> Iterator[Version]:
        with os.scandir(self.directory) as entries:
            for entry in entries:
                if entry.is_dir() and versions.is_label(entry.name):
                    built = datetime.fromtimestamp(entry.stat().st_mtime, timezone.utc)
                    yield Version(entry.name, built)

    def resolve(self, version: str) -> Artifact:
        """The artifact of a version, proven to be what its sha256 says.

        Raises:
            BadVersion: there is no such version, or its artifact is missing or damaged.
        """
        versions.demand_known(
            version, [one.version for one in self.versions()], f"The source {self.directory}"
        )
        directory = os.path.join(self.directory, version)
        name = self._only_archive(directory)
        path = os.path.join(directory, name)
        promised = self._promised(directory, name)
        digest, size = _digest(path)
        if digest != promised:
            raise BadVersion(
                f"The artifact {path} has sha256 {digest}, but {directory} says {promised}: it "
                "was changed or damaged after it was published. Let CI publish a new version."
            )
        place = f"{version}/{name}"
        return Artifact(
            version,
            f"{self.url}/{place}",
            name,
            promised,
            size,
            mirrors=tuple(f"{one}/{place}" for one in self.mirrors),
            credential=self.credential,
        )

    def path_of(self, artifact: Artifact) -> str:
        """Where an artifact lies on this master."""
        return os.path.join(self.directory, artifact.version, artifact.name)

    def _only_archive(self, directory: str) -> str:
        names = [
            entry.name
            for entry in os.scandir(directory)
            if entry.is_file()
            and entry.name != "sha256"
            and not entry.name.endswith(".sha256")
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
                    words = handle.read(4096).lower().split()
                if words and _SHA256.match(words[0]):
                    return words[0]
                raise BadVersion(
                    f"{path} does not begin with a sha256: write it with "
                    f"'sha256sum {name} > sha256'."
                )
        raise BadVersion(
            f"{directory} has no file sha256: write it with 'sha256sum {name} > sha256'."
        )


def _digest(path: str) -> tuple[str, int]:
    """The sha256 and the size of a file."""
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "rb") as handle:
            while block := handle.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except OSError as err:
        raise BadVersion(f"Reading the artifact {path} failed: {err}.") from err
    return digest.hexdigest(), size
