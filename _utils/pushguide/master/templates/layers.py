"""Layers: what operations say for all modules lies under what a template says, and that under what
an environment of it says. Here alone stands how one is laid over another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pushguide.master.fields import Location

#: The kind of what does not say its kind.
_USUAL_KINDS = {"source": "directory", "probe": "http", "drain": None}


class Layer(NamedTuple):
    """What is said in one place.

    Attributes:
        place: where it stands, for people.
        values: what stands there.
        is_own: whether it is the template's own, and not what operations say for all.
    """

    place: str
    values: Mapping[str, Any]
    is_own: bool = True


def laid(layers: Iterable[Layer]) -> dict[str, Any]:
    """All layers in one, the lowest first."""
    found: dict[str, Any] = {}
    for layer in layers:
        found |= laid_over(layer.values, found)
    return found


def laid_over(own: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, Any]:
    """What a layer says, its mappings laid over those below, key by key and one level deep.

    What has kinds is replaced as a whole by another kind. Of the inventory each value is laid over
    the one below.
    """
    values = {}
    for key, value in own.items():
        under = below.get(key)
        if (
            isinstance(value, Mapping)
            and isinstance(under, Mapping)
            and not _is_of_another_kind(key, value, under)
        ):
            value = {**under, **(_each_laid_over(value, under) if key == "inventory" else value)}
        values[key] = value
    return values


def _each_laid_over(own: Mapping[Any, Any], below: Mapping[Any, Any]) -> dict[Any, Any]:
    return {
        name: {**below[name], **one}
        if isinstance(one, Mapping) and isinstance(below.get(name), Mapping)
        else one
        for name, one in own.items()
    }


def _is_of_another_kind(key: str, own: Mapping[str, Any], below: Mapping[str, Any]) -> bool:
    """Whether a layer has another kind of source, probe or drain than what lies below."""
    usual = below.get("kind", _USUAL_KINDS.get(key))
    return key in _USUAL_KINDS and own.get("kind", usual) != usual


def who_says(layers: Sequence[Layer], location: Location) -> Layer | None:
    """The highest layer that says what stands at a place; None if it is nobody's but a default."""
    return next((one for one in reversed(layers) if _says(one.values, location)), None)


def as_said(location: Location, layers: Sequence[Layer]) -> Location:
    """A location in a template that was read, as it is written: one probe needs no list."""
    if location[:1] == ("probe",) and is_one_probe(layers):
        return (*location[:1], *location[2:])
    return location


def is_one_probe(layers: Sequence[Layer]) -> bool:
    """Whether the probe is written as a mapping, and not as a list of probes."""
    found = who_says(layers, ("probe",))
    return found is not None and isinstance(found.values["probe"], Mapping)


def _says(own: Any, location: Location) -> bool:
    """Whether a layer itself says what stands at a place."""
    for part in location:
        if not isinstance(own, Mapping) or part not in own:
            return not isinstance(own, Mapping)
        own = own[part]
    return bool(location)
