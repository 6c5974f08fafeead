"""Live pointers: the one thing that says which release is live.

Switching is changing the pointer, in one atomic write; the files of a release are never
touched.
"""

from __future__ import annotations

import os
from typing import Protocol

from pushguide.errors import StepFailed
from pushguide.host.journal import flush_directory
from pushguide.host.windows.junction import Junction


class Pointer(Protocol):
    """What decides which release is live."""

    def check(self) -> None:
        """Prove that the pointer can be changed; raise StepFailed if not."""

    def read(self) -> str | None:
        """The release directory that is live now, None if there is none."""

    def point_at(self, path: str) -> None:
        """Make ``path`` live, and read back that it is."""

    def to(self, path: str) -> str | None:
        """The saved form of a pointer at ``path``."""

    def save(self) -> str | None:
        """The pointer as it is now, fit to be put back; None if there is none."""

    def restore(self, saved: str | None) -> None:
        """Put back what :meth:`save` returned; None takes the pointer away."""


def link_at(path: str) -> Pointer:
    """The link of this platform: a symbolic link, and on Windows a junction.

    Args:
        path: its place.
    """
    return Junction(path) if os.name == "nt" else Link(path)


class Link:
    """A symbolic link; a new one is renamed over the old one, so there is never a gap."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __str__(self) -> str:
        return self.path

    def check(self) -> None:
        """Prove that the link can be changed.

        Raises:
            StepFailed: something else is in its place, or its directory is not writable.
        """
        if os.path.lexists(self.path) and not os.path.islink(self.path):
            raise StepFailed(
                f"{self.path} is not a symbolic link but something else: move it away once, and "
                "pushguide makes the link."
            )
        directory = os.path.dirname(self.path)
        if not os.access(directory, os.W_OK):
            raise StepFailed(
                f"{directory}, which should hold the link {self.path}, is missing or not writable "
                "for the minion."
            )

    def read(self) -> str | None:
        """Where the link points to."""
        try:
            return os.readlink(self.path)
        except FileNotFoundError:
            return None

    def point_at(self, path: str) -> None:
        """Point the link at ``path`` by renaming a new one over it."""
        temporary = f"{self.path}.new"
        if os.path.lexists(temporary):
            os.remove(temporary)
        os.symlink(path, temporary)
        os.replace(temporary, self.path)
        flush_directory(os.path.dirname(self.path))
        if self.read() != path:
            raise StepFailed(f"{self.path} was pointed at {path} and reads {self.read()}.")

    def to(self, path: str) -> str | None:
        """The saved form of a link to ``path``."""
        return path

    def save(self) -> str | None:
        """Where the link points to."""
        return self.read()

    def restore(self, saved: str | None) -> None:
        """Point the link back, or remove it if there was none."""
        if saved is not None:
            self.point_at(saved)
        elif os.path.lexists(self.path):
            os.remove(self.path)
            flush_directory(os.path.dirname(self.path))
