"""Signed requests: CI asks for a deployment with the signature of a key, and needs no role.

The signature stands for one request. It is of no use to who sees it on Salt's event bus, since a
request is taken once, and for a few minutes only.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pushguide.errors import Denied, PushguideError, problems_of
from pushguide.master import versions
from pushguide.master.arguments import (
    collected,
    demand_flag,
    demand_moment,
    demand_name,
    optional_text,
    problems_of_unknown,
)
from pushguide.master.parts import Parts
from pushguide.master.store import tokens
from pushguide.master.store.tables import now
from pushguide.master.store.tokens import Token

log = logging.getLogger(__name__)

#: What a request may say, what of it has to be there first.
KEYS = (
    "token",
    "module",
    "version",
    "environment",
    "at",
    "nonce",
    "reason",
    "allow_offline",
    "strategy",
    "test",
)
BYTES_AT_MOST = 8192
#: How far from now ``at`` may be.
WINDOW = timedelta(minutes=5)
#: How long a nonce is remembered after that: masters' clocks differ.
_REMEMBERED = timedelta(hours=1)

_NOT_ACCEPTED = "deploy_signed was refused: the request was not accepted."
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_TAG = "pushguide/signed"


@dataclass(frozen=True)
class Order:
    """What a token asks for.

    Attributes:
        token: the token.
        asked: the request, checked.
    """

    token: Token
    asked: Mapping[str, Any]

    @property
    def about(self) -> dict[str, Any]:
        """What the audit says of it."""
        given = {key: value for key, value in self.asked.items() if value not in (None, False)}
        return {**given, "token": self.token.name}


class Signing:
    """Takes signed requests.

    Args:
        parts: what it is made of.
        deploy: deploys what a token asks for, as that token; waits for the end if it is told to.
    """

    def __init__(self, parts: Parts, deploy: Callable[[Order, bool], dict[str, Any]]) -> None:
        self.parts = parts
        self.database = parts.database
        self._deploy = deploy

    def deploy(self, request: object, signature: object, wait: object) -> dict[str, Any]:
        """Deploy what a signed request asks for.

        Args:
            request: the text of it, or that as base64.
            signature: of the text's bytes, as base64.
            wait: whether to wait for the end of the deployment.

        Returns:
            What ``deploy`` returns.

        Raises:
            Denied: the signature is none, the token is over, the request is odd, late or was taken
                already, or the token is not for that.
            PushguideError: the deployment was refused, or failed.
        """
        told: dict[str, Any] = {}
        try:
            order = self.accept(request, signature)
            told = {key: order.about.get(key) for key in (*KEYS[:4], "nonce")}
            answer = self._deploy(order, demand_flag(wait, "wait"))
        except PushguideError as err:
            # CI that came by a hook hears nothing: the log and the bus have to say it.
            problems = problems_of(err)
            why = self.parts.trail.why or " ".join(problems)
            log.error("A signed request was refused: %s", why)
            self._tell({**told, "problems": problems})
            raise
        self._tell({**told, **_brief(answer), "problems": []})
        return answer

    def accept(self, request: object, signature: object) -> Order:
        """Look at a request, and take it: it cannot come a second time.

        Raises:
            Denied: it is not accepted. Who has not signed it learns no more than that.
        """
        try:
            text = _text(request)
            given = _mapping(text)
            token = self._signed_by(given.get("token"), text, signature)
        except _Unsigned as err:
            self.parts.trail.note_why(str(err))
            raise Denied(_NOT_ACCEPTED) from None
        self.parts.trail.note_asked(token=token.name, nonce=given.get("nonce"))
        order = Order(token, _checked(token, given))
        until = demand_moment(given["at"], "at") + WINDOW + _REMEMBERED
        nonce = order.asked["nonce"]
        used = self.database.write(lambda one: tokens.use(one, token.name, nonce, until))
        return Order(used, order.asked)

    def _signed_by(self, name: object, text: bytes, signature: object) -> Token:
        """The token whose key has signed a text."""
        token = None
        if isinstance(name, str) and name.isascii() and name.isprintable():
            token = self.database.read(lambda one: tokens.look(one, name))
        if token is None:
            raise _Unsigned(f"there is no token {str(name)[:80]!r}")
        key = load_der_public_key(base64.b64decode(token.public_key))
        assert isinstance(key, Ed25519PublicKey)
        try:
            key.verify(_decoded(signature, "signature"), text)
        except InvalidSignature:
            raise _Unsigned(f"the signature is not that of the token {token.name}") from None
        return token

    def _tell(self, told: dict[str, Any]) -> None:
        """Tell machines what has become of it; the tag names a token whose signature was right."""
        name = told.get("token")
        with self.parts.hosts() as hosts:
            hosts.fire(told, f"{_TAG}/{name}" if name else _TAG)


class _Unsigned(Exception):
    """A request that nobody known has signed; the message is for the audit alone."""


def _brief(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {key: answer[key] for key in ("deployment", "state") if key in answer}


def _text(request: object) -> bytes:
    """The bytes that were signed."""
    if not isinstance(request, str):
        raise _Unsigned(f"the request is no text: {type(request).__name__}")
    if len(request) > 2 * BYTES_AT_MOST:
        raise _Unsigned("the request is too long")
    try:
        is_plain = request.lstrip().startswith("{")
        text = request.encode() if is_plain else _decoded(request, "request")
    except UnicodeEncodeError:
        raise _Unsigned("the request is no text in UTF-8") from None
    if len(text) > BYTES_AT_MOST:
        raise _Unsigned("the request is too long")
    return text


def _decoded(value: object, what: str) -> bytes:
    if not isinstance(value, str) or len(value) > 2 * BYTES_AT_MOST:
        raise _Unsigned(f"the {what} is missing, or no text")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (ValueError, binascii.Error):
        raise _Unsigned(f"the {what} is no base64") from None


def _mapping(text: bytes) -> dict[str, Any]:
    """What a text says; a key that comes twice would mean one thing here and another one there."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key comes twice")
        return found

    try:
        given = json.loads(text.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise _Unsigned("the request is no JSON") from None
    if not isinstance(given, dict):
        raise _Unsigned("the request is no mapping")
    return given


def _checked(token: Token, given: Mapping[str, Any]) -> dict[str, Any]:
    """A request that a token has signed, checked; every problem is told at once.

    Raises:
        Denied: there are some.
    """
    problems = [f"the request: {one}" for one in problems_of_unknown(KEYS, {*given} - {*KEYS})]
    problems += [f"the request: {one!r} is unknown" for one in given if one.startswith("__")]
    if token.problem:
        problems.append(token.problem)
    for key in ("module", "environment"):
        collected(problems, lambda key=key: demand_name(given.get(key), key))  # type: ignore[misc]
    collected(problems, lambda: _label(given.get("version")))
    collected(problems, lambda: _at(given.get("at")))
    nonce = given.get("nonce")
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        problems.append("nonce: give 16 to 64 letters and digits that no other request has.")
    reason = collected(problems, lambda: optional_text(given.get("reason"), "reason"))
    for key in ("allow_offline", "test"):
        collected(problems, lambda key=key: demand_flag(given.get(key, False), key))  # type: ignore[misc]
    strategy = given.get("strategy")
    if strategy is not None and not isinstance(strategy, dict):
        problems.append("strategy: give a mapping.")
    if problems:
        raise Denied(problems)
    flags = {key: given.get(key, False) for key in ("allow_offline", "test")}
    names = {key: given[key] for key in ("module", "version", "environment", "nonce")}
    return {**names, **flags, "strategy": strategy, "reason": reason}


def _label(version: object) -> None:
    if not isinstance(version, str):
        raise Denied("version is missing, or no text: give it in quotes, such as 1.10.")
    versions.demand_label(version)


def _at(value: object) -> None:
    """Refuse a request that was signed long ago, or is to be."""
    if not isinstance(value, str):
        raise Denied("at is missing: say when the request was signed, with date, time and zone.")
    away = demand_moment(value, "at") - now()
    if abs(away) > WINDOW:
        minutes = int(WINDOW.total_seconds() // 60)
        raise Denied(
            f"at is {value[:40]!r}, which is {abs(away).total_seconds():.0f} seconds "
            f"{'ahead' if away > timedelta(0) else 'ago'}: a request is taken within {minutes} "
            "minutes of its signing. Set the clocks of CI and of the master."
        )
