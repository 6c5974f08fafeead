"""What a template says about bringing artifacts to hosts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from pushguide import share
from pushguide.master.fields import CredentialName, HttpUrl, Seconds, Strict, help_of

_DEFAULTS: dict[str, Any] = share.Transfer._field_defaults


def _plain_http(url: str) -> str:
    if not url.startswith("http://"):
        raise ValueError("give an address that starts with http://: that is how proxies are asked")
    return url


class Transfer(Strict):
    """How hosts bring an artifact to themselves."""

    attempts: Annotated[int, Field(ge=1, le=100)] = help_of(
        "How often in a row an address may fail before the next one is tried.",
        default=_DEFAULTS["attempts"],
    )
    silence_seconds: Seconds = help_of(
        "How long a server may say nothing.", default=_DEFAULTS["silence_seconds"]
    )
    within_seconds: Seconds = help_of(
        "How long the transfer to a host may take in all.", default=_DEFAULTS["within_seconds"]
    )
    splay_seconds: Annotated[float, Field(ge=0, le=3600)] = help_of(
        "Each host begins at a random moment within so many seconds.",
        default=_DEFAULTS["splay_seconds"],
    )
    max_kb_per_second: Annotated[int, Field(ge=16)] | None = help_of(
        "The most that a host takes, in KiB a second.", 20480, default=None
    )
    only_changed: bool = help_of(
        "Whether of a zip only that is moved which an earlier version on the host has not.",
        default=_DEFAULTS["only_changed"],
    )
    spread: bool = help_of(
        "Whether each host begins with a mirror of its own choice; else all begin with the first "
        "address.",
        default=_DEFAULTS["spread"],
    )
    proxy: Annotated[HttpUrl, AfterValidator(_plain_http)] | None = help_of(
        "An HTTP proxy; else the one of the minion's configuration (proxy_host).",
        "http://proxy.example.com:3128",
        default=None,
    )
    proxy_credential: CredentialName | None = help_of(
        "The name of the proxy's credential, as for the source.", "proxy", default=None
    )
