"""Bringing a release to a host: the steps of prepare. Live traffic is not touched."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from typing import Any

from pushguide.errors import BadArchive, Refused, StepFailed
from pushguide.host import (
    archive,
    configuration,
    ownership,
    retention,
    signature,
    standards,
    transfer,
)
from pushguide.host.archive import by_index
from pushguide.host.hooks import calls_in
from pushguide.host.journal import Release, flush_directory, read_all
from pushguide.host.on_host import KEPT, LIVE, NEW, OnHost
from pushguide.host.removal import discard, remove_tree
from pushguide.host.renaming import rename
from pushguide.host.steps import Note, skipped, step, unchanged, warning
from pushguide.host.transfer import indexed
from pushguide.host.transfer.cache import Cache
from pushguide.host.windows import access
from pushguide.host.windows.paths import extended, is_same
from pushguide.share import Artifact, Transfer
from pushguide.words import UNPROVEN

log = logging.getLogger(__name__)


class Bringing(OnHost):
    """Chooses, fetches, proves and unpacks what a deployment brings to life."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known: dict[str, by_index.Known] = {}

    @step(changes=False, looks=True)
    def check_runtime(self) -> Note | str | None:
        """The place to deploy to is there and writable, and the runtime too."""
        self.demand_secrets()
        return self.runtime_is_there()

    def demand_secrets(self) -> None:
        """Prove that this host's pillar has what the template takes from it, before it is needed.

        Raises:
            StepFailed: it has not.
        """
        share = self.share
        parts = [self.settings, share.probe, share.warm_up, share.drain, *calls_in(share.hooks)]
        self.secrets.filled(parts)

    def runtime_is_there(self) -> str:
        """Prove that releases can be made here; a type adds what its runtime needs.

        Raises:
            StepFailed: something is missing; the message names it.
        """
        try:
            os.makedirs(self.releases_dir, mode=0o755, exist_ok=True)
            canary = os.path.join(self.releases_dir, ".writable")
            with open(canary, "w", encoding="utf-8"):
                pass
            os.remove(canary)
        except OSError as err:
            raise StepFailed(
                f"Writing to {self.releases_dir} failed: {err}. Make it writable for the minion, "
                "or change the root of the template."
            ) from err
        if self.unpacking.user:
            ownership.demand_user(self.unpacking.user)
        if self.unpacking.access:
            access.demand_accounts(self.unpacking.access, self.releases_dir, self.salt)
        self.refuse_shared_places()
        self.pointer.check()
        return f"{self.releases_dir} is writable"

    def refuse_shared_places(self) -> None:
        """Refuse a root or a live pointer that another module has on this host.

        Each removes what it does not know from its root, and would switch the other's pointer.

        Raises:
            StepFailed: naming the other.
        """
        mine = (self.share.module, self.share.environment)
        for other in read_all(self.opts):
            if (other.module, other.environment) == mine:
                continue
            for what, here, there in (
                ("root", self.share.root, other.root),
                ("live pointer", str(self.pointer), other.pointer),
            ):
                if there is not None and os.path.realpath(here) == os.path.realpath(there):
                    raise StepFailed(
                        f"{here} is the {what} of {other.module} ({other.environment}) on this "
                        f"host too: give each its own. If that one is gone for good, remove "
                        f"{os.path.dirname(other.path)}."
                    )
        self.journal.root, self.journal.pointer = self.share.root, str(self.pointer)

    @step(changes=False)
    def choose_release(self) -> Note | str | None:
        """Decide which release directory this deployment brings to life."""
        if self.journal.target is None:
            self.journal.target = self._choose()
        how, name = self.journal.target["how"], self.journal.target["name"]
        if how == NEW:
            return str(name)
        return unchanged(f"{name} is kept here" if how == KEPT else f"{name} is live already")

    def _choose(self) -> dict[str, Any]:
        live = self.journal.release_at(self.pointer.read())
        if live and live.is_good and self.share.kind != "redeploy" and self._is_wanted(live):
            return {"how": LIVE, "name": live.name}
        if self.share.kind == "rollback":
            for kept in self.journal.good_releases():
                if self._is_wanted(kept):
                    return {"how": KEPT, "name": kept.name}
        if self.share.artifact is None:
            raise StepFailed(
                f"Going back to {self.share.version} failed: no good release of it is kept here "
                f"(kept: {self._kept_versions()}), and its artifact is not known. Deploy it."
            )
        return {"how": NEW, "name": self._new_name()}

    def _is_wanted(self, release: Release) -> bool:
        artifact = self.share.artifact
        return (
            release.version == self.share.version
            and is_same(os.path.dirname(release.path), self.releases_dir)
            and (artifact is None or artifact.sha256 == release.sha256)
        )

    def _kept_versions(self) -> str:
        return ", ".join(one.version for one in self.journal.good_releases()) or "none"

    def _new_name(self) -> str:
        name = wanted = f"{self.share.version}-{self.share.deployment}"
        count = 1
        while os.path.lexists(os.path.join(self.releases_dir, name)):
            count += 1
            name = f"{wanted}.{count}"
        return name

    @step(changes=False)
    def make_room(self) -> Note | str | None:
        """Remove what broken deployments left behind, before anything new is brought."""
        return self.remove_old("make_room")

    @step(changes=False, looks=True)
    def check_space(self) -> Note | str | None:
        """There is room for the artifact, its content, and some more."""
        if not self.is_new:
            return skipped("nothing to bring")
        assert self.share.artifact is not None
        size = self.share.artifact.size
        kept_in = Cache(self.opts).nearest_directory()
        needed = {self.releases_dir: 2 * size + self.share.min_free_mb * 2**20, kept_in: size}
        if os.stat(kept_in).st_dev == os.stat(self.releases_dir).st_dev:
            needed = {self.releases_dir: sum(needed.values())}
        for place, wanted in needed.items():
            free = shutil.disk_usage(place).free
            if free < wanted:
                raise StepFailed(
                    f"Checking the space under {place} failed: {free >> 20} MiB are free, "
                    f"{wanted >> 20} MiB are needed (three times the artifact, and min_free_mb). "
                    "Free some, or keep fewer releases (keep_releases)."
                )
        free = shutil.disk_usage(self.releases_dir).free
        return f"{free >> 20} MiB free"

    @step(changes=False, looks=True)
    def check_standards(self) -> Note | str | None:
        """Look at what has become of the live release; whatever it is, the deployment goes on."""
        if not self.share.standards:
            return skipped("no rules for the live release")
        live = self.journal.release_at(self.pointer.read())
        if live is None:
            return skipped("no release of ours is live")
        try:
            found = standards.findings_in(live, self.share.standards)
        except (OSError, Refused) as err:
            return warning(f"{live.name}, which is live, could not be looked at: {err}")
        told = standards.in_words(found)
        return warning(told) if told else f"{found['entries']} entries of {live.name}"

    @step(changes=True)
    def fetch(self) -> Note | str | None:
        """Fetch the artifact and prove its sha256."""
        if not self.is_new:
            return skipped("nothing to bring")
        artifact = self.share.artifact
        assert artifact is not None
        if self.is_whole:
            return unchanged("the release is unpacked")
        discard(self.incoming_dir)
        os.makedirs(self.incoming_dir, mode=0o700)
        with removed_on_failure(self.incoming_dir):
            told, scene = Transfer(**self.share.transfer), self.transfer_scene()
            self.known = self.contents_before()
            fetched = transfer.fetch_by_index(
                artifact, self.known, self.incoming_dir, told, scene
            ) or transfer.fetch(artifact, self.incoming_path, told, scene)
            signed = self.prove_signature(artifact, told, scene)
        return f"{fetched.how}, sha256 {artifact.sha256[:12]}{signed}"

    def prove_signature(self, artifact: Artifact, told: Transfer, scene: transfer.Scene) -> str:
        """Prove who signed the artifact, if the template asks for it; answer in words."""
        if self.share.signature is None:
            return ""
        path = None
        if artifact.signature:
            path = os.path.join(self.incoming_dir, ".signature")
            transfer.fetch_small(artifact.signature, artifact, path, told, scene)
        who = signature.prove(self.share.signature, self.incoming_path, path, self.salt)
        return f", {who}" if who else ""

    def contents_before(self) -> dict[str, by_index.Known]:
        """The contents that the release before has, where an index can make use of them."""
        artifact, before = self.share.artifact, self.earlier().directory
        if not artifact or not artifact.indexed or not before or self.share.signature:
            return {}  # a signature is that of the artifact as a whole
        is_unpacked = self.settings.get("unpack", True)
        is_wanted = is_unpacked and Transfer(**self.share.transfer).only_changed
        return by_index.contents_of(before) if is_wanted else {}

    def transfer_scene(self) -> transfer.Scene:
        """What surrounds the transfer: how to go on, and what this host has had before."""
        live = self.journal.live_release
        newest = sorted(self.journal.releases.values(), key=lambda one: one.made, reverse=True)
        earlier = [one.sha256 for one in ([live] if live else []) + newest]
        everywhere = [one.live_release for one in read_all(self.opts)]
        return transfer.Scene(
            opts=self.opts,
            salt=self.salt,
            between_tries=self.between_tries,
            earlier=list(dict.fromkeys(earlier)),
            live={one.sha256 for one in everywhere if one},
        )

    @step(changes=True)
    def unpack(self) -> Note | str | None:
        """Make the release directory, under a name that is no candidate until it is whole."""
        if not self.is_new:
            return skipped("nothing to bring")
        if self.is_whole:
            return unchanged(self.new_path)
        # A job that was killed may have left either; the journal knows neither.
        for left in (self.partial_path, self.new_path):
            if os.path.lexists(left):
                remove_tree(left)
        with removed_on_failure(self.partial_path, self.incoming_dir):
            self.give_access(self.partial_path)
            detail = self.place(self.incoming_path, self.partial_path)
            if not self.share.configuration:
                self.complete()
        return detail

    @step(changes=False)
    def configure(self) -> Note | str | None:
        """Make the changes of the template to the files of a new release, which is whole then."""
        if not self.share.configuration:
            return skipped("nothing to configure")
        if not self.is_new:
            return skipped("a release keeps the configuration that it was made with")
        if self.is_whole:
            return unchanged(self.new_path)
        values = configuration.Values(self.share, self.opts["id"], self.secrets)
        with (
            self.journal.intent(self.recorder.stage.stage, "configure"),
            removed_on_failure(self.partial_path, self.incoming_dir),
        ):
            done = configuration.configure(self.share.configuration, self.partial_path, values)
            self.complete(done.files)
        told = "; ".join([", ".join(done.changes), *done.noted])
        return warning(told) if done.noted else told

    def complete(self, configured: Sequence[str] = ()) -> None:
        """Give the new release its name, now that it is whole, and note it in the journal.

        Args:
            configured: the files that are not as the artifact has them.
        """
        if self.unpacking.user:
            ownership.give_to(self.unpacking.user, self.partial_path)
        archive.flush_tree(self.partial_path)
        rename(extended(self.partial_path), extended(self.new_path))
        flush_directory(self.releases_dir)
        discard(self.incoming_dir)
        assert self.share.artifact is not None
        self.journal.releases[self.new_name] = Release(
            name=self.new_name,
            version=self.share.version,
            sha256=self.share.artifact.sha256,
            path=self.new_path,
            deployment=self.share.deployment,
            made=time.time(),
            mark=UNPROVEN,
            configured=list(configured),
        )

    @property
    def partial_path(self) -> str:
        """Where the new release is until it is whole."""
        return f"{self.new_path}.partial"

    @property
    def is_whole(self) -> bool:
        """Whether the new release is there already, and the journal knows it."""
        return os.path.isdir(self.new_path) and self.new_name in self.journal.releases

    def give_access(self, directory: str) -> None:
        """Make the directory for a release with its access rights, if the template has any."""
        if self.unpacking.access:
            os.mkdir(directory)
            access.give(self.unpacking.access, directory, self.salt)

    def place(self, artifact: str, destination: str) -> str:
        """Turn the verified artifact into the content of a release directory."""
        unpacked = None
        if indexed.is_here(self.incoming_dir):
            unpacked = self.place_by_index(artifact, destination)
        if unpacked is None:
            unpacked = archive.unpack(artifact, destination, self.limits, self.earlier())
        before = f", {unpacked.unchanged} as before" if unpacked.unchanged else ""
        return f"{unpacked.files} files, {unpacked.bytes} bytes{before}"

    def place_by_index(self, artifact: str, destination: str) -> archive.Unpacked | None:
        """Build the release by its index; None where that failed and the whole was fetched."""
        assert self.share.artifact is not None
        known = self.known or self.contents_before()
        try:
            with indexed.opened(self.incoming_dir) as (index, parts):
                return by_index.build(
                    index, parts.content, known, destination, self.limits, self.earlier()
                )
        except BadArchive as err:
            log.warning("Building %s by its index failed, it is fetched whole: %s", artifact, err)
        if os.path.isdir(destination):
            remove_tree(destination)
        self.give_access(destination)
        told = Transfer(**self.share.transfer)
        transfer.fetch(self.share.artifact, artifact, told, self.transfer_scene())
        return None

    @property
    def limits(self) -> archive.Limits:
        """The most that an artifact may hold."""
        told = self.unpacking
        return archive.Limits(told.max_entries, told.max_total_mb * 2**20, told.max_ratio)

    def earlier(self) -> archive.Earlier:
        """The release whose unchanged files the new one takes: the live one, else a good one."""
        live = self.journal.live_release
        good = self.journal.good_releases()
        found = live if live and os.path.isdir(live.path) else next(iter(good), None)
        return archive.Earlier(found.path if found else None, self.unpacking.unchanged)

    def remove_old(self, step_name: str) -> Note | str:
        """Remove the releases that need not stay; one that cannot be removed is a warning."""
        try:
            live = self.journal.release_at(self.pointer.read())
            what = (
                self.journal,
                self.releases_dir,
                self.share.keep_releases,
                live.name if live else None,
            )
            if not retention.has_old(*what):
                return unchanged("nothing to remove")
            with self.journal.intent(self.recorder.stage.stage, step_name):
                removed, left = retention.retire(*what)
        except (OSError, StepFailed) as err:
            return warning(f"could not remove old releases: {err}")
        if left:
            return warning(f"could not remove {', '.join(left)}; it is tried again next time")
        return f"removed {', '.join(removed)}" if removed else unchanged("nothing on disk")


@contextlib.contextmanager
def removed_on_failure(*directories: str) -> Iterator[None]:
    """Remove the directories if the block fails: on a full disk they would be in the way."""
    try:
        yield
    except Exception:
        for directory in directories:
            discard(directory)
        raise
