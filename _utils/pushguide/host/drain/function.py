"""Out of a load balancer by a Salt function, which only the master's configuration can name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pushguide.errors import StepFailed
from pushguide.host.drain.way import Way


@dataclass(kw_only=True)
class FunctionWay(Way):
    """One function takes the host out, another one puts it back.

    ``function`` is their name, ``out`` and ``back`` what the master's configuration says of it.
    """

    kind: ClassVar[str] = "function"

    function: str
    out: Mapping[str, Any]
    back: Mapping[str, Any]

    def take_out(self) -> str:
        """Call the one."""
        return self._call(self.out)

    def put_back(self, found: Mapping[str, Any]) -> str:
        """Call the other."""
        return self._call(self.back)

    def _call(self, given: Mapping[str, Any]) -> str:
        name = given["function"]
        if name not in self.salt:
            raise StepFailed(f"this minion has no function {name}: sync it, or correct the name")
        try:
            answer = self.salt[name](*(given.get("arg") or ()), **(given.get("kwarg") or {}))
        except Exception as err:
            raise StepFailed(f"{name}: {type(err).__name__}: {err}") from err
        if answer is False:
            raise StepFailed(f"{name} answered False")
        return f"{name}: {str(answer)[:300]}"
