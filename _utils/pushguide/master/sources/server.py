"""What sources on web servers have in common: a list of versions, and the files of each."""

from __future__ import annotations

import posixpath
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import IO, Annotated, Any, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ValidationError

from pushguide.address import shown
from pushguide.errors import BadVersion
from pushguide.master import versions
from pushguide.master.patterns import Pattern, is_side_file, main_of
from pushguide.master.sources.base import Found, Source, Version, newest_first
from pushguide.master.sources.client import Client
from pushguide.master.store.pins import Pins
from pushguide.master.templates.sources import (
    ArtifactoryModel,
    GiteaModel,
    GitlabModel,
    JenkinsModel,
    NexusModel,
    ServerModel,
)
from pushguide.share import Artifact

_Model = TypeVar("_Model", bound=BaseModel)
_MOST_PAGES = 200


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


#: A time that a server tells; one without a zone is meant in UTC.
Moment = Annotated[datetime, AfterValidator(_aware)]


@dataclass(frozen=True)
class File:
    """A file of a version, as its server tells of it.

    Attributes:
        path: what it is called there; patterns are held against it.
        place: where it is, below the address of the server, as URLs have it.
        size: its length in bytes; None if the server does not tell it.
        sha256: its checksum, likewise.
    """

    path: str
    place: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class InTree(File):
    """A file whose path alone tells its version.

    Attributes:
        built: when it was made or uploaded.
        author: who did.
        commit: what it was built from.
    """

    built: datetime | None = None
    author: str | None = None
    commit: str | None = None

    def version(self, label: str) -> Version:
        """The version that it is the artifact of."""
        return Version(label, self.built, self.author, self.commit)


#: A version, and what tells its files.
Listed = tuple[Version, Callable[[], list[File]]]


class ServerSource(Source):
    """A source on a web server.

    Args:
        model: the source of the template.
        module: the module's name.
        pins: the checksums that were seen first.
        credential: what the server asks for.
    """

    def __init__(
        self, model: ServerModel, module: str, pins: Pins, credential: Mapping[str, Any] | None
    ) -> None:
        super().__init__(pins, model.mirrors, model.credential)
        self.model = model
        self.module = module
        self.server = model.address
        self.address = model.url or model.address
        self.client = Client(model.address, credential)
        self.where = self.describe()
        self._known: dict[str, list[Listed]] | None = None

    @abstractmethod
    def describe(self) -> str:
        """What messages call it, such as ``The job shop at https://jenkins.example.com``."""

    @abstractmethod
    def listed(self) -> Iterable[Listed]:
        """What the server has, in any order; labels that cannot be deployed may be among them.

        Raises:
            BadVersion: the server does not answer, or what it says does not read.
        """

    @abstractmethod
    def is_artifact(self, file: File, version: str) -> bool:
        """Whether this file of a version is what is deployed."""

    def versions(self) -> list[Version]:
        """The versions that the server has, the newest first."""
        return newest_first(one for listed in self._by_label().values() for one, _ in listed)

    def find(self, version: str) -> Found:
        """The artifact of a version, as its server has it now."""
        listed = self._by_label()[version]
        if len(listed) != 1:
            raise BadVersion(f"{self.where} has {len(listed)} builds that are called {version}.")
        files = listed[0][1]()
        file = self._only(files, version)
        url = self.url_of(file)
        size, etag = self.client.look(url, f"the artifact of {version}")
        if file.size is not None and file.size != size:
            raise BadVersion(
                f"The artifact of {version} at {shown(url)} has {size} bytes, but its listing "
                f"says {file.size}: was it published whole?"
            )
        beside = {one.path: one for one in files}
        signature = self.signature_of(file, beside)
        return Found(
            url=self._public(url),
            name=posixpath.basename(file.path),
            size=size,
            sha256=file.sha256 or self._checksum_beside(beside.get(f"{file.path}.sha256")),
            signature=self._public(self.url_of(signature)) if signature else None,
            etag=etag,
        )

    def open(self, artifact: Artifact) -> IO[bytes]:
        """The artifact, read by ranges."""
        url = self.server + artifact.url[len(self.address) :]
        what = f"the artifact of {artifact.version}"
        return cast("IO[bytes]", self.client.open(url, artifact.size, what))

    def signature_of(self, file: File, beside: Mapping[str, File]) -> File | None:
        """The detached signature of a file, by what lies beside it."""
        return beside.get(f"{file.path}.asc") or beside.get(f"{file.path}.sig")

    def url_of(self, file: File) -> str:
        """Where the master finds a file."""
        return f"{self.server}/{file.place}"

    def ask(self, model: type[_Model], path: str, what: str, **parameters: Any) -> _Model:
        """What the server answers to a question, read as a model."""
        data = self.client.get_json(f"{self.server}/{path}", what, parameters)
        return read_as(model, data, f"{what} at {shown(self.server)}")

    def ask_for_list(
        self, model: type[_Model], path: str, what: str, **parameters: Any
    ) -> list[_Model]:
        """The same, where the answer is a list."""
        data = self.client.get_json(f"{self.server}/{path}", what, parameters)
        where = f"{what} at {shown(self.server)}"
        if not isinstance(data, list):
            raise BadVersion(f"Reading {where} failed: it is no list.")
        return [read_as(model, one, where) for one in data]

    def pages(
        self, model: type[_Model], path: str, what: str, **parameters: Any
    ) -> Iterator[list[_Model]]:
        """The same, page by page, until one is shorter than the first."""
        full = 1
        for number in range(1, _MOST_PAGES + 1):
            page = self.ask_for_list(model, path, what, page=number, **parameters)
            yield page
            if len(page) < full:
                return
            full = max(full, len(page))
        raise BadVersion(f"{self.where} has more than {_MOST_PAGES} pages: this cannot be right.")

    def _by_label(self) -> dict[str, list[Listed]]:
        if self._known is None:
            self._known = {}
            for one in self.listed():
                # What is no label cannot be deployed; its server may hold other things as well.
                if versions.is_label(one[0].version):
                    self._known.setdefault(one[0].version, []).append(one)
        return self._known

    def _only(self, files: list[File], version: str) -> File:
        found = [
            one for one in files if not is_side_file(one.path) and self.is_artifact(one, version)
        ]
        if len(found) == 1 and versions.is_label(posixpath.basename(found[0].path)):
            return found[0]
        names = ", ".join(sorted(one.path for one in found or files)[:10]) or "none at all"
        raise BadVersion(
            f"{self.where} should have one artifact of {version}, with a plain file name, that "
            f"the template's pattern matches; {'these match' if found else 'of its files'}: "
            f"{names}."
        )

    def _checksum_beside(self, file: File | None) -> str | None:
        return self.client.get_checksum(self.url_of(file), file.path) if file else None

    def _public(self, url: str) -> str:
        return self.address + url[len(self.server) :]


class PackageSource(ServerSource):
    """A server that knows versions itself; ``file`` of the template says which file is meant."""

    model: JenkinsModel | GitlabModel | GiteaModel

    @cached_property
    def file(self) -> Pattern:
        """Which file is meant."""
        return Pattern(self.model.file)

    def is_artifact(self, file: File, version: str) -> bool:
        """Whether the pattern matches its name."""
        return self.file.matches(file.path, self.module, version)


class TreeSource(ServerSource):
    """A server that knows paths alone; ``path`` of the template says where the version stands."""

    model: NexusModel | ArtifactoryModel

    @cached_property
    def path(self) -> Pattern:
        """Where the artifacts lie."""
        return Pattern(self.model.path)

    @abstractmethod
    def tree(self) -> Iterable[InTree]:
        """Every file that the pattern may mean, and others."""

    def listed(self) -> Iterator[Listed]:
        """A version for each label that the pattern finds."""
        found: dict[str, list[InTree]] = {}
        for one in self.tree():
            label = self.path.version_of(main_of(one.path), self.module)
            if label:
                found.setdefault(label, []).append(one)
        for label, files in found.items():
            made = [one for one in files if not is_side_file(one.path)]
            if made:
                yield made[0].version(label), partial(list, files)

    def is_artifact(self, file: File, version: str) -> bool:
        """Whether the pattern finds this version in its path."""
        return self.path.version_of(file.path, self.module) == version


def read_as(model: type[_Model], data: Any, where: str) -> _Model:
    """What a server said, as a model.

    Raises:
        BadVersion: it does not read; every problem is named.
    """
    try:
        return model.model_validate(data)
    except ValidationError as err:
        problems = [f"{':'.join(map(str, one['loc']))}: {one['msg']}" for one in err.errors()[:10]]
        raise BadVersion(f"Reading {where} failed: {'; '.join(problems)}.") from err
