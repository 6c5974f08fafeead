"""Files that fsspec reads: object stores, SFTP, mounts and the like."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from typing import IO, Any, cast
from urllib.parse import quote

import fsspec

from pushguide.errors import BadVersion
from pushguide.master.patterns import Pattern, is_side_file, main_of
from pushguide.master.sources.base import Found, Source, Version, newest_first, sha256_in
from pushguide.master.store.pins import Pins
from pushguide.master.templates.sources import FilesModel
from pushguide.share import Artifact

_SIGNATURES = (".asc", ".sig")
_MOST_CHECKSUM_BYTES = 4096
#: What user and password are called, where it is not username and password.
_LOGINS = {
    "s3": ("key", "secret"),
    "s3a": ("key", "secret"),
    "abfs": ("account_name", "account_key"),
    "abfss": ("account_name", "account_key"),
    "az": ("account_name", "account_key"),
    "webdav": ("user", "password"),
}
#: Where the file systems tell when a file was changed, and what they call its state.
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
_TAGS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "modified")


class FilesSource(Source):
    """Files below an address, whose paths tell their versions.

    Args:
        model: the source of the template.
        module: the module's name.
        pins: the checksums that were seen first.
        login: what the master needs to read them.
    """

    def __init__(
        self, model: FilesModel, module: str, pins: Pins, login: Mapping[str, Any] | None
    ) -> None:
        super().__init__(pins, model.mirrors, model.credential)
        self.model = model
        self.module = module
        self.login = login or {}
        self.path = Pattern(model.path)
        self.address = model.url
        self.where = f"The source {model.address}"
        self._opened: tuple[Any, str] | None = None
        self._known: dict[str, dict[str, dict[str, Any]]] | None = None

    def versions(self) -> list[Version]:
        """The versions that the pattern finds, the newest first."""
        return newest_first(
            Version(
                label, _time(next(one for path, one in files.items() if not is_side_file(path)))
            )
            for label, files in self._by_label().items()
        )

    def find(self, version: str) -> Found:
        """The artifact of a version, as it is now."""
        files = self._by_label()[version]
        made = [path for path in files if not is_side_file(path)]
        if len(made) != 1:
            raise BadVersion(
                f"{self.where} has {len(made)} files of {version}: {', '.join(sorted(made)[:10])}. "
                "Let the path of the template match one."
            )
        path, told = made[0], files[made[0]]
        side = next((f"{path}{one}" for one in _SIGNATURES if f"{path}{one}" in files), None)
        return Found(
            url=self._public(path),
            name=posixpath.basename(path),
            size=int(told["size"]),
            sha256=self._checksum(f"{path}.sha256") if f"{path}.sha256" in files else None,
            signature=self._public(side) if side else None,
            etag=next((str(told[one])[:255] for one in _TAGS if told.get(one)), None),
        )

    def open(self, artifact: Artifact) -> IO[bytes]:
        """The artifact, of which only what is read is moved where the file system can do that."""
        files = self._by_label().get(artifact.version) or {}
        path = next((one for one in files if self._public(one) == artifact.url), None)
        if path is None:
            raise BadVersion(f"{self.where} has no file {artifact.name} of {artifact.version}.")
        return self._open(path)

    def _open(self, path: str) -> IO[bytes]:
        system, top = self._system()
        with self._told(f"Reading {path}"):
            return cast("IO[bytes]", system.open(f"{top}/{path}", "rb"))

    def _checksum(self, path: str) -> str:
        with self._open(path) as handle, self._told(f"Reading {path}"):
            text = handle.read(_MOST_CHECKSUM_BYTES).decode("utf-8", "replace")
        found = sha256_in(text)
        if found:
            return found
        raise BadVersion(f"{path} of {self.where} does not begin with a sha256.")

    def _by_label(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Of each version its files, and of each one what the file system tells."""
        if self._known is None:
            system, top = self._system()
            known: dict[str, dict[str, dict[str, Any]]] = {}
            with self._told("Listing the files"):
                found = system.glob(f"{top}/{self.path.glob(self.module)}*", detail=True)
            for full, told in found.items():
                path = full[len(top) :].lstrip("/")
                label = self.path.version_of(main_of(path), self.module)
                if label and told.get("type") == "file":
                    known.setdefault(label, {})[path] = told
            self._known = {
                label: files for label, files in known.items() if not all(map(is_side_file, files))
            }
        return self._known

    def _system(self) -> tuple[Any, str]:
        if self._opened is None:
            scheme = self.model.address.partition("://")[0]
            options = {**self.model.options, **_options(scheme, self.login)}
            options["skip_instance_cache"] = True  # what is listed is what is there now
            with self._told("Opening it"):
                system, top = fsspec.core.url_to_fs(self.model.address, **options)
            self._opened = system, top.rstrip("/")
        return self._opened

    def _public(self, path: str) -> str:
        return f"{self.address}/{quote(path)}"

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except BadVersion:
            raise
        except Exception as err:
            text = " ".join(str(err).split())[:300]
            raise BadVersion(
                f"{what} of {self.where} failed: {type(err).__name__}: {text}. See address, "
                "options and login of the source."
            ) from err


def _options(scheme: str, login: Mapping[str, Any]) -> dict[str, Any]:
    """What fsspec calls the parts of a credential."""
    if "user" in login:
        user, password = _LOGINS.get(scheme, ("username", "password"))
        return {user: login["user"], password: login["password"]}
    return dict(login)


def _time(told: Mapping[str, Any]) -> datetime | None:
    """When a file was changed, as far as its file system knows."""
    readers: dict[type, Callable[[Any], datetime]] = {
        datetime: lambda one: one,
        int: partial(datetime.fromtimestamp, tz=timezone.utc),
        float: partial(datetime.fromtimestamp, tz=timezone.utc),
        str: lambda one: datetime.fromisoformat(one.replace("Z", "+00:00")),
    }
    for name in _TIMES:
        value = told.get(name)
        read = readers.get(type(value))
        if not read:
            continue
        try:
            moment = read(value)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return None
