"""Waiting that can be broken off: a job may be told to stop while it waits."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Called before each try, and at least each second of a wait; what it raises ends the wait.
BetweenTries = Callable[[], None]

_AT_MOST_SECONDS = 1.0


def pause(seconds: float, between_tries: BetweenTries) -> None:
    """Wait, and ask at least each second whether to go on waiting.

    The clock is the monotonic one: a host's time of day may jump.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, _AT_MOST_SECONDS))
        between_tries()
