"""A host that fetches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pushguide.host import transfer
from pushguide.host.transfer import pace
from pushguide.host.transfer.cache import Cache
from pushguide.share import Artifact, Transfer
from tests.support.file_server import FileServer


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_FIRST_WAIT_SECONDS", 0.0)


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A server that misbehaves when it is told to."""
    with FileServer() as running:
        yield running


class Host:
    """A host with a cache, and what it was asked meanwhile."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.opts: dict[str, Any] = {"id": "web1", "cachedir": str(top / "cache")}
        self.pillar: dict[str, Any] = {}
        self.fresh_pillar: dict[str, Any] = {}
        self.count = 0

    @property
    def cache(self) -> Cache:
        return Cache(self.opts)

    def scene(self, earlier: list[str], between_tries: Callable[[], None]) -> transfer.Scene:
        salt = {
            "pillar.get": lambda key, **_: self.pillar.get(key, ""),
            "pillar.items": lambda **_: self.fresh_pillar,
        }
        return transfer.Scene(self.opts, salt, between_tries, earlier, {*earlier[:1]})

    def fetch(
        self,
        artifact: Artifact,
        *earlier: str,
        between_tries: Callable[[], None] = lambda: None,
        **settings: Any,
    ) -> tuple[bytes, transfer.Fetched]:
        """Fetch, and answer with what is there now, and how it came."""
        self.count += 1
        target = self.top / f"incoming-{self.count}"
        how = transfer.fetch(
            artifact,
            str(target),
            Transfer(**settings),
            self.scene(list(earlier), between_tries),
        )
        return target.read_bytes(), how

    def has_had(self, content: bytes) -> str:
        """Put an artifact into the cache; answer with its checksum."""
        sha256 = hashlib.sha256(content).hexdigest()
        Path(self.cache.directory).mkdir(parents=True, exist_ok=True)
        Path(self.cache.path(sha256)).write_bytes(content)
        return sha256


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host that has fetched nothing yet."""
    return Host(tmp_path)


def artifact_of(content: bytes, url: str, **more: Any) -> Artifact:
    """The artifact that these bytes are."""
    sha256 = hashlib.sha256(content).hexdigest()
    return Artifact("1.0.0", url, "site.zip", sha256, len(content), **more)
