"""Gitea and Forgejo: generic packages of an owner, asked through their REST API.

Source: the pages "API Usage" and "Generic Package Registry" of Gitea's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from pushguide.address import shown
from pushguide.master.patterns import Pattern
from pushguide.master.sources.base import Version
from pushguide.master.sources.server import File, Listed, Moment, PackageSource
from pushguide.master.store.pins import Pins
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

    Args:
        model: the source of the template.
        module: the module's name.
        pins: the checksums that were seen first.
        credential: what the server asks for: a token.
    """

    def __init__(
        self, model: GiteaModel, module: str, pins: Pins, credential: Mapping[str, Any] | None
    ) -> None:
        super().__init__(model, module, pins, credential)
        self.file = Pattern(model.file)
        self.owner = quote(model.owner, safe="")
        self.package = model.package or module
        self.newest = model.newest
        self.where = f"The package {self.package} of {model.owner} at {shown(model.address)}"

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
        for one in islice(found, self.newest):
            author = (one.creator.full_name or one.creator.login) if one.creator else None
            yield Version(one.version, one.created_at, author), partial(self._files, one.version)

    def _files(self, version: str) -> list[File]:
        named = f"{self.owner}/generic/{quote(self.package)}/{quote(version)}"
        found = self.ask_for_list(_PackageFile, f"api/v1/packages/{named}/files", "the files")
        return [
            File(one.name, f"api/packages/{named}/{quote(one.name)}", one.size, one.sha256)
            for one in found
        ]
