"""One deployment at a time for a module in an environment: the database decides.

A lock is held for a lease that its holder renews. Each time it changes hands its fencing
token grows, and hosts refuse a smaller token than they have seen: a holder that was thought
dead can no longer change anything.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import DatabaseError, LeaseLost, Locked
from pushguide.master.store import tables as db
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now

log = logging.getLogger(__name__)


def holder() -> str:
    """A name for this process that a person can find: host and process."""
    return f"{socket.gethostname()} pid {os.getpid()}"


@dataclass(frozen=True)
class Held:
    """The lock of a module's environment, as it stands in the database."""

    module: str
    environment: str
    deployment_id: int | None
    holder: str
    token: int
    since: datetime
    lease_until: datetime

    @property
    def is_alive(self) -> bool:
        """Whether somebody holds it now."""
        return self.deployment_id is not None and self.lease_until > now()


def look(
    connection: Connection, module: str, environment: str, update: bool = False
) -> Held | None:
    """The lock, None if it was never taken; ``update`` keeps others away until the end."""
    query = sa.select(db.lock).where(_is(module, environment))
    row = connection.execute(query.with_for_update() if update else query).mappings().first()
    return Held(**row) if row else None


def take(
    connection: Connection, module: str, environment: str, deployment_id: int, lease_seconds: int
) -> int:
    """Take the lock for a deployment, or take it over from a holder whose lease ran out.

    Returns:
        The new fencing token. It is at least the time in seconds, so it grows even if the
        database was restored from an older copy.

    Raises:
        Locked: another deployment has it.
    """
    held = look(connection, module, environment, update=True)
    if held and held.is_alive and held.deployment_id != deployment_id:
        raise Locked(
            f"{module} ({environment}) is locked by deployment #{held.deployment_id} since "
            f"{held.since:%Y-%m-%d %H:%M:%S} UTC (held by {held.holder}): wait for it to end "
            f"(salt-run pushguide.show {held.deployment_id})."
        )
    moment = now()
    token = max(held.token + 1 if held else 1, int(time.time()))
    values = {
        "deployment_id": deployment_id,
        "holder": holder(),
        "token": token,
        "since": moment,
        "lease_until": moment + timedelta(seconds=lease_seconds),
    }
    if held:
        connection.execute(sa.update(db.lock).where(_is(module, environment)).values(values))
    else:
        key = {"module": module, "environment": environment}
        connection.execute(sa.insert(db.lock).values({**key, **values}))
    return token


def release(connection: Connection, deployment_id: int, token: int | None = None) -> None:
    """Give the lock of a deployment back, if it is still held under that token."""
    mine = db.lock.c.deployment_id == deployment_id
    if token is not None:
        mine = mine & (db.lock.c.token == token)
    connection.execute(sa.update(db.lock).where(mine).values(deployment_id=None, lease_until=now()))


def expire(connection: Connection, deployment_id: int, token: int) -> None:
    """End a lease that its holder gives up, while the deployment itself has not ended."""
    mine = (db.lock.c.deployment_id == deployment_id) & (db.lock.c.token == token)
    connection.execute(sa.update(db.lock).where(mine).values(lease_until=now()))


def _is(module: str, environment: str) -> Any:
    return (db.lock.c.module == module) & (db.lock.c.environment == environment)


class Lease:
    """Keeps a lock alive, from a thread, while its deployment is being driven.

    Args:
        database: the database.
        deployment_id: the deployment.
        token: the fencing token under which it is held.
        seconds: the length of the lease; it is renewed at each third of it.
    """

    def __init__(self, database: Database, deployment_id: int, token: int, seconds: int) -> None:
        self.database = database
        self.deployment_id = deployment_id
        self.token = token
        self.seconds = seconds
        self._stop = threading.Event()
        self._lost: str | None = None
        self._thread = threading.Thread(target=self._keep, name="pushguide lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def demand(self) -> None:
        """Refuse to go on if the lease is lost.

        Raises:
            LeaseLost: another master drives the deployment now, or may.
        """
        if self._lost:
            raise LeaseLost(
                f"Deployment #{self.deployment_id} is no longer driven from here: {self._lost}. "
                f"Look at salt-run pushguide.show {self.deployment_id}."
            )

    def _keep(self) -> None:
        renewed = time.monotonic()
        while not self._stop.wait(self.seconds / 3):
            try:
                if not self.database.write(self._renew):
                    self._lost = "another master has taken it over"
                    return
                renewed = time.monotonic()
            except DatabaseError as err:
                log.warning("Renewing the lease of #%d failed: %s", self.deployment_id, err)
                if time.monotonic() - renewed > self.seconds:
                    self._lost = f"its lease could not be renewed ({err})"
                    return

    def _renew(self, connection: Connection) -> bool:
        mine = (db.lock.c.deployment_id == self.deployment_id) & (db.lock.c.token == self.token)
        until = now() + timedelta(seconds=self.seconds)
        done = connection.execute(sa.update(db.lock).where(mine).values(lease_until=until))
        return bool(done.rowcount)
