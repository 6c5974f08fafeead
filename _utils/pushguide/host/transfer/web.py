"""Asking a web server for a file or for ranges of it, over one connection as long as it lasts.

Redirects are followed, a few. A credential goes to the server that it is meant for and to no
other; addresses are told without their query, which may be a key.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import urllib.parse
from collections.abc import Mapping
from typing import Any, NamedTuple

import salt.utils.http

from pushguide.address import shown

MOST_REDIRECTS = 5

_REDIRECTS = (301, 302, 303, 307, 308)
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)


class Cut(Exception):
    """It did not work now, and may work when it is tried again.

    ``after_seconds`` is the wait that the server asked for.
    """

    def __init__(self, why: str, after_seconds: float = 0) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class Unusable(Exception):
    """This address does not give the artifact, however often it is asked."""


class Proxy(NamedTuple):
    """An HTTP proxy."""

    host: str
    port: int
    headers: Mapping[str, str] = {}


def proxy_of(
    address: str | None, headers: Mapping[str, str], opts: Mapping[str, Any]
) -> Proxy | None:
    """The proxy that a template names, else the one of the minion's configuration."""
    if address:
        parts = urllib.parse.urlsplit(address)
        return Proxy(parts.hostname or "", parts.port or 3128, headers)
    host = opts.get("proxy_host")
    return Proxy(str(host), int(opts.get("proxy_port") or 3128), headers) if host else None


class Web:
    """A way to web servers.

    Args:
        opts: the minion's configuration.
        silence_seconds: how long a server may say nothing.
        headers: what goes to the first server alone: its credential.
        proxy: the proxy, if there is one; hosts in the minion's ``no_proxy`` are asked directly.
    """

    def __init__(
        self,
        opts: Mapping[str, Any],
        silence_seconds: float,
        headers: Mapping[str, str] | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self.opts = opts
        self.silence_seconds = silence_seconds
        self.headers = dict(headers or {})
        self.proxy = proxy
        self._connection: http.client.HTTPConnection | None = None
        self._origin: tuple[str, str] | None = None

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            with contextlib.suppress(OSError):
                self._connection.close()
        self._connection = self._origin = None

    def get(self, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """Ask for a file; the answer has status 200 or 206 and is not read yet.

        Args:
            url: http:// or https://.
            headers: Range and the like.

        Raises:
            Cut: no answer, or one that says to try again.
            Unusable: any other answer.
        """
        first = _origin_of(url)
        for _ in range(MOST_REDIRECTS + 1):
            own = self.headers if _origin_of(url) == first else {}
            response = self._send(url, {"Accept-Encoding": "identity", **headers, **own})
            if response.status not in _REDIRECTS:
                return self._usable(response, url)
            target = urllib.parse.urljoin(url, response.headers.get("Location") or "")
            response.read()
            if urllib.parse.urlsplit(target).scheme not in ("http", "https"):
                raise Unusable(f"{shown(url)} leads to {shown(target)}, which is no web address")
            if url.startswith("https:") and not target.startswith("https:"):
                raise Unusable(f"{shown(url)} leads to {shown(target)}, which is not encrypted")
            url = target
        raise Unusable(f"{shown(url)} leads on and on, more than {MOST_REDIRECTS} times")

    def _usable(self, response: http.client.HTTPResponse, url: str) -> http.client.HTTPResponse:
        encoding = response.headers.get("Content-Encoding", "identity")
        if response.status in (200, 206) and encoding in ("identity", ""):
            return response
        said = f"{shown(url)} answered {response.status} {response.reason}"
        after = response.headers.get("Retry-After") or ""
        self.close()
        if response.status in _TRY_AGAIN:
            raise Cut(said, float(after) if after.isdecimal() else 0)
        if response.status in (401, 403, 407):
            said += " (see the credential of the source)"
        if encoding not in ("identity", ""):
            said += f", compressed by {encoding}, which was not asked for"
        raise Unusable(said)

    def _send(self, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        origin = _origin_of(url)
        kept = self._connection is not None and origin == self._origin
        try:
            return self._request(url, headers)
        except (OSError, http.client.HTTPException) as err:
            self.close()
            if not kept:
                raise _told(err, url) from err
        # A connection that was kept may have been closed meanwhile: that is no failure.
        try:
            return self._request(url, headers)
        except (OSError, http.client.HTTPException) as err:
            self.close()
            raise _told(err, url) from err

    def _request(self, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        parts = urllib.parse.urlsplit(url)
        connection = self._connected(url)
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if self._is_by_proxy(url) and parts.scheme == "http":
            path = urllib.parse.urlunsplit((*parts[:4], ""))
            assert self.proxy
            headers = {**headers, **self.proxy.headers}
        connection.request("GET", path, headers={"User-Agent": "pushguide", **headers})
        return connection.getresponse()

    def _connected(self, url: str) -> http.client.HTTPConnection:
        origin = _origin_of(url)
        if self._connection is None or origin != self._origin:
            self.close()
            self._connection, self._origin = self._connect(url), origin
        return self._connection

    def _connect(self, url: str) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(url)
        proxy = self.proxy if self._is_by_proxy(url) else None
        host, port = (proxy.host, proxy.port) if proxy else (parts.hostname or "", parts.port)
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self.silence_seconds)
        context = ssl.create_default_context(cafile=_ca_bundle(self.opts))
        connection = http.client.HTTPSConnection(
            host, port, timeout=self.silence_seconds, context=context
        )
        if proxy:
            connection.set_tunnel(parts.hostname or "", parts.port, headers=dict(proxy.headers))
        return connection

    def _is_by_proxy(self, url: str) -> bool:
        host = urllib.parse.urlsplit(url).hostname or ""
        exempt = [str(one).lstrip(".") for one in self.opts.get("no_proxy") or []]
        return self.proxy is not None and not any(
            host == one or host.endswith(f".{one}") for one in exempt
        )


def _origin_of(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


def _ca_bundle(opts: Mapping[str, Any]) -> str | None:
    """The certificates that Salt trusts on this host; None for Python's own."""
    found = salt.utils.http.get_ca_bundle(dict(opts))
    return str(found) if found else None


def _told(err: Exception, url: str) -> Exception:
    """What an error means: a certificate that is not trusted will not be trusted next time."""
    said = f"asking {shown(url)}: {err or type(err).__name__}"
    if isinstance(err, ssl.SSLCertVerificationError | http.client.InvalidURL):
        return Unusable(said)
    return Cut(said)
