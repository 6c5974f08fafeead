"""Health by a log file: what must not be written into it since the switch."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, ClassVar

from pushguide.host.health.check import Answer, Check, Scene, healthy, inconclusive, unhealthy

_BLOCK = 256 * 1024
_SHOWN = 300


@dataclass(kw_only=True)
class LogCheck(Check):
    """A log file in which a pattern may not appear.

    It is read on from where it was before, line by line. A new file under the name, or one that
    became shorter, is read from its beginning.
    """

    kind: ClassVar[str] = "log"
    versioned: ClassVar[tuple[str, ...]] = ("path",)
    hint: ClassVar[str] = "Look at what the application says there."

    path: str
    absent: str
    #: The file, and how far it has been read; None before the first look.
    read_to: tuple[int, int] | None = field(default=None, init=False)

    def __str__(self) -> str:
        return f"the log {self.path}"

    def ask(self, scene: Scene) -> Answer:
        """Read what was written since the last look, or since the switch."""
        try:
            with open(self.path, "rb") as handle:
                return self._read(handle, scene)
        except OSError as err:
            return inconclusive(f"it cannot be read ({err})")

    def _read(self, handle: IO[bytes], scene: Scene) -> Answer:
        pattern = re.compile(self.absent)
        deadline = time.monotonic() + self.timeout_seconds
        inode, offset = self._begin(handle, scene)
        handle.seek(offset)
        rest = b""
        while block := handle.read(_BLOCK):
            *lines, rest = (rest + block).split(b"\n")
            for line in (*lines, rest):
                text = line.decode("utf-8", "replace").rstrip("\r")
                if pattern.search(text):
                    return unhealthy(f"it says {text.strip()[:_SHOWN]!r}", is_final=True)
            if len(rest) > _BLOCK:
                rest = b""  # no line of text: what was looked at is done with
            # The last line may be half written: it is looked at again when more of it is there.
            self.read_to = inode, handle.tell() - len(rest)
            if time.monotonic() > deadline:
                return inconclusive(
                    f"it grows faster than it is read: {self.timeout_seconds:g} s were not enough"
                )
        self.read_to = inode, handle.tell() - len(rest)
        return healthy(f"nothing like {self.absent!r} in it since the switch")

    def _begin(self, handle: IO[bytes], scene: Scene) -> tuple[int, int]:
        """The file that is open, and where to read on in it."""
        now = os.fstat(handle.fileno())
        if self.read_to is not None:
            inode, offset = self.read_to
        elif self.path in scene.logs:
            inode, offset = scene.logs[self.path] or (now.st_ino, 0)
        else:
            # When the switch was, nobody knows any more: from now on.
            inode, offset = now.st_ino, now.st_size
        is_same = inode == now.st_ino and offset <= now.st_size
        return now.st_ino, offset if is_same else 0


def written_so_far(paths: list[str]) -> Mapping[str, Any]:
    """How far log files have been written: inode and size, None for one that is not there."""
    noted: dict[str, Any] = {}
    for path in paths:
        try:
            now = os.stat(path)
        except OSError:
            noted[path] = None
        else:
            noted[path] = [now.st_ino, now.st_size]
    return noted
