"""What all ways out of a load balancer have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from pushguide.errors import StepFailed
from pushguide.host import process
from pushguide.host.reading import made_of

W = TypeVar("W", bound="Way")


@dataclass(kw_only=True)
class Way:
    """A way out of a load balancer, and back."""

    kind: ClassVar[str] = ""

    settle_seconds: float = 0
    wait_seconds: float = 30
    port: int | str | None = None
    salt: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls: type[W], data: Mapping[str, Any], salt: Mapping[str, Any]) -> W:
        """Read a drain out of a share, or out of a journal.

        Raises:
            Refused: a field is unknown or missing.
        """
        return made_of(cls, data, "drain", salt=salt)

    def look(self) -> dict[str, Any]:
        """How the host stands before it is taken out; ``was_out`` says whether it is out already.

        What is answered goes into the journal, and comes back in :meth:`put_back`.
        """
        return {"was_out": bool(self.is_out())}

    def is_out(self) -> bool | None:
        """Whether the host is out, as the balancer would have it; None if that cannot be seen."""
        return None

    def take_out(self) -> str:
        """Take the host out; answer with what was done.

        Raises:
            StepFailed: that failed.
        """
        raise NotImplementedError

    def put_back(self, found: Mapping[str, Any]) -> str:
        """Put the host back as it was found; answer with what was done.

        Raises:
            StepFailed: that failed.
        """
        raise NotImplementedError

    def connections(self) -> int | None:
        """How many connections are left to finish; None if there is nothing to count.

        Raises:
            StepFailed: they cannot be counted.
        """
        return None if self.port is None else self._on_port(self.port)

    def _on_port(self, given: int | str) -> int:
        try:
            port = int(given)
            if os.path.exists("/proc/net/tcp"):
                return process.count_connections(port)
            rows = self.salt["network.netstat"]()
            return sum(
                str(row.get("state")).upper() == "ESTABLISHED"
                and row["local-address"].replace(".", ":").rpartition(":")[2] == str(port)
                for row in rows
            )
        except Exception as err:
            raise StepFailed(f"connections to port {given} cannot be counted: {err!r}") from err
