"""What somebody made of a template that is kept in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Revision:
    """One state of a template; none is ever changed.

    Attributes:
        data: the template, as it stands under ``pushguide:modules:<name>`` in a pillar; None where
            it was deleted.
        text: the same as YAML, as it was written.
    """

    module: str
    revision: int
    data: dict[str, Any] | None
    text: str | None
    saved_by: str
    saved_at: datetime
    reason: str

    @property
    def is_deleted(self) -> bool:
        """Whether it says that there is no such template any more."""
        return self.data is None

    def __str__(self) -> str:
        when = self.saved_at.isoformat(timespec="seconds")
        what = "deleted" if self.is_deleted else "saved"
        return f"revision {self.revision}, {what} by {self.saved_by} at {when}"

    def told(self) -> dict[str, Any]:
        """All but the template itself, as plain data."""
        return {
            "revision": self.revision,
            "saved_by": self.saved_by,
            "saved_at": self.saved_at.isoformat(timespec="seconds"),
            "reason": self.reason,
            "deleted": self.is_deleted,
        }
