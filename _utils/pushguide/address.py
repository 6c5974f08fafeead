"""Web addresses as messages show them."""

from __future__ import annotations

import urllib.parse


def shown(url: str) -> str:
    """An address without user, password and query, any of which may be a secret."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))
