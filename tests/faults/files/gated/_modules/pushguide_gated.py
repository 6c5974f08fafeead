"""
Plain files, with a gate before, in and after each stage: a host waits at one that is shut.

:maturity: new
:platform: Linux
"""

import os
import time

from pushguide.errors import StepFailed
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
        self.gate("mid")


class Gated(StaticSite):
    """Plain files; ``<root>/gates`` says which point was reached, and which one holds the job."""

    def make_pointer(self):
        """The link that holds."""
        return GatedLink(os.path.join(self.share.root, "live"), self.gate_in_stage)

    def prepare(self):
        """Hold before it."""
        self.gate("before-prepare")
        super().prepare()

    def place(self, artifact, destination):
        """Hold before unpacking, and when it is done, under the name that is no candidate."""
        self.gate("before-unpack")
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
        """Hold before the probe, here and on the way back; ``<root>/gates/fail-once`` lets it fail
        once.
        """
        if self.recorder.stage.stage == "post_release":
            self.gate("mid-post_release")
            order = self.path_of("fail-once")
            if os.path.exists(order):
                os.remove(order)
                raise StepFailed("It was told to fail once.")
        else:
            self.gate("probe-restore")
        return super().ask(probe, version)

    def gate_in_stage(self, where):
        """Hold in whatever stage this is."""
        self.gate(where + "-" + self.recorder.stage.stage)

    def gate(self, point):
        """Say that the point is reached, and wait while its gate is shut."""
        os.makedirs(self.path_of(""), exist_ok=True)
        with open(self.path_of("at-" + point), "w", encoding="utf-8"):
            pass
        until = time.monotonic() + _AT_MOST
        while os.path.exists(self.path_of("stop-at-" + point)) and time.monotonic() < until:
            time.sleep(0.05)

    def path_of(self, name):
        """The path of a sign that the tests or this type leave."""
        return os.path.join(self.share.root, "gates", name)


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
