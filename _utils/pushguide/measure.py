"""Measuring a file: its length and its sha256."""

from __future__ import annotations

import hashlib
from typing import IO

_BLOCK = 2**20


def measured(handle: IO[bytes]) -> tuple[int, str]:
    """The length and the sha256 of what a file holds from where it stands.

    Args:
        handle: the file, open for reading.

    Returns:
        Bytes, and the checksum in hexadecimal.
    """
    digest, size = hashlib.sha256(), 0
    while block := handle.read(_BLOCK):
        digest.update(block)
        size += len(block)
    return size, digest.hexdigest()
