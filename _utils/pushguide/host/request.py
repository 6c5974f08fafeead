"""HTTP requests: one question, one answer, within a bound."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import Any, NamedTuple

_READ_AT_MOST = 1024 * 1024


class NoAnswer(Exception):
    """Nobody answered, or what came back is no HTTP."""


class Response(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    text: str
    seconds: float


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Shows a redirect as the answer it is: another address's health proves nothing."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


def send(
    url: str,
    timeout_seconds: float,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: str | None = None,
) -> Response:
    """Send a request, without a proxy and without following redirects.

    Args:
        url: the address.
        timeout_seconds: how long the answer may take; of a longer one the beginning is read.
        headers: headers to send.
        method: the method.
        body: what is sent along.

    Raises:
        NoAnswer: nobody answered in time, or what came back is no HTTP.
    """
    data = None if body is None else body.encode()
    began = time.monotonic()
    deadline = began + timeout_seconds
    try:
        request = urllib.request.Request(  # noqa: S310 - http or https, by the template's model
            url, data, dict(headers or {}), method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
        try:
            response = opener.open(request, timeout=timeout_seconds)
        except urllib.error.HTTPError as err:
            response = err
        with response:
            text = _read(response, deadline).decode("utf-8", "replace")
            return Response(response.status, response.headers, text, time.monotonic() - began)
    except (OSError, http.client.HTTPException, ValueError) as err:
        raise NoAnswer(str(err) or type(err).__name__) from err


def _read(response: Any, deadline: float) -> bytes:
    """The body, or its beginning: a page that never ends must not hold up the deployment."""
    body = b""
    while len(body) < _READ_AT_MOST and time.monotonic() < deadline:
        block = response.read1(_READ_AT_MOST - len(body))
        if not block:
            break
        body += block
    return body
