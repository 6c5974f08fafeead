"""Small artifacts out of the master's own file server (salt://)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import salt.channel.client
import salt.exceptions

from pushguide.host.transfer.pace import Pace
from pushguide.host.transfer.web import Unusable


def blocks(url: str, opts: Mapping[str, Any], pace: Pace) -> Iterator[bytes]:
    """A file of the master's file server, block by block.

    Salt's own ``cp.get_file`` asks for the file's hash first, twice, through a connection of its
    own each time, which costs more than a small artifact. The hash is proven here afterwards.

    Raises:
        Unusable: the master does not answer, or has no such file.
    """
    path = url[len("salt://") :]
    request = {"cmd": "_serve_file", "path": path, "saltenv": opts.get("saltenv") or "base"}
    loc = 0
    try:
        with salt.channel.client.ReqChannel.factory(opts) as channel:
            while data := _data(channel.send({**request, "loc": loc}, raw=True)):
                loc += len(data)
                pace.took(len(data))
                yield data
    except salt.exceptions.SaltException as err:
        raise Unusable(f"{url}: {err}. Is the master well?") from err
    if not loc:
        raise Unusable(
            f"the master's file server does not have {url}. Check the source of the template "
            "against file_roots (salt-run fileserver.file_list)"
        )


def _data(answer: Mapping[Any, Any]) -> bytes | None:
    """The block in an answer that was left as bytes: decoded, a block of text would be text."""
    return answer.get("data") or answer.get(b"data")
