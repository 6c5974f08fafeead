"""The live pointer of what IIS serves: its physical path."""

from __future__ import annotations

import os
from collections.abc import Callable

from pushguide.errors import StepFailed
from pushguide.host.windows.iis import Iis, Place


class PhysicalPath:
    """The physical path of a place in IIS.

    Args:
        place: what has the path.
        iis: IIS.
        may_be_missing: whether it is created where there is none.
        is_created_with: whether a path is one that it was created with.
    """

    def __init__(
        self,
        place: Place,
        iis: Iis,
        may_be_missing: bool,
        is_created_with: Callable[[str], bool],
    ) -> None:
        self.place = place
        self.iis = iis
        self.may_be_missing = may_be_missing
        self.is_created_with = is_created_with

    def __str__(self) -> str:
        return f"IIS {self.place}"

    def check(self) -> None:
        """Prove that there is something to point with.

        Raises:
            StepFailed: IIS has no such place, and it cannot be created.
        """
        if self.read() is not None:
            return
        if not self.may_be_missing:
            raise StepFailed(
                f"IIS has no {self.place} on this host: create it with your configuration "
                "management, or let the template do so (create)."
            )
        above = self.place.above
        if above and self.iis.path(above) is None:
            raise StepFailed(
                f"IIS has no {above} on this host, in which {self.place} could be created: deploy "
                "the module that creates it first, or create it with your configuration management."
            )

    def read(self) -> str | None:
        """The physical path."""
        found = self.iis.path(self.place)
        return os.path.normpath(found) if found else found

    def point_at(self, path: str) -> None:
        """Give IIS another physical path, and read back that it has it."""
        self.iis.set_path(self.place, path)

    def to(self, path: str) -> str:
        """The saved form of a physical path."""
        return path

    def save(self) -> str | None:
        """The physical path as IIS has it; it may hold variables such as %SystemDrive%."""
        return self.iis.path(self.place)

    def restore(self, saved: str | None) -> None:
        """Put the physical path back, or remove what was created.

        What has another path was there before, whatever a PowerShell without breath said of it.
        """
        if saved is not None:
            self.iis.set_path(self.place, saved)
            return
        found = self.read()
        if found is not None and self.may_be_missing and self.is_created_with(found):
            self.iis.remove(self.place)
