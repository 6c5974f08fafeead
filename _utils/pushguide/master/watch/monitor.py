"""The monitor: which hosts are connected, by what they say themselves and by asking them.

A host is asked when it has given no sign of life for one interval, a few hosts at a time. Whatever
it says to the master is a sign: that it has started, the return of a job, a beacon, Salt's own
``ping_interval``. One that answers neither of two questions is down.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pushguide import __version__
from pushguide.master.rollout.jobs import Hosts, Return
from pushguide.master.store import host_health
from pushguide.master.store.database import Database
from pushguide.master.store.host_health import DOWN, UP, Seer

log = logging.getLogger(__name__)

#: What hosts are asked: one without pushguide's code answers that, too.
QUESTION = "pushguide.inspect"
#: How long a host may take to answer the first time, and once more.
ANSWER_SECONDS = 5.0
#: How often a host that gives signs of life is asked all the same, in intervals.
_ASKED_EVERY = 10
#: How many hosts are asked at once, at the least that may be asked.
_AT_ONCE = 50
#: Finding out which hosts templates mean may take this part of the time.
_PART_FOR_NAMES = 0.01
_NAMES_SECONDS = 60.0
_PROBLEM_AT_MOST = 300

#: What is known of a host: ``state``, ``pushguide`` and ``problem``.
Seen = dict[str, Any]


@dataclass
class _Question:
    """A question under way.

    Attributes:
        waiting: the hosts that have not answered.
        until: when it is over.
        is_second: whether they did not answer one before.
    """

    waiting: set[str]
    until: float
    is_second: bool


class Monitor:
    """Sees which hosts are connected.

    Args:
        database: the record.
        hosts: the way to them.
        names: tells which hosts templates mean.
        seer: who sees.
        interval_seconds: how long a host may give no sign of life before it is asked.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        database: Database,
        hosts: Hosts,
        names: Callable[[], Iterable[str]],
        seer: Seer,
        interval_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database = database
        self.hosts = hosts
        self.names = names
        self.seer = seer
        self.interval_seconds = interval_seconds
        self.clock = clock
        #: The hosts that templates mean, as far as that was found out.
        self.meant: set[str] = set()
        self._names_at = clock()
        self._signs: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._questions: dict[str, _Question] = {}
        self._written: dict[str, Seen] = {}
        self._new: dict[str, Seen] = {}
        self.heard_at = clock()
        #: Whether nobody could look in its place: then what it sees is written, whatever it is.
        self.is_alone = True
        hosts.overhear = self._overhear
        known = database.read(lambda one: host_health.states(one, seer.data_centre))
        self._was_up = {host for host, state in known.items() if state == UP}

    def turn(self, seconds: float = 1.0) -> None:
        """Hear what hosts say for some seconds, ask those that are due, write down what is new.

        Raises:
            MasterAway: the master takes no job.
            DatabaseError: the database is away; what is new is written with the next turn.
        """
        self._know_names()
        self.hosts.rest(seconds)
        silent = self._hear()
        self._ask(silent, is_second=True)
        self._ask(self._due(), is_second=False)
        self._write()

    @property
    def is_cut_off(self) -> bool:
        """Whether hosts that were up are all silent: then it may be this master that is away."""
        is_silent = self.clock() - self.heard_at > self.interval_seconds + ANSWER_SECONDS
        return is_silent and bool(self._was_up & self.meant)

    # Who is meant, and who is due.

    def _know_names(self) -> None:
        began = self.clock()
        if began < self._names_at:
            return
        self.meant = {*self.names()}
        took = self.clock() - began
        self._names_at = began + max(_NAMES_SECONDS, took / _PART_FOR_NAMES)
        for host in {*self._signs, *self._asked, *self._written, *self._new} - self.meant:
            for known in (self._signs, self._asked, self._written, self._new):
                known.pop(host, None)

    def _due(self) -> set[str]:
        """The hosts that have given no sign for an interval, those that were silent longest."""
        moment = self.clock()
        sign, asked = moment - self.interval_seconds, moment - _ASKED_EVERY * self.interval_seconds
        busy = {host for one in self._questions.values() for host in one.waiting}
        due = [
            host
            for host in self.meant - busy
            if self._signs.get(host, sign) <= sign or self._asked.get(host, asked) <= asked
        ]
        at_once = max(_AT_ONCE, round(2 * len(self.meant) / self.interval_seconds))
        if len(due) > at_once:
            due = sorted(due, key=lambda host: self._signs.get(host, sign))[:at_once]
        return {*due}

    # What they say.

    def _overhear(self, tag: str, data: Mapping[str, Any]) -> None:
        """Take what a host says to the master for a sign of life."""
        parts = tag.split("/")
        host = str(data.get("id") or "")
        if host not in self.meant:
            return
        if parts[:2] == ["salt", "minion"] and parts[-1] == "start":
            # What it runs may be new.
            self._signs.pop(host, None)
            self._asked.pop(host, None)
            return
        is_return = parts[:2] == ["salt", "job"] and len(parts) == 5 and parts[3] == "ret"
        if is_return or parts[:2] == ["salt", "beacon"] or tag == "minion_ping":
            self.heard_at = self._signs[host] = self.clock()
            if self._written.get(host, {}).get("state") == DOWN:
                self._asked.pop(host, None)

    def _hear(self) -> set[str]:
        """Take the answers; answer with the hosts that did not answer a first question."""
        silent: set[str] = set()
        for jid, question in [*self._questions.items()]:
            for answer in self.hosts.answers(jid):
                if answer.host in question.waiting:
                    question.waiting.discard(answer.host)
                    self._new[answer.host] = seen_in(answer)
            is_over = self.clock() >= question.until
            if question.waiting and not is_over:
                continue
            self.hosts.forget(jid)
            del self._questions[jid]
            if question.is_second:
                self._new.update((host, dict(_NOTHING)) for host in question.waiting)
                self._signs.update((host, self.clock()) for host in question.waiting)
            else:
                silent |= question.waiting
        return silent & self.meant

    def _ask(self, hosts: set[str], is_second: bool) -> None:
        if not hosts:
            return
        jid = self.hosts.pose(sorted(hosts), QUESTION, {})
        moment = self.clock()
        self._questions[jid] = _Question(hosts, moment + ANSWER_SECONDS, is_second)
        self._asked.update((host, moment) for host in hosts)

    def _write(self) -> None:
        """Write down what differs from what was written; while cut off, not that hosts are gone."""
        is_cut_off = self.is_cut_off and not self.is_alone
        ready = {
            host: one
            for host, one in self._new.items()
            if not (is_cut_off and one["state"] == DOWN)
        }
        new = {host: one for host, one in ready.items() if self._written.get(host) != one}
        if new:
            self.database.write(lambda one: host_health.note(one, new, self.seer))
        for host, one in ready.items():
            (self._was_up.add if one["state"] == UP else self._was_up.discard)(host)
            self._written[host] = self._new.pop(host)
        gone = sorted(host for host, one in new.items() if one["state"] == DOWN)
        if gone:
            log.warning("%d hosts do not answer: %s", len(gone), ", ".join(gone[:20]))


_NOTHING: Seen = {"state": DOWN}


def seen_in(answer: Return) -> Seen:
    """What an answer says of a host."""
    value = answer.value
    if not isinstance(value, Mapping) or "pushguide" not in value:
        told = str(value)[:_PROBLEM_AT_MOST]
        return {"state": UP, "pushguide": None, "problem": f"it has no pushguide: {told}"}
    version = str(value["pushguide"])[:64]
    problem = None
    if version != __version__:
        problem = f"it runs pushguide {version}, this master {__version__}"
    return {"state": UP, "pushguide": version, "problem": problem}
