"""Doubles of servers that hold artifacts: they answer as the documentation of each one says.

None of them is the real thing. What they are asked and is not in the documentation they refuse.
"""

from __future__ import annotations

import fnmatch
import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from tests.support.file_server import Fault, FileServer


class Refusal(Exception):
    """What the server answers instead: a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Double(FileServer):
    """A server whose paths that begin with its interface are answered by JSON."""

    #: What its interface begins with.
    interface = "/api"

    def serve(self, handler: Any, path: str, headers: dict[str, str], fault: Fault) -> None:
        """Answer a question, or serve a file."""
        if not self.is_question(path):
            super().serve(handler, path, headers, fault)
            return
        query = dict(parse_qsl(handler.path.partition("?")[2]))
        body = handler.rfile.read(int(headers.get("content-length", 0))).decode()
        try:
            told = self.tell(handler.command, path, query, body)
        except Refusal as err:
            self._say(handler, err.status, {}, b"{}")
            return
        self._say(handler, 200, {"Content-Type": "application/json"}, json.dumps(told).encode())

    def is_question(self, path: str) -> bool:
        """Whether a path is one of the interface's, and no file."""
        return path not in self.files and path.startswith(self.interface)

    def tell(self, method: str, path: str, query: dict[str, str], body: str) -> Any:
        """The answer.

        Raises:
            Refusal: there is none.
        """
        raise NotImplementedError


def take(query: dict[str, str], *names: str) -> list[str | None]:
    """Parameters of a question; one that is not documented is refused."""
    if {*query} - {*names}:
        raise Refusal(400)
    return [query.get(name) for name in names]


@dataclass
class JenkinsDouble(Double):
    """Jenkins: one job at ``/job/team/job/shop``, asked by ``tree``."""

    builds: list[dict[str, Any]] = field(default_factory=list)

    def is_question(self, path: str) -> bool:
        """Its interface hangs below each thing."""
        return path.endswith("/api/json")

    def build(self, number: int, result: str | None, files: dict[str, bytes], **more: Any) -> None:
        """Add a build, the newest."""
        archived = [{"fileName": path.rpartition("/")[2], "relativePath": path} for path in files]
        self.builds.insert(
            0,
            {
                "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun",
                "number": number,
                "displayName": f"#{number}",
                "result": result,
                "timestamp": 1_795_000_000_000 + number * 1000,
                "artifacts": archived,
                "changeSets": [],
                "actions": [{}],
                **more,
            },
        )
        for path, data in files.items():
            self.files[f"/job/team/job/shop/{number}/artifact/{quote(path)}"] = data

    def tell(self, method: str, path: str, query: dict[str, str], body: str) -> Any:
        """The builds, with the fields that the tree names and no others."""
        (tree,) = take(query, "tree")
        found = re.fullmatch(r"builds\[(.*)\]\{0,(\d+)\}", tree or "")
        if path != "/job/team/job/shop/api/json" or not found:
            raise Refusal(404)
        depth, names, word = 0, [], ""
        for character in found[1] + ",":
            depth += {"[": 1, "]": -1}.get(character, 0)
            if character == "," and not depth:
                names.append(word.partition("[")[0])
                word = ""
            else:
                word += character
        builds = self.builds[: int(found[2])]
        return {
            "_class": "org.jenkinsci.plugins.workflow.job.WorkflowJob",
            "builds": [
                {key: value for key, value in one.items() if key in ("_class", *names)}
                for one in builds
            ],
        }


@dataclass
class NexusDouble(Double):
    """Nexus 3: repositories of assets, two on a page."""

    interface = "/service/rest/v1/"
    assets: list[dict[str, Any]] = field(default_factory=list)

    def upload(self, path: str, data: bytes, group: str = "/", name: str = "", **more: Any) -> None:
        """Add an asset."""
        self.files[f"/repository/releases/{path}"] = data
        self.assets.append(
            {
                "downloadUrl": f"http://nexus.internal/repository/releases/{path}",
                "path": path,
                "id": f"cmVs{len(self.assets)}",
                "repository": "releases",
                "format": "maven2",
                "checksum": {"sha1": "0" * 40, "sha256": sha256(data).hexdigest()},
                "contentType": "application/zip",
                "lastModified": "2026-11-20T10:00:00.000+00:00",
                "uploader": "ci",
                "fileSize": len(data),
                "group": group,
                "name": name,
                **more,
            }
        )

    def tell(self, method: str, path: str, query: dict[str, str], body: str) -> Any:
        """A page of the assets."""
        if path != f"{self.interface}search/assets":
            raise Refusal(404)
        names = ("repository", "group", "name", "continuationToken")
        repository, group, name, token = take(query, *names)
        found = [
            {key: value for key, value in one.items() if key not in ("group", "name")}
            for one in self.assets
            if one["repository"] == repository
            and fnmatch.fnmatch(one["group"], group or "*")
            and fnmatch.fnmatch(one["name"], name or "*")
        ]
        start = int(token or 0)
        rest = len(found) > start + 2
        return {
            "items": found[start : start + 2],
            "continuationToken": str(start + 2) if rest else None,
        }


@dataclass
class ArtifactoryDouble(Double):
    """Artifactory below ``/artifactory``, which takes one form of its query language."""

    interface = "/artifactory/api/"
    items: list[dict[str, Any]] = field(default_factory=list)
    notification: str | None = None

    def upload(self, path: str, data: bytes, **more: Any) -> None:
        """Add an item."""
        self.files[f"/artifactory/libs/{path}"] = data
        folder, _, name = path.rpartition("/")
        self.items.append(
            {
                "repo": "libs",
                "path": folder or ".",
                "name": name,
                "size": len(data),
                "created": "2026-11-20T10:00:00.000Z",
                "created_by": "ci",
                "sha256": sha256(data).hexdigest(),
                **more,
            }
        )

    def tell(self, method: str, path: str, query: dict[str, str], body: str) -> Any:
        """The items that a query finds."""
        found = re.fullmatch(r"items\.find\((\{.*\})\)\.include\((.*)\)", body)
        if method != "POST" or path != f"{self.interface}search/aql" or not found:
            raise Refusal(400)
        wanted = json.loads(found[1])
        included = {*json.loads(f"[{found[2]}]")}
        if not included >= {"repo", "path", "name"}:  # as for all who are no admins
            raise Refusal(400)
        results = [
            {
                key: value
                for key, value in one.items()
                if key in included or (key == "properties" and "property" in included)
            }
            for one in self.items
            if all(_holds(one, {key: value}) for key, value in wanted.items())
        ]
        told = {"start_pos": 0, "end_pos": len(results), "total": len(results)}
        if self.notification:
            told["notification"] = self.notification  # type: ignore[assignment]
        return {"results": results, "range": told}


def _holds(item: dict[str, Any], wanted: dict[str, Any]) -> bool:
    ((key, value),) = wanted.items()
    if key == "$or":
        return any(_holds(item, one) for one in value)
    if isinstance(value, dict):
        return fnmatch.fnmatchcase(item[key], value["$match"])
    return bool(item[key] == value)


@dataclass
class GitlabDouble(Double):
    """GitLab: the packages of the project ``team/shop``, two on a page whatever is asked for."""

    interface = "/api/v4/projects/team%2Fshop/packages"
    packages: list[dict[str, Any]] = field(default_factory=list)
    package_files: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def publish(self, name: str, version: str, files: dict[str, bytes], **more: Any) -> None:
        """Add a package."""
        number = len(self.packages) + 1
        self.packages.append(
            {
                "id": number,
                "name": name,
                "version": version,
                "package_type": "generic",
                "status": "default",
                "created_at": f"2026-11-20T10:{number:02}:00.000Z",
                "pipeline": {"sha": f"abc{number}", "ref": "main", "user": {"name": "Li"}},
                **more,
            }
        )
        for file, data in files.items():
            self.add_file(number, file, data)

    def add_file(self, number: int, file: str, data: bytes) -> None:
        """Add a file to a package; of two with one name the newer is given."""
        package = self.packages[number - 1]
        self.package_files.setdefault(number, []).append(
            {
                "id": 100 + sum(map(len, self.package_files.values())),
                "package_id": number,
                "file_name": file,
                "size": len(data),
                "file_sha256": sha256(data).hexdigest(),
            }
        )
        place = f"generic/{package['name']}/{package['version']}/{quote(file)}"
        self.files[f"{self.interface}/{place}"] = data

    def tell(self, method: str, path: str, query: dict[str, str], body: str) -> Any:
        """A page of packages, or of a package's files."""
        rest = path.removeprefix(self.interface)
        page = int(query.pop("page", "1"))
        query.pop("per_page", None)
        if not rest:
            kind, name, order, sort = take(
                query, "package_type", "package_name", "order_by", "sort"
            )
            if (kind, order, sort) != ("generic", "created_at", "desc"):
                raise Refusal(400)
            found = [one for one in reversed(self.packages) if (name or "") in one["name"]]
        else:
            take(query)
            numbered = re.fullmatch(r"/(\d+)/package_files", rest)
            if not numbered:
                raise Refusal(404)
            found = self.package_files[int(numbered[1])]
        return found[(page - 1) * 2 : page * 2]


@dataclass
class GiteaDouble(Double):
    """Gitea: the generic packages of ``team``, two on a page whatever is asked for."""

    interface = "/api/v1/packages/team"
    packages: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, name: str, version: str, files: dict[str, bytes], **more: Any) -> None:
        """Add a package."""
        number = len(self.packages) + 1
        self.packages.insert(
            0,
            {
                "id": number,
                "type": "generic",
                "name": name,
                "version": version,
                "created_at": f"2026-11-20T10:{number:02}:00Z",
                "creator": {"login": "li", "full_name": "Li Wei"},
                **more,
            },
        )
        for file, data in files.items():
            self.files[f"/api/packages/team/generic/{name}/{version}/{quote(file)}"] = data

    def tell(self, method: str, path: str, query: dict[str, str], body: str) -> Any:
        """A page of packages, or a package's files."""
        rest = path.removeprefix(self.interface)
        if not rest:
            kind, name, page, _ = take(query, "type", "q", "page", "limit")
            if kind != "generic":
                raise Refusal(400)
            found = [one for one in self.packages if (name or "") in one["name"]]
            return found[(int(page or 1) - 1) * 2 : int(page or 1) * 2]
        top = f"/api/packages/team{rest.removesuffix('/files')}/"
        return [
            {
                "id": place,
                "size": len(data),
                "name": unquote(file.removeprefix(top)),
                "md5": "0" * 32,
                "sha1": "0" * 40,
                "sha256": sha256(data).hexdigest(),
                "sha512": "0" * 128,
            }
            for place, (file, data) in enumerate(self.files.items())
            if file.startswith(top)
        ]
