"""What a template says about where CI puts what it builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from pushguide.master.fields import (
    AbsolutePath,
    Bounded,
    CredentialName,
    HttpUrl,
    OneLine,
    Strict,
    help_of,
    no_credentials,
)
from pushguide.master.patterns import Pattern


def _url(url: str) -> str:
    scheme = url.partition("://")[0]
    if scheme not in ("salt", "http", "https", "file"):
        raise ValueError("give an address that starts with salt://, http://, https:// or file://")
    return no_credentials(url).rstrip("/")


def _bare(url: str) -> str:
    return url.rstrip("/")


def _pattern(text: str) -> str:
    Pattern(text)
    return text


def _path(text: str) -> str:
    if not Pattern(text).has_version:
        raise ValueError("say where the version stands, such as shop/{version}/*.war")
    return text


def _file_system(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.isalnum() or not rest or "::" in url:
        raise ValueError("give an address such as s3://builds or sftp://builds.example.com/srv")
    return no_credentials(url).rstrip("/")


def _plain_options(options: dict[str, Any]) -> dict[str, Any]:
    secrets = sorted({*options} & _SECRET_OPTIONS)
    if secrets:
        raise ValueError(
            f"a template is no place for {', '.join(secrets)}: give the name of a credential as "
            "login"
        )
    return options


_SECRET_OPTIONS = {
    "account_key",
    "key",
    "passphrase",
    "password",
    "sas_token",
    "secret",
    "token",
}
_Address = Annotated[OneLine, Bounded("servers"), AfterValidator(_url)]
_HttpAddress = Annotated[HttpUrl, Bounded("servers"), AfterValidator(_bare)]
_Name = Annotated[OneLine, Field(min_length=1, max_length=255)]
_FilePattern = Annotated[str, AfterValidator(_pattern)]
_PathPattern = Annotated[str, AfterValidator(_path)]
_Newest = Annotated[int, Field(ge=1, le=1000)]


class DirectoryModel(Strict):
    """A directory on the master: ``<directory>/<module>/<version>/`` with one archive and its
    sha256."""

    kind: Literal["directory"] = help_of(
        "The kind: a directory on the master.", default="directory"
    )
    directory: AbsolutePath = help_of(
        "The directory on the master that holds <module>/<version>/.", "/srv/artifacts"
    )
    url: _Address = help_of(
        "The same directory, as the hosts reach it.",
        "salt://artifacts",
        "https://artifacts.example.com",
    )
    mirrors: list[_Address] = help_of(
        "Other addresses of the same directory, tried in turn.",
        ["https://mirror.example.com"],
        default=[],
    )
    credential: CredentialName | None = help_of(
        "The name of what the addresses ask for.", "nexus", default=None
    )


class FilesModel(Strict):
    """Files that fsspec reads: an object store, SFTP and the like."""

    kind: Literal["files"] = help_of("The kind: a file system or an object store.", "files")
    address: Annotated[OneLine, Bounded("servers"), AfterValidator(_file_system)] = help_of(
        "Where the files are, as fsspec has it.",
        "s3://builds",
        "sftp://builds.example.com/srv/builds",
    )
    options: Annotated[dict[str, Any], Bounded(Bounded.NOTHING), AfterValidator(_plain_options)] = (
        help_of(
            "Options of that file system, as fsspec has them.",
            {"endpoint_url": "https://minio.example.com"},
            default={},
        )
    )
    login: CredentialName | None = help_of(
        "The name of what the master needs to read them.", "minio", default=None
    )
    path: _PathPattern = help_of(
        "Where the artifacts lie.", "{module}/{version}/*.war", default="{module}/{version}/*"
    )
    url: _Address = help_of(
        "The address, as the hosts reach the same files.", "https://builds.example.com"
    )
    mirrors: list[_Address] = help_of(
        "Other addresses of the same files, tried in turn.",
        ["https://mirror.example.com"],
        default=[],
    )
    credential: CredentialName | None = help_of(
        "The name of what the hosts' address asks for.", "nexus", default=None
    )


class ServerModel(Strict):
    """A web server, which the master asks and hosts fetch from."""

    kind: str
    address: _HttpAddress = help_of(
        "The address of the server, with its context path.", "https://builds.example.com"
    )
    url: _HttpAddress | None = help_of(
        "The same, as the hosts reach it, if that is another address.",
        "https://builds.dc1.example.com",
        default=None,
    )
    mirrors: list[_HttpAddress] = help_of(
        "Other addresses of the same files, tried in turn.",
        ["https://mirror.example.com"],
        default=[],
    )
    credential: CredentialName | None = help_of(
        "The name of what the server asks for.", "nexus", default=None
    )


class HttpModel(ServerModel):
    """A web server with ``<address>/<module>/index.json``."""

    kind: Literal["http"] = help_of("The kind: an index on a web server.", "http")
    address: _HttpAddress = help_of(
        "The address that holds <module>/index.json.", "https://builds.example.com"
    )


class JenkinsModel(ServerModel):
    """The builds of a Jenkins job, with what they archived."""

    kind: Literal["jenkins"] = help_of("The kind: Jenkins.", "jenkins")
    job: _Name = help_of("The job, with its folders.", "team/shop-portal", "team/shop/main")
    file: _FilePattern = help_of("The archived file.", "*.war", default="*")
    label: Literal["number", "display_name"] = help_of(
        "What is the version label: the build's number or its display name.", default="number"
    )
    newest: _Newest = help_of("How many of the newest builds are looked at.", default=100)


class NexusModel(ServerModel):
    """A repository of Nexus 3."""

    kind: Literal["nexus"] = help_of("The kind: Nexus Repository 3.", "nexus")
    repository: _Name = help_of("The repository.", "releases")
    path: _PathPattern = help_of(
        "Where the artifacts lie in it.",
        "com/example/shop/{version}/shop-{version}.war",
        default="{module}/{version}/*",
    )
    group: _Name | None = help_of(
        "The group to search in, as Nexus has it; all of the repository if not given.",
        "com.example",
        default=None,
    )
    name: _Name | None = help_of("The name to search for, likewise.", "shop", default=None)


class ArtifactoryModel(ServerModel):
    """A repository of Artifactory."""

    kind: Literal["artifactory"] = help_of("The kind: JFrog Artifactory.", "artifactory")
    repository: _Name = help_of("The repository.", "libs-release-local")
    path: _PathPattern = help_of(
        "Where the artifacts lie in it.",
        "com/example/shop/{version}/shop-{version}.war",
        default="{module}/{version}/*",
    )


class GitlabModel(ServerModel):
    """A generic package of a GitLab project."""

    kind: Literal["gitlab"] = help_of("The kind: generic packages of GitLab.", "gitlab")
    project: _Name = help_of("The project: its path, or its number in quotes.", "team/shop-portal")
    package: _Name | None = help_of(
        "The package's name; the module's if not given.", "shop", default=None
    )
    file: _FilePattern = help_of("The file of the package.", "*.war", default="*")
    newest: _Newest = help_of("How many of the newest packages are looked at.", default=100)


class GiteaModel(ServerModel):
    """A generic package of Gitea or Forgejo."""

    kind: Literal["gitea"] = help_of("The kind: generic packages of Gitea or Forgejo.", "gitea")
    owner: _Name = help_of("The user or organization that owns the package.", "team")
    package: _Name | None = help_of(
        "The package's name; the module's if not given.", "shop", default=None
    )
    file: _FilePattern = help_of("The file of the package.", "*.war", default="*")
    newest: _Newest = help_of("How many of the newest packages are looked at.", default=100)


def _kind(given: Any) -> str | None:
    """The kind of a source: a directory if it does not say."""
    if isinstance(given, Mapping):
        return str(given.get("kind", "directory"))
    return getattr(given, "kind", None)


AnySource = Annotated[
    Annotated[DirectoryModel, Tag("directory")]
    | Annotated[FilesModel, Tag("files")]
    | Annotated[HttpModel, Tag("http")]
    | Annotated[JenkinsModel, Tag("jenkins")]
    | Annotated[NexusModel, Tag("nexus")]
    | Annotated[ArtifactoryModel, Tag("artifactory")]
    | Annotated[GitlabModel, Tag("gitlab")]
    | Annotated[GiteaModel, Tag("gitea")],
    Discriminator(_kind),
]
