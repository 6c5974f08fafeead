"""Probes, as a deployment asks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import minion

from pushguide.host.health import Scene, checks_of


def ask(probe: Mapping[str, Any], logs: Mapping[str, Any]) -> list[str]:
    """What a probe says first: its state, and in words."""
    [check] = checks_of([probe], "1.0")
    return [*check.ask(Scene(minion.functions(), logs))[:2]]
