"""Jobs on hosts: publish one, follow its returns, and find out about hosts that fall silent.

Salt's own batch and ``salt.function`` report success for hosts that never answered. So a job
goes to an explicit list of ids here, each return is compared with that list, and a silent
host is asked whether it still works before it counts as lost.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import salt.client
import salt.exceptions

from pushguide.errors import PushguideError

#: How often in a row a silent host may leave the question "do you still work?" unanswered.
_UNANSWERED_AT_MOST = 3


@dataclass(frozen=True)
class Return:
    """What one host returned."""

    host: str
    value: Any
    retcode: int


@dataclass(frozen=True)
class Report:
    """What one host tells while it works."""

    host: str
    data: Mapping[str, Any]


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

    Args:
        opts: the master's opts.
        silence_seconds: how long a host may be silent before it is asked.
    """

    def __init__(self, opts: Mapping[str, Any], silence_seconds: float) -> None:
        self.opts = opts
        self.silence_seconds = silence_seconds
        self.client = salt.client.get_local_client(mopts=dict(opts), skip_perm_errors=True)

    def close(self) -> None:
        """Close the connections to the master."""
        self.client.destroy()

    def ask(
        self, hosts: Sequence[str], function: str, arguments: Mapping[str, Any], timeout: float
    ) -> dict[str, Return]:
        """Run a quick function on hosts; answer with what came back within ``timeout``."""
        returns: dict[str, Return] = {}
        if not hosts:
            return returns
        jid = self._publish(hosts, function, arguments)
        deadline = time.monotonic() + timeout
        while len(returns) < len(hosts) and (left := deadline - time.monotonic()) > 0:
            one = self._next(jid, None, hosts, min(left, 1))
            if isinstance(one, Return):
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
    ) -> list[str]:
        """Run a long function on hosts, and follow it until each has returned or is lost.

        Args:
            hosts: the exact ids.
            function: the execution function.
            arguments: its keyword arguments.
            listener: what happens meanwhile.
            timeout: the longest time that it may take, in seconds.
            report_tag: the tag of the hosts' progress reports.

        Returns:
            The hosts that did not return: they work no more, or cannot be reached.
        """
        jid = self._publish(hosts, function, arguments)
        waiting, lost = dict.fromkeys(hosts, 0), []
        now = time.monotonic()
        deadline, ask_at = now + timeout, now + self.silence_seconds
        while waiting and time.monotonic() < deadline:
            one = self._next(jid, report_tag, waiting, 1)
            if isinstance(one, Return):
                del waiting[one.host]
                listener.on_return(one)
            elif one:
                listener.on_report(one.host, one.data)
            listener.on_tick()
            if waiting and time.monotonic() >= ask_at:
                lost += self._give_up_on_idle(jid, waiting, listener)
                ask_at = time.monotonic() + self.silence_seconds
        return [*lost, *waiting]

    def _give_up_on_idle(self, jid: str, waiting: dict[str, int], listener: Listener) -> list[str]:
        """Ask the hosts that have not returned whether they still work on the job.

        One that does is waited for. One that does not has its return on disk or has none: it is
        taken off the list, as is one that did not answer a few times.

        Returns:
            The hosts that were taken off without a return.
        """
        lost = []
        answers = self.ask(list(waiting), "saltutil.find_job", {"jid": jid}, self.silence_seconds)
        for host in list(waiting):
            if host not in answers:
                waiting[host] += 1
            elif answers[host].value:
                waiting[host] = 0
            else:
                # It may have returned while we were asking: look once more, then let it go.
                one = self._next(jid, None, [host], 0.5)
                if isinstance(one, Return):
                    listener.on_return(one)
                else:
                    lost.append(host)
                del waiting[host]
            if waiting.get(host, 0) >= _UNANSWERED_AT_MOST:
                lost.append(host)
                del waiting[host]
        return lost

    def _publish(self, hosts: Sequence[str], function: str, arguments: Mapping[str, Any]) -> str:
        try:
            published = self.client.run_job(
                list(hosts), function, tgt_type="list", kwarg=dict(arguments), listen=True
            )
        except salt.exceptions.SaltException as err:
            raise PushguideError(
                f"Publishing {function} to {len(hosts)} hosts failed: {err}. Does the master run?"
            ) from err
        jid = published.get("jid")
        if not jid:
            raise PushguideError(
                f"Publishing {function} to {len(hosts)} hosts failed: the master took no job. "
                "Does it run, and may this user publish?"
            )
        return str(jid)

    def _next(
        self,
        jid: str,
        report_tag: str | None,
        hosts: Sequence[str] | Mapping[str, int],
        wait: float,
    ) -> Return | Report | None:
        """The next word of one of these hosts about a job, if one comes within ``wait``."""
        tags = f"salt/job/{jid}/ret/"
        pattern = f"^({tags}|{re.escape(report_tag)}$)" if report_tag else f"^{tags}"
        event = self.client.event.get_event(
            wait=wait, tag=pattern, match_type="regex", full=True, auto_reconnect=True
        )
        if not event:
            return None
        data, host = event["data"], event["data"].get("id")
        if host not in hosts:
            return None
        if event["tag"] == report_tag:
            return Report(host, data.get("data") or {})
        return Return(host, data.get("return"), int(data.get("retcode") or 0))
