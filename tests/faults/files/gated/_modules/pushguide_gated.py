"""
Plain files, with a gate before, in and after each stage: a host waits at one that is shut.

:maturity: new
:platform: Linux
"""

import os
import time

from pushguide.host.pointer import Link
from pushguide.host.run import run_stages
from pushguide.host.types.static_site import StaticSite

#: The longest wait at a gate, in seconds.
_AT_MOST = 60


class GatedLink(Link):
    """A link that holds at its gate when it has been switched, and the journal says not so yet."""

    def __init__(self, path, gate):
        super().__init__(path)
        self.gate = gate

    def point_at(self, path):
        """Switch, and hold."""
        super().point_at(path)
        self.gate("mid-release")


class Gated(StaticSite):
    """Plain files; ``<root>/gates`` says which point was reached, and which one holds the job."""

    def make_pointer(self):
        """The link that holds."""
        return GatedLink(os.path.join(self.share.root, "live"), self.gate)

    def prepare(self):
        """Hold before it."""
        self.gate("before-prepare")
        super().prepare()

    def place(self, artifact, destination):
        """Hold when the release is unpacked, under the name that is no candidate."""
        detail = super().place(artifact, destination)
        self.gate("mid-prepare")
        return detail

    def pre_release(self):
        """Hold before it: prepare is done, and in the journal."""
        self.gate("prepare-pre_release")
        super().pre_release()

    def take_state(self):
        """Hold when it is known what to save, and the journal has it not yet."""
        state = super().take_state()
        if self.recorder.stage.stage == "pre_release":
            self.gate("mid-pre_release")
        return state

    def release(self):
        """Hold before it."""
        self.gate("pre_release-release")
        super().release()

    def post_release(self):
        """Hold before and after it."""
        self.gate("release-post_release")
        super().post_release()
        self.gate("after-post_release")

    def ask(self, probe, version):
        """Hold before the probe."""
        if self.recorder.stage.stage == "post_release":
            self.gate("mid-post_release")
        return super().ask(probe, version)

    def gate(self, point):
        """Say that the point is reached, and wait while its gate is shut."""
        directory = os.path.join(self.share.root, "gates")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "at-" + point), "w", encoding="utf-8"):
            pass
        until = time.monotonic() + _AT_MOST
        while os.path.exists(os.path.join(directory, "stop-at-" + point)):
            if time.monotonic() > until:
                return
            time.sleep(0.05)


def run(share, stages):
    """
    Run stages of a deployment on this host.

    share
        This host's share of the plan.

    stages
        Stages that follow each other.

    CLI Example:

    .. code-block:: bash

        salt web1 pushguide_gated.run share='{module: shop, ...}' stages=prepare
    """
    return run_stages(Gated, share, stages, __salt__, __grains__, __opts__, __context__)
