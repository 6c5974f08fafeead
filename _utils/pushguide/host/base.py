"""The base of all project types: the four stages, and what is common to them.

A project type overrides the steps that differ and calls ``super()``. It gets what it needs
(Salt's modules, grains, opts, the share of the plan, the journal) as arguments, so a test
makes one as plain Python.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pushguide.errors import BadArchive, Refused, StepFailed
from pushguide.host import (
    archive,
    health,
    ownership,
    retention,
    signature,
    standards,
    transfer,
    warm_up,
)
from pushguide.host.archive import by_index
from pushguide.host.drain.draining import Draining
from pushguide.host.journal import Journal, Release, flush_directory, read_all
from pushguide.host.pointer import Link, Pointer
from pushguide.host.removal import remove_tree
from pushguide.host.steps import Note, Recorder, skipped, step, unchanged, warning
from pushguide.host.transfer import indexed
from pushguide.host.transfer.cache import Cache
from pushguide.share import Artifact, Share, Transfer, Unpacking
from pushguide.words import BAD, GOOD, UNPROVEN

log = logging.getLogger(__name__)

#: How a deployment gets its release on this host.
NEW, KEPT, LIVE = "new", "kept", "live"

_CONFIRM_POLL_SECONDS = 0.2


class ProjectType:
    """One module on one host.

    Args:
        share: this host's share of the plan.
        journal: the module's journal, open and locked.
        recorder: runs and reports the steps.
        salt: Salt's execution modules (``__salt__``).
        grains: the minion's grains.
        opts: the minion's configuration.
    """

    def __init__(
        self,
        share: Share,
        journal: Journal,
        recorder: Recorder,
        salt: Mapping[str, Any],
        grains: Mapping[str, Any],
        opts: Mapping[str, Any],
    ) -> None:
        self.share = share
        self.settings = share.settings
        self.journal = journal
        self.recorder = recorder
        self.salt = salt
        self.grains = grains
        self.opts = opts
        self.pointer = self.make_pointer()
        self.switched_at = time.monotonic()
        self.known: dict[str, by_index.Known] = {}

    # The four stages: what happens, in order.

    def prepare(self) -> None:
        """Bring the release to this host. Live traffic is not touched."""
        self.check_runtime()
        self.choose_release()
        self.make_room()
        self.check_space()
        self.check_standards()
        self.fetch()
        self.unpack()

    def pre_release(self) -> None:
        """Save what release is going to change, and take the host out of its load balancer."""
        self.save()
        self.drain()

    def release(self) -> None:
        """Switch to the new release."""
        self.switch()

    def post_release(self) -> None:
        """Prove the release, put the host back to work, and retire old releases."""
        self.warm_up()
        self.probe()
        if self.share.confirm_within_seconds is not None:
            self.await_confirmation()
        self.put_back()
        self.mark_good()
        self.retire()

    def restore(self) -> None:
        """Put this host back to what ran before the deployment."""
        self.switch_back()
        self.probe_restored()
        self.put_back_restored()

    def restore_untouched(self) -> None:
        """Put this host back to work where nothing but the drain was begun: what ran runs still."""
        self.put_back_restored()

    def between_tries(self) -> None:
        """Called before each try and each second of a wait; what it raises ends the wait."""
        self.recorder.demand_go_on()

    # What a type says about itself.

    def make_pointer(self) -> Pointer:
        """What decides which release is live: by default a symbolic link, ``<root>/live``."""
        return Link(os.path.join(self.share.root, "live"))

    # Steps of prepare.

    @step(changes=False, looks=True)
    def check_runtime(self) -> Note | str | None:
        """The place to deploy to is there and writable, and the runtime too."""
        return self.runtime_is_there()

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
            and os.path.dirname(release.path) == self.releases_dir
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
        if os.path.isdir(self.new_path) and self.journal.releases.get(self.new_name):
            return unchanged("the release is unpacked")
        shutil.rmtree(self.incoming_dir, ignore_errors=True)
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
        if os.path.isdir(self.new_path) and self.journal.releases.get(self.new_name):
            return unchanged(self.new_path)
        partial = f"{self.new_path}.partial"
        # A job that was killed may have left either; the journal knows neither.
        for left in (partial, self.new_path):
            if os.path.lexists(left):
                remove_tree(left)
        with removed_on_failure(partial, self.incoming_dir):
            detail = self.place(self.incoming_path, partial)
            if self.unpacking.user:
                ownership.give_to(self.unpacking.user, partial)
            archive.flush_tree(partial)
            os.rename(partial, self.new_path)
        flush_directory(self.releases_dir)
        shutil.rmtree(self.incoming_dir, ignore_errors=True)
        assert self.share.artifact is not None
        self.journal.releases[self.new_name] = Release(
            name=self.new_name,
            version=self.share.version,
            sha256=self.share.artifact.sha256,
            path=self.new_path,
            deployment=self.share.deployment,
            made=time.time(),
            mark=UNPROVEN,
        )
        return detail

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

    # Steps of pre_release and release.

    @step(changes=False)
    def save(self) -> Note | str | None:
        """Save what release changes, so that it can be put back."""
        if not os.path.isdir(self.new_path):
            raise StepFailed(
                f"{self.new_path} is gone, although it was prepared: somebody removed it. Deploy "
                f"{self.share.version} again."
            )
        if self.journal.saved is None:
            self.journal.saved = {**self.take_state(), "untouched": True}
        self.note_logs(self.share.probe, self.share.version)
        if self.is_live_already:
            return unchanged("nothing will change")
        return f"before: {self.journal.saved.get('version') or 'nothing'}"

    def take_state(self) -> dict[str, Any]:
        """What has to be put back if the release fails.

        It names a release that is proven good, where there is one: an unproven one that a
        broken deployment left behind is nothing to go back to. With it goes what it was proven
        with: the template may have changed together with the version.
        """
        pointed_at = self.journal.release_at(self.pointer.read())
        good = self.journal.good_releases()
        proven = self.journal.proven or {"settings": self.settings, "probe": self.share.probe}
        if pointed_at and not pointed_at.is_good and good:
            return {"pointer": self.pointer.to(good[0].path), "version": good[0].version, **proven}
        version = pointed_at.version if pointed_at else None
        return {"pointer": self.pointer.save(), "version": version, **proven}

    def note_logs(self, probe: object, version: str) -> None:
        """Note how far the logs that a probe reads have been written: what follows is judged."""
        if self.journal.saved is not None:
            self.journal.saved["logs"] = health.logs_of(probe, version)

    @step(changes=False)
    def drain(self) -> Note | str | None:
        """Take this host out of its load balancer, and let its connections finish."""
        told = self.draining.take_out(self.is_live_already)
        if self.journal.saved is not None:
            # From here on a type may have stopped something: going back is more than coming in.
            self.journal.saved.pop("untouched", None)
        return told

    @step(changes=True)
    def switch(self) -> Note | str | None:
        """Point at the new release."""
        is_switched = self.pointer.read() == self.new_path
        within = self.share.confirm_within_seconds
        if within is not None and not self.is_live_already:
            self.note_unconfirmed(within)
        if not is_switched:
            # What the old release said while it was stopped is not the new one's.
            self.note_logs(self.share.probe, self.share.version)
            self.pointer.point_at(self.new_path)
        self.journal.live = self.new_name
        if is_switched:
            return unchanged(f"{self.pointer} points at {self.new_name}")
        return f"{self.pointer} -> {self.new_name}"

    def note_unconfirmed(self, within: float) -> None:
        """Note on disk until when this host has to be confirmed, and how it would go back.

        Should the job die while it waits, ``pushguide.settle`` reads it there.
        """
        self.switched_at = time.monotonic()
        share = {**self.share.to_dict(), "reason": "nobody confirmed the release in time"}
        self.journal.unconfirmed = {"until": time.time() + within, "share": share}
        self.journal.write()

    # Steps of post_release.

    @step(changes=False, looks=True)
    def probe(self) -> Note | str | None:
        """Prove health by asking."""
        return self.ask(self.share.probe, self.share.version)

    def ask(self, probe: object, version: str) -> Note | str:
        """Ask the probes of the template, if it has any."""
        checks = health.checks_of(probe, version)
        if not checks:
            return skipped("the template has no probe")
        scene = health.Scene(self.salt, (self.journal.saved or {}).get("logs") or {})
        return health.prove_all(checks, scene, self.between_tries)

    @step(changes=False, looks=True)
    def warm_up(self) -> Note | str | None:
        """Send the requests of the template whose answers do not matter."""
        if self.is_live_already:
            return skipped("the release was live already")
        return warm_up.send_all(self.share.warm_up, self.share.version, self.between_tries)

    @step(changes=False)
    def put_back(self) -> Note | str | None:
        """Put this host back into its load balancer, if it was taken out."""
        return self.draining.put_back()

    @step(changes=False, looks=True)
    def await_confirmation(self) -> Note | str | None:
        """Wait to hear that this host can still be reached and is right; go back if nothing comes.

        Nobody has to reach the host for that: the change itself may have cut it off.
        """
        within = self.share.confirm_within_seconds
        assert within is not None
        if self.is_live_already:
            return unchanged("nothing has changed")
        orders = self.recorder.orders
        until = min(self.switched_at + within, time.monotonic() + within)
        while orders.confirmed_by is None:
            self.recorder.demand_go_on()
            if time.monotonic() >= until:
                raise StepFailed(
                    f"Nobody confirmed the release within {within:g} s of the switch "
                    "(confirm_within_seconds): this host may be cut off from its master."
                )
            time.sleep(_CONFIRM_POLL_SECONDS)
        return f"confirmed by {orders.confirmed_by}"

    @step(changes=False)
    def mark_good(self) -> Note | str | None:
        """Mark the release good: from now on it is a candidate to go back to."""
        release = self.journal.releases[self.new_name]
        self.journal.saved = self.journal.unconfirmed = None  # no need to go back any more
        if release.is_good and self.is_live_already:
            return unchanged(release.name)
        self.journal.proven = {"settings": self.settings, "probe": self.share.probe}
        self.journal.mark(self.new_name, GOOD)
        self.recorder.orders.hears = False  # it is done: there is nothing left to stop
        return release.name

    @step(changes=False)
    def retire(self) -> Note | str | None:
        """Remove old releases beyond the kept ones."""
        return self.remove_old("retire")

    def remove_old(self, step_name: str) -> Note | str:
        """Remove the releases that need not stay; one that cannot be removed is a warning."""
        live = self.journal.release_at(self.pointer.read())
        what = (
            self.journal,
            self.releases_dir,
            self.share.keep_releases,
            live.name if live else None,
        )
        try:
            if not retention.has_old(*what):
                return unchanged("nothing to remove")
            with self.journal.intent(self.recorder.stage.stage, step_name):
                removed, left = retention.retire(*what)
        except OSError as err:
            return warning(f"could not remove old releases: {err}")
        if left:
            return warning(f"could not remove {', '.join(left)}; it is tried again next time")
        return f"removed {', '.join(removed)}" if removed else unchanged("nothing on disk")

    # Steps of restore.

    @step(changes=True)
    def switch_back(self) -> Note | str | None:
        """Point at what was live before."""
        saved = self.saved
        is_back = self.pointer.save() == saved["pointer"]
        with contextlib.suppress(Refused):  # whatever it is, it is no reason to stay here
            self.note_logs(saved["probe"], saved["version"] or "")
        if not is_back:
            self.pointer.restore(saved["pointer"])
        before = self.journal.release_at(self.pointer.read())
        self.journal.live = before.name if before else None
        if is_back:
            return unchanged(f"{self.pointer} still points at {saved['version'] or 'nothing'}")
        return f"{self.pointer} -> {before.name if before else 'what was there before'}"

    @step(changes=False, looks=True)
    def probe_restored(self) -> Note | str | None:
        """Prove that what ran before runs again."""
        if self.saved["version"] is None:
            return skipped("no release of ours ran here before")
        return self.ask(self.saved["probe"], self.saved["version"])

    @step(changes=False)
    def put_back_restored(self) -> Note | str | None:
        """Put this host back into its load balancer, now that what ran before runs."""
        return self.draining.put_back()

    def mark_bad(self, reason: str) -> None:
        """Mark this deployment's release bad, unless an earlier one has proven it."""
        release = self.journal.releases.get(self.new_name)
        if release and release.deployment == self.share.deployment:
            self.journal.mark(release.name, BAD, f"#{self.share.deployment}: {reason}"[:500])
            self.journal.write()

    # Places and states.

    @property
    def releases_dir(self) -> str:
        """Where the release directories are."""
        return os.path.join(self.share.root, "releases")

    @property
    def incoming_dir(self) -> str:
        """Where an artifact is while it is being fetched."""
        return os.path.join(self.share.root, ".incoming")

    @property
    def incoming_path(self) -> str:
        """The artifact's file while it is being fetched."""
        assert self.share.artifact is not None
        return os.path.join(self.incoming_dir, self.share.artifact.name)

    @property
    def new_name(self) -> str:
        """The name of the release that this deployment brings to life."""
        if self.journal.target is None:
            raise StepFailed(
                f"Deployment #{self.share.deployment} has not been prepared on this host: run "
                "the prepare stage first."
            )
        return str(self.journal.target["name"])

    @property
    def new_path(self) -> str:
        """The directory of the release that this deployment brings to life."""
        return os.path.join(self.releases_dir, self.new_name)

    @property
    def is_new(self) -> bool:
        """Whether the release has to be fetched and unpacked."""
        return self.journal.target is not None and self.journal.target["how"] == NEW

    @property
    def is_live_already(self) -> bool:
        """Whether this host ran the wanted release before the deployment began."""
        return self.journal.target is not None and self.journal.target["how"] == LIVE

    @property
    def unpacking(self) -> Unpacking:
        """How the artifact becomes a release directory."""
        return Unpacking(**self.share.unpacking)

    @property
    def draining(self) -> Draining:
        """The way out of the load balancer, and back."""
        return Draining(
            self.journal, self.recorder.stage.stage, self.share, self.salt, self.between_tries
        )

    @property
    def saved(self) -> dict[str, Any]:
        """What was saved before release."""
        return self.journal.saved or self.take_state()


@contextlib.contextmanager
def removed_on_failure(*directories: str) -> Iterator[None]:
    """Remove the directories if the block fails: on a full disk they would be in the way."""
    try:
        yield
    except Exception:
        for directory in directories:
            with contextlib.suppress(OSError):
                remove_tree(directory)
        raise
