"""What all changes to the files of a release have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pushguide.host.configuration.tree import Tree
from pushguide.host.configuration.values import Values


@dataclass(kw_only=True)
class Change:
    """A change."""

    kind: ClassVar[str] = ""

    def apply(self, tree: Tree, values: Values) -> list[str]:
        """Make the change.

        Args:
            tree: the release.
            values: what is filled in.

        Returns:
            What somebody should look at; nothing if all of it could be done.

        Raises:
            StepFailed: that failed.
        """
        raise NotImplementedError

    def __str__(self) -> str:
        return self.kind


@dataclass(kw_only=True)
class FileChange(Change):
    """A change of one file."""

    file: str
    mode: str | None = None

    def __str__(self) -> str:
        return f"{self.file} ({self.kind})"
