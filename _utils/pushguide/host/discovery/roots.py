"""The directories of a module's releases, and what lies below them."""

from __future__ import annotations

import ntpath
import os
from collections.abc import Iterable


class Roots:
    """Directories of releases.

    Args:
        paths: the directories, of Linux or of Windows.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.linux, self.windows = set[str](), set[str]()
        for path in paths:
            if path.startswith("/"):
                self.linux |= {os.path.normpath(path), os.path.realpath(path)}
            else:
                self.windows.add(_windows(path))

    def hold(self, path: str) -> bool:
        """Whether a path is one of them, or lies below one."""
        if path.startswith("/"):
            normal = os.path.normpath(path)
            return any(normal == one or normal.startswith(f"{one}/") for one in self.linux)
        normal = _windows(path)
        return any(normal == one or normal.startswith(f"{one}\\") for one in self.windows)


def _windows(path: str) -> str:
    return ntpath.normcase(ntpath.normpath(path))
