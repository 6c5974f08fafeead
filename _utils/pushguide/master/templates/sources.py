"""What a template says about where CI puts what it builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Tag

from pushguide.master.fields import (
    AbsolutePath,
    CredentialName,
    HttpUrl,
    OneLine,
    Strict,
    help_of,
    no_credentials,
)


def _url(url: str) -> str:
    scheme = url.partition("://")[0]
    if scheme not in ("salt", "http", "https", "file"):
        raise ValueError("give an address that starts with salt://, http://, https:// or file://")
    return no_credentials(url).rstrip("/")


def _bare(url: str) -> str:
    return url.rstrip("/")


_Address = Annotated[OneLine, AfterValidator(_url)]
_HttpAddress = Annotated[HttpUrl, AfterValidator(_bare)]


class DirectoryModel(Strict):
    """A directory on the master: ``<directory>/<module>/<version>/`` with one archive and its
    sha256."""

    kind: Literal["directory"] = help_of(
        "The kind: a directory on the master.", default="directory"
    )
    directory: AbsolutePath = help_of(
        "The directory on the master that holds <module>/<version>/.", "/srv/artifacts"
    )
    url: _Address = help_of(
        "The same directory, as the hosts reach it.",
        "salt://artifacts",
        "https://artifacts.example.com",
    )
    mirrors: list[_Address] = help_of(
        "Other addresses of the same directory, tried in turn.",
        ["https://mirror.example.com"],
        default=[],
    )
    credential: CredentialName | None = help_of(
        "The name of what the addresses ask for.", "nexus", default=None
    )


class HttpModel(Strict):
    """A web server with ``<address>/<module>/index.json``."""

    kind: Literal["http"] = help_of("The kind: an index on a web server.", "http")
    address: _HttpAddress = help_of(
        "The address that holds <module>/index.json.", "https://builds.example.com"
    )
    url: _HttpAddress | None = help_of(
        "The same, as the hosts reach it, if that is another address.",
        "https://builds.dc1.example.com",
        default=None,
    )
    mirrors: list[_HttpAddress] = help_of(
        "Other addresses of the same files, tried in turn.",
        ["https://mirror.example.com"],
        default=[],
    )
    credential: CredentialName | None = help_of(
        "The name of what the server asks for.", "nexus", default=None
    )


def _kind(given: Any) -> str | None:
    """The kind of a source: a directory if it does not say."""
    if isinstance(given, Mapping):
        return str(given.get("kind", "directory"))
    return getattr(given, "kind", None)


AnySource = Annotated[
    Annotated[DirectoryModel, Tag("directory")] | Annotated[HttpModel, Tag("http")],
    Discriminator(_kind),
]
