"""Where metrics are told, by the master's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where metrics are told.

    Attributes:
        address: the address to listen on.
        port: the port.
    """

    address: str
    port: int


def read(given: Mapping[str, Any]) -> tuple[Place | None, list[str]]:
    """What the master's configuration says of metrics: ``{port: 9722, address: 127.0.0.1}``.

    Returns:
        Where they are told, None for nowhere; and what is wrong.
    """
    said = given.get("metrics")
    if said is None:
        return None, []
    where = "pushguide:metrics in the master's configuration"
    if not isinstance(said, Mapping) or {*said} - {"port", "address"}:
        return None, [f"{where} is {said!r}: give port and, if you like, address."]
    port, address = said.get("port"), said.get("address", "127.0.0.1")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        return None, [f"{where}: port is {port!r}: give a number from 1 to 65535."]
    if not isinstance(address, str) or not re.fullmatch(r"[0-9A-Za-z.:-]+", address):
        return None, [f"{where}: address is {address!r}: give the address to listen on."]
    return Place(address, port), []
