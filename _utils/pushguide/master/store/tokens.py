"""Deployment tokens: the public halves of keys whose signatures may ask for deployments.

What signs is never here: nobody can make a request out of what the record holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.errors import Denied, Refused
from pushguide.master.globs import matches
from pushguide.master.store import tables as db
from pushguide.master.store.tables import now

_PERSON = "token:"


class Places(Protocol):
    """The modules that there are, and their environments: the library."""

    @property
    def modules(self) -> Mapping[str, Any]:
        """The modules."""
        ...

    def environments(self, module: str) -> Mapping[str, Any]:
        """The environments of one."""
        ...


@dataclass(frozen=True)
class Token:
    """A key that may ask for deployments.

    Attributes:
        public_key: its public half, as base64 of the DER form.
        fingerprint: the SHA-256 of that form, in hexadecimal.
        modules: the modules that it may deploy: names, or patterns as a shell has them.
        environments: the environments that it may deploy to, likewise.
        by_owner: whether the owner of the master made it, who needs no role.
    """

    id: int
    name: str
    public_key: str
    fingerprint: str
    modules: list[str]
    environments: list[str]
    created_by: str
    by_owner: bool
    created_at: datetime
    reason: str | None
    expires_at: datetime
    last_used_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None
    revoked_reason: str | None

    @property
    def person(self) -> str:
        """What it is called where people are."""
        return f"{_PERSON}{self.name}"

    @property
    def problem(self) -> str | None:
        """Why it may not be used any more, None if it may."""
        if self.revoked_at is not None:
            return f"The token {self.name} was revoked by {self.revoked_by}."
        if self.expires_at <= now():
            when = self.expires_at.isoformat(timespec="minutes")
            return f"The token {self.name} expired at {when}: register another key."
        return None

    def covers(self, module: str, environment: str) -> bool:
        """Whether it is for an environment of a module."""
        return matches(self.modules, module) and matches(self.environments, environment)

    def places(self, library: Places) -> list[tuple[str, str]]:
        """All that it is for, of what there is."""
        return places_of(self.modules, self.environments, library)


def places_of(
    modules: Iterable[str], environments: Iterable[str], library: Places
) -> list[tuple[str, str]]:
    """All modules and environments that names or patterns mean, of what there is."""
    return [
        (str(module), environment)
        for module in library.modules
        if matches(modules, str(module))
        for environment in library.environments(str(module))
        if matches(environments, environment)
    ]


def find(connection: Connection) -> list[Token]:
    """All of them, those that are over included, the oldest first."""
    query = sa.select(db.deployment_token).order_by(db.deployment_token.c.id)
    return [Token(**row) for row in connection.execute(query).mappings()]


def look(connection: Connection, name: str) -> Token | None:
    """The one of a name; None if there is none."""
    query = sa.select(db.deployment_token).where(db.deployment_token.c.name == name)
    row = connection.execute(query).mappings().first()
    # MariaDB takes Shop-CI for shop-ci.
    return Token(**row) if row and row["name"] == name else None


def get(connection: Connection, name: str) -> Token:
    """The one of a name.

    Raises:
        Refused: there is none.
    """
    found = look(connection, name)
    if found is None:
        raise Refused(f"There is no token {name!r}: see salt-run pushguide.tokens.")
    return found


def creator_of(connection: Connection, person: str) -> str | None:
    """Who made the token that a deployment was asked for by; None if it was no token."""
    if not person.startswith(_PERSON):
        return None
    found = look(connection, person.removeprefix(_PERSON))
    return found.created_by if found else None


def add(
    connection: Connection,
    name: str,
    key: tuple[str, str],
    scope: tuple[list[str], list[str]],
    by: tuple[str, bool],
    expires_at: datetime,
    reason: str | None,
) -> Token:
    """Register a key.

    Args:
        connection: a transaction.
        name: what it is called; the name of no other one, now or before.
        key: its public half, and its fingerprint.
        scope: the modules and the environments that it is for.
        by: who registers it, and whether that is the owner of the master.
        expires_at: when it ends.
        reason: what it is for, in words.

    Raises:
        Refused: the name or the key was registered already, however that has ended.
    """
    table = db.deployment_token
    same = sa.or_(table.c.name == name, table.c.fingerprint == key[1])
    known = connection.execute(sa.select(table).where(same)).mappings().first()
    if known and known["fingerprint"] == key[1]:
        raise Refused(f"This key is that of the token {known['name']} already: make another one.")
    if known:
        raise Refused(
            f"There is or was a token {known['name']} already: give another name, so that the "
            "record tells them apart."
        )
    connection.execute(
        sa.insert(table).values(
            name=name,
            public_key=key[0],
            fingerprint=key[1],
            modules=scope[0],
            environments=scope[1],
            created_by=by[0][:128],
            by_owner=by[1],
            created_at=now(),
            reason=reason,
            expires_at=expires_at,
        )
    )
    return get(connection, name)


def revoke(connection: Connection, name: str, by: str, reason: str) -> Token:
    """End a token at once.

    Raises:
        Refused: there is none of that name, or it was revoked already.
    """
    found = get(connection, name)
    if found.revoked_at is not None:
        raise Refused(f"The token {name} was revoked by {found.revoked_by} already.")
    connection.execute(
        sa.update(db.deployment_token)
        .where(db.deployment_token.c.id == found.id)
        .values(revoked_by=by[:128], revoked_at=now(), revoked_reason=reason)
    )
    return get(connection, name)


def use(connection: Connection, name: str, nonce: str, until: datetime) -> Token:
    """Take a signed request, once.

    Args:
        connection: a transaction: of two that take the same request one wins.
        name: the token.
        nonce: what no other request of it has.
        until: how long the nonce has to be remembered.

    Raises:
        Denied: the token is over, or the request was taken already.
    """
    token, nonces = db.deployment_token, db.token_nonce
    # The row is locked: who revokes it meanwhile waits, or was first.
    connection.execute(sa.update(token).where(token.c.name == name).values(last_used_at=now()))
    found = get(connection, name)
    if found.problem:
        raise Denied(found.problem)
    connection.execute(sa.delete(nonces).where(nonces.c.until < now()))
    used = sa.select(nonces.c.nonce).where(nonces.c.token_id == found.id, nonces.c.nonce == nonce)
    if connection.execute(used).first():
        raise Denied("The request was taken already: sign another one, with another nonce.")
    connection.execute(sa.insert(nonces).values(token_id=found.id, nonce=nonce, until=until))
    return found
