"""The dispatcher: takes from the outbox what there is to tell, and brings it to its channels.

Nothing that it does can hold a deployment up: those only write what there is to tell. It sends
at least once: what was sent and not yet written down as delivered is sent again after a crash,
with the same key.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from pushguide.master.notifications import sending, texts
from pushguide.master.notifications.reading import Channel, Notifications
from pushguide.master.notifications.sending import Message
from pushguide.master.store import deliveries, outbox
from pushguide.master.store.database import Database
from pushguide.master.store.deliveries import Delivery
from pushguide.master.store.duties import Duty
from pushguide.master.store.outbox import Told
from pushguide.master.store.tables import now
from pushguide.master.trying import attempt

log = logging.getLogger(__name__)

#: The duty of one engine of all.
DUTY = "notify"

_TURN_SECONDS = 1.0
#: How long it waits where the database did not let it.
_PAUSE_SECONDS = 5.0
_AT_ONCE = 200
#: How many channels are sent to at the same time.
_THREADS = 16
#: How many events go in one message.
_IN_ONE_MESSAGE = 50
#: When something is tried again: after 5 seconds, and twice as long each time, up to 15 minutes.
_FIRST_WAIT_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 900.0
#: What has not arrived by then is given up, if it was tried so often.
_TRIED_FOR = timedelta(hours=24)
_TRIED_AT_LEAST = 6
#: How long an address that fails is left alone before something else is tried there.
_LONGEST_REST_SECONDS = 60.0

#: An address: the channel, and which of its addresses it is.
Place = tuple[str, int]
Send = Callable[[str, Message, int], str | None]


class Dispatcher:
    """Brings what there is to tell to its channels, while that is this engine's duty.

    Args:
        notifications: who is told of what.
        database: the record.
        holder: who takes the duty.
        teams_of: tells the teams of modules.
        send: sends a message to an address: what went wrong, None for nothing.
        clock: the time.
    """

    def __init__(
        self,
        notifications: Notifications,
        database: Database,
        holder: str,
        teams_of: Callable[[Collection[str]], Mapping[str, str | None]],
        send: Send = sending.send,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.notifications = notifications
        self.database = database
        self.duty = Duty(database, DUTY, holder)
        self.teams_of = teams_of
        self.send = send
        self.clock = clock
        self._is_closed = False
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="notify")
        self._work: dict[Place, Future[None]] = {}
        self._failures: dict[Place, int] = {}
        self._rests_until: dict[Place, float] = {}
        self._unmarked: dict[Place, list[int]] = {}

    def run(self, is_over: threading.Event) -> None:
        """Go on until it is over.

        Args:
            is_over: says so.
        """
        for problem in sending.problems_of(self.notifications):
            log.error("%s", problem)
        pause = _TURN_SECONDS
        while not is_over.wait(pause):
            went_well = attempt(self.turn, "Telling people", log)
            pause = _TURN_SECONDS if went_well else _PAUSE_SECONDS
        self.close()

    def turn(self) -> bool:
        """Begin to send what is due; whether that is this engine's duty.

        Raises:
            DatabaseError: the database is away.
        """
        if not self.duty.is_mine():
            return False
        while self._expand() == _AT_ONCE:
            pass
        due = self.database.read(lambda one: deliveries.due_places(one, self.clock()))
        for place in due:
            self._begin(place)
        return True

    def settle(self, seconds: float | None = None) -> None:
        """Wait until everything that is being sent has been sent.

        Args:
            seconds: how long at the most.
        """
        wait([*self._work.values()], seconds)

    def close(self) -> None:
        """Send nothing more, and leave the duty to whoever comes next."""
        self._is_closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.duty.leave()

    # From the outbox to deliveries.

    def _expand(self) -> int:
        """Find out for whom new rows of the outbox are; how many there were."""
        new = self.database.read(lambda one: outbox.unexpanded(one, _AT_ONCE))
        if not new:
            return 0
        # Outside of the transaction: templates are looked at, and those may take a while.
        modules = {one.module for one in new if one.module}
        teams = self.teams_of(modules) if modules and self.notifications.knows_teams else {}

        def work(connection: Connection) -> None:
            for told in new:
                self._expand_one(connection, told, teams.get(told.module or ""))

        self.database.write(work)
        return len(new)

    def _expand_one(self, connection: Connection, told: Told, team: str | None) -> None:
        moment = self.clock()
        if not outbox.expanded(connection, told.id, moment):
            return
        if told.created_at < moment - _TRIED_FOR:
            log.warning("Nobody is told of %s: it is too long ago", told.idempotency_key)
            return
        for name in self.notifications.channels_of(told.event, told.module, team, told.environment):
            channel = self.notifications.channels[name]
            due, is_collected = self._due(connection, name, channel, told.event, moment)
            positions = range(len(channel.urls))
            deliveries.add(connection, told.id, name, positions, due, is_collected)

    def _due(
        self, connection: Connection, name: str, channel: Channel, event: str, moment: datetime
    ) -> tuple[datetime, bool]:
        """When something is told on a channel, and whether together with others."""
        quiet = channel.quiet_until(event, moment)
        if quiet:
            return quiet, True
        if not channel.digest_minutes:
            return moment, False
        last = moment + timedelta(minutes=channel.digest_minutes)
        return deliveries.collecting_until(connection, name, moment, last) or last, True

    # From deliveries to receivers.

    def _begin(self, place: Place) -> None:
        """Let a thread send what is due to an address, unless one does, or the address rests."""
        known = self._work.get(place)
        if known is not None and not known.done():
            return
        if time.monotonic() >= self._rests_until.get(place, float("-inf")):
            self._work[place] = self._pool.submit(self._serve, place)

    def _serve(self, place: Place) -> None:
        attempt(lambda: self._serve_all(place), f"Telling the channel {place[0]}", log)

    def _serve_all(self, place: Place) -> None:
        """Send what is due to one address, until something does not arrive."""
        name, position = place
        if place in self._unmarked:
            # It has arrived, and the database was away: nobody has to hear it again.
            self._mark_delivered(place, self._unmarked[place])
        moment = self.clock()
        due = self.database.read(
            lambda one: deliveries.pending(one, name, position, moment, _AT_ONCE)
        )
        channel = self.notifications.channels.get(name)
        if channel is None or position >= len(channel.urls):
            numbers = [one.id for one in due]
            problem = "the configuration has no such address any more"
            self.database.write(lambda one: deliveries.given_up(one, numbers, name, problem))
            return
        for group in self._groups(due):
            if self._is_closed or not self.duty.is_sure:
                return
            if self._is_put_off(channel, group, moment):
                continue
            if not self._deliver(place, channel, group):
                return

    def _is_put_off(self, channel: Channel, group: Sequence[Delivery], moment: datetime) -> bool:
        """Let a message wait for the end of quiet hours, if nothing in it is told all the same."""
        ends = [channel.quiet_until(one.told.event, moment) for one in group]
        if not all(ends):
            return False
        numbers, end = [one.id for one in group], max(one for one in ends if one)
        self.database.write(lambda one: deliveries.put_off(one, numbers, end))
        return True

    @staticmethod
    def _groups(due: Sequence[Delivery]) -> list[list[Delivery]]:
        """What goes in one message each: those that did already, and else what was collected."""
        old = [one for one in due if one.message is not None]
        new = [one for one in due if one.message is None]
        some = [one for one in new if one.is_collected]
        groups = [
            [*members]
            for _, members in groupby(
                sorted(old, key=lambda one: (one.message, one.id)), key=lambda one: one.message
            )
        ]
        groups += [some[at : at + _IN_ONE_MESSAGE] for at in range(0, len(some), _IN_ONE_MESSAGE)]
        groups += [[one] for one in new if not one.is_collected]
        return sorted(groups, key=lambda group: group[0].id)

    def _deliver(self, place: Place, channel: Channel, group: Sequence[Delivery]) -> bool:
        """Send one message, and write down what became of it; whether it has arrived."""
        position = place[1]
        numbers = [one.id for one in group]
        if group[0].message is None:
            self.database.write(lambda one: deliveries.together(one, numbers))
        zone = channel.quiet_hours.zone if channel.quiet_hours else ZoneInfo("UTC")
        message = texts.message_of(
            [one.told for one in group], channel.language, zone, self.notifications.console_url
        )
        attempt = max(one.attempts for one in group) + 1
        problem = self.send(channel.urls[position], message, attempt)
        if problem is None:
            self._unmarked[place] = numbers
            self._mark_delivered(place, numbers)
            self._failures.pop(place, None)
            return True
        self._note_failure(place, group, attempt, problem)
        return False

    def _mark_delivered(self, place: Place, numbers: list[int]) -> None:
        self.database.write(lambda one: deliveries.delivered(one, numbers, place[0]))
        self._unmarked.pop(place, None)

    def _note_failure(
        self, place: Place, group: Sequence[Delivery], attempt: int, problem: str
    ) -> None:
        name, position = place
        numbers, moment = [one.id for one in group], self.clock()
        failures = self._failures[place] = self._failures.get(place, 0) + 1
        rest = min(_LONGEST_REST_SECONDS, 2.0 ** min(failures - 1, 8))
        self._rests_until[place] = time.monotonic() + rest
        where = f"address {position + 1} of the channel {name}"
        is_late = max(one.told.created_at for one in group) < moment - _TRIED_FOR
        if is_late and attempt >= _TRIED_AT_LEAST:
            self.database.write(lambda one: deliveries.given_up(one, numbers, name, problem))
            log.error("Given up after %d attempts at %s: %s", attempt, where, problem)
            return
        again_at = moment + timedelta(seconds=_wait_seconds(attempt))
        self.database.write(lambda one: deliveries.failed(one, numbers, name, problem, again_at))
        log.warning("Attempt %d at %s failed, and is repeated: %s", attempt, where, problem)


def _wait_seconds(attempt: int) -> float:
    """How long to wait after an attempt, of random length, so that not all come at once."""
    wait_seconds = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** min(attempt - 1, 16))
    return wait_seconds * random.uniform(0.5, 1.5)  # noqa: S311
