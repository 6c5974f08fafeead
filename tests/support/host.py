"""One host in plain Python: what CI builds for it, what the master tells it, what it answers."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import signal
import sys
import tarfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import salt.modules.event

from pushguide.host.base import ProjectType
from pushguide.host.journal import Journal, journal_dir
from pushguide.host.links import target_of
from pushguide.host.run import run_stages
from pushguide.host.types.static_site import StaticSite
from pushguide.share import Artifact, Share
from pushguide.words import STAGES
from tests.support.health import Health

#: What changes something outside the process, as sys.addaudithook tells it.
_CHANGES = frozenset(
    {
        "os.chmod",
        "os.chown",
        "os.kill",
        "os.killpg",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "os.utime",
        "subprocess.Popen",
    }
)


class Host:
    """A minion, and the master's side of one module on it.

    Args:
        top: a directory for everything.
        project_type: the module's type.
        given: fields of the share that each deployment gets: settings, probe, keep_releases ...
    """

    def __init__(
        self, top: Path, project_type: type[ProjectType] = StaticSite, **given: Any
    ) -> None:
        self.project_type = project_type
        self.root = top / "srv"
        self.artifacts = top / "artifacts"
        self.artifacts.mkdir(parents=True)
        self.root.mkdir()
        self.opts = {
            "id": "web1",
            "root_dir": str(top / "minion"),
            "cachedir": str(top / "minion" / "cache"),
        }
        self.grains: dict[str, Any] = {}
        self.fire = mock.create_autospec(salt.modules.event.fire_master)
        self.salt: dict[str, Any] = {"event.fire_master": self.fire}
        self.context: dict[str, Any] = {}
        self.given: dict[str, Any] = {"settings": {}, "min_free_mb": 0, **given}
        self.number = 0

    # What CI does.

    def build(self, version: str, files: Mapping[str, str] | None = None) -> Artifact:
        """Build a version; without files of its own it holds one, health, that says which."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, text in (files or {"health": f"version {version}\n"}).items():
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return self.publish(version, f"shop-{version}.tar.gz", packed.getvalue())

    def publish(self, version: str, name: str, content: bytes) -> Artifact:
        """Put anything where CI puts its artifacts."""
        path = self.artifacts / name
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return Artifact(version, path.as_uri(), name, digest, len(content))

    # What the master does.

    def share(self, version: str, **changes: Any) -> dict[str, Any]:
        """The share of a new deployment. An artifact is built if none is given."""
        self.number += 1
        if "artifact" not in changes:
            changes["artifact"] = self.build(version)
        fields = {
            "module": "shop",
            "environment": "production",
            "type": "static_site",
            "kind": "deploy",
            "deployment": self.number,
            "token": self.number,
            "version": version,
            "root": str(self.root),
            **self.given,
            **changes,
        }
        # It travels as JSON.
        travelled: dict[str, Any] = json.loads(json.dumps(Share(**fields).to_dict()))
        return travelled

    def probe_version(self, web: Health, seconds: float = 0.05) -> None:
        """Let the live link be asked for the version, by a server that serves it."""
        path = (self.root / "live" / "health").relative_to(web.directory)
        self.given["probe"] = {
            "url": f"{web.url}/files/{path.as_posix()}",
            "text": "version {version}",
            "within_seconds": seconds,
            "interval_seconds": seconds,
        }

    def run(self, share: Mapping[str, Any], stages: str | Sequence[str] = STAGES) -> dict[str, Any]:
        """Run stages of a deployment, as a job does."""
        self.context = {}
        return run_stages(
            self.project_type, share, stages, self.salt, self.grains, self.opts, self.context
        )

    def deploy(self, version: str, **changes: Any) -> dict[str, Any]:
        """Run all stages of a new deployment."""
        return self.run(self.share(version, **changes))

    def rollback(self, version: str, **changes: Any) -> dict[str, Any]:
        """Go back to a version that has to be kept here."""
        return self.deploy(version, kind="rollback", artifact=None, **changes)

    # The truth on disk.

    @property
    def journal_path(self) -> Path:
        """Where the journal is."""
        return Path(journal_dir(self.opts, "shop", "production"), "journal.json")

    @property
    def journal(self) -> Journal:
        """The journal on disk."""
        return Journal.load(str(self.journal_path), "shop", "production")

    @property
    def live(self) -> str | None:
        """The name of the release that the live link points to."""
        target = target_of(str(self.root / "live"))
        return Path(target).name if target else None

    @property
    def health(self) -> str | None:
        """What is served: the health file behind the live link."""
        path = self.root / "live" / "health"
        return path.read_text().strip() if path.exists() else None

    @property
    def releases(self) -> list[str]:
        """What lies in the directory of the releases."""
        return sorted(one.name for one in (self.root / "releases").iterdir())

    def files(self) -> dict[str, tuple[int, int]]:
        """All files of the module but the journal, with what tells whether they were touched."""
        return {
            str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns)
            for path in self.root.rglob("*")
            if path.name != "releases"
        }


def outcomes(answer: Mapping[str, Any]) -> dict[str, str]:
    """How each stage ended."""
    return {one["stage"]: one["outcome"] for one in answer["stages"]}


def steps(answer: Mapping[str, Any], stage: str) -> dict[str, tuple[str, str]]:
    """How each step of a stage ended, with its detail."""
    return {
        step["name"]: (step["outcome"], step["detail"])
        for one in answer["stages"]
        if one["stage"] == stage
        for step in one["steps"]
    }


def killed_at(change: int, action: Callable[[], Any]) -> bool:
    """Run an action in a process that is killed before its change number ``change``.

    Returns:
        Whether it was killed; False if it came to its end before.
    """

    def run() -> None:
        left = change

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            # The second argument of open is its mode, of os.open None: then the flags tell.
            opens = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            # A journal that is being written is nothing yet: what counts is that it is renamed.
            drafts = event != "os.rename" and str(arguments[:1]).endswith("journal.json.new',)")
            if (event in _CHANGES or opens) and not drafts:
                left -= 1
                if not left:
                    die()

        sys.addaudithook(count)
        action()

    return in_a_process(run) == -signal.SIGKILL


def die() -> None:
    """End this process as a power failure would."""
    os.kill(os.getpid(), signal.SIGKILL)


def in_a_process(action: Callable[[], Any]) -> int | None:
    """Run an action in a forked process; answer with its exit code."""
    if not hasattr(os, "fork"):
        pytest.skip("it forks a process, which Windows cannot")
    child = multiprocessing.get_context("fork").Process(target=action)
    with warnings.catch_warnings():
        # A web server's thread may run here, and does not matter there.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    child.join(60)
    try:
        return child.exitcode
    finally:
        child.kill()
        child.join()
        child.close()
