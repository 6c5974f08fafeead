"""SIMULATED: what IIS's objects are made of, and how they are named."""

from __future__ import annotations

import os
from typing import Any

import iis_settings

Item = dict[str, Any]

STARTED = "Started"
STOPPED = "Stopped"
UNDEFINED = "Undefined"


class Failed(Exception):
    """A cmdlet's error."""


def known_name(named: dict[str, Any], name: str) -> str | None:
    """The name that something has, whatever the case that it is asked for in."""
    return next((one for one in named if one.casefold() == name.casefold()), None)


def demand_name(named: dict[str, Any], name: str, what: str) -> str:
    """The same, where there has to be such a name."""
    known = known_name(named, name)
    if known is None:
        raise Failed(f"Cannot find the {what} '{name}' because it does not exist.")
    return known


def new_binding(protocol: str, information: str, ssl_flags: int = 0) -> Item:
    """A binding without a certificate."""
    return {
        "protocol": protocol,
        "bindingInformation": information,
        "sslFlags": ssl_flags,
        "certificateHash": "",
        "certificateStoreName": "",
    }


def same_binding(one: Item, other: Item) -> bool:
    """Whether two sites can't both be started with them."""
    return bool(one["bindingInformation"].casefold() == other["bindingInformation"].casefold())


def new_application(pool: str, path: str) -> Item:
    """An application with its root directory."""
    settings = iis_settings.defaults(iis_settings.APPLICATION)
    return {**settings, "applicationPool": pool, "directories": {"/": new_directory(path)}}


def new_directory(path: str) -> Item:
    """A virtual directory."""
    return {**iis_settings.defaults(iis_settings.DIRECTORY), "physicalPath": path}


def demand_directory(path: str) -> None:
    """Fail where there is no such directory on disk."""
    if not os.path.isdir(os.path.expandvars(path)):
        raise Failed("Parameter 'PhysicalPath' should point to existing path.")


def keep(holder: Item, setting: str, value: str) -> None:
    """Set a setting, if it can have the value."""
    known = {
        **iis_settings.POOL,
        **iis_settings.SITE,
        **iis_settings.APPLICATION,
        **iis_settings.DIRECTORY,
    }
    try:
        holder[setting] = known[setting].kept(value)
    except ValueError as err:
        raise Failed(f"{setting}: {err}") from err


def as_json(values: list[str]) -> Any:
    """What ConvertTo-Json makes of a calculated property: none, one, or a wrapped list."""
    if len(values) == 1:
        return values[0]
    return {"value": values, "Count": len(values)} if values else {}
