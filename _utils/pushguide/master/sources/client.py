"""Asking servers of artifacts, on the master: with a bound on everything, and secrets kept."""

from __future__ import annotations

import io
import json
import time
import urllib.parse
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from pushguide.address import shown
from pushguide.credential import to_headers
from pushguide.errors import BadVersion
from pushguide.master.sources.base import sha256_in

_FIRST_WAIT_SECONDS = 0.2
_MOST_REDIRECTS = 5
_TRY_AGAIN = (429, 500, 502, 503, 504)
_MOST_CHECKSUM_BYTES = 4096
_USUAL_HEADERS = {"Accept-Encoding": "identity", "Content-Type": "text/plain"}
_BLOCK = 64 * 1024
_BLOCKS_KEPT = 32


class LeadsAstray(requests.RequestException):
    """A server leads to where it should not; the message says what is wrong there."""


@dataclass(frozen=True)
class Limits:
    """How much a server is let do.

    Attributes:
        tries: how often it is asked, if it does not answer.
        timeout_seconds: how long it may say nothing.
        most_json_bytes: the most that its JSON may hold.
        may_lead_away: whether it may lead to other servers.
        ca_file: who vouches for its certificate; None for those who are known.
    """

    tries: int = 4
    timeout_seconds: float = 30
    most_json_bytes: int = 64 * 2**20
    may_lead_away: bool = True
    ca_file: str | None = None


class Client:
    """A way to one server.

    Args:
        address: the address of the server; nobody else gets the credential.
        credential: what it asks for: user and password, token, or headers.
        limits: how much it is let do.
    """

    def __init__(
        self, address: str, credential: Mapping[str, Any] | None, limits: Limits | None = None
    ) -> None:
        self.address = address
        self.limits = limits or Limits()
        self._host = urllib.parse.urlsplit(address).netloc
        self._session = requests.Session()
        self._session.trust_env = False  # a ~/.netrc is no place for what operations configure
        self._credential = dict(credential or {})

    def get_json(
        self,
        url: str,
        what: str,
        parameters: Mapping[str, Any] | None = None,
        query: str | None = None,
    ) -> Any:
        """The JSON at an address.

        Args:
            url: the address.
            what: what it is, for messages: ``the index``.
            parameters: what is asked for; those that are None are left out.
            query: what is sent as the body of a POST, where the server takes questions so.

        Raises:
            BadVersion: the server does not answer, or not with JSON.
        """
        given = {key: one for key, one in (parameters or {}).items() if one is not None}
        full = f"{url}?{urllib.parse.urlencode(given)}" if given else url
        data = self._read(full, what, self.limits.most_json_bytes, query)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as err:
            raise BadVersion(f"Reading {what} at {shown(url)} failed: {err}.") from err

    def get_checksum(self, url: str, what: str) -> str:
        """The sha256 that a small text file begins with.

        Raises:
            BadVersion: the server does not answer, or it begins with something else.
        """
        text = self._read(url, what, _MOST_CHECKSUM_BYTES).decode("utf-8", "replace")
        found = sha256_in(text)
        if found:
            return found
        raise BadVersion(f"Reading {what} at {shown(url)} failed: it does not begin with a sha256.")

    def _read(self, url: str, what: str, at_most: int, query: str | None = None) -> bytes:
        with self._get(url, {}, what, query) as response:
            data: bytes = response.raw.read(at_most + 1, decode_content=True)
        if len(data) > at_most:
            raise BadVersion(
                f"Reading {what} at {shown(url)} failed: it is longer than {at_most} bytes."
            )
        return data

    def look(self, url: str, what: str) -> tuple[int, str | None]:
        """The length of a file, and what its server calls its state; nothing of it is moved.

        Raises:
            BadVersion: the server does not answer, or does not tell the length.
        """
        with self._get(url, {"Range": "bytes=0-0"}, what) as response:
            told = response.headers
            if response.status_code == 206:
                length = told.get("Content-Range", "").rpartition("/")[2]
            else:
                length = told.get("Content-Length", "")
        if not length.isdecimal():
            raise BadVersion(f"{what} at {shown(url)} has no length: its server does not tell it.")
        return int(length), told.get("ETag") or told.get("Last-Modified")

    def open(self, url: str, size: int, what: str) -> RemoteFile:
        """A file that is read by ranges, as it is needed."""
        return RemoteFile(self, url, size, what)

    def range(self, url: str, start: int, end: int, what: str) -> bytes:
        """Some bytes of a file.

        Raises:
            BadVersion: the server does not give them.
        """
        with self._get(url, {"Range": f"bytes={start}-{end - 1}"}, what) as response:
            if response.status_code != 206:
                raise BadVersion(
                    f"Reading {what} at {shown(url)} failed: its server gives no parts of files."
                )
            data = bytes(response.content)
        if len(data) != end - start:
            raise BadVersion(
                f"Reading {what} at {shown(url)} failed: {end - start} bytes were asked for, "
                f"{len(data)} came. Was it changed?"
            )
        return data

    def _get(
        self, url: str, headers: Mapping[str, str], what: str, query: str | None = None
    ) -> requests.Response:
        why = ""
        for attempt in range(self.limits.tries):
            if attempt:
                time.sleep(_FIRST_WAIT_SECONDS * 2**attempt)
            try:
                response = self._send(url, headers, query)
            except LeadsAstray as err:
                why = str(err)
                break
            except requests.RequestException as err:
                why = type(err).__name__
                continue
            if response.status_code < 400:
                return response
            why = f"{response.status_code} {response.reason}"
            response.close()
            if response.status_code not in _TRY_AGAIN:
                break
        hint = " See the credential of the source." if why[:3] in ("401", "403") else ""
        raise BadVersion(f"Asking for {what} at {shown(url)} failed: {why}.{hint}")

    def _send(self, url: str, headers: Mapping[str, str], query: str | None) -> requests.Response:
        """Ask, and follow redirects by hand: nobody but the server that is meant gets a secret."""
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._session.request(
                "GET" if query is None else "POST",
                url,
                data=query,
                headers={**_USUAL_HEADERS, **headers, **self._secrets(url)},
                timeout=self.limits.timeout_seconds,
                verify=self.limits.ca_file or True,
                stream=True,
                allow_redirects=False,
            )
            if not response.is_redirect:
                return response
            target = urllib.parse.urljoin(url, response.headers["Location"])
            response.close()
            if url.startswith("https:") and not target.startswith("https:"):
                raise LeadsAstray("it leads to what is not encrypted")
            if not self.limits.may_lead_away and not self._is_meant(target):
                raise LeadsAstray("it leads to another server")
            url = target
        raise requests.TooManyRedirects("it leads on and on")

    def _secrets(self, url: str) -> dict[str, str]:
        is_told = self._credential and self._is_meant(url)
        return to_headers(self._credential) if is_told else {}

    def _is_meant(self, url: str) -> bool:
        return urllib.parse.urlsplit(url).netloc == self._host


class RemoteFile(io.RawIOBase):
    """A file on a server, of which only what is read is moved.

    Attributes:
        moved: how many bytes were moved so far.
    """

    def __init__(self, client: Client, url: str, size: int, what: str) -> None:
        super().__init__()
        self.client, self.url, self.size, self.what = client, url, size, what
        self.moved = 0
        self._at = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        return self._at

    def read(self, count: int = -1) -> bytes:
        """Read some bytes; a long read is one request, short ones share blocks."""
        end = self.size if count < 0 else min(self.size, self._at + count)
        if end <= self._at:
            return b""
        if end - self._at > _BLOCK * _BLOCKS_KEPT // 2:
            data = self._move(self._at, end)
        else:
            first, last = self._at // _BLOCK, (end - 1) // _BLOCK
            joined = b"".join(self._block(number) for number in range(first, last + 1))
            data = joined[self._at - first * _BLOCK : end - first * _BLOCK]
        self._at = end
        return data

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * _BLOCK
            self._blocks[number] = self._move(start, min(self.size, start + _BLOCK))
            if len(self._blocks) > _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _move(self, start: int, end: int) -> bytes:
        self.moved += end - start
        return self.client.range(self.url, start, end, self.what)
