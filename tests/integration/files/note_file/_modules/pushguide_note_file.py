"""
A team's own project type: files, and a note beside them that says which version is live.

:maturity: new
:platform: Linux
"""

import os

from pushguide.host.base import ProjectType
from pushguide.host.run import run_stages
from pushguide.host.steps import step, unchanged


class NoteFile(ProjectType):
    """Plain files, and a note of the live version."""

    def release(self):
        """Switch, then write the note."""
        super().release()
        self.write_note()

    def restore(self):
        """Switch back, and write the note again."""
        self.switch_back()
        self.write_note_back()

    @step(changes=True)
    def write_note(self):
        """Write the note."""
        return self._write(self.share.version)

    @step(changes=True)
    def write_note_back(self):
        """Write the note of what ran before."""
        return self._write(self.saved["version"] or "nothing")

    def _write(self, version):
        text = self.settings["text"].replace("{version}", version)
        path = os.path.join(self.share.root, "NOTE")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as note:
                if note.read() == text:
                    return unchanged(path)
        with open(path, "w", encoding="utf-8") as note:
            note.write(text)
        return path


def run(share, stages):
    """
    Run stages of a deployment on this host.

    share
        This host's share of the plan.

    stages
        Stages that follow each other.

    CLI Example:

    .. code-block:: bash

        salt web1 pushguide_note_file.run share='{module: shop, ...}' stages=prepare
    """
    return run_stages(NoteFile, share, stages, __salt__, __grains__, __opts__, __context__)
