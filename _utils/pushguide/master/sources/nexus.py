"""Nexus Repository 3, asked through its REST API ``/service/rest/v1/search/assets``.

Source: the pages "REST and Integration API" and "Search API" of Sonatype's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from pydantic import BaseModel

from pushguide.address import shown
from pushguide.errors import BadVersion
from pushguide.master.sources.server import InTree, Moment, TreeSource
from pushguide.master.templates.sources import NexusModel

_MOST_PAGES = 200


class _Checksum(BaseModel):
    sha256: str | None = None


class _Asset(BaseModel):
    path: str
    checksum: _Checksum = _Checksum()
    fileSize: int | None = None  # noqa: N815 - the server's own names
    lastModified: Moment | None = None  # noqa: N815
    uploader: str | None = None


class _Page(BaseModel):
    items: list[_Asset]
    continuationToken: str | None = None  # noqa: N815


class NexusSource(TreeSource):
    """A repository of any format: maven2, raw, nuget and the like."""

    model: NexusModel

    def describe(self) -> str:
        """What messages call it."""
        return f"The repository {self.model.repository} at {shown(self.server)}"

    def tree(self) -> Iterator[InTree]:
        """Every file that the search finds."""
        token = None
        for _ in range(_MOST_PAGES):
            page = self.ask(
                _Page,
                "service/rest/v1/search/assets",
                "the assets",
                repository=self.model.repository,
                group=self.model.group,
                name=self.model.name,
                continuationToken=token,
            )
            for one in page.items:
                path = one.path.lstrip("/")
                place = f"repository/{quote(self.model.repository)}/{quote(path)}"
                yield InTree(
                    path, place, one.fileSize, one.checksum.sha256, one.lastModified, one.uploader
                )
            token = page.continuationToken
            if not token:
                return
        raise BadVersion(
            f"{self.where} has more than {_MOST_PAGES} pages of assets: give the source group or "
            "name, so that only this module's are searched."
        )
