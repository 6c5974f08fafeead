"""Jenkins: the successful builds of a job, with what they archived.

Asked through its JSON API, ``<job>/api/json?tree=...``, as the page "Remote Access API" of
Jenkins' documentation tells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from pushguide.address import shown
from pushguide.master.patterns import Pattern
from pushguide.master.sources.base import Version
from pushguide.master.sources.server import File, Listed, PackageSource
from pushguide.master.store.pins import Pins
from pushguide.master.templates.sources import JenkinsModel

_ITEMS = "items[commitId,msg,author[fullName]]"
_TREE = (
    "builds[number,displayName,result,timestamp,artifacts[relativePath],"
    f"changeSet[{_ITEMS}],changeSets[{_ITEMS}],"
    "actions[lastBuiltRevision[SHA1],causes[userName]]]"
)
_MOST_NOTES = 10


class _Author(BaseModel):
    fullName: str | None = None  # noqa: N815 - the server's own names


class _Change(BaseModel):
    commitId: str | None = None  # noqa: N815
    msg: str | None = None
    author: _Author | None = None


class _Changes(BaseModel):
    items: list[_Change] = []


class _Revision(BaseModel):
    SHA1: str


class _Cause(BaseModel):
    userName: str | None = None  # noqa: N815


class _Action(BaseModel):
    lastBuiltRevision: _Revision | None = None  # noqa: N815
    causes: list[_Cause] = []


class _Archived(BaseModel):
    relativePath: str  # noqa: N815


class _Build(BaseModel):
    number: int
    displayName: str  # noqa: N815
    result: str | None = None
    timestamp: int
    artifacts: list[_Archived] = []
    changeSet: _Changes = _Changes()  # noqa: N815 - of a freestyle job
    changeSets: list[_Changes] = []  # noqa: N815 - of a pipeline
    actions: list[_Action] = []

    def changes(self) -> list[_Change]:
        """The changes since the build before, the oldest first."""
        return [one for changes in [self.changeSet, *self.changeSets] for one in changes.items]

    def commit(self) -> str | None:
        """What was built."""
        told = [one.lastBuiltRevision.SHA1 for one in self.actions if one.lastBuiltRevision]
        return next(iter(told), None) or next(
            (one.commitId for one in reversed(self.changes()) if one.commitId), None
        )

    def author(self) -> str | None:
        """Who made the last change; where there is none, who started the build."""
        changed = [one.author.fullName for one in reversed(self.changes()) if one.author]
        started = [cause.userName for one in self.actions for cause in one.causes]
        return next(filter(None, [*changed, *started]), None)

    def notes(self) -> str | None:
        """The first lines of the changes' messages."""
        lines = [one.msg.splitlines()[0] for one in self.changes() if one.msg]
        return "\n".join(lines[:_MOST_NOTES]) or None


class _Job(BaseModel):
    builds: list[_Build]


class JenkinsSource(PackageSource):
    """The builds of a job that succeeded. Jenkins tells no sha256.

    Args:
        model: the source of the template.
        module: the module's name.
        pins: the checksums that were seen first.
        credential: what the server asks for: a user and an API token as password.
    """

    def __init__(
        self, model: JenkinsModel, module: str, pins: Pins, credential: Mapping[str, Any] | None
    ) -> None:
        super().__init__(model, module, pins, credential)
        self.file = Pattern(model.file)
        self.job = "/".join(f"job/{quote(one, safe='')}" for one in model.job.split("/"))
        self.label = model.label
        self.newest = model.newest
        self.where = f"The job {model.job} at {shown(model.address)}"

    def listed(self) -> Iterator[Listed]:
        """The builds that succeeded, the newest ones alone."""
        tree = f"{_TREE}{{0,{self.newest}}}"
        job = self.ask(_Job, f"{self.job}/api/json", "the builds", tree=tree)
        for one in job.builds:
            if one.result == "SUCCESS":
                files = [self._file(one.number, path.relativePath) for path in one.artifacts]
                yield self._version(one), partial(list, files)

    def _version(self, one: _Build) -> Version:
        label = str(one.number) if self.label == "number" else one.displayName.lstrip("#")
        built = datetime.fromtimestamp(one.timestamp / 1000, timezone.utc)
        return Version(label, built, one.author(), one.commit(), one.notes())

    def _file(self, number: int, path: str) -> File:
        return File(path, f"{self.job}/{number}/artifact/{quote(path)}")
