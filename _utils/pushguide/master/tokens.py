"""Deployment tokens: keys of CI that people register, look at and revoke.

The private half never comes here: arguments and answers of runners stand on Salt's event bus and in
its job cache. CI makes the pair, somebody registers the public half.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sqlalchemy.engine import Connection

from pushguide.errors import Denied, Refused
from pushguide.master.arguments import (
    collected,
    demand_moment,
    demand_name,
    demand_reason,
    optional_name,
    optional_text,
)
from pushguide.master.fields import NAME_PATTERN
from pushguide.master.globs import matches
from pushguide.master.parts import Parts
from pushguide.master.roles import MAINTAINER, VIEWER, includes
from pushguide.master.store import tokens
from pushguide.master.store.tables import now
from pushguide.master.store.tokens import Token, places_of
from pushguide.master.suggest import did_you_mean

DAYS_AT_MOST = 366

_KEY_LENGTH_AT_MOST = 1000
_PATTERNS_AT_MOST = 50
_PATTERN = re.compile(r"[A-Za-z0-9._*?\[\]!-]{1,64}")
_LASTS = re.compile(r"([1-9][0-9]{0,3})(d|h)")
_ARMOUR = re.compile(r"-----(BEGIN|END) PUBLIC KEY-----")


class Tokens:
    """What can be done about deployment tokens.

    Args:
        parts: what they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database

    def create(
        self,
        name: object,
        public_key: object,
        modules: object,
        environments: object,
        expires: object,
        reason: object,
    ) -> dict[str, Any]:
        """Register the public half of a key, for deployments of some modules to some environments.

        Raises:
            Refused: something is missing or odd; every problem is named.
            Denied: the caller is not maintainer of all that the token would be for.
        """
        problems: list[str] = []
        known_as = collected(problems, lambda: _name(name))
        key = collected(problems, lambda: read_public_key(public_key))
        of = collected(problems, lambda: _patterns(modules, "modules"))
        at = collected(problems, lambda: _patterns(environments, "environments"))
        end = collected(problems, lambda: _expiry(expires))
        why = collected(problems, lambda: optional_text(reason, "reason"))
        if of and at:
            collected(problems, lambda: self._demand_there(of, at))
        if problems:
            raise Refused(problems)
        assert known_as and key and of and at and end
        self._demand_role(of, at)
        self.parts.trail.note_asked(fingerprint=key[1])
        by = (self.parts.user, self.parts.caller.owns_master)
        return told(
            self.database.write(lambda one: tokens.add(one, known_as, key, (of, at), by, end, why))
        )

    def tokens(self, module: object) -> list[dict[str, Any]]:
        """The tokens that are for a module of which the caller is maintainer, or made by them."""
        wanted = optional_name(module, "module")
        library, caller = self.parts.gate.library, self.parts.caller
        sight = self.parts.gate.sight(MAINTAINER)

        def is_seen(one: Token) -> bool:
            places = one.places(library)
            if wanted is not None and not matches(one.modules, wanted):
                return False
            own = not one.by_owner and one.created_by == caller.name
            return own or sight.is_all or any(sight.sees(*each) for each in places)

        return [told(one) for one in self.database.read(tokens.find) if is_seen(one)]

    def revoke(self, name: object, reason: object) -> dict[str, Any]:
        """End a token at once."""
        wanted, why = demand_name(name, "name"), demand_reason(reason)

        def work(connection: Connection) -> Token:
            self.parts.trail.note_before(**told(tokens.get(connection, wanted)))
            return tokens.revoke(connection, wanted, self.parts.user, why)

        return told(self.database.write(work))

    def _demand_there(self, modules: list[str], environments: list[str]) -> None:
        """Refuse names and patterns that mean nothing: they would be misspelled."""
        library, sight = self.parts.gate.library, self.parts.gate.sight(VIEWER)
        names = [one for one in map(str, library.modules) if sight.sees(one)]
        places = {
            environment
            for name in names
            if matches(modules, name)
            for environment in library.environments(name)
        }
        problems = [
            f"modules: there is no module {one!r}: {did_you_mean(one, names)}"
            for one in modules
            if not any(matches([one], name) for name in names)
        ]
        problems += [
            f"environments: there is no environment {one!r}: {did_you_mean(one, places)}"
            for one in environments
            if places and not any(matches([one], place) for place in places)
        ]
        if problems:
            raise Refused(problems)

    def _demand_role(self, modules: list[str], environments: list[str]) -> None:
        """Refuse a token for more than the caller is maintainer of.

        Raises:
            Denied: it would be.
        """
        gate = self.parts.gate
        asked = places_of(modules, environments, gate.library)
        lacking = sorted(one for one in asked if not includes(gate.role_on(*one), MAINTAINER))
        if lacking or not asked:
            seen = gate.sight(VIEWER)
            named = [f"{one[0]} ({one[1]})" for one in lacking if seen.sees(*one)]
            where = ", ".join(named[:10]) or "all that these names mean"
            raise Denied(
                f"token_create was refused: {self.parts.user} has not the role {MAINTAINER} on "
                f"{where}. A token may be for what its maker is maintainer of, and nothing else."
            )


def read_public_key(given: object) -> tuple[str, str]:
    """A public key, as base64 of its DER form, and the SHA-256 of that in hexadecimal.

    Args:
        given: PEM as ``openssl pkey -pubout`` writes it, or what stands between its first and
            last line.

    Raises:
        Refused: it is none of Ed25519. Nothing of it is repeated: it might be a private one.
    """
    if not isinstance(given, str) or not given.strip():
        raise Refused("public_key is missing: give what openssl pkey -pubout writes.")
    if "PRIVATE" in given.upper():
        raise Refused(
            "public_key is a private key, and has been seen by others now: remove it, make another "
            "pair, and give the public half (openssl pkey -pubout)."
        )
    odd = Refused(
        "public_key is no public key of Ed25519: make one with openssl genpkey -algorithm ed25519, "
        "and give what openssl pkey -pubout writes."
    )
    try:
        text = "".join(_ARMOUR.sub("", given[:_KEY_LENGTH_AT_MOST]).split())
        der = base64.b64decode(text, validate=True)
        key = load_der_public_key(der)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise odd from None
    if not isinstance(key, Ed25519PublicKey):
        raise odd
    return base64.b64encode(der).decode(), hashlib.sha256(der).hexdigest()


def told(one: Token) -> dict[str, Any]:
    """A token as plain data."""
    state = "revoked" if one.revoked_at else "expired" if one.problem else "valid"
    return {
        "name": one.name,
        "state": state,
        "modules": list(one.modules),
        "environments": list(one.environments),
        "fingerprint": one.fingerprint,
        "created_by": one.created_by,
        "created_at": _iso(one.created_at),
        "reason": one.reason,
        "expires_at": _iso(one.expires_at),
        "last_used_at": _iso(one.last_used_at),
        "revoked_by": one.revoked_by,
        "revoked_at": _iso(one.revoked_at),
        "revoked_reason": one.revoked_reason,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _name(name: object) -> str:
    text = demand_name(name, "name")
    if not NAME_PATTERN.match(text):
        raise Refused(
            f"name is {text[:80]!r}: give letters, digits, '.', '_' and '-', such as shop-ci."
        )
    return text


def _patterns(given: object, what: str) -> list[str]:
    """Names and patterns; one alone need not be a list."""
    values: Iterable[object] = [given] if isinstance(given, str) else given or ()  # type: ignore[assignment]
    example = f"{what}='[{'shop-web' if what == 'modules' else 'test'}]'"
    if not isinstance(values, (list, tuple)) or not 0 < len(values) <= _PATTERNS_AT_MOST:
        raise Refused(f"{what} is missing: give a list of names or patterns, such as {example}.")
    for one in values:
        if not isinstance(one, str) or not _PATTERN.fullmatch(one):
            raise Refused(f"{what} has {str(one)[:80]!r}: give names or patterns, as {example}.")
    return list(dict.fromkeys(map(str, values)))


def _expiry(expires: object) -> datetime:
    """When it ends: after some days or hours, or at a moment."""
    if expires is None:
        raise Refused(f"expires is missing: give such as 90d, {DAYS_AT_MOST}d at the most.")
    lasts = _LASTS.fullmatch(expires) if isinstance(expires, str) else None
    if lasts:
        number = int(lasts[1])
        end = now() + (timedelta(days=number) if lasts[2] == "d" else timedelta(hours=number))
    else:
        end = demand_moment(expires, "expires")
    if not now() < end <= now() + timedelta(days=DAYS_AT_MOST):
        raise Refused(
            f"expires is {str(expires)[:80]!r}: give a time to come, {DAYS_AT_MOST}d from now at "
            "the most."
        )
    return end
