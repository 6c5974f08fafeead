"""A Salt minion's modules in this process, without its daemon."""

from __future__ import annotations

import functools
from typing import Any

import stand_ins

stand_ins.apply()

import salt.config  # noqa: E402  # after what its modules take on their import
import salt.loader  # noqa: E402

CONFIGURATION = r"C:\salt\conf\minion"


@functools.cache
def functions() -> Any:
    """``__salt__``, with the project's modules in it."""
    options = salt.config.minion_config(CONFIGURATION)
    options["grains"] = salt.loader.grains(options)
    return salt.loader.minion_mods(options, utils=salt.loader.utils(options))


def call(name: str, *arguments: Any, **keywords: Any) -> Any:
    """Call one of Salt's functions."""
    return functions()[name](*arguments, **keywords)
