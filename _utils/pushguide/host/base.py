"""The base of all project types: the four stages, and what is common to them.

A project type overrides the steps that differ and calls ``super()``. It gets what it needs
(Salt's modules, grains, opts, the share of the plan, the journal) as arguments, so a test
makes one as plain Python.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from pushguide.errors import Refused, StepFailed
from pushguide.host import health, warm_up
from pushguide.host.hooked import Hooked
from pushguide.host.steps import Note, skipped, step, unchanged
from pushguide.host.windows.paths import is_same
from pushguide.words import BAD, GOOD

_CONFIRM_POLL_SECONDS = 0.2


class ProjectType(Hooked):
    """One module on one host, through its stages and back."""

    # The four stages: what happens, in order. The hooks of a template come in last; in post_release
    # before the host is confirmed and put back; and those of restore before the probe.

    def prepare(self) -> None:
        """Bring the release to this host. Live traffic is not touched."""
        self.check_runtime()
        self.choose_release()
        self.make_room()
        self.check_space()
        self.check_standards()
        self.fetch()
        self.unpack()
        self.configure()

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
        return self.before_in_words()

    def before_in_words(self) -> str:
        """What was saved, in words."""
        return f"before: {self.saved.get('version') or 'nothing'}"

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
        live = self.pointer.read()
        is_switched = live is not None and is_same(live, self.new_path)
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
        checks = health.checks_of(self.secrets.filled(probe), version)
        if not checks:
            return skipped("the template has no probe")
        scene = health.Scene(self.salt, (self.journal.saved or {}).get("logs") or {})
        return health.prove_all(checks, scene, self.between_tries)

    @step(changes=False, looks=True)
    def warm_up(self) -> Note | str | None:
        """Send the requests of the template whose answers do not matter."""
        if self.is_live_already:
            return skipped("the release was live already")
        given = self.secrets.filled(self.share.warm_up)
        return warm_up.send_all(given, self.share.version, self.between_tries)

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

    def state_in_words(self) -> str:
        """In which state this host is: told where it could not be put back. A type says more."""
        return ""

    def mark_bad(self, reason: str) -> None:
        """Mark this deployment's release bad, unless an earlier one has proven it."""
        release = self.journal.releases.get(self.new_name)
        if release and release.deployment == self.share.deployment:
            self.journal.mark(release.name, BAD, f"#{self.share.deployment}: {reason}"[:500])
            self.journal.write()

    @property
    def saved(self) -> dict[str, Any]:
        """What was saved before release."""
        return self.journal.saved or self.take_state()
