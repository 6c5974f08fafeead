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

    def drives(self, deployment_id: int) -> bool:
        """Whether somebody alive drives this deployment."""
        return self.is_alive and self.deployment_id == deployment_id

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


def held(connection: Connection) -> list[Held]:
    """Every lock that belongs to a deployment, whether anybody drives it or not."""
    query = sa.select(db.lock).where(db.lock.c.deployment_id.is_not(None))
    rows = connection.execute(query.order_by(db.lock.c.module, db.lock.c.environment)).mappings()
    return [Held(**row) for row in rows]


def take(
    connection: Connection, module: str, environment: str, deployment_id: int, lease_seconds: int
) -> int:
    """Take the lock for a deployment that has none or has it already.

    A lock whose lease ran out still belongs to its deployment until that has ended: only who
    goes on with the deployment takes it over, under a new token.

    Returns:
        The new fencing token. It is at least the time in seconds, so it grows even if the
        database was restored from an older copy.

    Raises:
        Locked: another deployment has it.
    """
    held = look(connection, module, environment, update=True)
    if held and held.deployment_id not in (None, deployment_id):
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


def hand_over(
    connection: Connection, deployment_id: int, token: int, heir: int, lease_seconds: int
) -> None:
    """Give a lock straight on to another deployment of the module, so that none comes between.

    Raises:
        LeaseLost: it is no longer held under that token.
    """
    mine = (db.lock.c.deployment_id == deployment_id) & (db.lock.c.token == token)
    done = connection.execute(
        sa.update(db.lock)
        .where(mine)
        .values(
            deployment_id=heir,
            holder=holder(),
            token=token + 1,
            since=now(),
            lease_until=now() + timedelta(seconds=lease_seconds),
        )
    )
    if not done.rowcount:
        raise LeaseLost(f"#{deployment_id} was taken over by another master at its end.")


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
        patience_seconds: how long to wait for a database that is away.
    """

    def __init__(
        self,
        database: Database,
        deployment_id: int,
        token: int,
        seconds: int,
        patience_seconds: float = 0,
    ) -> None:
        self.database = database
        self.deployment_id = deployment_id
        self.token = token
        self.seconds = seconds
        self.patience_seconds = patience_seconds
        self._stop = threading.Event()
        self._lost: str | None = None
        self._trouble: DatabaseError | None = None
        self._proven = time.monotonic()
        self._thread = threading.Thread(target=self._keep, name="pushguide lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Renew it no more: it runs out by itself, or whoever held it ends it."""
        self._stop.set()
        self._thread.join()

    @property
    def is_stale(self) -> bool:
        """Whether it may have run out: another master may take the deployment over by now."""
        return time.monotonic() - self._proven > self.seconds

    def demand(self) -> None:
        """Refuse to go on if the lease is lost; wait for the database if nobody can tell.

        Raises:
            LeaseLost: another master drives the deployment now.
            DatabaseError: the database stayed away.
        """
        deadline = time.monotonic() + self.patience_seconds
        while self.is_stale and not self._lost:
            if time.monotonic() >= deadline:
                raise self._trouble or DatabaseError(
                    f"The lease of #{self.deployment_id} could not be renewed in time."
                )
            time.sleep(0.1)
        self.demand_not_lost()

    def demand_not_lost(self) -> None:
        """Refuse to go on if the lease is known to be lost, without waiting.

        Raises:
            LeaseLost: another master drives the deployment now.
        """
        if self._lost:
            raise LeaseLost(
                f"Deployment #{self.deployment_id} is no longer driven from here: {self._lost}. "
                f"Look at salt-run pushguide.show {self.deployment_id}."
            )

    def _keep(self) -> None:
        wait = self.seconds / 3
        while not self._stop.wait(wait):
            began = time.monotonic()
            try:
                if not self.database.write(self._renew):
                    self._lost = "another master has taken it over"
                    return
                self._proven, self._trouble, wait = began, None, self.seconds / 3
            except DatabaseError as err:
                log.warning("Renewing the lease of #%d failed: %s", self.deployment_id, err)
                self._trouble, wait = err, min(1.0, self.seconds / 3)

    def _renew(self, connection: Connection) -> bool:
        mine = (db.lock.c.deployment_id == self.deployment_id) & (db.lock.c.token == self.token)
        until = now() + timedelta(seconds=self.seconds)
        done = connection.execute(sa.update(db.lock).where(mine).values(lease_until=until))
        return bool(done.rowcount)
