"""Values that differ from host to host: ``{id}``, ``{grain.<name>}`` and ``{inventory.<name>}`` in
a share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pushguide import inventory
from pushguide.errors import Refused
from pushguide.share import Artifact, Share

_PLACE = re.compile(r"\{(id|grain\.[\w:.-]+|inventory\.[\w-]+)\}")
_SAFE = re.compile(r"[\w@:+-][\w.@:+-]*\Z")


def expand(share: Share, minion_id: str, grains: Mapping[str, Any]) -> Share:
    """Fill in what this host knows of itself: in root, settings, probe, warm-up, drain,
    transfer, configuration, what hooks call, and mirrors.

    Args:
        share: this host's share of the plan.
        minion_id: the minion's id, for ``{id}``.
        grains: its grains, for ``{grain.<name>}``; deeper ones as ``{grain.a:b}``.

    Raises:
        Refused: a grain or a value of the inventory is missing, or holds something that has no
            place there.
    """
    problems: list[str] = []
    ours = inventory.of_host(share.inventory, minion_id)

    def fill(match: re.Match[str]) -> str:
        kind, _, name = match.group(1).partition(".")
        if kind == "inventory":
            found = ours.get(name)
            is_all = match.group() == match.string
            if found is not None and inventory.may_stand(str(found), match.start() == 0, is_all):
                return str(found)
            problems.append(_of_inventory(match.group(), found))
            return match.group()
        value = minion_id if kind == "id" else _grain(grains, name)
        if _is_safe(value):
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

    def hook(given: Mapping[str, Any]) -> dict[str, Any]:
        # Its variables stay as they are: what a host would fill in was held against no pattern.
        undo = given.get("undo")
        own = {"undo": hook(undo)} if undo else {}
        return {**given, "call": walk(given["call"]), **own}

    filled = share._replace(
        root=walk(share.root),
        settings=walk(share.settings),
        probe=walk(share.probe),
        warm_up=walk(share.warm_up),
        drain=walk(share.drain),
        transfer=walk(share.transfer),
        configuration=[
            hook(one) if one.get("kind") == "hook" else walk(one) for one in share.configuration
        ]
        or share.configuration,
        hooks={stage: [hook(one) for one in uses] for stage, uses in share.hooks.items()},
        artifact=_with_mirrors(share.artifact, walk),
        inventory=None,
    )
    if problems:
        raise Refused(sorted(set(problems)))
    return filled


def expand_path(path: str, minion_id: str, grains: Mapping[str, Any]) -> str | None:
    """A path with what this host knows of itself filled in; None if it does not know all of it."""

    def fill(match: re.Match[str]) -> str:
        kind, _, name = match.group(1).partition(".")
        value = minion_id if kind == "id" else _grain(grains, name) if kind == "grain" else None
        return str(value) if _is_safe(value) else match.group()

    filled = _PLACE.sub(fill, path)
    return None if _PLACE.search(filled) else filled


def _is_safe(value: Any) -> bool:
    return isinstance(value, (str, int)) and _SAFE.match(str(value)) is not None


def _of_inventory(place: str, value: Any) -> str:
    if value is None:
        return (
            f"{place} is not known for this host: the inventory had none when the deployment was "
            "planned. Tell it, and deploy again."
        )
    return f"{place} is {value!r} for this host, which may not stand where it does: mend either."


def _with_mirrors(artifact: Artifact | None, walk: Callable[[Any], Any]) -> Artifact | None:
    return artifact and artifact._replace(mirrors=tuple(walk(list(artifact.mirrors))))


def _grain(grains: Mapping[str, Any], path: str) -> Any:
    value: Any = grains
    for part in path.split(":"):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
