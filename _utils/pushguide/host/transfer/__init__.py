"""Bringing an artifact to this host, and proving that it is the same that CI built.

What is here already is not fetched: not the artifact, if any module had it; nor, of a zip, the
entries that an earlier one has. Whatever way it came, its size and its sha256 are proven before
anybody gets to see it.
"""

from pushguide.host.transfer.beside import fetch_by_index, fetch_small
from pushguide.host.transfer.bring import fetch
from pushguide.host.transfer.scene import Fetched, Scene

__all__ = ["Fetched", "Scene", "fetch", "fetch_by_index", "fetch_small"]
