"""How fast, and until when: the bounds that everything in one transfer shares."""

from __future__ import annotations

import random
import time

from pushguide.errors import StepFailed
from pushguide.host.waiting import BetweenTries, pause
from pushguide.share import Transfer

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 1.0


class Pace:
    """Bounds time and bandwidth, and lets the master stop the job meanwhile.

    Args:
        transfer: what the template says.
        between_tries: what to ask at least each second; what it raises ends the transfer.
    """

    def __init__(self, transfer: Transfer, between_tries: BetweenTries) -> None:
        self.transfer = transfer
        self.between_tries = between_tries
        self.moved = 0
        self._deadline = time.monotonic() + transfer.within_seconds
        self._looked_at = time.monotonic()
        self._paced_from: float | None = None
        self._paced = 0

    def splay(self) -> None:
        """Wait for this host's moment, so that not all begin at once."""
        if self.transfer.splay_seconds:
            self.wait(random.uniform(0, self.transfer.splay_seconds))  # noqa: S311 - no secret

    def back_off(self, failures: int, asked_for: float = 0) -> None:
        """Wait before another try: longer each time, and never all hosts alike.

        Args:
            failures: how many tries in a row have failed.
            asked_for: the wait that the server asked for, in seconds.
        """
        longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2 ** (failures - 1))
        chosen = random.uniform(longest / 2, longest)  # noqa: S311 - no secret
        self.wait(max(chosen, min(asked_for, 2 * _LONGEST_WAIT_SECONDS)))

    def wait(self, seconds: float) -> None:
        """Wait, within the bound of the whole."""
        pause(min(seconds, max(0.0, self._deadline - time.monotonic())), self.between_tries)
        self.demand_time()

    def demand_time(self) -> None:
        """Refuse to go on once the time is used up.

        Raises:
            StepFailed: it is.
        """
        if time.monotonic() >= self._deadline:
            raise StepFailed(
                f"The transfer was given up after {self.transfer.within_seconds:g} s "
                f"(transfer:within_seconds) and {self.moved} bytes: give it more time, or find out "
                "what holds it up."
            )

    def took(self, count: int) -> None:
        """Count bytes that came; wait if they came too fast."""
        self.moved += count
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            self.between_tries()
            self.demand_time()
        if self.transfer.max_kb_per_second:
            self._brake(now, count, self.transfer.max_kb_per_second * 1024)

    @property
    def block_bytes(self) -> int:
        """How much to take at once: a quarter of a second's worth where there is a limit."""
        limit = self.transfer.max_kb_per_second
        return min(2**18, max(2**12, limit * 256)) if limit else 2**18

    def _brake(self, now: float, count: int, bytes_per_second: int) -> None:
        if self._paced_from is None:
            self._paced_from = now
        self._paced += count
        early = self._paced / bytes_per_second - (now - self._paced_from)
        if early > 0:
            self.wait(early)
        elif early < -1:
            # A stall is no credit for a burst.
            self._paced_from, self._paced = now, 0
