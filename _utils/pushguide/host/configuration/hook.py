"""A hook that looks after a release, which only the master's configuration can name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pushguide.host.configuration.change import Change
from pushguide.host.configuration.tree import Tree
from pushguide.host.configuration.values import Values
from pushguide.host.hooks import Hook


@dataclass(kw_only=True)
class HookChange(Hook, Change):
    """A hook is run with the directory of the release."""

    kind: ClassVar[str] = "hook"

    def __str__(self) -> str:
        return f"{self.hook} ({self.kind})"

    def apply(self, tree: Tree, values: Values) -> list[str]:
        """Run it."""
        self.run({**values.known, "path": tree.top}, values.secrets)
        return []
