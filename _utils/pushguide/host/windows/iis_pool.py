"""The settings of an application pool that is created, as IIS names them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

#: What the template says, and how IIS calls it.
_AS_TEXT = {
    "runtime": "managedRuntimeVersion",
    "identity": "processModel.identityType",
    "only_32_bit": "enable32BitAppOnWin64",
    "pipeline": "managedPipelineMode",
    "start_mode": "startMode",
}
_AS_TIME = {
    "idle_timeout_minutes": ("processModel.idleTimeout", 60),
    "recycle_minutes": ("recycling.periodicRestart.time", 60),
    "shutdown_limit_seconds": ("processModel.shutdownTimeLimit", 1),
}


def pool_settings(pool: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a template that are given, by IIS's names and as text."""
    found = {name: str(pool[key]) for key, name in _AS_TEXT.items() if pool.get(key) is not None}
    for key, (name, unit_seconds) in _AS_TIME.items():
        if pool.get(key) is not None:
            found[name] = _time(int(pool[key]) * unit_seconds)
    return found


def _time(seconds: int) -> str:
    """A length of time as .NET writes it, such as 1.05:00:00."""
    whole = timedelta(seconds=seconds)
    hours, left = divmod(whole.seconds, 3600)
    clock = f"{hours:02}:{left // 60:02}:{left % 60:02}"
    return f"{whole.days}.{clock}" if whole.days else clock
