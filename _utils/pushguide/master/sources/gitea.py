"""Gitea and Forgejo: generic packages of an owner, asked through their REST API.

Source: the pages "API Usage" and "Generic Package Registry" of Gitea's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from urllib.parse import quote

from pydantic import BaseModel

from pushguide.address import shown
from pushguide.master.sources.base import Version
from pushguide.master.sources.server import File, Listed, Moment, PackageSource
from pushguide.master.templates.sources import GiteaModel

_PAGE = 50


class _User(BaseModel):
    login: str
    full_name: str = ""


class _Package(BaseModel):
    name: str
    version: str
    created_at: Moment
    creator: _User | None = None


class _PackageFile(BaseModel):
    name: str
    size: int | None = None
    sha256: str | None = None


class GiteaSource(PackageSource):
    """A generic package, of which each version has its files.

    Its credential is a token.
    """

    model: GiteaModel

    def describe(self) -> str:
        """What messages call it."""
        return f"The package {self.package} of {self.model.owner} at {shown(self.server)}"

    @property
    def package(self) -> str:
        """The package's name."""
        return self.model.package or self.module

    @property
    def owner(self) -> str:
        """The owner, as URLs have it."""
        return quote(self.model.owner, safe="")

    def listed(self) -> Iterator[Listed]:
        """The versions of the package, the newest ones alone; others' names may hold its name."""
        pages = self.pages(
            _Package,
            f"api/v1/packages/{self.owner}",
            "the packages",
            type="generic",
            q=self.package,
            limit=_PAGE,
        )
        found = (one for page in pages for one in page if one.name == self.package)
        for one in islice(found, self.model.newest):
            author = (one.creator.full_name or one.creator.login) if one.creator else None
            yield Version(one.version, one.created_at, author), partial(self._files, one.version)

    def _files(self, version: str) -> list[File]:
        named = f"{self.owner}/generic/{quote(self.package)}/{quote(version)}"
        found = self.ask_for_list(_PackageFile, f"api/v1/packages/{named}/files", "the files")
        return [
            File(one.name, f"api/packages/{named}/{quote(one.name)}", one.size, one.sha256)
            for one in found
        ]
