"""Draining: a host out of its load balancer and back, with the journal knowing at any moment."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host.drain import Way, way_of
from pushguide.host.journal import Journal
from pushguide.host.pillar import Secrets
from pushguide.host.steps import Note, skipped, unchanged, warning
from pushguide.host.waiting import BetweenTries, pause
from pushguide.share import Share

_POLL_SECONDS = 0.5

_OUT_FAILED = "Taking this host out of its load balancer failed"
_BACK_FAILED = "Putting this host back into its load balancer failed"


class Draining:
    """One host, out and back.

    ``journal.saved["drained"]`` says that it was taken out, how, and how it was found. It stands
    there before anything is done, and until the host is back: neither a job that is killed nor
    another deployment loses it.

    Args:
        journal: the module's journal.
        stage: the stage that runs.
        share: the host's share of the plan.
        secrets: what is filled in of this host's pillar: the journal has the places alone.
        between_tries: called at least each second of a wait; may raise to stop it.
    """

    def __init__(
        self,
        journal: Journal,
        stage: str,
        share: Share,
        secrets: Secrets,
        between_tries: BetweenTries,
    ) -> None:
        self.journal = journal
        self.stage = stage
        self.share = share
        self.secrets = secrets
        self.between_tries = between_tries

    def take_out(self, is_live_already: bool) -> Note | str:
        """Take the host out, and let its connections finish.

        Raises:
            StepFailed: it could not be taken out.
        """
        saved = self.journal.saved
        held: dict[str, Any] | None = saved.get("drained") if saved else None
        if is_live_already:
            return skipped("the release is live already")
        if held is None and not self.share.drain:
            return skipped("the template has no drain")
        way = self._way(held["drain"] if held else self.share.drain or {})
        if held is None:
            with _told_as(_OUT_FAILED):
                held = {"drain": self.share.drain, "is_out": False, **way.look()}
        assert saved is not None
        saved["drained"] = held
        return self._take_out(way, held)

    def _take_out(self, way: Way, held: dict[str, Any]) -> Note | str:
        if held["was_out"]:
            return unchanged("it was out before the deployment")
        with _told_as(_OUT_FAILED):
            if held["is_out"] and way.is_out() is not False:
                return unchanged("it is out already")
        with self.journal.intent(self.stage, "drain"):
            with _told_as(_OUT_FAILED):
                told = way.take_out()
            held["is_out"] = True
            pause(way.settle_seconds, self.between_tries)
            left = self._wait(way)
        if not left:
            return told
        return warning(f"{told}; {left} after {way.wait_seconds:g} s: the deployment goes on")

    def _way(self, given: Mapping[str, Any]) -> Way:
        return way_of(self.secrets.filled(given), self.secrets.salt)

    def _wait(self, way: Way) -> str | None:
        """Wait until no connection is left; answer with what is left at the end of the wait."""
        deadline = time.monotonic() + way.wait_seconds
        while True:
            self.between_tries()
            try:
                count = way.connections()
            except StepFailed as err:
                return str(err)
            if not count:
                return None
            left = deadline - time.monotonic()
            if left <= 0:
                return f"{count} connections are left"
            pause(min(_POLL_SECONDS, left), self.between_tries)

    def put_back(self) -> Note | str:
        """Put the host back, if it was taken out.

        Raises:
            StepFailed: it could not be put back, and stays out.
        """
        saved = self.journal.saved
        held = saved.get("drained") if saved else None
        if saved is None or held is None:
            return skipped("it was not taken out")
        if held["was_out"]:
            del saved["drained"]
            return warning(
                "it was out of its load balancer before the deployment, and stays out: put it "
                "back by hand"
            )
        way = self._way(held["drain"])
        with self.journal.intent(self.stage, "put_back"):
            with _told_as(_BACK_FAILED):
                told = way.put_back(held)
            del saved["drained"]
        return told


@contextlib.contextmanager
def _told_as(sentence: str) -> Iterator[None]:
    """Say what was attempted, where a balancer does not do what it should."""
    try:
        yield
    except (StepFailed, OSError) as err:
        raise StepFailed(
            f"{sentence}: {err}. Look at the balancer, and at the template's drain."
        ) from err
