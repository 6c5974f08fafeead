"""Simulates a host whose clock is an hour ahead, for a minion that has this on its PYTHONPATH."""

import time

_true_time = time.time


def _wrong_time():
    """The time of a clock that is an hour ahead."""
    return _true_time() + 3600


time.time = _wrong_time
