"""The journal: the file on each host that says what was done there.

One JSON document for each module and environment, replaced as a whole and flushed to disk
before and after everything that changes the host. Whoever reads it, at any moment, knows
what runs, what was being done, and how to go back.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pushguide import __version__
from pushguide.errors import Fenced, PushguideError, Refused
from pushguide.host.file_lock import try_lock, wait_for_lock
from pushguide.host.links import target_of
from pushguide.host.renaming import patiently, replace
from pushguide.host.windows.paths import is_same
from pushguide.words import BAD, GOOD, UNFINISHED, UNPROVEN

FORMAT = 1


@dataclass
class Release:
    """One version unpacked on this host, in a directory of its own."""

    name: str
    version: str
    sha256: str
    path: str
    deployment: int
    made: float
    mark: str = UNFINISHED
    marked: float | None = None
    reason: str | None = None
    #: The files that configuration has made other than the artifact has them.
    configured: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether post_release once proved it on this host, and nothing since said otherwise."""
        return self.mark == GOOD


@dataclass
class Journal:
    """What is known of one module in one environment on this host."""

    path: str
    module: str
    environment: str
    token: int = 0
    deployment: int | None = None
    uid: str = ""
    kind: str | None = None
    version: str | None = None
    type: str | None = None
    root: str | None = None
    pointer: str | None = None
    live: str | None = None
    target: dict[str, Any] | None = None
    saved: dict[str, Any] | None = None
    proven: dict[str, Any] | None = None
    doing: dict[str, Any] | None = None
    outcome: str | None = None
    error: str | None = None
    unconfirmed: dict[str, Any] | None = None
    stages: dict[str, Any] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str, module: str, environment: str) -> Journal:
        """Read the journal at ``path``; an empty one where there is none yet.

        Raises:
            PushguideError: the file is there and does not read.
        """
        try:
            with patiently(lambda: open(path, encoding="utf-8")) as handle:
                data = json.load(handle)
            if data.pop("format", None) != FORMAT:
                raise PushguideError(
                    f"The journal {path} was written by another version of pushguide: sync this "
                    "minion with saltutil.sync_all."
                )
            releases = {name: Release(**one) for name, one in data.pop("releases").items()}
            return cls(path=path, releases=releases, **data)
        except FileNotFoundError:
            return cls(path, module, environment)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
            raise PushguideError(
                f"Reading the journal {path} failed: {type(err).__name__}: {err}. It is the truth "
                f"about {module} on this host: look at what runs, then move the file away to "
                "start afresh."
            ) from err

    def to_dict(self) -> dict[str, Any]:
        """The journal as plain data."""
        releases = {name: {**vars(one)} for name, one in self.releases.items()}
        return {**vars(self), "releases": releases}

    def write(self) -> None:
        """Replace the journal on disk with what this object says, and flush it.

        Raises:
            PushguideError: it cannot be written.
        """
        data = self.to_dict()
        del data["path"]
        try:
            replace_file(self.path, json.dumps({"format": FORMAT, **data}))
        except OSError as err:
            raise PushguideError(
                f"Writing the journal {self.path} failed: {err}. Nothing is changed on a host "
                "without it: make room for it, or make it writable."
            ) from err

    def admit(self, deployment: int, token: int, kind: str, version: str, uid: str = "") -> None:
        """Take up a deployment, or refuse one that a newer one has overtaken.

        Args:
            deployment: its number.
            token: its fencing token, which grows with each takeover.
            kind: deploy, rollback or redeploy.
            version: the version it brings.
            uid: what tells it apart from one of the same number out of another database.

        Raises:
            Fenced: a newer token has been here.
        """
        if token < self.token:
            raise Fenced(
                f"Deployment #{deployment} of {self.module} came with fencing token {token}, but "
                f"#{self.deployment} has been here with {self.token}: a newer deployment has taken "
                "over. Look at pushguide.status; nothing was changed."
            )
        if (deployment, uid) != (self.deployment, self.uid):
            # What was saved stays: it is still there only if the last one was broken off, and
            # what ran before that one is what there is to go back to.
            self.target, self.stages = None, {}
        self.outcome = self.error = None
        self.uid = uid
        self.token, self.deployment, self.kind, self.version = token, deployment, kind, version
        self.doing = None

    @contextlib.contextmanager
    def intent(self, stage: str, step: str) -> Iterator[None]:
        """Note on disk that a changing step begins, and afterwards that it ended."""
        self.doing = {"stage": stage, "step": step, "since": time.time()}
        self.write()
        yield
        self.doing = None
        self.write()

    def mark(self, name: str, mark: str, reason: str | None = None) -> None:
        """Mark the release ``name`` as good, bad or unproven, with the time and the reason."""
        release = self.releases[name]
        # Always later than every earlier mark, even if the clock was set back: the order of marks
        # decides what there is to go back to.
        latest = max((one.marked or 0.0 for one in self.releases.values()), default=0.0)
        release.mark, release.reason = mark, reason
        release.marked = max(time.time(), latest + 0.001)

    def good_releases(self) -> list[Release]:
        """The releases proved good that are still on disk, the last proved first."""
        kept = [one for one in self.releases.values() if one.is_good and os.path.isdir(one.path)]
        return sorted(kept, key=lambda one: one.marked or 0.0, reverse=True)

    def release_at(self, path: str | None) -> Release | None:
        """The release whose directory is ``path``, if it is one of ours."""
        for release in self.releases.values():
            if path is not None and is_same(release.path, path):
                return release
        return None

    @property
    def live_release(self) -> Release | None:
        """The release that is live, None if none of ours is.

        A step that was broken off may have moved the pointer before the journal could say so:
        where the pointer is a link, it is asked itself.
        """
        target = target_of(self.pointer) if self.doing and self.pointer else None
        if target is not None:
            return self.release_at(target)
        return self.releases.get(self.live or "")

    def answer(self) -> dict[str, Any]:
        """What the last deployment's job returned, or would have if its return was lost."""
        live = self.live_release
        return {
            "module": self.module,
            "environment": self.environment,
            "deployment": self.deployment,
            "uid": self.uid,
            "token": self.token,
            "outcome": self.outcome,
            "error": self.error,
            "live": live.version if live else None,
            "clock": time.time(),
            "stages": list(self.stages.values()),
            "pushguide": __version__,
        }

    def summary(self) -> dict[str, Any]:
        """What another machine needs to know: plain data, short enough for an event."""
        live = self.live_release
        return {
            "module": self.module,
            "environment": self.environment,
            "type": self.type,
            "root": self.root,
            "deployment": self.deployment,
            "token": self.token,
            "live": live.version if live else None,
            "live_sha256": live.sha256 if live else None,
            "doing": self.doing,
            "unconfirmed": self.unconfirmed is not None,
            "good": [one.version for one in self.good_releases()],
            "bad": sorted({one.version for one in self.releases.values() if one.mark == BAD}),
            "unproven": sorted(
                {one.version for one in self.releases.values() if one.mark == UNPROVEN}
            ),
        }


def replace_file(path: str, text: str, mode: int = 0o644) -> None:
    """Write ``text`` to ``path`` so that a reader, or a crash, sees the old or the new whole.

    A file that is replaced keeps its mode and its owner; a new one gets ``mode``.
    """
    temporary = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.remove(temporary)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as handle:
        _dress(temporary, path, mode)
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    replace(temporary, path)
    flush_directory(os.path.dirname(path))


def _dress(temporary: str, path: str, mode: int) -> None:
    """Give a new file the mode and the owner of the one that it is going to replace."""
    try:
        old = os.stat(path)
    except FileNotFoundError:
        os.chmod(temporary, mode)
        return
    if os.name != "nt":
        os.chown(temporary, old.st_uid, old.st_gid)
    os.chmod(temporary, stat.S_IMODE(old.st_mode))


def flush_directory(path: str) -> None:
    """Make a rename inside ``path`` durable; on Windows the rename itself has done so."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def state_dir(opts: Mapping[str, Any]) -> str:
    """Where this host's journals live.

    ``pushguide_dir`` in the minion's configuration, else ``var/lib/pushguide`` under its
    ``root_dir``. Not the minion's cache: people delete that.
    """
    configured = opts.get("pushguide_dir")
    if configured:
        return str(configured)
    return os.path.join(opts.get("root_dir") or os.path.abspath(os.sep), "var", "lib", "pushguide")


def journal_dir(opts: Mapping[str, Any], module: str, environment: str) -> str:
    """The directory of one module's journal in one environment."""
    return os.path.join(state_dir(opts), module, environment)


def read_all(opts: Mapping[str, Any], module: str | None = None) -> list[Journal]:
    """Read the journals on this host, of all modules or of ``module``."""
    top = state_dir(opts)
    journals = []
    for name in _directories(top):
        if module not in (None, name):
            continue
        for environment in _directories(os.path.join(top, name)):
            path = os.path.join(top, name, environment, "journal.json")
            if os.path.isfile(path):
                journals.append(Journal.load(path, name, environment))
    return journals


def _directories(path: str) -> list[str]:
    found = sorted(os.listdir(path)) if os.path.isdir(path) else []
    return [name for name in found if os.path.isdir(os.path.join(path, name))]


@contextlib.contextmanager
def opened(
    opts: Mapping[str, Any], module: str, environment: str, wait_seconds: float = 0
) -> Iterator[Journal]:
    """Open a module's journal for writing: one job at a time on this host.

    Args:
        opts: the minion's configuration.
        module: the module.
        environment: its environment.
        wait_seconds: how long to wait for another job to end. One may still be at work if its
            deployment was taken over from a master that died.

    Raises:
        Refused: another job stays at work on this module here, or the directory is not writable.
    """
    directory = journal_dir(opts, module, environment)
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        lock = open(os.path.join(directory, "lock"), "a+", encoding="utf-8")  # noqa: SIM115
    except OSError as err:
        raise Refused(
            f"Opening the journal of {module} in {directory} failed: {err}. Make it writable for "
            "the minion, or set pushguide_dir in its configuration."
        ) from err
    with lock:
        if not wait_for_lock(lock, wait_seconds, lambda: None):
            raise Refused(
                f"Another job is at work on {module} ({environment}) on this host, and was not "
                f"done in {wait_seconds:g} s: wait for it to end. Its lock is {lock.name}."
            )
        yield Journal.load(os.path.join(directory, "journal.json"), module, environment)


def is_locked(directory: str) -> bool:
    """Whether a job is at work on the module whose journal lies in ``directory``."""
    try:
        with open(os.path.join(directory, "lock"), "a+", encoding="utf-8") as handle:
            return not try_lock(handle)
    except OSError:
        return False
