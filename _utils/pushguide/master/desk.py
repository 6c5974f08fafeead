"""The desk: every function of the runner, in one place, for all who come in.

The command line, orchestration files and salt-api all end up here, and are equals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pushguide.errors import Denied, PushguideError
from pushguide.master.announcements import Announcements
from pushguide.master.arguments import optional_name
from pushguide.master.code_standards import CodeStandards
from pushguide.master.deployments import Deployments, Options
from pushguide.master.editing import Editing
from pushguide.master.freezing import Freezing
from pushguide.master.notifying import Notifying
from pushguide.master.pages import Pages
from pushguide.master.parts import Parts
from pushguide.master.people.permissions import NEEDS
from pushguide.master.people.register import Register
from pushguide.master.people.trail import Trail
from pushguide.master.quarantining import Quarantining
from pushguide.master.questions import Questions
from pushguide.master.statistics.desk import Statistics
from pushguide.master.statistics.reports.desk import Reports
from pushguide.master.stocktaking import Stocktaking
from pushguide.master.store.tokens import Token

if TYPE_CHECKING:
    from pushguide.master.signing import Order, Signing
    from pushguide.master.tokens import Tokens

#: What may come before there is a database to write into.
_WITHOUT_A_RECORD = ("setup",)


class Desk(Parts):
    """What the runner can do, for one caller.

    ``deployments`` is what changes something, ``questions`` what only answers, ``pages`` what
    is shown at once, ``standards`` what has to do with the code standards, ``announcements`` what
    CI says, ``register`` who has which role and what they did, ``editing`` what is done with
    templates, ``freezing`` when nothing is deployed, ``quarantining`` which hosts are left alone,
    ``stocktaking`` what is asked of the inventory, ``statistics`` what the record teaches,
    ``reports`` the same to be mailed, ``notifying`` who was told of what.
    """

    def __init__(
        self,
        opts: Mapping[str, Any],
        salt: Mapping[str, Any],
        user: str,
        token: Token | None = None,
    ) -> None:
        super().__init__(opts, salt, user, token)
        self.deployments = Deployments(self)
        self.questions = Questions(self)
        self.pages = Pages(self)
        self.announcements = Announcements(self, self.deployments)
        self.standards = CodeStandards(self)
        self.register = Register(self)
        self.editing = Editing(self)
        self.freezing = Freezing(self)
        self.quarantining = Quarantining(self)
        self.stocktaking = Stocktaking(self)
        self.notifying = Notifying(self)
        self.statistics = Statistics(self)
        self.reports = Reports(self.statistics)

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

    # Tokens: what they rest on takes a while to import, and nothing else needs it.

    @property
    def tokens(self) -> Tokens:
        """The keys that may ask for deployments."""
        from pushguide.master.tokens import Tokens

        return Tokens(self)

    @property
    def signing(self) -> Signing:
        """What they ask for."""
        from pushguide.master.signing import Signing

        return Signing(self, self._deploy_signed)

    def _deploy_signed(self, order: Order, wait: bool) -> dict[str, Any]:
        """Deploy what a token asks for: as that token, whoever has brought the request."""
        asked = order.asked
        options = self.options(
            allow_offline=asked["allow_offline"],
            wait=wait,
            strategy=asked["strategy"],
            test=asked["test"],
        )
        place = (asked["module"], asked["version"], asked["environment"])
        desk = Desk(self.opts, self.salt, self.user, order.token)
        answer: dict[str, Any] = desk.serve(
            "deploy", order.about, lambda it: it.deployments.start("deploy", *place, options)
        )
        return answer

    def setup(self, files: object) -> dict[str, Any]:
        """Create or migrate the database, and say what is missing on this master."""
        from pushguide.master import installation  # Alembic: nothing else needs it.

        return installation.setup(self.opts, self.salt, optional_name(files, "files"))

    def health(self) -> dict[str, Any]:
        """Look at everything that deployments rest on."""
        from pushguide.master.watch import health  # Alembic again, by way of the installation.

        return health.health(self)

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
