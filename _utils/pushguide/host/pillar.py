"""Values out of this host's pillar, as they are: no event, no job and no log holds them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

#: From Salt 3008 on pillar values come as asterisks unless they are asked for as they are.
_UNMASKED = {"unmask": True} if importlib.util.find_spec("salt.utils.secret") else {}


def look_up(path: str, salt: Mapping[str, Any]) -> Any:
    """Look up a value: in the pillar in memory first, then at the master.

    Args:
        path: the keys to the value, with ':' between them.
        salt: Salt's execution modules.

    Returns:
        The value; None where there is none, or an empty one.
    """
    found = salt["pillar.get"](path, default="", **_UNMASKED)
    if found in ("", None):
        found = salt["pillar.items"](**_UNMASKED)
        for key in path.split(":"):
            found = found.get(key) if isinstance(found, Mapping) else None
    return None if found == "" else found
