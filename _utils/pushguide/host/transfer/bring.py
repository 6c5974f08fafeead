"""Fetch an artifact: from the cache, out of an earlier version, or whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import IO, Any

from pushguide.address import shown
from pushguide.errors import StepFailed
from pushguide.host.transfer import changes, master_files
from pushguide.host.transfer.cache import Cache
from pushguide.host.transfer.pace import Pace
from pushguide.host.transfer.remote import NoRanges, Remote
from pushguide.host.transfer.scene import Fetched, Scene, file_blocks, web_of
from pushguide.host.transfer.web import Unusable
from pushguide.measure import measured
from pushguide.share import Artifact, Transfer

#: Below this a single request for the whole is quicker than asking what changed.
WORTH_ASKING_BYTES = 256 * 1024
_BLOCK = 2**20


class _Wrong(Exception):
    """What came is not the artifact."""


def fetch(artifact: Artifact, destination: str, transfer: Transfer, scene: Scene) -> Fetched:
    """Put an artifact at ``destination``, proven by its size and sha256.

    Args:
        artifact: what to bring.
        destination: the file to write; its directory is there.
        transfer: what the template says of it.
        scene: what surrounds it.

    Raises:
        StepFailed: no address gives it, or not what was promised; each is named.
    """
    pace = Pace(transfer, scene.between_tries)
    cache = Cache(scene.opts)
    with cache.locked(artifact.sha256, transfer.within_seconds, scene.between_tries):
        if cache.has(artifact.sha256) and _is_right(cache.path(artifact.sha256), artifact):
            how = f"{artifact.size} bytes were here already"
        else:
            pace.splay()
            how = _bring(artifact, cache, pace, scene)
        cache.give(artifact.sha256, destination)
        cache.trim({*scene.live, artifact.sha256})
    return Fetched(pace.moved, how)


def _is_right(path: str, artifact: Artifact) -> bool:
    """Whether a file is the artifact; one that is not is removed."""
    with open(path, "rb") as handle:
        _, sha256 = measured(handle)
    if sha256 == artifact.sha256:
        return True
    os.remove(path)
    return False


def _bring(artifact: Artifact, cache: Cache, pace: Pace, scene: Scene) -> str:
    """Fetch the artifact into the cache, from the first address that gives it."""
    failures = []
    for url in _addresses(artifact, pace.transfer, scene.opts):
        try:
            return _bring_from(url, artifact, cache, pace, scene)
        except Unusable as err:
            failures.append(str(err))
        except _Wrong as err:
            failures.append(f"{shown(url)}: {err}")
        except OSError as err:
            raise StepFailed(
                f"Writing the artifact into {cache.directory} failed: {err}. Make room there, or "
                "set pushguide_artifacts_dir in the minion's configuration."
            ) from err
    raise StepFailed(
        f"Fetching {artifact.name} of {artifact.version} failed: {'; '.join(failures)}. Check that "
        "this host reaches that address, and that CI has not changed what it published."
    )


def _addresses(artifact: Artifact, transfer: Transfer, opts: Mapping[str, Any]) -> list[str]:
    """The addresses in the order in which to try them."""
    urls = [artifact.url, *artifact.mirrors]
    if not transfer.spread:
        return urls
    first = hashlib.sha256(str(opts.get("id")).encode()).digest()[0] % len(urls)
    return urls[first:] + urls[:first]


def _bring_from(url: str, artifact: Artifact, cache: Cache, pace: Pace, scene: Scene) -> str:
    if not url.startswith(("http://", "https://")):
        return _bring_locally(url, artifact, cache, pace, scene)
    with contextlib.closing(web_of(artifact.credential, pace.transfer, scene)) as web:
        remote = Remote(url, artifact.size, web, pace)
        only_changed = pace.transfer.only_changed
        how = _bring_changes(remote, artifact, cache, scene) if only_changed else None
        return how or _bring_whole(remote, artifact, cache)


def _bring_changes(remote: Remote, artifact: Artifact, cache: Cache, scene: Scene) -> str | None:
    """Rebuild the artifact out of an earlier one; None where that is not to be."""
    if artifact.size < WORTH_ASKING_BYTES or os.path.exists(cache.partial(artifact.sha256)):
        return None
    earlier = next((one for one in scene.earlier if cache.has(one)), None)
    if earlier is None:
        return None
    before = remote.pace.moved
    partial = cache.partial(artifact.sha256)
    with open(cache.path(earlier), "rb") as old, contextlib.suppress(NoRanges, _Wrong):
        try:
            pieces = changes.plan(remote.read, artifact.size, old)
            if pieces is None:
                return None
            with open(partial, "wb") as out:
                _write(changes.rebuild(pieces, remote, old), out, hashlib.sha256(), artifact)
        except BaseException:
            # The beginning of a rebuilt one is no beginning of a download to go on with.
            with contextlib.suppress(FileNotFoundError):
                os.remove(partial)
            raise
        cache.keep(artifact.sha256)
        moved = remote.pace.moved - before
        return f"{moved} of {artifact.size} bytes moved, the rest is as in an earlier version"
    return None


def _bring_whole(remote: Remote, artifact: Artifact, cache: Cache) -> str:
    """Fetch all of it, from where an earlier try broke off."""
    partial = cache.partial(artifact.sha256)
    try:
        begun = _go_on(remote, artifact, partial)
    except (NoRanges, _Wrong):
        # What was begun is of another file, or cannot be gone on with: once more, from the start.
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)
        try:
            begun = _go_on(remote, artifact, partial)
        except (NoRanges, _Wrong) as err:
            with contextlib.suppress(FileNotFoundError):
                os.remove(partial)
            raise _Wrong(str(err)) from err
    cache.keep(artifact.sha256)
    return f"{artifact.size} bytes" + (f", {begun} of them from an earlier try" if begun else "")


def _go_on(remote: Remote, artifact: Artifact, partial: str) -> int:
    """Fetch what is missing of a partial file; answer with how much of it was there."""
    digest = hashlib.sha256()
    with open(partial, "a+b") as out:
        out.seek(0)
        begun = 0
        while begun < artifact.size and (block := out.read(_BLOCK)):
            digest.update(block[: artifact.size - begun])
            begun += len(block)
        begun = min(begun, artifact.size)
        out.truncate(begun)
        out.seek(begun)
        _write(remote.blocks(begun, artifact.size), out, digest, artifact, begun)
    return begun


def _bring_locally(url: str, artifact: Artifact, cache: Cache, pace: Pace, scene: Scene) -> str:
    """Copy the artifact from the master's file server, or from a file system of this host."""
    partial = cache.partial(artifact.sha256)
    is_salt = url.startswith("salt://")
    blocks = master_files.blocks(url, scene.opts, pace) if is_salt else file_blocks(url, pace)
    try:
        with open(partial, "wb") as out:
            _write(blocks, out, hashlib.sha256(), artifact)
    except BaseException:
        os.remove(partial)
        raise
    cache.keep(artifact.sha256)
    return f"{artifact.size} bytes"


def _write(
    blocks: Iterable[bytes], out: IO[bytes], digest: Any, artifact: Artifact, begun: int = 0
) -> None:
    """Write what comes, and prove that it is the artifact.

    Raises:
        _Wrong: it is not.
    """
    size = begun
    for block in blocks:
        size += len(block)
        if size > artifact.size:
            raise _Wrong(f"it is longer than the {artifact.size} bytes that it should have")
        digest.update(block)
        out.write(block)
    if size != artifact.size or digest.hexdigest() != artifact.sha256:
        raise _Wrong(
            f"expected {artifact.size} bytes with sha256 {artifact.sha256}, got {size} bytes with "
            f"{digest.hexdigest()}: the artifact was changed or damaged after it was published, "
            "publish it again under a new version"
        )
