"""What is fetched beside an artifact, or in its place: its signature, and parts by its index."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

from pushguide.address import shown
from pushguide.errors import StepFailed
from pushguide.host.transfer import indexed, master_files
from pushguide.host.transfer.cache import Cache
from pushguide.host.transfer.pace import Pace
from pushguide.host.transfer.remote import read_all
from pushguide.host.transfer.scene import Fetched, Scene, file_blocks, web_of
from pushguide.host.transfer.web import Cut, Unusable
from pushguide.share import Artifact, Transfer

MOST_SMALL_BYTES = 64 * 1024


def fetch_by_index(
    artifact: Artifact, known: Collection[str], directory: str, transfer: Transfer, scene: Scene
) -> Fetched | None:
    """Fetch what a host has not of an artifact that has an index.

    Args:
        artifact: what to bring.
        known: the sha256 of the contents that an earlier release here has.
        directory: where to put what comes; see :mod:`pushguide.host.transfer.indexed`.
        transfer: what the template says of it.
        scene: what surrounds it.

    Returns:
        None where there is no index, it cannot be had, or the whole costs no more.
    """
    at = artifact.indexed
    if at is None or not known or Cache(scene.opts).has(artifact.sha256):
        return None
    pace = Pace(transfer, scene.between_tries)
    pace.splay()
    with contextlib.closing(web_of(artifact.credential, transfer, scene)) as web:
        if not indexed.fetch(at, artifact.size, known, directory, web, pace):
            return None
    how = f"{pace.moved} of {artifact.size} bytes moved, by its index"
    return Fetched(pace.moved, how)


def fetch_small(
    url: str, artifact: Artifact, destination: str, transfer: Transfer, scene: Scene
) -> None:
    """Fetch a small file that belongs to an artifact, such as its signature.

    Args:
        url: its address.
        artifact: what it belongs to.
        destination: the file to write.
        transfer: what the template says of transfers.
        scene: what surrounds it.

    Raises:
        StepFailed: it cannot be had, or is longer than 64 KiB.
    """
    pace = Pace(transfer, scene.between_tries)
    try:
        with open(destination, "wb") as out:
            for block in _small_blocks(url, artifact, pace, scene):
                out.write(block)
                if out.tell() > MOST_SMALL_BYTES:
                    raise Unusable(f"it is longer than {MOST_SMALL_BYTES} bytes")
    except (Cut, Unusable) as err:
        raise StepFailed(
            f"Fetching {shown(url)} failed: {err}. Check that CI publishes it, and that this host "
            "reaches it."
        ) from err


def _small_blocks(url: str, artifact: Artifact, pace: Pace, scene: Scene) -> Iterator[bytes]:
    if url.startswith("salt://"):
        yield from master_files.blocks(url, scene.opts, pace)
    elif url.startswith("file://"):
        yield from file_blocks(url, pace)
    else:
        with contextlib.closing(web_of(artifact.credential, pace.transfer, scene)) as web:
            yield from read_all(url, web, pace, MOST_SMALL_BYTES + 1)
