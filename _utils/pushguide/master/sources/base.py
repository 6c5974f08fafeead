"""What every source can do: list versions, and resolve one to an artifact that is proven.

A version whose checksum neither its source nor CI tells is read once, and its sha256 is pinned:
trust on first use. What differs from a pin later is an error.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import IO

from pushguide.errors import BadVersion
from pushguide.master import versions
from pushguide.master.store.pins import Pin, Pins
from pushguide.measure import measured
from pushguide.share import Artifact

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Version:
    """A version that CI has built; what its source does not know is None."""

    version: str
    built: datetime | None
    author: str | None = None
    commit: str | None = None
    notes: str | None = None


@dataclass(frozen=True)
class Found:
    """The artifact of a version, as its source tells of it.

    Attributes:
        url: its address, as hosts reach it.
        name: its plain file name.
        size: its length in bytes.
        sha256: its checksum; None where the source tells none.
        signature: the address of a detached signature.
        etag: what the server calls this state of the file.
    """

    url: str
    name: str
    size: int
    sha256: str | None
    signature: str | None = None
    etag: str | None = None


def sha256_in(text: str) -> str | None:
    """The sha256 that a checksum file begins with, None if it begins with something else."""
    words = text.lower().split()
    return words[0] if words and SHA256.fullmatch(words[0]) else None


def newest_first(found: Iterable[Version]) -> list[Version]:
    """Versions in their order; those whose time nobody knows come last."""
    long_ago = datetime.min.replace(tzinfo=timezone.utc)
    return sorted(found, key=lambda one: (one.built or long_ago, one.version), reverse=True)


class Source(ABC):
    """Where the versions of one module are.

    Args:
        pins: the checksums that were seen first.
        mirrors: what stands in the place of ``address`` in other addresses of the same files.
        credential: the name of what the addresses ask for.
    """

    #: What messages call it, such as ``The source /srv/artifacts/shop``.
    where: str
    #: What the addresses of artifacts begin with.
    address: str

    def __init__(self, pins: Pins, mirrors: Sequence[str], credential: str | None) -> None:
        self.pins = pins
        self.mirrors = list(mirrors)
        self.credential = credential

    @abstractmethod
    def versions(self) -> list[Version]:
        """The versions that are there, the newest first.

        Raises:
            BadVersion: the source does not answer, or what it says does not read.
        """

    @abstractmethod
    def find(self, version: str) -> Found:
        """The artifact of a version that is there.

        Raises:
            BadVersion: it is missing or damaged.
        """

    @abstractmethod
    def open(self, artifact: Artifact) -> IO[bytes]:
        """The bytes of an artifact: a file that can be read from any place.

        Raises:
            BadVersion: it cannot be read.
        """

    def label_of(self, given: object) -> str:
        """The label that somebody typed; the source is only asked where Salt made a number of it.

        Raises:
            BadVersion: it is no label, or it could be several.
        """
        is_text = isinstance(given, str)
        known = [] if is_text else [one.version for one in self.versions()]
        return versions.recover_label(given, known)

    def resolve(self, version: str) -> Artifact:
        """The artifact of a version, with a checksum that hosts can prove.

        Raises:
            BadVersion: there is no such version, its artifact is missing or damaged, or it is not
                what it was when it was seen first.
        """
        versions.demand_known(version, [one.version for one in self.versions()], self.where)
        found = self.find(version)
        announced = self.pins.announced(version)
        if found.sha256 and announced and found.sha256 != announced:
            raise BadVersion(
                f"The artifact of {version} at {found.url} has sha256 {found.sha256}, but CI has "
                f"announced {announced}: it is not what was built. Let CI publish a new version."
            )
        digest = found.sha256 or announced
        artifact = Artifact(
            version,
            found.url,
            found.name,
            digest or "",
            found.size,
            mirrors=tuple(self._elsewhere(found.url)),
            signature=found.signature,
            credential=self.credential,
        )
        return artifact if digest else self._pinned(artifact, found)

    def _elsewhere(self, url: str) -> list[str]:
        if not url.startswith(self.address):
            return []
        return [one.rstrip("/") + url[len(self.address) :] for one in self.mirrors]

    def _pinned(self, artifact: Artifact, found: Found) -> Artifact:
        """The artifact with the sha256 that was pinned at first sight; pin it if this is it."""
        pin = self.pins.get(artifact.version)
        now = (found.url, found.size, found.etag)
        if pin and found.etag and now == (pin.url, pin.size, pin.etag):
            return artifact._replace(sha256=pin.sha256)
        with self.open(artifact) as handle:
            size, digest = measured(handle)
        pin = self.pins.put(Pin(artifact.version, found.url, digest, size, found.etag))
        if (pin.sha256, pin.size) != (digest, size):
            raise BadVersion(
                f"The artifact of {artifact.version} at {found.url} has {size} bytes with sha256 "
                f"{digest}, but it had {pin.size} bytes with {pin.sha256} when it was seen first, "
                f"{pin.pinned_at:%Y-%m-%d %H:%M} UTC: it was changed after it was published. Let "
                "CI publish a new version."
            )
        return artifact._replace(sha256=digest, size=size)
