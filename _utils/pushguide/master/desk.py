"""The desk: every function of the runner, in one place, for all who come in.

The command line, orchestration files and salt-api all end up here, and are equals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.master.announcements import Announcements
from pushguide.master.arguments import optional_name
from pushguide.master.code_standards import CodeStandards
from pushguide.master.deployments import Deployments, Options
from pushguide.master.parts import Parts
from pushguide.master.questions import Questions
from pushguide.master.statistics.desk import Statistics


class Desk(Parts):
    """What the runner can do, for one caller.

    ``deployments`` is what changes something, ``questions`` what only answers, ``standards`` what
    has to do with the code standards, ``announcements`` what CI says,
    ``statistics`` what the record teaches.
    """

    def __init__(self, opts: Mapping[str, Any], salt: Mapping[str, Any], user: str) -> None:
        super().__init__(opts, salt, user)
        self.deployments = Deployments(self)
        self.questions = Questions(self)
        self.announcements = Announcements(self, self.deployments)
        self.standards = CodeStandards(self)
        self.statistics = Statistics(self)

    def setup(self, files: object) -> dict[str, Any]:
        """Create or migrate the database, and say what is missing on this master."""
        from pushguide.master import installation  # Alembic: nothing else needs it.

        return installation.setup(self.opts, self.salt, optional_name(files, "files"))

    @staticmethod
    def options(
        allow_offline: object = False,
        wait: object = True,
        strategy: object = None,
        force: object = False,
        at: object = None,
        test: object = False,
    ) -> Options:
        """What may be said of a deployment beside its module, version and environment."""
        return Options(allow_offline, wait, strategy, force, at, test)
