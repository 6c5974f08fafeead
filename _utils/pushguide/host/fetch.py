"""Bring an artifact to this host, and prove that it is the same that CI built."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.request
from collections.abc import Mapping
from typing import Any

import salt.channel.client
import salt.exceptions

from pushguide.errors import StepFailed
from pushguide.share import Artifact

_BLOCK = 1024 * 1024


def fetch(artifact: Artifact, destination: str, opts: Mapping[str, Any], timeout: float) -> None:
    """Copy the artifact from its URL to ``destination``.

    Args:
        artifact: what to fetch; its URL is salt://, http://, https:// or file://.
        destination: the file to write.
        opts: the minion's configuration.
        timeout: the longest wait for the server to say anything, in seconds.

    Raises:
        StepFailed: the server does not have it, or the copy broke off.
    """
    if artifact.url.startswith("salt://"):
        _from_master(artifact, destination, opts)
    else:
        _from_url(artifact, destination, timeout)


def _from_master(artifact: Artifact, destination: str, opts: Mapping[str, Any]) -> None:
    """Copy a file from the master's file server, block by block.

    Salt's own ``cp.get_file`` asks for the file's hash first, twice, through a connection of its
    own each time, which costs more than a small artifact. The hash is proven here afterwards.
    """
    path = artifact.url[len("salt://") :]
    request = {"cmd": "_serve_file", "path": path, "saltenv": opts.get("saltenv") or "base"}
    loc = 0
    try:
        with (
            salt.channel.client.ReqChannel.factory(opts) as channel,
            open(destination, "wb") as out,
        ):
            while data := _data(channel.send({**request, "loc": loc}, raw=True)):
                out.write(data)
                loc += len(data)
    except salt.exceptions.SaltException as err:
        raise StepFailed(f"Fetching {artifact.url} failed: {err}. Is the master well?") from err
    if not loc:
        raise StepFailed(
            f"Fetching {artifact.url} failed: the master's file server does not have it. Check "
            "the source of the template against file_roots (salt-run fileserver.file_list)."
        )


def _data(answer: Mapping[Any, Any]) -> bytes | None:
    """The block in an answer that was left as bytes: decoded, a block of text would be text."""
    return answer.get("data") or answer.get(b"data")


def _from_url(artifact: Artifact, destination: str, timeout: float) -> None:
    try:
        with (
            urllib.request.urlopen(artifact.url, timeout=timeout) as response,  # noqa: S310
            open(destination, "wb") as out,
        ):
            left = artifact.size + 1  # one more shows that there is too much
            while left and (block := response.read(min(_BLOCK, left))):
                out.write(block)
                left -= len(block)
            promised = int(response.headers.get("Content-Length") or 0)
            if artifact.size + 1 - left < min(promised, artifact.size):
                raise OSError(f"the connection broke off after {artifact.size + 1 - left} bytes")
    except (OSError, ValueError, http.client.HTTPException) as err:
        raise StepFailed(
            f"Fetching {artifact.url} failed: {err}. Check that this host reaches that address."
        ) from err


def verify(artifact: Artifact, path: str) -> None:
    """Compare the size and sha256 of the file at ``path`` with what the source promised.

    Raises:
        StepFailed: they differ.
    """
    size = os.path.getsize(path)
    digest = sha256_of(path)
    if size != artifact.size or digest != artifact.sha256:
        raise StepFailed(
            f"Verifying {artifact.url} failed: expected {artifact.size} bytes with sha256 "
            f"{artifact.sha256}, got {size} bytes with {digest}. The artifact was changed or "
            "damaged after it was published: publish it again under a new version."
        )


def sha256_of(path: str) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
