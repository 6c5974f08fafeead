"""A Salt function that looks after a release, which only the master's configuration can name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pushguide.errors import StepFailed
from pushguide.host.configuration.change import Change
from pushguide.host.configuration.tree import Tree
from pushguide.host.configuration.values import Values


@dataclass(kw_only=True)
class HookChange(Change):
    """A function is called with the directory of the release.

    ``hook`` is its name, ``call`` what the master's configuration says of it.
    """

    kind: ClassVar[str] = "hook"

    hook: str
    call: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.hook} ({self.kind})"

    def apply(self, tree: Tree, values: Values) -> list[str]:
        """Call the function; what it answers is not shown, it may hold a secret."""
        name = self.call["function"]
        if name not in values.secrets.salt:
            raise StepFailed(f"this minion has no function {name}: sync it, or correct the name")
        given = {**(self.call.get("kwarg") or {}), **values.known, "path": tree.top}
        try:
            answer = values.secrets.salt[name](*(self.call.get("arg") or ()), **given)
        except Exception as err:  # noqa: BLE001 - its cause is not logged: it may hold a secret
            raise StepFailed(f"{name}: {type(err).__name__}: {err}") from None
        retcode = answer.get("retcode") if isinstance(answer, Mapping) else None
        if answer is False or retcode:
            raise StepFailed(f"{name} answered {'False' if answer is False else f'{retcode=}'}")
        return []
