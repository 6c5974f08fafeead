"""The engine of a master: what is done again and again, for as long as the master runs.

Masters that share a database may all run it. Who drives a deployment on is decided by the database
for each deployment; what is to be done once for all is a duty, which one engine has at a time.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

import salt.utils.event

from pushguide.errors import Refused
from pushguide.master.config import Config
from pushguide.master.metrics import Place
from pushguide.master.notifications.reading import Notifications
from pushguide.master.rollout import targets
from pushguide.master.rollout.adoption import Adopter, hear_from_unknown
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.rollout.placing import Placing
from pushguide.master.store import engines, host_health, host_results, templates
from pushguide.master.store.database import Database
from pushguide.master.store.duties import Duty
from pushguide.master.store.host_health import Seer
from pushguide.master.store.tables import now
from pushguide.master.templates.library import Library
from pushguide.master.trying import attempt
from pushguide.master.watch.keeping import Keeper
from pushguide.master.watch.monitor import Monitor

log = logging.getLogger(__name__)

#: How long what came and went is kept.
_CHANGES_KEPT = timedelta(days=90)
_TIDIED_AFTER_SECONDS = 3600.0


def run(opts: Mapping[str, Any], interval_seconds: float, drive: Callable[[int], None]) -> None:
    """Look after deployments and hosts for as long as the process runs.

    Args:
        opts: the master's opts.
        interval_seconds: the time between two looks at deployments.
        drive: lets a deployment be driven by a process of its own.
    """
    if interval_seconds <= 0:
        raise Refused(f"interval_seconds is {interval_seconds!r}: give a number above 0.")
    config = Config.from_opts(opts)
    database = Database.at(config.database)
    watch = threading.Thread(target=Watch(opts, config, database).run, name="watch", daemon=True)
    watch.start()
    if config.notifications:
        _begin_to_notify(opts, config.notifications, database)
    if config.metrics:
        _tell_metrics(config.metrics, database, config.notifications is not None)
    event = salt.utils.event.get_master_event(dict(opts), opts["sock_dir"], listen=False)
    placing = Placing.of(config)
    keeper = Keeper(database, holder_of(opts), config.keep_days)
    threading.Thread(target=keeper.run, name="keep", daemon=True).start()
    adopter = Adopter(database, drive, event.fire_event, placing)

    def look() -> None:
        database.write(lambda one: engines.beat(one, str(opts["id"]), config.data_centre))
        adopter.look()
        if database.read(host_results.unknown_hosts):
            _hear(opts, config, database)

    while True:
        attempt(look, "Looking after deployments", log)
        time.sleep(interval_seconds)


def holder_of(opts: Mapping[str, Any]) -> str:
    """The name under which this master's engine takes duties."""
    return f"{opts['id']}@{socket.gethostname()}"[:255]


def _begin_to_notify(
    opts: Mapping[str, Any], notifications: Notifications, database: Database
) -> None:
    """Tell people what there is to tell, in a thread of its own."""
    from pushguide.master.notifications.dispatcher import Dispatcher

    def teams_of(modules: Collection[str]) -> dict[str, str | None]:
        library = Library(opts, saved=lambda: database.read(templates.newest))
        return {name: library.team_of(name) for name in modules}

    dispatcher = Dispatcher(notifications, database, holder_of(opts), teams_of)
    never = threading.Event()
    threading.Thread(target=dispatcher.run, args=[never], name="notify", daemon=True).start()


def _tell_metrics(place: Place, database: Database, is_told: bool) -> None:
    from pushguide.master.watch import prometheus  # nobody else needs its library

    try:
        prometheus.serve(place, database, is_told)
    except OSError as err:
        log.error("Metrics cannot be told at %s:%d: %s", place.address, place.port, err)


def _hear(opts: Mapping[str, Any], config: Config, database: Database) -> None:
    """Ask hosts that fell silent, over a connection that is closed afterwards.

    One that stayed open with nobody reading would fill up with the events of the master.
    """
    hosts = Hosts(opts, config.silence_seconds)
    try:
        hear_from_unknown(database, hosts, config.presence_timeout_seconds)
    finally:
        hosts.close()


class Watch:
    """Watches the hosts of this master's data centre, while that is this engine's duty.

    Args:
        opts: the master's opts.
        config: the master's configuration.
        database: the record.
    """

    def __init__(self, opts: Mapping[str, Any], config: Config, database: Database) -> None:
        self.opts = opts
        self.config = config
        self.database = database
        self.duty = Duty(database, f"watch {config.data_centre}", holder_of(opts))
        self.seer = Seer(config.data_centre, str(opts["id"]))
        self._tidied_at = float("-inf")
        self._rests_until = float("-inf")
        self._is_alone = True

    def run(self) -> None:
        """Watch for as long as the process runs."""
        while True:
            attempt(self._watch_if_mine, "Watching the hosts", log)
            time.sleep(Duty.RENEWED_AFTER_SECONDS / 2)

    def _watch_if_mine(self) -> None:
        if self._is_mine():
            hosts = Hosts(self.opts, self.config.silence_seconds)
            try:
                self._watch(hosts)
            finally:
                hosts.close()

    def _watch(self, hosts: Hosts) -> None:
        interval = self.config.monitor_seconds
        monitor = Monitor(self.database, hosts, self._names, self.seer, interval)
        while self._is_mine():
            monitor.is_alone = self._is_alone
            monitor.turn()
            if monitor.is_cut_off and not monitor.is_alone:
                log.warning("No host answers this master: another one may look in its place")
                self._leave(2.0 * interval)
            self._tidy(monitor.meant)

    def _is_mine(self) -> bool:
        """Take the duty, or keep it."""
        if time.monotonic() < self._rests_until:
            return False
        before, is_mine = self.duty.renewed_at, self.duty.is_mine()
        if self.duty.renewed_at != before:
            self._is_alone = not {*self.database.read(engines.seen)} - {self.seer.master}
        return is_mine

    def _leave(self, seconds: float) -> None:
        self.duty.leave()
        self._rests_until = time.monotonic() + seconds

    def _names(self) -> set[str]:
        """The hosts that templates mean and this master knows."""
        library = Library(self.opts, saved=lambda: self.database.read(templates.newest))
        return {one.host for one in targets.meant(library, self.opts, lambda *_: True)}

    def _tidy(self, names: set[str]) -> None:
        if time.monotonic() < self._tidied_at + _TIDIED_AFTER_SECONDS:
            return
        self._tidied_at = time.monotonic()
        before, place = now() - _CHANGES_KEPT, self.seer.data_centre
        if names:  # none are meant by a pillar that does not render
            self.database.write(lambda one: host_health.forget(one, names, place, before))
