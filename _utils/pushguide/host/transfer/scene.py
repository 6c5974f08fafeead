"""What surrounds a transfer, and the ways to where things come from."""

from __future__ import annotations

import urllib.request
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pushguide.host.transfer.credentials import headers_of
from pushguide.host.transfer.pace import Pace
from pushguide.host.transfer.web import Unusable, Web, proxy_of
from pushguide.host.waiting import BetweenTries
from pushguide.share import Transfer

_BLOCK = 2**20


class Scene(NamedTuple):
    """What surrounds a transfer.

    Attributes:
        opts: the minion's configuration.
        salt: Salt's execution modules.
        between_tries: what to ask meanwhile; what it raises ends the transfer.
        earlier: checksums of artifacts that this module had, the likest first.
        live: checksums of the artifacts that are live on this host, of all modules.
    """

    opts: Mapping[str, Any]
    salt: Mapping[str, Any]
    between_tries: BetweenTries
    earlier: Sequence[str] = ()
    live: Collection[str] = ()


class Fetched(NamedTuple):
    """How an artifact came.

    Attributes:
        moved: the bytes that came over the network.
        how: in words.
    """

    moved: int
    how: str


def web_of(credential: str | None, transfer: Transfer, scene: Scene) -> Web:
    """The way to the servers, with what they ask for."""
    by_proxy = headers_of(transfer.proxy_credential, scene.salt, "Proxy-Authorization")
    return Web(
        scene.opts,
        transfer.silence_seconds,
        headers_of(credential, scene.salt, "Authorization"),
        proxy_of(transfer.proxy, by_proxy, scene.opts),
    )


def file_blocks(url: str, pace: Pace) -> Iterator[bytes]:
    """A file of a file system that this host has, block by block.

    Raises:
        Unusable: it cannot be read.
    """
    path = urllib.request.url2pathname(url[len("file://") :])
    try:
        with open(path, "rb") as handle:
            while block := handle.read(_BLOCK):
                pace.took(len(block))
                yield block
    except OSError as err:
        raise Unusable(f"reading {path}: {err}") from err
