"""The files of a release that is being made: read and written without leaving it."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator

from pushguide.errors import StepFailed
from pushguide.host.archive import OPEN_MODE
from pushguide.host.archive.earlier import identity_of

#: The longest file that is read, in bytes.
MOST_BYTES = 8 * 2**20


class Tree:
    """A release directory that is no candidate yet.

    Args:
        top: the directory.
    """

    def __init__(self, top: str) -> None:
        self.top = os.path.realpath(top)

    def read(self, name: str) -> bytes:
        """Read a file.

        Args:
            name: its path below the release.

        Raises:
            StepFailed: there is none, it is too long, or lies elsewhere.
        """
        path = self._path(name)
        if not os.path.isfile(path):
            raise StepFailed(
                f"There is no file {name} in the release: correct the template, or let CI put it "
                "into the artifact."
            )
        with open(path, "rb") as handle:
            content = handle.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise StepFailed(
                f"{name} in the release is longer than {MOST_BYTES >> 20} MiB: that is no file of "
                "settings."
            )
        return content

    def has(self, name: str) -> bool:
        """Whether there is something of this name."""
        return os.path.lexists(self._path(name))

    def write(self, name: str, content: bytes, mode: str | None) -> None:
        """Put a new file in the place of one, or where none is.

        The old one is never written to: a release before may share it.

        Args:
            name: its path below the release.
            content: what is in it.
            mode: its mode in octal digits; that of the old one, or 0644, if None.

        Raises:
            StepFailed: it would lie elsewhere, or in the place of something that is no file.
            OSError: it cannot be written.
        """
        path = self._path(name)
        directory = os.path.dirname(path)
        if os.path.lexists(path) and not os.path.isfile(path):
            raise StepFailed(f"{name} in the release is no file: correct the template.")
        self._make(directory)
        old = os.stat(path) if os.path.isfile(path) else None
        wanted = int(mode, 8) if mode else stat.S_IMODE(old.st_mode) if old else OPEN_MODE & 0o666
        with _writable(directory):
            descriptor, new = tempfile.mkstemp(dir=directory)
            try:
                with os.fdopen(descriptor, "wb") as handle:
                    handle.write(content)
                os.chmod(new, wanted)
                if os.name == "nt" and old:
                    # No file that is read-only can be replaced there.
                    os.chmod(path, stat.S_IWRITE)
                os.replace(new, path)
            except BaseException:
                os.remove(new)
                raise

    def _make(self, directory: str) -> None:
        """Make a directory below the release, and those above it."""
        if not os.path.isdir(directory):
            above = os.path.dirname(directory)
            self._make(above)
            with _writable(above):
                os.mkdir(directory)
                os.chmod(directory, OPEN_MODE)

    def identities(self) -> set[tuple[str, tuple[int, int, int]]]:
        """Every file, with what changes of it when it is written to or replaced."""
        found = set()
        for directory, _, names in os.walk(self.top):
            for name in names:
                path = os.path.join(directory, name)
                relative = os.path.relpath(path, self.top).replace(os.sep, "/")
                found.add((relative, identity_of(os.lstat(path))))
        return found

    def _path(self, name: str) -> str:
        """The path of a name below the release.

        Raises:
            StepFailed: it leads elsewhere, if only by a link in the artifact.
        """
        parts = re.split(r"[/\\]", name)
        path = os.path.realpath(os.path.join(self.top, *parts))
        is_below = path.startswith(self.top + os.sep)
        if {"", ".", ".."} & {*parts} or ":" in name or not is_below:
            raise StepFailed(
                f"{name!r} does not lie in the release: give a path below it, that no link leads "
                "out of."
            )
        return path


@contextlib.contextmanager
def _writable(directory: str) -> Iterator[None]:
    """Let files be made in a directory that is read-only, as those of shared releases are."""
    mode = stat.S_IMODE(os.stat(directory).st_mode)
    if mode & stat.S_IWUSR:
        yield
        return
    os.chmod(directory, mode | stat.S_IWUSR)
    try:
        yield
    finally:
        os.chmod(directory, mode)
