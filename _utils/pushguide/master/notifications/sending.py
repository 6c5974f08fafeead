"""Sending: the one place that knows Apprise, and what of it may be repeated.

Apprise and what it rests on log the addresses that they send to, and those hold secrets: what
they log in a thread that sends is heard here, and nowhere else.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from pushguide.master.notifications.reading import Notifications

#: The kinds of message that Apprise shows differently.
INFO, SUCCESS, WARNING, FAILURE = "info", "success", "warning", "failure"

#: The header that tells a webhook which message it is.
KEY_HEADER = "Idempotency-Key"
#: The kinds of address that such a header can be given to.
_WEBHOOKS = ("json", "jsons", "form", "forms", "xml", "xmls")

_LOGGERS = ("apprise", "urllib3.connectionpool", "urllib3.util.retry", "requests_oauthlib")
_FIRST_TIMEOUT_SECONDS = 10.0
_LONGEST_TIMEOUT_SECONDS = 60.0
_PROBLEM_AT_MOST = 300
#: What stands in the place of lines that a receiver has no room for; and how much of that room its
#: own additions to a title may need.
_CUT = "...\n"
_ADDED_TO_TITLE = 32
#: The shortest piece of an address that is taken for a secret.
_PIECE = re.compile(r"[^:/?&=@,;+#\s]{4,}")


@dataclass(frozen=True)
class Message:
    """What is sent.

    Attributes:
        key: says which message it is; the same one whenever it is sent again.
        body: its lines, those first that matter most.
        kind: how it is meant.
    """

    key: str
    title: str
    body: str
    kind: str = INFO

    @property
    def footer(self) -> str:
        """The last line, which says which message it is."""
        return f"pushguide {self.key}"

    def text(self, most: int) -> str:
        """Its body and footer, without the last lines of a body that is too long.

        Args:
            most: how many bytes the receiver takes.
        """
        whole = f"{self.body}{self.footer}"
        if len(whole.encode()) <= most:
            return whole
        room, kept = most - len(f"{_CUT}{self.footer}".encode()), ""
        for line in self.body.splitlines(keepends=True):
            if len(f"{kept}{line}".encode()) > room:
                break
            kept += line
        return f"{kept}{_CUT}{self.footer}"


#: What was heard where something is sent; None where nothing is.
_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


class _Ear(logging.Filter):
    """Hears what is logged where something is sent, and lets nobody else hear it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether anybody else may hear it."""
        heard = _heard.get()
        if heard is None:
            return True
        if record.levelno >= logging.WARNING:
            heard.append(record.getMessage())
        return False


_EAR = _Ear()


@contextmanager
def _hearing() -> Iterator[list[str]]:
    """Hear what is warned of while the block runs."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if _EAR not in logger.filters:
            logger.addFilter(_EAR)
    heard: list[str] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


@cache
def _apprise() -> Any:
    """Apprise, with all that it knows; it takes a while."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for what newer Pythons have not
        import apprise

        apprise.Apprise.instantiate("json://localhost")
    return apprise


def problem_of(url: str) -> str | None:
    """Why Apprise does not take an address, None if it does; nothing of it is repeated."""
    with _hearing() as heard:
        try:
            plugin = _plugin(url)
        except Exception as err:  # noqa: BLE001 - a hundred services, each with a way of its own
            return f"Apprise failed: {type(err).__name__}"
        return None if plugin is not None else _told(url, heard, "Apprise does not take it")


def problems_of(notifications: Notifications) -> Iterator[str]:
    """The addresses that Apprise does not take, in sentences."""
    for name, channel in notifications.channels.items():
        for place, url in enumerate(channel.urls, 1):
            problem = problem_of(url)
            if problem:
                yield f"Address {place} of the channel {name} is no good: {problem}"


def send(url: str, message: Message, attempt: int = 1) -> str | None:
    """Send a message to one address.

    Args:
        url: the address.
        message: the message.
        attempt: which attempt it is: a slow receiver is given more time with each.

    Returns:
        None if the receiver has taken it; otherwise what went wrong, without the address.
    """
    with _hearing() as heard:
        try:
            plugin = _plugin(url)
            if plugin is None:
                return _told(url, heard, "Apprise does not take its address")
            _prepare(plugin, url, message, attempt)
            library = _apprise()
            service = library.Apprise(asset=plugin.asset)
            service.add(plugin)
            is_taken = service.notify(
                title=message.title,
                body=message.text(_room(plugin, message)),
                notify_type=message.kind,
                body_format=library.NotifyFormat.TEXT,
            )
        except Exception as err:  # noqa: BLE001 - a hundred services, each with a way of its own
            return f"Apprise failed: {type(err).__name__}"
        return None if is_taken else _told(url, heard, "the receiver did not take it")


def _plugin(url: str) -> Any:
    library = _apprise()
    # In this thread, and in no pool of Apprise's own, which slow receivers would fill.
    asset = library.AppriseAsset(async_mode=False, service_timeout=0)
    return library.Apprise.instantiate(url, asset=asset)


def _prepare(plugin: Any, url: str, message: Message, attempt: int) -> None:
    seconds = min(_LONGEST_TIMEOUT_SECONDS, _FIRST_TIMEOUT_SECONDS * 2 ** min(attempt - 1, 8))
    plugin.socket_connect_timeout = min(seconds, _FIRST_TIMEOUT_SECONDS)
    plugin.socket_read_timeout = seconds
    if url.partition("://")[0].lower() in _WEBHOOKS:
        plugin.headers[KEY_HEADER] = message.key


def _room(plugin: Any, message: Message) -> int:
    """How many bytes of text a service takes: some refuse a message that is too long for ever."""
    title = 0 if plugin.title_maxlen > 0 else len(message.title.encode()) + _ADDED_TO_TITLE
    return int(plugin.body_maxlen) - title


def _told(url: str, heard: list[str], otherwise: str) -> str:
    """What was heard, on one line, without any piece of the address."""
    text = " ".join(" ".join(heard[:3]).split()) or otherwise
    text = re.sub(r"\w+://\S+", "***", text)
    beyond = url.partition("://")[2]
    pieces = {*_PIECE.findall(beyond), *_PIECE.findall(unquote(beyond))}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, "***")
    return text[:_PROBLEM_AT_MOST]
