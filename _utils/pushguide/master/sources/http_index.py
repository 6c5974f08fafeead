"""An index on any web server: ``<address>/<module>/index.json`` lists the versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, AwareDatetime, Field

from pushguide.address import shown
from pushguide.errors import BadVersion
from pushguide.master import versions
from pushguide.master.fields import OneLine, Strict
from pushguide.master.sources.base import Version
from pushguide.master.sources.server import File, ServerSource
from pushguide.master.templates.sources import HttpModel


def _inside(path: str) -> str:
    if path.startswith("/") or "://" in path or ".." in path.split("/") or "\\" in path:
        raise ValueError("give a path below the index, without '..'")
    return path


class Listed(Strict):
    """One version in an index."""

    version: str
    file: Annotated[OneLine, AfterValidator(_inside)]
    built: AwareDatetime
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    size: Annotated[int, Field(ge=0)] | None = None
    author: str | None = None
    commit: str | None = None
    notes: str | None = None
    signature: Annotated[OneLine, AfterValidator(_inside)] | None = None


class _Index(Strict):
    versions: list[Listed]


class HttpIndexSource(ServerSource):
    """A plain HTTP index, which CI writes beside what it publishes."""

    model: HttpModel
    _entries: dict[str, Listed]

    def describe(self) -> str:
        """What messages call it."""
        return f"The index {shown(self.server)}/{self.module}/index.json"

    def listed(self) -> Iterator[tuple[Version, Callable[[], list[File]]]]:
        """What the index lists."""
        index = self.ask(_Index, f"{self.module}/index.json", "the index")
        names = [one.version for one in index.versions if versions.is_label(one.version)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BadVersion(f"{self.where} has versions twice: {', '.join(twice)}.")
        self._entries = {}
        for one in index.versions:
            self._entries[one.version] = one
            version = Version(one.version, one.built, one.author, one.commit, one.notes)
            yield version, partial(self._files, one)

    def is_artifact(self, file: File, version: str) -> bool:
        """Whether the index names it as the file of the version."""
        return file.path == self._entries[version].file

    def signature_of(self, file: File, beside: Mapping[str, File]) -> File | None:
        """The signature that the index names."""
        return next((one for one in beside.values() if one.path != file.path), None)

    def _files(self, one: Listed) -> list[File]:
        found = [File(one.file, self._place(one.file), one.size, one.sha256)]
        return found + ([File(one.signature, self._place(one.signature))] if one.signature else [])

    def _place(self, path: str) -> str:
        return f"{self.module}/{quote(path)}"
