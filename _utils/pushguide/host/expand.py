"""Values that differ from host to host: ``{id}`` and ``{grain.<name>}`` in a share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pushguide.errors import Refused
from pushguide.share import Artifact, Share

_PLACE = re.compile(r"\{(id|grain\.[\w:.-]+)\}")
_SAFE = re.compile(r"[\w@:+-][\w.@:+-]*\Z")


def expand(share: Share, minion_id: str, grains: Mapping[str, Any]) -> Share:
    """Fill in what this host knows of itself: in root, settings, probe, warm-up, drain,
    transfer, configuration and mirrors.

    Args:
        share: this host's share of the plan.
        minion_id: the minion's id, for ``{id}``.
        grains: its grains, for ``{grain.<name>}``; deeper ones as ``{grain.a:b}``.

    Raises:
        Refused: a grain is missing, or holds something that has no place in a path.
    """
    problems: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        value = minion_id if name == "id" else _grain(grains, name.partition(".")[2])
        if isinstance(value, (str, int)) and _SAFE.match(str(value)):
            return str(value)
        problems.append(
            f"{match.group()} is {value!r} on this host: set the grain to one plain word, or "
            "change the template."
        )
        return match.group()

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return _PLACE.sub(fill, value)
        if isinstance(value, dict):
            return {key: walk(one) for key, one in value.items()}
        return [walk(one) for one in value] if isinstance(value, list) else value

    filled = share._replace(
        root=walk(share.root),
        settings=walk(share.settings),
        probe=walk(share.probe),
        warm_up=walk(share.warm_up),
        drain=walk(share.drain),
        transfer=walk(share.transfer),
        configuration=walk(share.configuration),
        artifact=_with_mirrors(share.artifact, walk),
    )
    if problems:
        raise Refused(sorted(set(problems)))
    return filled


def _with_mirrors(artifact: Artifact | None, walk: Callable[[Any], Any]) -> Artifact | None:
    return artifact and artifact._replace(mirrors=tuple(walk(list(artifact.mirrors))))


def _grain(grains: Mapping[str, Any], path: str) -> Any:
    value: Any = grains
    for part in path.split(":"):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
