"""Buckets: durations, coarse enough to be added up over everything, fine enough for percentiles.

A bucket is 12 % wider than the one below it, so a percentile is right within 6 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

_SHORTEST_SECONDS = 0.01
_GROWTH = 1.12
_LOG_GROWTH = math.log(_GROWTH)

#: How often there is something in each bucket; the bucket is its number as text, as JSON wants it.
Spread = Mapping[str, int]


def bucket_of(seconds: float) -> str:
    """The bucket that a duration falls into; the lowest one for what is shorter than 10 ms."""
    if seconds <= _SHORTEST_SECONDS:
        return "0"
    return str(math.ceil(math.log(seconds / _SHORTEST_SECONDS) / _LOG_GROWTH))


def middle_of(bucket: str) -> float:
    """The duration that a bucket stands for, in seconds."""
    number = int(bucket)
    if not number:
        return _SHORTEST_SECONDS
    return float(_SHORTEST_SECONDS * _GROWTH ** (number - 0.5))


def highest_of(bucket: str) -> float:
    """The longest duration that falls into a bucket, in seconds."""
    return float(_SHORTEST_SECONDS * _GROWTH ** int(bucket))


def percentile(spread: Spread, share: float) -> float | None:
    """The duration that a share of all stays within, in seconds; None without any.

    Args:
        spread: what there is in each bucket.
        share: such as 0.95.
    """
    total = sum(spread.values())
    if not total:
        return None
    rank = max(1, math.ceil(total * share))
    for bucket in sorted(spread, key=int):
        rank -= spread[bucket]
        if rank <= 0:
            return round(middle_of(bucket), 3)
    raise AssertionError("unreachable")


def quantiles(spread: Spread) -> dict[str, float | None]:
    """The median and the 95th percentile, in seconds."""
    return {"p50": percentile(spread, 0.5), "p95": percentile(spread, 0.95)}
