"""Out of a load balancer by a file that its health check asks for."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pushguide.errors import StepFailed
from pushguide.host.drain.way import Way
from pushguide.host.journal import flush_directory, replace_file

_AT_MOST = 64 * 1024
_WHEN_PRESENT = "This host is out of its load balancer: pushguide deploys to it.\n"


@dataclass(kw_only=True)
class FileWay(Way):
    """The host is out while a file is absent, or while it is present."""

    kind: ClassVar[str] = "file"

    path: str
    when_out: str = "absent"

    def look(self) -> dict[str, Any]:
        """Whether it is out, and the file that is going to be removed."""
        is_kept = self.when_out == "absent" and os.path.lexists(self.path)
        return {**super().look(), "file": self._read() if is_kept else None}

    def is_out(self) -> bool:
        """Whether the file says so."""
        return os.path.lexists(self.path) == (self.when_out == "present")

    def take_out(self) -> str:
        """Remove the file, or make it."""
        return self._remove() if self.when_out == "absent" else self._write(_WHEN_PRESENT)

    def put_back(self, found: Mapping[str, Any]) -> str:
        """Make the file again as it was, or remove it."""
        if self.when_out == "present":
            return self._remove()
        file = found["file"]
        if os.path.lexists(self.path):
            return f"{self.path} is there"
        if "link" in file:
            os.symlink(file["link"], self.path)
            return f"made {self.path}"
        told = self._write(file["text"], file["mode"])
        if os.name != "nt":
            os.chown(self.path, file["uid"], file["gid"])
        return told

    def _read(self) -> dict[str, Any]:
        if os.path.islink(self.path):
            return {"link": os.readlink(self.path)}
        try:
            with open(self.path, encoding="utf-8", newline="") as handle:
                text = handle.read(_AT_MOST + 1)
                now = os.fstat(handle.fileno())
        except (OSError, ValueError) as err:
            raise StepFailed(f"{self.path} cannot be read, so not be put back: {err}") from err
        if len(text) > _AT_MOST:
            raise StepFailed(f"{self.path} has more than {_AT_MOST >> 10} KiB: not the right one?")
        mode = stat.S_IMODE(now.st_mode)
        return {"text": text, "mode": mode, "uid": now.st_uid, "gid": now.st_gid}

    def _remove(self) -> str:
        try:
            os.remove(self.path)
        except FileNotFoundError:
            return f"{self.path} is not there"
        except OSError as err:
            raise StepFailed(f"removing {self.path}: {err}") from err
        flush_directory(os.path.dirname(self.path))
        return f"removed {self.path}"

    def _write(self, text: str, mode: int = 0o644) -> str:
        try:
            replace_file(self.path, text, mode)
        except OSError as err:
            raise StepFailed(f"writing {self.path}: {err}") from err
        return f"made {self.path}"
