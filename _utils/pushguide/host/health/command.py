"""Health by a command of operations' own, which only the master's configuration can name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pushguide.host import commands
from pushguide.host.health.check import Answer, Check, Scene, healthy, inconclusive, unhealthy

#: The exit status of a command that could not tell: EX_TEMPFAIL in sysexits.h.
CANNOT_TELL = 75


@dataclass(kw_only=True)
class CommandCheck(Check):
    """A command that exits with 0 if the release is healthy.

    ``command`` is its name, ``words`` what the master's configuration says is run.
    """

    kind: ClassVar[str] = "command"
    versioned: ClassVar[tuple[str, ...]] = ("words",)
    hint: ClassVar[str] = "Run the command on the host, and look at the log of the application."

    command: str
    words: Sequence[str]

    def __str__(self) -> str:
        return f"by the command {self.command}"

    def ask(self, scene: Scene) -> Answer:
        """Run it; what cannot be started, or takes too long, proves nothing."""
        try:
            ended = commands.run(self.words, self.timeout_seconds)
        except (OSError, ValueError) as err:
            return inconclusive(f"it could not be started ({err})")
        if ended.code is None:
            return inconclusive(f"it was not done in {self.timeout_seconds:g} s")
        if ended.code == 0:
            return healthy("exit status 0")
        return inconclusive(str(ended)) if ended.code == CANNOT_TELL else unhealthy(str(ended))
