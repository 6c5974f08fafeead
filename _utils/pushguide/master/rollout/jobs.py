"""Jobs on hosts: publish one, follow its returns, and find out about hosts that fall silent.

Salt's own batch and ``salt.function`` report success for hosts that never answered. So a job
goes to an explicit list of ids here, each return is compared with that list, and a silent
host is asked whether it still works before it counts as lost.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import salt.client
import salt.exceptions

from pushguide.errors import MasterAway

log = logging.getLogger(__name__)

#: How often in a row a silent host may leave the question "do you still work?" unanswered.
_UNANSWERED_AT_MOST = 3
#: How long the return of a host may be under way that works on its job no more, in seconds.
_RETURN_UNDER_WAY_SECONDS = 2.0
#: How often the master may refuse a key before it is believed: a restarted one has a new key.
_REFUSED_AT_MOST = 3


@dataclass(frozen=True)
class Return:
    """What one host returned."""

    host: str
    value: Any
    retcode: int


@dataclass
class Missing:
    """The hosts that a job has no return of.

    Attributes:
        lost: they do not work on it, or cannot be reached.
        overdue: they may still work on it, and have used up their time.
    """

    lost: list[str] = field(default_factory=list)
    overdue: list[str] = field(default_factory=list)


@dataclass
class Listener:
    """What happens while a job is followed.

    Attributes:
        on_return: called with each return, the moment it arrives.
        on_report: called with a host and the data of its progress report.
        on_tick: called about once a second; may raise to stop following.
    """

    on_return: Callable[[Return], None] = lambda _: None
    on_report: Callable[[str, Mapping[str, Any]], None] = lambda _host, _data: None
    on_tick: Callable[[], None] = lambda: None


class Hosts:
    """The way to the hosts of this master.

    Every event that arrives goes to the job that it belongs to, so that one job can be followed
    while others are asked: nothing is lost meanwhile.

    Args:
        opts: the master's opts.
        silence_seconds: how long a host may be silent before it is asked.
        patience_seconds: how long to wait for a master that does not take a job.
    """

    def __init__(
        self, opts: Mapping[str, Any], silence_seconds: float, patience_seconds: float = 0
    ) -> None:
        self.opts = opts
        self.silence_seconds = silence_seconds
        self.patience_seconds = patience_seconds
        #: Called with the tag and data of every event, whatever it is about.
        self.overhear: Callable[[str, Mapping[str, Any]], None] | None = None
        self.client = self._connect()
        self._returns: dict[str, deque[Return]] = {}
        self._reports: dict[str, deque[tuple[str, Mapping[str, Any]]]] = {}

    def _connect(self) -> Any:
        return salt.client.get_local_client(mopts=dict(self.opts), skip_perm_errors=True)

    def close(self) -> None:
        """Close the connections to the master."""
        self.client.destroy()

    def fire(self, data: Mapping[str, Any], tag: str) -> None:
        """Send an event on the master's bus; one that cannot be sent is only logged."""
        try:
            self.client.event.fire_event(dict(data), tag)
        except Exception:
            log.exception("Sending the event %s failed", tag)

    def rest(self, seconds: float) -> None:
        """Pass some time, and take what arrives: unread events would pile up in the master."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._pump(left)

    def tell(self, hosts: Sequence[str], function: str, arguments: Mapping[str, Any]) -> None:
        """Run a quick function on hosts, and wait for no answer."""
        if hosts:
            self._publish(hosts, function, arguments)

    def ask(
        self, hosts: Sequence[str], function: str, arguments: Mapping[str, Any], timeout: float
    ) -> dict[str, Return]:
        """Run a quick function on hosts; answer with what came back within ``timeout``."""
        returns: dict[str, Return] = {}
        if not hosts:
            return returns
        jid = self._publish(hosts, function, arguments)
        wanted = {*hosts}
        with _Open(self._returns, jid) as arrived:
            deadline = time.monotonic() + timeout
            while len(returns) < len(wanted) and (left := deadline - time.monotonic()) > 0:
                self._pump(min(left, 1))
                for one in _drain(arrived):
                    if one.host in wanted:
                        returns[one.host] = one
        return returns

    def follow(
        self,
        hosts: Sequence[str],
        function: str,
        arguments: Mapping[str, Any],
        listener: Listener,
        timeout: float,
        report_tag: str,
    ) -> Missing:
        """Run a long function on hosts, and follow it until each has returned or is lost.

        Args:
            hosts: the exact ids.
            function: the execution function.
            arguments: its keyword arguments.
            listener: what happens meanwhile.
            timeout: the longest time that it may take, in seconds.
            report_tag: the tag of the hosts' progress reports.

        Returns:
            The hosts that did not return.
        """
        jid = self._publish(hosts, function, arguments)
        missing = Missing()
        waiting = dict.fromkeys(hosts, 0)
        silence = _Silence(self, jid, waiting)
        deadline = time.monotonic() + timeout
        with _Open(self._returns, jid) as returns, _Open(self._reports, report_tag) as reports:
            while waiting and (left := deadline - time.monotonic()) > 0:
                self._pump(min(1.0, self.silence_seconds / 2, left))
                for one in _drain(returns):
                    if waiting.pop(one.host, None) is not None:
                        listener.on_return(one)
                for host, data in _drain(reports):
                    if host in waiting:
                        listener.on_report(host, data)
                listener.on_tick()
                missing.lost += silence.look()
        silence.close()
        missing.overdue = [*waiting]
        return missing

    def pose(self, hosts: Sequence[str], function: str, arguments: Mapping[str, Any]) -> str:
        """Ask hosts, and wait for nothing; answer with the question, as it is called below."""
        question = self._publish(hosts, function, arguments)
        self._returns[question] = deque()
        return question

    def answers(self, question: str) -> list[Return]:
        """What has been answered to a question since the last look."""
        return [*_drain(self._returns[question])]

    def forget(self, question: str) -> None:
        """Hear no more answers to a question."""
        self._returns.pop(question, None)

    def _publish(self, hosts: Sequence[str], function: str, arguments: Mapping[str, Any]) -> str:
        """Publish a job; wait for a master that is away as long as patience goes.

        Raises:
            MasterAway: the master takes no job.
        """
        deadline, refused = time.monotonic() + self.patience_seconds, 0
        while True:
            try:
                published = self.client.run_job(
                    list(hosts), function, tgt_type="list", kwarg=dict(arguments), listen=True
                )
                if published.get("jid"):
                    return str(published["jid"])
                problem: Exception | str = "the master took no job"
            except salt.exceptions.SaltException as err:
                problem = err
            is_refusal = isinstance(problem, salt.exceptions.EauthAuthenticationError | str)
            refused += is_refusal
            if refused >= _REFUSED_AT_MOST or (time.monotonic() >= deadline and not is_refusal):
                raise MasterAway(
                    f"Publishing {function} to {len(hosts)} hosts failed: {problem}. Does the "
                    "master run, and may this user publish?"
                )
            log.warning("Publishing %s failed, and is tried again: %s", function, problem)
            self.client.destroy()
            time.sleep(0.5)
            self.client = self._connect()

    def _pump(self, wait: float) -> None:
        """Put the next event, if one comes within ``wait``, where it belongs."""
        began = time.monotonic()
        event = self.client.event.get_event(wait=wait, full=True, auto_reconnect=True)
        if event is None:
            # A bus that is gone answers at once: don't turn in circles.
            time.sleep(max(0.0, min(0.2, wait - (time.monotonic() - began))))
            return
        self._sort(event["tag"], event["data"])

    def _sort(self, tag: str, data: Mapping[str, Any]) -> None:
        if self.overhear is not None:
            self.overhear(tag, data)
        if tag in self._reports:
            self._reports[tag].append((str(data.get("id")), data.get("data") or {}))
            return
        parts = tag.split("/")
        if len(parts) == 5 and parts[:2] == ["salt", "job"] and parts[3] == "ret":
            arrived = self._returns.get(parts[2])
            if arrived is not None:
                retcode = int(data.get("retcode") or 0)
                arrived.append(Return(str(data.get("id")), data.get("return"), retcode))


class _Silence:
    """Finds out about the hosts that a job still waits for.

    A host that works on it is waited for. One that does not has its return on disk or has none:
    it is taken off the list, as is one that did not answer a few times.
    """

    def __init__(self, hosts: Hosts, jid: str, waiting: dict[str, int]) -> None:
        self.hosts = hosts
        self.jid = jid
        self.waiting = waiting
        self.question: str | None = None
        self.unanswered: set[str] = set()
        self.idle: dict[str, float] = {}
        self.next_at = time.monotonic() + hosts.silence_seconds

    def look(self) -> list[str]:
        """Ask, or hear the answers, if it is time to; take off and tell the lost hosts."""
        if self.question:
            self._hear()
        if not self.waiting:
            return []
        lost = [host for host, until in self.idle.items() if time.monotonic() >= until]
        is_time = time.monotonic() >= self.next_at
        if is_time:
            lost += self._count()
        lost = [host for host in dict.fromkeys(lost) if host in self.waiting]
        for host in lost:
            del self.waiting[host]
            self.idle.pop(host, None)
        if is_time and self.waiting:
            self._ask()
        return lost

    def close(self) -> None:
        """Hear no more."""
        if self.question:
            self.hosts.forget(self.question)

    def _ask(self) -> None:
        self.close()
        self.unanswered = {*self.waiting}
        self.question = self.hosts.pose([*self.waiting], "saltutil.find_job", {"jid": self.jid})
        self.next_at = time.monotonic() + self.hosts.silence_seconds

    def _hear(self) -> None:
        assert self.question
        for one in self.hosts.answers(self.question):
            self.unanswered.discard(one.host)
            if one.host in self.waiting and one.value:
                self.waiting[one.host] = 0
                self.idle.pop(one.host, None)
            elif one.host in self.waiting:
                self.idle.setdefault(one.host, time.monotonic() + _RETURN_UNDER_WAY_SECONDS)

    def _count(self) -> list[str]:
        for host in self.unanswered & {*self.waiting}:
            self.waiting[host] += 1
        return [host for host, times in self.waiting.items() if times >= _UNANSWERED_AT_MOST]


class _Open:
    """A queue for what arrives under a key, while the block runs."""

    def __init__(self, queues: dict[str, deque[Any]], key: str) -> None:
        self.queues = queues
        self.key = key

    def __enter__(self) -> deque[Any]:
        return self.queues.setdefault(self.key, deque())

    def __exit__(self, *_: object) -> None:
        self.queues.pop(self.key, None)


def _drain(queue: deque[Any]) -> Iterable[Any]:
    while queue:
        yield queue.popleft()
