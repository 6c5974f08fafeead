"""What the inventory says of the hosts of a module: who may say it is asked, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pushguide.errors import Refused
from pushguide.master.inventory import discovered
from pushguide.master.inventory.precedence import SOURCES, Claim, Known, decide
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates.inventory import fitting
from pushguide.master.templates.library import ModuleTemplate

if TYPE_CHECKING:
    from pushguide.master.inventory.cmdb_client import CmdbClient, Told

#: Asks hosts what runs there; of those that do not answer there is nothing.
Discover = Callable[[list[str], ModuleTemplate], Mapping[str, Any]]
_WHERE = {
    "environment": "the environment",
    "template": "the template",
    "pillar": "the master's pillar",
    "cmdb": "the CMDB",
    "grain": "its grains",
    "discovery": "what runs there",
}


@dataclass
class Stock:
    """What is known of hosts.

    Attributes:
        values: of each host what is known of each value.
        problems: what somebody said that cannot be, one sentence each.
        notes: what else somebody should know, such as a CMDB that is away.
        runtimes: what was found on hosts that were looked at.
    """

    values: dict[str, dict[str, Known]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    runtimes: dict[str, discovered.Runtime] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What is to be known.

    Attributes:
        chosen: the module in its environment.
        names: of each host the names of its values.
        grains: of each host the grains that the template names, as text.
        everybody: whether all are asked, and not only where nobody before has said something.
        must_look: whether every host is looked at.
        silent: hosts that do not answer, and are not waited for.
    """

    chosen: ModuleTemplate
    names: Mapping[str, set[str]]
    grains: Mapping[str, Mapping[str, str]]
    everybody: bool = False
    must_look: bool = False
    silent: frozenset[str] = frozenset()


class Inventory:
    """Knows who to ask.

    Args:
        pillar: the master's pillar ``pushguide:inventory``.
        cmdb: the way to the CMDB; None where there is none.
        discover: asks hosts what runs there.
    """

    def __init__(
        self,
        pillar: Mapping[str, Any],
        cmdb: CmdbClient | None,
        discover: Discover,
    ) -> None:
        self.pillar = pillar
        self.cmdb = cmdb
        self.discover = discover

    def known(self, question: Question) -> Stock:
        """What is known of the values of hosts.

        Raises:
            Refused: the pillar's part does not read; or the CMDB is needed and cannot be asked.
        """
        return _Asking(self, question).stock()


class _Asking:
    """Goes from one to the next for a question."""

    def __init__(self, inventory: Inventory, question: Question) -> None:
        self.inventory = inventory
        self.question = question
        self.chosen = question.chosen
        self.facts = question.chosen.template.inventory
        self.found = Stock()
        self.claims: dict[tuple[str, str], list[Claim]] = {}

    def stock(self) -> Stock:
        for source in SOURCES:
            wanted = dict(self._wanted())
            if wanted:
                for host, name, value, seen_at, is_stale in getattr(self, f"_{source}")(wanted):
                    self._note(source, host, name, value, seen_at, is_stale)
        for host in sorted(self.question.silent - {*self.found.runtimes}):
            self.found.notes.append(f"{host}: {discovered.SILENT}.")
        for (host, name), claims in self.claims.items():
            decided = decide(claims)
            assert decided
            self.found.values.setdefault(host, {})[name] = decided
        return self.found

    def _wanted(self) -> Iterator[tuple[str, set[str]]]:
        """The hosts that somebody has to be asked about still, and for which values."""
        for host, names in self.question.names.items():
            left = {
                name
                for name in names
                if name in self.facts
                and (self.question.everybody or (host, name) not in self.claims)
            }
            if left:
                yield host, left

    def _note(
        self,
        source: str,
        host: str,
        name: str,
        value: object,
        seen_at: datetime | None,
        is_stale: bool,
    ) -> None:
        try:
            fit = fitting(self.facts[name].kind, value)
        except ValueError as err:
            self.found.problems.append(
                f"{name} of {host} is {str(value)[:80]!r} by {_WHERE[source]}: {err}."
            )
            return
        claim = Claim(fit, source, seen_at, is_stale)
        self.claims.setdefault((host, name), []).append(claim)

    # Those who are asked, each named as in SOURCES.

    def _environment(self, wanted: Mapping[str, set[str]]) -> Iterator[tuple[Any, ...]]:
        return self._written(wanted, "environment")

    def _template(self, wanted: Mapping[str, set[str]]) -> Iterator[tuple[Any, ...]]:
        return self._written(wanted, "template")

    def _written(self, wanted: Mapping[str, set[str]], where: str) -> Iterator[tuple[Any, ...]]:
        values = self.chosen.written[where]
        for host, left in wanted.items():
            for name in sorted(left & {*values}):
                yield host, name, values[name], None, False

    def _pillar(self, wanted: Mapping[str, set[str]]) -> Iterator[tuple[Any, ...]]:
        module = self.chosen.module
        told = _mapping(self.inventory.pillar.get(module), f"pushguide:inventory:{module}")
        for host, left in wanted.items():
            where = f"pushguide:inventory:{module}:{host}"
            ours = _mapping(told.get(host), where)
            for name, value in ours.items():
                if name not in self.facts:
                    self.found.problems.append(
                        f"{where}:{name}: the template has no such value; "
                        f"{did_you_mean(str(name), self.facts)}"
                    )
                elif name in left:
                    yield host, name, value, None, False

    def _cmdb(self, wanted: Mapping[str, set[str]]) -> Iterator[tuple[Any, ...]]:
        cmdb = self.inventory.cmdb
        names = {*cmdb.cmdb.mapping} if cmdb else set()
        if cmdb is None or not any(left & names for left in wanted.values()):
            return
        told = self._ask_cmdb(cmdb)
        if told is None:
            return
        for host, left in wanted.items():
            for name in sorted(left & {*told.hosts.get(host, {})}):
                value = told.hosts[host][name]
                yield host, name, value, told.seen_at, told.failure is not None

    def _ask_cmdb(self, cmdb: CmdbClient) -> Told | None:
        try:
            told = cmdb.hosts_of(self.chosen.module, self.chosen.environment)
        except Refused as err:
            if not self.question.everybody:
                raise
            self.found.notes.append(str(err))
            return None
        if told.failure:
            self.found.notes.append(f"{told.failure} Its last answer is used.")
        return told

    def _grain(self, wanted: Mapping[str, set[str]]) -> Iterator[tuple[Any, ...]]:
        for host, left in wanted.items():
            for name in sorted(left):
                value = self.question.grains.get(host, {}).get(self.facts[name].grain or "")
                if value:
                    yield host, name, value, None, False

    def _discovery(self, wanted: Mapping[str, set[str]]) -> Iterator[tuple[Any, ...]]:
        """Hosts are looked at for what the template wants to be discovered, and nothing else."""
        hosts = [
            host
            for host, left in wanted.items()
            if self.question.must_look or any(self.facts[one].discover for one in left)
        ]
        if not hosts:
            return
        asked = [host for host in hosts if host not in self.question.silent]
        answers = self.inventory.discover(asked, self.chosen) if asked else {}
        for host in hosts:
            runtime = self.found.runtimes[host] = self.runtime_of(host, answers.get(host))
            for name in sorted(wanted[host]):
                value = runtime.values.get(self.facts[name].discover or "")
                if value is not None:
                    yield host, name, value, None, False

    def runtime_of(self, host: str, answer: object) -> discovered.Runtime:
        """The module's runtime on a host, which others may have said already how it is called."""
        said: dict[str, object] = {**discovered.called_by(self.chosen)}
        for name, fact in self.facts.items():
            decided = decide(self.claims.get((host, name), []))
            if decided:
                said[fact.discover or name] = decided.believed.value
        meant = {fact.discover or name for name, fact in self.facts.items()}
        return discovered.runtime_of(answer, said, is_tomcat="catalina_base" in meant)


def _mapping(value: object, where: str) -> Mapping[Any, Any]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    raise Refused(f"{where} in the master's pillar is not a mapping.")
