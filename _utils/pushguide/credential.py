"""Credentials: what a server may ask for, and the headers that it comes to."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

_FORMS = ({"user", "password"}, {"token"}, {"headers"})


def is_form(value: object) -> bool:
    """Whether this has the keys of a credential: user and password, or token, or headers."""
    return isinstance(value, Mapping) and {*value} in _FORMS


def to_headers(credential: Mapping[str, Any], header: str = "Authorization") -> dict[str, str]:
    """The headers that a credential stands for.

    Args:
        credential: one that has the keys of one.
        header: the header of a user or a token: ``Proxy-Authorization`` for a proxy.
    """
    if "token" in credential:
        return {header: f"Bearer {credential['token']}"}
    if "headers" in credential:
        return {str(key): str(value) for key, value in credential["headers"].items()}
    pair = f"{credential['user']}:{credential['password']}".encode()
    return {header: f"Basic {base64.b64encode(pair).decode()}"}
