"""Jenkins: the successful builds of a job, with what they archived.

Asked through its JSON API, ``<job>/api/json?tree=...``, as the page "Remote Access API" of
Jenkins' documentation tells it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from urllib.parse import quote

from pydantic import BaseModel

from pushguide.address import shown
from pushguide.master.sources.base import Version
from pushguide.master.sources.server import File, Listed, PackageSource
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

    Its credential is a user, and an API token as password.
    """

    model: JenkinsModel

    def describe(self) -> str:
        """What messages call it."""
        return f"The job {self.model.job} at {shown(self.server)}"

    @property
    def job(self) -> str:
        """Where the job is, below the address of the server."""
        return "/".join(f"job/{quote(one, safe='')}" for one in self.model.job.split("/"))

    def listed(self) -> Iterator[Listed]:
        """The builds that succeeded, the newest ones alone."""
        tree = f"{_TREE}{{0,{self.model.newest}}}"
        job = self.ask(_Job, f"{self.job}/api/json", "the builds", tree=tree)
        for one in job.builds:
            if one.result == "SUCCESS":
                files = [self._file(one.number, path.relativePath) for path in one.artifacts]
                yield self._version(one), partial(list, files)

    def _version(self, one: _Build) -> Version:
        label = str(one.number) if self.model.label == "number" else one.displayName.lstrip("#")
        built = datetime.fromtimestamp(one.timestamp / 1000, timezone.utc)
        return Version(label, built, one.author(), one.commit(), one.notes())

    def _file(self, number: int, path: str) -> File:
        return File(path, f"{self.job}/{number}/artifact/{quote(path)}")
