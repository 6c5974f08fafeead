"""GitLab: generic packages of a project, asked through its REST API.

Source: the pages "Packages API" and "Generic packages repository" of GitLab's documentation.
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
from pushguide.master.templates.sources import GitlabModel

_PAGE = 100


class _User(BaseModel):
    name: str | None = None


class _Pipeline(BaseModel):
    sha: str | None = None
    ref: str | None = None
    user: _User | None = None


class _Package(BaseModel):
    id: int
    name: str
    version: str | None = None
    status: str = "default"
    created_at: Moment
    pipeline: _Pipeline = _Pipeline()


class _PackageFile(BaseModel):
    id: int
    file_name: str
    size: int
    file_sha256: str | None = None


class GitlabSource(PackageSource):
    """A generic package, of which each version has its files.

    Its credential is a token, or the headers PRIVATE-TOKEN or DEPLOY-TOKEN.
    """

    model: GitlabModel

    def describe(self) -> str:
        """What messages call it."""
        return f"The package {self.package} of {self.model.project} at {shown(self.server)}"

    @property
    def package(self) -> str:
        """The package's name."""
        return self.model.package or self.module

    @property
    def base(self) -> str:
        """Where the project's packages are, below the address of the server."""
        return f"api/v4/projects/{quote(self.model.project, safe='')}/packages"

    def listed(self) -> Iterator[Listed]:
        """The versions of the package, the newest ones alone; the search by name is a fuzzy one."""
        pages = self.pages(
            _Package,
            self.base,
            "the packages",
            package_type="generic",
            package_name=self.package,
            order_by="created_at",
            sort="desc",
            per_page=_PAGE,
        )
        named = (one for page in pages for one in page if one.name == self.package)
        for one in islice(named, self.model.newest):
            if one.status == "default":
                made = one.pipeline
                author = made.user.name if made.user else None
                version = Version(one.version or "", one.created_at, author, made.sha, made.ref)
                yield version, partial(self._files, one)

    def _files(self, one: _Package) -> list[File]:
        folder = f"{self.base}/{one.id}/package_files"
        pages = self.pages(_PackageFile, folder, "the files", per_page=_PAGE)
        found = sorted((file for page in pages for file in page), key=lambda file: file.id)
        # A name that was uploaded again: the server gives the newest.
        newest = {file.file_name: file for file in found}
        where = f"{self.base}/generic/{quote(self.package)}/{quote(one.version or '')}"
        return [
            File(name, f"{where}/{quote(name)}", file.size, file.file_sha256)
            for name, file in newest.items()
        ]
