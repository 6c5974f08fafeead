"""The artifacts that this host has had, by their content: each is fetched once.

One file for each artifact, named by its sha256. It lies in the minion's cache: to delete it costs a
download and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host.file_lock import wait_for_lock
from pushguide.host.renaming import replace
from pushguide.host.waiting import BetweenTries

DEFAULT_MB = 4096

_PARTIAL = ".part"


class Cache:
    """The artifacts on this host.

    Args:
        opts: the minion's configuration; ``pushguide_artifacts_dir`` is where they lie, and
            ``pushguide_artifacts_mb`` the most room that they take.
    """

    def __init__(self, opts: Mapping[str, Any]) -> None:
        usual = os.path.join(opts["cachedir"], "pushguide", "artifacts")
        self.directory = str(opts.get("pushguide_artifacts_dir") or usual)
        self.most_bytes = int(opts.get("pushguide_artifacts_mb") or DEFAULT_MB) * 2**20

    def path(self, sha256: str) -> str:
        """Where the artifact with this checksum is, or would be."""
        return os.path.join(self.directory, sha256)

    def nearest_directory(self) -> str:
        """The directory, or the nearest above it that is there."""
        place = self.directory
        while not os.path.isdir(place) and os.path.dirname(place) != place:
            place = os.path.dirname(place)
        return place

    def partial(self, sha256: str) -> str:
        """Where it is while it is being fetched."""
        return self.path(sha256) + _PARTIAL

    def has(self, sha256: str) -> bool:
        """Whether it is here, as far as its name tells."""
        return os.path.isfile(self.path(sha256))

    @contextlib.contextmanager
    def locked(
        self, sha256: str, wait_seconds: float, between_tries: BetweenTries
    ) -> Iterator[None]:
        """Have an artifact for this process alone: several modules may want the same at once.

        Raises:
            StepFailed: another process keeps it for too long, or the cache is not writable.
        """
        # A few lock files that stay: one that is removed while another waits for it locks nothing.
        name = os.path.join(self.directory, f"lock-{sha256[:2]}")
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            handle = open(name, "a+", encoding="utf-8")  # noqa: SIM115
        except OSError as err:
            raise StepFailed(
                f"Writing to {self.directory} failed: {err}. Make it writable for the minion, or "
                "set pushguide_artifacts_dir in its configuration."
            ) from err
        with handle:
            if not wait_for_lock(handle, wait_seconds, between_tries):
                raise StepFailed(
                    f"Another job on this host fetches the same artifact, and was not done in "
                    f"{wait_seconds:g} s: see what holds it up. Its lock is {name}."
                )
            yield

    def keep(self, sha256: str) -> None:
        """Take in what was fetched and proven."""
        replace(self.partial(sha256), self.path(sha256))

    def give(self, sha256: str, destination: str) -> None:
        """Put the artifact at ``destination`` as well: a hard link where that can be."""
        source = self.path(sha256)
        os.utime(source)  # the last use decides what goes first
        try:
            os.link(source, destination)
        except OSError:
            shutil.copyfile(source, destination)

    def trim(self, precious: Collection[str]) -> None:
        """Remove what was not used for longest, until the rest is within the bound.

        Args:
            precious: checksums of what is live on this host: the next version is made out of
                them, so they go last.
        """
        found = []
        with os.scandir(self.directory) as entries:
            for entry in entries:
                if not entry.name.startswith("lock-"):
                    with contextlib.suppress(OSError):
                        status = entry.stat()
                        is_precious = entry.name in precious
                        found.append((is_precious, status.st_mtime, status.st_size, entry.path))
        too_much = sum(size for _, _, size, _ in found) - self.most_bytes
        newest = max((mtime for _, mtime, _, _ in found), default=0.0)
        for _, mtime, size, path in sorted(found):
            if too_much <= 0:
                return
            if mtime < newest:
                with contextlib.suppress(OSError):
                    os.remove(path)
                    too_much -= size
