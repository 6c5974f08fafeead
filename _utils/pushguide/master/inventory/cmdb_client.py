"""Asking the company's CMDB: within bounds, with the last answer at hand while it is away."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import jmespath

from pushguide.address import shown
from pushguide.errors import Refused
from pushguide.master.cmdb import Cmdb
from pushguide.master.sources.client import Client, Limits
from pushguide.master.store import inventory as store
from pushguide.master.store.database import Database
from pushguide.master.store.inventory import Answered
from pushguide.master.store.tables import now

_T = TypeVar("_T")
_WHAT = "the inventory"


@dataclass(frozen=True)
class Told:
    """What the CMDB says of a module's hosts.

    Attributes:
        hosts: of each host its values by name, as they came.
        seen_at: when it said so.
        failure: why it could not be asked again; None while the answer holds.
    """

    hosts: Mapping[str, Mapping[str, Any]]
    seen_at: datetime
    failure: str | None = None


class CmdbClient:
    """The way to the CMDB.

    Args:
        cmdb: how it is asked.
        credential: what it asks for.
        database: keeps its answers.
        clock: tells the time.
    """

    def __init__(
        self,
        cmdb: Cmdb,
        credential: Mapping[str, Any] | None,
        database: Database,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.cmdb = cmdb
        self.database = database
        self.clock = clock
        self.limits = Limits(
            tries=1,
            timeout_seconds=cmdb.timeout_seconds,
            most_json_bytes=cmdb.max_bytes,
            may_lead_away=False,
            ca_file=cmdb.ca_file,
        )
        self.credential = credential

    def hosts_of(self, module: str, environment: str) -> Told:
        """What it says of the hosts of a module; the last answer, as long as that holds.

        Raises:
            Refused: it cannot be asked, and there is no answer that is young enough.
        """
        url = self.cmdb.address_of(module, environment)
        asked = self._question(url)
        kept = self.database.read(lambda one: store.get(one, module, environment, asked))
        moment = self.clock()
        age = (moment - kept.asked_at).total_seconds() if kept else None
        if kept and age is not None and 0 <= age < self.cmdb.cache_seconds:
            return Told(kept.hosts, kept.asked_at)
        try:
            hosts = _within(self.cmdb.timeout_seconds, lambda: self._ask(url), shown(url))
        except Refused as err:
            if kept is None or age is None:
                raise Refused(f"{err} It has never answered before for {module}.") from err
            if age > self.cmdb.stale_at_most_seconds:
                raise Refused(
                    f"{err} Its last answer is {age:.0f} s old, which is more than "
                    f"stale_at_most_seconds ({self.cmdb.stale_at_most_seconds:g}) lets pass."
                ) from err
            return Told(kept.hosts, kept.asked_at, str(err))
        answered = Answered(asked, hosts, moment)
        self.database.write(lambda one: store.put(one, module, environment, answered))
        return Told(hosts, moment)

    def _question(self, url: str) -> str:
        parts = [url, self.cmdb.hosts, self.cmdb.id, self.cmdb.mapping]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _ask(self, url: str) -> dict[str, dict[str, Any]]:
        client = Client(url, self.credential, self.limits)
        return mapped(client.get_json(url, _WHAT), self.cmdb, shown(url))


def mapped(answer: Any, cmdb: Cmdb, where: str) -> dict[str, dict[str, Any]]:
    """What an answer of the CMDB says of each host; what is null there is not said.

    Args:
        answer: the answer, as plain data.
        cmdb: what it means.
        where: the address, for messages.

    Raises:
        Refused: it is not what it should be.
    """
    expressions = {name: jmespath.compile(text) for name, text in cmdb.mapping.items()}
    records = _search(jmespath.compile(cmdb.hosts), answer, where)
    if not isinstance(records, list):
        raise Refused(
            f"Reading {_WHAT} at {where} failed: {cmdb.hosts!r} is {_kind(records)} there, not a "
            "list of hosts. See hosts of pushguide:cmdb."
        )
    known: dict[str, dict[str, Any]] = {}
    identity = jmespath.compile(cmdb.id)
    for record in records:
        host = _search(identity, record, where)
        if not isinstance(host, str) or not host:
            raise Refused(
                f"Reading {_WHAT} at {where} failed: {cmdb.id!r} is {_kind(host)} in one of the "
                "hosts, not a minion id. See id of pushguide:cmdb."
            )
        values = {name: _search(one, record, where) for name, one in expressions.items()}
        told = {name: one for name, one in values.items() if one is not None}
        if known.setdefault(host, told) != told:
            raise Refused(
                f"Reading {_WHAT} at {where} failed: it has {host} twice, with different values."
            )
    return known


def _search(expression: Any, data: Any, where: str) -> Any:
    try:
        return expression.search(data)
    except (jmespath.exceptions.JMESPathError, TypeError, ValueError) as err:
        raise Refused(
            f"Reading {_WHAT} at {where} failed: {str(err)[:200]} See pushguide:cmdb."
        ) from err


def _kind(value: object) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"


def _within(seconds: float, work: Callable[[], _T], where: str) -> _T:
    """Do some work in a thread, which is left to itself if it takes longer.

    Timeouts of a socket count from one byte to the next: a server that sends one each second would
    never be overdue.

    Raises:
        Refused: it took longer.
    """
    done: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as err:  # noqa: BLE001 - it is raised where it is waited for
            failed.append(err)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise Refused(
            f"Asking for {_WHAT} at {where} failed: it took longer than {seconds:g} s "
            "(timeout_seconds)."
        )
    return done[0]
