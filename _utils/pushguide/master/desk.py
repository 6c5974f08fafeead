"""The desk: every function of the runner, in one place, for all who come in.

The command line, orchestration files and salt-api all end up here, and are equals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pushguide.errors import Denied, PushguideError
from pushguide.master.announcements import Announcements
from pushguide.master.arguments import optional_name
from pushguide.master.code_standards import CodeStandards
from pushguide.master.deployments import Deployments, Options
from pushguide.master.editing import Editing
from pushguide.master.freezing import Freezing
from pushguide.master.parts import Parts
from pushguide.master.people.permissions import NEEDS
from pushguide.master.people.register import Register
from pushguide.master.people.trail import Trail
from pushguide.master.questions import Questions
from pushguide.master.statistics.desk import Statistics
from pushguide.master.stocktaking import Stocktaking

#: What may come before there is a database to write into.
_WITHOUT_A_RECORD = ("setup",)


class Desk(Parts):
    """What the runner can do, for one caller.

    ``deployments`` is what changes something, ``questions`` what only answers, ``standards`` what
    has to do with the code standards, ``announcements`` what CI says, ``register`` who has which
    role and what they did, ``editing`` what is done with templates, ``freezing`` when nothing is
    deployed, ``stocktaking`` what is asked of the inventory, ``statistics`` what the record
    teaches.
    """

    def __init__(self, opts: Mapping[str, Any], salt: Mapping[str, Any], user: str) -> None:
        super().__init__(opts, salt, user)
        self.deployments = Deployments(self)
        self.questions = Questions(self)
        self.announcements = Announcements(self, self.deployments)
        self.standards = CodeStandards(self)
        self.register = Register(self)
        self.editing = Editing(self)
        self.freezing = Freezing(self)
        self.stocktaking = Stocktaking(self)
        self.statistics = Statistics(self)

    def serve(self, function: str, about: Mapping[str, Any], work: Callable[[Desk], Any]) -> Any:
        """Do what somebody asks for, if they may, and write it down.

        Args:
            function: the function of the runner.
            about: what the call is about.
            work: what to do.

        Raises:
            Denied: they may not.
            PushguideError: it was refused, or failed.
        """
        self.trail = Trail(self.database, self.caller, function, about)
        acts = NEEDS[function].acts
        try:
            self.trail.place = self.gate.place_of(function, about)
            self.trail.role = self.gate.demand(function, about)
            if acts and function not in _WITHOUT_A_RECORD:
                self.trail.begin()
            answer = work(self)
        except PushguideError as err:
            if acts or isinstance(err, Denied):
                self.trail.end_with(err)
            raise
        if acts:
            self.trail.end(answer)
        return answer

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
        override_freeze: object = None,
    ) -> Options:
        """What may be said of a deployment beside its module, version and environment."""
        return Options(allow_offline, wait, strategy, force, at, test, override_freeze)
