"""The parts that the runner's functions are made of, for one caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pushguide.master import summary
from pushguide.master.config import Config
from pushguide.master.inventory import discovered
from pushguide.master.inventory.resolving import Inventory
from pushguide.master.people.caller import Caller, caller_of, own_user
from pushguide.master.people.gate import Gate
from pushguide.master.people.groups import groups_of
from pushguide.master.people.token_gate import TokenGate
from pushguide.master.people.trail import Trail
from pushguide.master.plan import Plan
from pushguide.master.rollout import approval
from pushguide.master.rollout.driver import Driver, Pace, Planners
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.rollout.planning import Planner
from pushguide.master.rollout.preflight import Preflight
from pushguide.master.rollout.progress import Progress, TerminalProgress
from pushguide.master.sources import Source, source_of
from pushguide.master.store import (
    drives,
    history,
    host_results,
    lock,
    record,
    requests,
    templates,
)
from pushguide.master.store.database import AWAY_BRIEFLY_SECONDS, Database
from pushguide.master.store.tokens import Token
from pushguide.master.templates.library import Library, ModuleTemplate

if TYPE_CHECKING:
    from pushguide.master.inventory.cmdb_client import CmdbClient

#: How long hosts may take to look what runs there, in seconds: IIS is asked through PowerShell.
_DISCOVERY_SECONDS = 60.0


class Parts:
    """Makes each part as it is asked for.

    Args:
        opts: the master's opts.
        salt: the runner's ``__salt__``.
        user: who calls, as Salt has authenticated them.
        token: the token that they have the signature of, and by which alone they act.
    """

    def __init__(
        self,
        opts: Mapping[str, Any],
        salt: Mapping[str, Any],
        user: str,
        token: Token | None = None,
    ) -> None:
        self.caller = caller_of(user, opts)
        if token is not None:
            self.caller = Caller(token.person, self.caller.via)
        if not str(opts.get("fun") or "").startswith("pushguide."):
            # An orchestration puts the name of whoever began it there; but nobody except the
            # master's own user may publish jobs with the keys of this machine.
            opts = {**opts, "user": own_user(opts)}
        self.opts = opts
        self.salt = salt
        self.user = str(self.caller)
        self.config = Config.from_opts(opts)
        self.database = Database.at(self.config.database)
        self.gate = self._gate(token)
        #: What the caller asked for, as it is written down.
        self.trail = Trail(self.database, self.caller, "", {})

    def _gate(self, token: Token | None) -> Gate:
        known = (self.caller, self.library, self.database, self._groups_of)
        return Gate(*known) if token is None else TokenGate(*known, token)

    @contextmanager
    def hosts(self) -> Iterator[Hosts]:
        """The way to the hosts, while the block runs."""
        hosts = Hosts(self.opts, self.config.silence_seconds)
        try:
            yield hosts
        finally:
            hosts.close()

    def _groups_of(self, person: str) -> frozenset[str]:
        return groups_of(person, self.config.groups_from, self.opts)

    def library(self) -> Library:
        """The templates."""
        return Library(self.opts, saved=lambda: self.database.read(templates.newest))

    def planner(self, hosts: Hosts) -> Planner:
        """Who plans."""
        library = self.library()
        return Planner(
            self.opts,
            self.database,
            library,
            Preflight(self.database, hosts, self.config.presence_timeout_seconds),
            self.inventory(library, hosts),
            self.config.credentials,
        )

    def inventory(self, library: Library, hosts: Hosts) -> Inventory:
        """Who knows what differs from host to host."""

        def discover(names: list[str], chosen: ModuleTemplate) -> dict[str, Any]:
            asked = discovered.question_of(chosen)
            answers = hosts.ask(names, discovered.FUNCTION, asked, _DISCOVERY_SECONDS)
            return {host: one.value for host, one in answers.items()}

        return Inventory(library.inventory, self._cmdb(), discover)

    def _cmdb(self) -> CmdbClient | None:
        """The way to the CMDB; None, and nothing imported for it, where there is none."""
        cmdb = self.config.cmdb
        if cmdb is None:
            return None
        from pushguide.master.inventory.cmdb_client import CmdbClient

        credential = self.config.credentials.get(cmdb.credential or "")
        return CmdbClient(cmdb, credential, self.database)

    def source(self, chosen: ModuleTemplate) -> Source:
        """Where the versions of a module are."""
        return source_of(chosen, self.database, self.config.credentials)

    def driver(self, number: int, hosts: Hosts) -> Driver:
        """Who drives a deployment."""
        hosts.patience_seconds = self.config.patience_seconds
        self.database.away_seconds = AWAY_BRIEFLY_SECONDS  # a driver has patience of its own
        return Driver(
            self.database,
            hosts,
            self._returner(),
            self.progress(hosts),
            number,
            str(self.opts["id"]),
            Pace(self.config.lease_seconds, self.config.patience_seconds),
            Planners(
                again=lambda plan: self.planner(hosts).again(plan),
                demand_thawed=lambda plan: self.planner(hosts).demand_thawed(plan),
                rollback=lambda plan, names: self.planner(hosts).rollback(plan, names),
            ),
        )

    def orchestrate(self, name: str, pillar: dict[str, Any]) -> Any:
        """Run an orchestration file."""
        return self.salt["state.orchestrate"](name, pillar=pillar)

    def in_full(self, number: int) -> dict[str, Any]:
        """One deployment with its hosts, stages and steps."""

        def work(connection: Any) -> dict[str, Any]:
            one = record.get(connection, number)
            held = lock.look(connection, one.module, one.environment)
            is_driven = held is not None and held.drives(number)
            asked = requests.of(connection, number)
            return summary.in_full(
                one,
                host_results.hosts(connection, number),
                host_results.stages(connection, number),
                held.holder if held and is_driven else None,
                asked,
                history.caused_by(connection, number),
                approval.standing(Plan.from_dict(one.plan).rollout, asked),
                drives.of(connection, number),
            )

        return self.database.read(work)

    def _returner(self) -> Callable[[list[dict[str, Any]]], None]:
        import salt.loader

        found: Callable[[list[dict[str, Any]]], None] = salt.loader.returners(dict(self.opts), {})[
            "pushguide.record"
        ]
        return found

    def progress(self, hosts: Hosts) -> Progress:
        """Where progress is told: to machines, and to a person at a terminal."""
        on_terminal = str(self.opts.get("fun") or "").startswith("pushguide.")
        return TerminalProgress(hosts.fire) if on_terminal else Progress(hosts.fire)
