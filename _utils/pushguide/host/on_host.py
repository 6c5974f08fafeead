"""What all steps of one module on one host share: its parts, its places, and where it stands."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host.drain.draining import Draining
from pushguide.host.journal import Journal
from pushguide.host.pillar import Secrets
from pushguide.host.pointer import Pointer, link_at
from pushguide.host.steps import Recorder
from pushguide.host.windows.paths import as_this_host_has_it
from pushguide.share import Share, Unpacking

#: How a deployment gets its release on this host.
NEW, KEPT, LIVE = "new", "kept", "live"


class OnHost:
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
        self.share = share._replace(root=as_this_host_has_it(share.root))
        self.settings = share.settings
        self.journal = journal
        self.recorder = recorder
        self.salt = salt
        self.grains = grains
        self.opts = opts
        #: What the template takes from this host's pillar; what steps tell does not repeat it.
        self.secrets = recorder.secrets = Secrets(salt)
        self.pointer = self.make_pointer()
        self.switched_at = time.monotonic()

    def between_tries(self) -> None:
        """Called before each try and each second of a wait; what it raises ends the wait."""
        self.recorder.demand_go_on()

    def before_step(self, name: str) -> None:
        """Called before each step, with its name."""

    def make_pointer(self) -> Pointer:
        """What decides which release is live: by default a link, ``<root>/live``."""
        return link_at(os.path.join(self.share.root, "live"))

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
            self.journal, self.recorder.stage.stage, self.share, self.secrets, self.between_tries
        )
