"""Explaining: of each value of a template, who has said it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pushguide.master.fields import Location
from pushguide.master.templates.layers import Layer, is_one_probe, who_says
from pushguide.master.templates.library import ModuleTemplate
from pushguide.master.templates.template import Platforms

#: Who says what nobody has said.
OWN_DEFAULT = "pushguide's own default"


def in_full(chosen: ModuleTemplate) -> dict[str, Any]:
    """All of a template in an environment, defaults and settings filled in."""
    found = {**chosen.template.model_dump(mode="json"), "settings": chosen.settings}
    windows = chosen.windows
    return {**found, "windows": in_full(windows) if windows else None}


def explained(chosen: ModuleTemplate) -> list[dict[str, Any]]:
    """Of each value who has said it.

    Returns:
        Of each value ``path``, ``value`` and ``from``: a place in the pillar, the template, or
        pushguide's own default. What Windows hosts have differently has ``on_windows``.
    """
    platforms = chosen.platforms or Platforms(chosen.template)
    whole = in_full(chosen)
    rows = [*_rows(whole, platforms.layers)]
    if chosen.windows is None:
        return rows
    usual = {row["path"]: row for row in rows}
    for row in _rows(whole["windows"], platforms.windows_layers):
        same = usual.get(row["path"])
        if same is None or same["value"] != row["value"]:
            rows.append({**row, "on_windows": True})
    return rows


def _rows(whole: Mapping[str, Any], layers: Sequence[Layer]) -> Iterator[dict[str, Any]]:
    values = {key: whole[key] for key in whole if key != "windows"}
    if is_one_probe(layers):
        [values["probe"]] = whole["probe"]
    for location, value in _leaves(values):
        said_by = who_says(layers, location)
        yield {
            "path": ":".join(map(str, location)),
            "value": value,
            "from": said_by.place if said_by else OWN_DEFAULT,
        }


def _leaves(value: Any, location: Location = ()) -> Iterator[tuple[Location, Any]]:
    """The values of plain data, each with its location; a list is one value."""
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from _leaves(one, (*location, key))
    else:
        yield location, value
