"""What all changes to the files of a release have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

from pushguide.errors import Refused
from pushguide.host.configuration.tree import Tree
from pushguide.host.configuration.values import Values

C = TypeVar("C", bound="Change")


@dataclass(kw_only=True)
class Change:
    """A change."""

    kind: ClassVar[str] = ""

    @classmethod
    def from_dict(cls: type[C], data: Mapping[str, Any]) -> C:
        """Read a change out of a share.

        Raises:
            Refused: a field is unknown or missing.
        """
        given = {name: value for name, value in data.items() if name != "kind"}
        unknown = {*given} - {one.name for one in fields(cls)}
        if unknown:
            raise Refused(f"The configuration has unknown fields: {', '.join(sorted(unknown))}.")
        try:
            return cls(**given)
        except TypeError as err:
            raise Refused(f"The configuration does not read: {err}.") from err

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
