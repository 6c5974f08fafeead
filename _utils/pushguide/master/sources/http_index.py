"""An index on any web server: ``<address>/<module>/index.json`` lists the versions."""

from __future__ import annotations

import posixpath
from typing import IO, Annotated, Any, cast

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError

from pushguide.address import shown
from pushguide.errors import BadVersion
from pushguide.master import versions
from pushguide.master.fields import OneLine, Strict
from pushguide.master.sources.base import Found, Source, Version
from pushguide.master.sources.client import Client
from pushguide.master.store.pins import Pins
from pushguide.master.templates.sources import HttpModel
from pushguide.share import Artifact


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


class HttpIndexSource(Source):
    """A plain HTTP index, which CI writes beside what it publishes.

    Args:
        model: the source of the template.
        module: the module's name.
        pins: the checksums that were seen first.
        credential: what the server asks for.
    """

    def __init__(
        self, model: HttpModel, module: str, pins: Pins, credential: dict[str, Any] | None
    ) -> None:
        super().__init__(pins, model.mirrors, model.credential)
        self.address = model.url or model.address
        self.base = f"{model.address}/{module}"
        self.public = f"{self.address}/{module}"
        self.where = f"The index {shown(self.base)}/index.json"
        self.client = Client(model.address, credential)
        self._read: dict[str, Listed] | None = None

    def versions(self) -> list[Version]:
        """The versions in the index, the newest first."""
        found = [
            Version(one.version, one.built, one.author, one.commit, one.notes)
            for one in self._listed().values()
        ]
        return sorted(found, key=lambda one: (one.built, one.version), reverse=True)

    def find(self, version: str) -> Found:
        """The artifact that the index names."""
        one = self._listed()[version]
        size, etag = self.client.look(f"{self.base}/{one.file}", f"the artifact of {version}")
        if one.size is not None and one.size != size:
            raise BadVersion(
                f"The artifact of {version} at {shown(self.base)}/{one.file} has {size} bytes, but "
                f"the index says {one.size}: was it published whole?"
            )
        return Found(
            url=f"{self.public}/{one.file}",
            name=posixpath.basename(one.file),
            size=size,
            sha256=one.sha256,
            signature=f"{self.public}/{one.signature}" if one.signature else None,
            etag=etag,
        )

    def open(self, artifact: Artifact) -> IO[bytes]:
        """The artifact, read by ranges."""
        url = self.base + artifact.url[len(self.public) :]
        what = f"the artifact of {artifact.version}"
        return cast("IO[bytes]", self.client.open(url, artifact.size, what))

    def _listed(self) -> dict[str, Listed]:
        if self._read is None:
            self._read = self._index()
        return self._read

    def _index(self) -> dict[str, Listed]:
        data = self.client.get_json(f"{self.base}/index.json", "the index")
        try:
            listed = _Index.model_validate(data).versions
        except ValidationError as err:
            problems = [
                f"{':'.join(map(str, one['loc']))}: {one['msg']}" for one in err.errors()[:10]
            ]
            raise BadVersion(f"{self.where} does not read: {'; '.join(problems)}.") from err
        # What is no label cannot be deployed: its index may serve others as well.
        labels = [one for one in listed if versions.is_label(one.version)]
        names = [one.version for one in labels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BadVersion(f"{self.where} has versions twice: {', '.join(twice)}.")
        return {
            one.version: one for one in labels if versions.is_label(posixpath.basename(one.file))
        }
