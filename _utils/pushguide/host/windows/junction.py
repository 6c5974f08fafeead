"""The live pointer where there are no symbolic links without a privilege: a junction."""

from __future__ import annotations

import os

from pushguide.errors import StepFailed
from pushguide.host.windows import reparse
from pushguide.host.windows.paths import as_this_host_has_it, is_same

#: What is saved of an empty directory.
_EMPTY = ""


class Junction:
    """A junction, whose target is replaced in place, so there is never a gap.

    An empty directory in its place becomes the junction: a site of IIS wants one before anything is
    deployed, and a first switch that is broken off leaves one.

    Args:
        path: its place.
    """

    def __init__(self, path: str) -> None:
        self.path = as_this_host_has_it(path)

    def __str__(self) -> str:
        return self.path

    def check(self) -> None:
        """Prove that the junction can be made or changed.

        Raises:
            StepFailed: something else is in its place, or its directory is not writable.
        """
        if self.read() is None and os.path.lexists(self.path) and not self._is_empty_directory():
            raise StepFailed(
                f"{self.path} is not a junction but something else: move it away once, and "
                "pushguide makes the junction."
            )
        directory = os.path.dirname(self.path)
        if not os.access(directory, os.W_OK):
            raise StepFailed(
                f"{directory}, which should hold the junction {self.path}, is missing or not "
                "writable for the minion."
            )

    def read(self) -> str | None:
        """Where the junction leads."""
        return reparse.read(self.path)

    def point_at(self, path: str) -> None:
        """Lead the junction to ``path``; the first time it is made."""
        if not os.path.lexists(self.path) and self.read() is None:
            os.mkdir(self.path)
        try:
            reparse.write(self.path, path)
        except OSError as err:
            raise StepFailed(f"Leading the junction {self.path} to {path} failed: {err}.") from err
        found = self.read()
        if found is None or not is_same(found, path):
            raise StepFailed(f"{self.path} was led to {path} and leads to {found}.")

    def to(self, path: str) -> str | None:
        """The saved form of a junction to ``path``."""
        return path

    def save(self) -> str | None:
        """Where the junction leads; an empty text of an empty directory."""
        found = self.read()
        return _EMPTY if found is None and self._is_empty_directory() else found

    def restore(self, saved: str | None) -> None:
        """Lead the junction back, or leave what was there before: an empty directory or nothing."""
        if saved:
            self.point_at(saved)
            return
        if self.read() is not None:
            reparse.clear(self.path)
        if saved is None and os.path.lexists(self.path):
            os.rmdir(self.path)  # nothing but an empty directory lets itself be removed so

    def _is_empty_directory(self) -> bool:
        try:
            return not os.listdir(self.path)
        except OSError:
            return False
