"""Drain: the ways out of a load balancer that a template may have, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.errors import Refused
from pushguide.host.drain.file import FileWay
from pushguide.host.drain.function import FunctionWay
from pushguide.host.drain.haproxy import HaproxyWay
from pushguide.host.drain.http import HttpWay
from pushguide.host.drain.way import Way

__all__ = ["KINDS", "Way", "way_of"]

KINDS: dict[str, type[Way]] = {one.kind: one for one in (HttpWay, FileWay, HaproxyWay, FunctionWay)}


def way_of(drain: Mapping[str, Any], salt: Mapping[str, Any]) -> Way:
    """The way that a share or a journal names.

    Raises:
        Refused: it does not read.
    """
    kind = drain.get("kind")
    if kind not in KINDS:
        raise Refused(f"There is no kind {kind!r} of drain: there are {', '.join(KINDS)}.")
    return KINDS[kind].from_dict(drain, salt)
