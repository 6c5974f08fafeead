"""JFrog Artifactory, asked with its query language (AQL) at ``/api/search/aql``.

Source: the page "Artifactory Query Language" of JFrog's documentation. Who is no admin has to ask
for items, and for their repo, path and name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

from pydantic import BaseModel

from pushguide.address import shown
from pushguide.errors import BadVersion
from pushguide.master.sources.server import InTree, Moment, TreeSource, read_as
from pushguide.master.templates.sources import ArtifactoryModel

_FIELDS = ("repo", "path", "name", "size", "created", "created_by", "sha256", "property")
#: The property that JFrog's build plugins set.
_COMMIT = "vcs.revision"


class _Property(BaseModel):
    key: str
    value: str | None = None


class _Item(BaseModel):
    path: str
    name: str
    size: int | None = None
    created: Moment | None = None
    created_by: str | None = None
    sha256: str | None = None
    properties: list[_Property] = []


class _Range(BaseModel):
    notification: str | None = None


class _Answer(BaseModel):
    results: list[_Item]
    range: _Range = _Range()


class ArtifactorySource(TreeSource):
    """A repository of Artifactory."""

    model: ArtifactoryModel

    def describe(self) -> str:
        """What messages call it."""
        return f"The repository {self.model.repository} at {shown(self.server)}"

    def tree(self) -> Iterator[InTree]:
        """Every file that the pattern may mean, with checksums and signatures beside it."""
        what = "the items"
        data = self.client.get_json(f"{self.server}/api/search/aql", what, query=self._question())
        answer = read_as(_Answer, data, f"{what} at {shown(self.server)}")
        if answer.range.notification:
            raise BadVersion(
                f"{self.where} does not tell all of its items: {answer.range.notification} Let the "
                "path of the source say more."
            )
        for one in answer.results:
            path = one.name if one.path == "." else f"{one.path}/{one.name}"
            told = (value.value for value in one.properties if value.key == _COMMIT)
            yield InTree(
                path,
                f"{quote(self.model.repository)}/{quote(path)}",
                one.size,
                one.sha256,
                one.created,
                one.created_by,
                next(told, None),
            )

    def _question(self) -> str:
        folder, _, name = self.path.glob(self.module).rpartition("/")
        names = [{"name": {"$match": one}} for one in (name, f"{name}.*")]
        wanted = {"repo": self.model.repository, "path": {"$match": folder or "."}, "$or": names}
        return f"items.find({json.dumps(wanted)}).include({json.dumps(_FIELDS)[1:-1]})"
