"""Calls of Salt's ``win_iis``, which are not to be believed at once.

Its functions say that they succeeded where nothing changed, and IIS refuses a write while another
one is under way. So writes go one after the other on a host, each is read back, and is tried again
a few times. Questions are asked again too: a PowerShell that fails may give an empty list.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from salt.exceptions import CommandExecutionError, SaltInvocationError

from pushguide.errors import StepFailed
from pushguide.host.file_lock import locked
from pushguide.host.journal import state_dir
from pushguide.host.waiting import BetweenTries, pause

#: How long to wait before another try, at random: whoever else writes should not keep step.
PAUSE_SECONDS = (1.0, 3.0)
_WRITES_AT_MOST = 5
_QUESTIONS_AT_MOST = 3
_LOCK_SECONDS = 300.0
_HOLDS_SECONDS = 5.0
#: What win_iis raises where PowerShell failed, or wrote JSON that is not what it should be.
_NO_ANSWER = (
    CommandExecutionError,
    SaltInvocationError,
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
)


class Calls:
    """Salt's functions for IIS on this host.

    Args:
        salt: Salt's execution modules.
        opts: the minion's configuration.
        between_tries: called while waiting; what it raises ends the wait.
        pause_seconds: the shortest and the longest wait before another try.
    """

    def __init__(
        self,
        salt: Mapping[str, Any],
        opts: Mapping[str, Any],
        between_tries: BetweenTries,
        pause_seconds: tuple[float, float] = PAUSE_SECONDS,
    ) -> None:
        self.salt = salt
        self.opts = opts
        self.between_tries = between_tries
        self.pause_seconds = pause_seconds
        #: What IIS said, and when: each question starts a PowerShell, which takes seconds.
        self._said: dict[tuple[str, ...], tuple[float, dict[Any, Any]]] = {}
        #: The names in each list that have been there and should be there still.
        self._known: dict[tuple[str, ...], set[str]] = {}

    def forget(self) -> None:
        """Ask anew: something else than this may have changed it."""
        self._said.clear()

    def demand_installed(self) -> None:
        """Refuse a host without IIS.

        Raises:
            StepFailed: Salt has no functions for IIS here.
        """
        if "win_iis.list_sites" not in self.salt:
            raise StepFailed(
                "This host has no IIS that can be managed: Salt's win_iis needs PowerShell and its "
                "module WebAdministration. Install the Windows features Web-Server and "
                "Web-Scripting-Tools, and restart the minion."
            )

    def look(self, function: str, *arguments: str) -> dict[Any, Any]:
        """Ask IIS for a list; what it has just said holds until something is changed.

        An empty list is no answer where something was in it before: a PowerShell that cannot read
        the configuration writes one too.
        """
        asked = (function, *arguments)
        then, said = self._said.get(asked, (0.0, {}))
        if then and time.monotonic() - then < _HOLDS_SECONDS:
            return said
        found = self.ask(function, *arguments, again_if_empty=True)
        known = self._known.setdefault(asked, set())
        if known and not found:
            names = ", ".join(sorted(known))
            raise StepFailed(
                f"IIS gives an empty list ({function}), in which should be {names}: "
                "either all of it is gone, or PowerShell cannot read IIS's configuration."
            )
        known.update(found)
        self._said[asked] = (time.monotonic(), found)
        return found

    def will_come(self, name: str, function: str, *arguments: str) -> None:
        """Say that a name should be in a list by now, which cannot be empty then."""
        self._known.setdefault((function, *arguments), set()).add(name)

    def will_go(self, name: str, function: str, *arguments: str) -> None:
        """Say that a name is about to leave a list, which may be empty then."""
        self._known.get((function, *arguments), set()).discard(name)

    def ask(self, function: str, *arguments: Any, again_if_empty: bool = False) -> dict[Any, Any]:
        """Ask IIS, a few times if it does not answer.

        Args:
            function: one of Salt's.
            arguments: its arguments.
            again_if_empty: whether an empty answer has to be given a few times to be believed.

        Raises:
            StepFailed: it does not answer at all.
        """
        for left in range(_QUESTIONS_AT_MOST - 1, -1, -1):
            try:
                found: dict[Any, Any] = self.salt[function](*arguments)
                if found or not again_if_empty or not left:
                    return found
            except _NO_ANSWER as err:
                if not left:
                    raise StepFailed(
                        f"Asking IIS failed {_QUESTIONS_AT_MOST} times ({function}): "
                        f"{_in_words(err)}. Look at what Import-Module WebAdministration says in a "
                        "PowerShell of this host."
                    ) from err
            pause(self.pause_seconds[0], self.between_tries)
        raise AssertionError("the last question returns or raises")

    def write(
        self,
        what: str,
        work: Callable[[], Any],
        is_done: Callable[[], bool],
        now: Callable[[], object] = lambda: "it is not so",
    ) -> None:
        """Change something, one at a time on this host, and read back that it is so.

        Args:
            what: what is attempted, in words.
            work: calls Salt.
            is_done: reads back.
            now: what there is instead, for the error.

        Raises:
            StepFailed: it is not so after some tries.
        """
        place = os.path.join(state_dir(self.opts), "iis.lock")
        with locked(place, _LOCK_SECONDS, self.between_tries):
            for attempt in range(_WRITES_AT_MOST):
                if attempt:
                    pause(random.uniform(*self.pause_seconds), self.between_tries)  # noqa: S311
                why = self._attempt(work)
                self.forget()
                if is_done():
                    return
        raise StepFailed(f"{what} failed {_WRITES_AT_MOST} times: {why}. IIS has: {now()}.")

    def _attempt(self, work: Callable[[], Any]) -> str:
        """Call Salt once; answer with what speaks against it, should it not be so."""
        self.forget()
        try:
            done = work()
        except _NO_ANSWER as err:
            return _in_words(err)
        if done is False:
            return "PowerShell refused it (the minion's log has its words)"
        return "IIS says that it did it"


def _in_words(err: Exception) -> str:
    """An error of Salt's on one line, without the full stop at its end."""
    said = " ".join(str(err).split()).rstrip(".")
    return said if isinstance(err, CommandExecutionError) else f"{type(err).__name__}: {said}"
