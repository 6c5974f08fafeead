"""A file on a server, read by ranges: cuts are mended, and what is not right is noticed."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator

from pushguide.address import shown
from pushguide.host.transfer.pace import Pace
from pushguide.host.transfer.web import Cut, Unusable, Web

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)\Z")
#: After so many bytes a connection that is cut has proven that it works: failures count anew.
_PROGRESS_BYTES = 2**20


class NoRanges(Exception):
    """The server does not give parts of this file, or no more of the one that was begun."""


class Remote:
    """An artifact at one address.

    Args:
        url: its address, http:// or https://.
        size: its length as the source has it, in bytes.
        web: the way there.
        pace: the bounds.
    """

    def __init__(self, url: str, size: int, web: Web, pace: Pace) -> None:
        self.url = url
        self.size = size
        self.web = web
        self.pace = pace
        self._validator = ""

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to before ``end``."""
        return b"".join(self.blocks(start, end))

    def blocks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from ``start`` to before ``end``, in blocks.

        A connection that breaks off is taken up again where it broke.

        Raises:
            NoRanges: the server begins anew where it was asked for a part, or has another file
                than before.
            Unusable: the address does not give the file.
        """
        failures, since_failure = 0, 0
        while start < end:
            self.pace.demand_time()
            try:
                for block in self._ask(start, end):
                    yield block
                    start += len(block)
                    since_failure += len(block)
            except Cut as err:
                self.web.close()
                failures = 1 if since_failure >= _PROGRESS_BYTES else failures + 1
                since_failure = 0
                if failures >= self.pace.transfer.attempts:
                    raise Unusable(f"{err} ({failures} times in a row)") from err
                self.pace.back_off(failures, err.after_seconds)

    def _ask(self, start: int, end: int) -> Iterator[bytes]:
        is_part = start > 0 or end < self.size
        headers = {"Range": f"bytes={start}-{end - 1}"} if is_part else {}
        if is_part and self._validator:
            headers["If-Range"] = self._validator
        response = self.web.get(self.url, headers)
        if is_part:
            self._demand_part(response, start, end)
        else:
            self._demand_whole(response)
        self._remember(response)
        yield from self._body(response, end - start)

    def _demand_part(self, response: http.client.HTTPResponse, start: int, end: int) -> None:
        if response.status != 206:
            self.web.close()
            raise NoRanges(f"{shown(self.url)} gives no part of it, or has another file by now")
        match = _CONTENT_RANGE.match(response.headers.get("Content-Range") or "")
        told = tuple(map(int, match.groups())) if match else None
        if told != (start, end - 1, self.size):
            self.web.close()
            raise NoRanges(
                f"{shown(self.url)} was asked for the bytes {start} to {end - 1} of {self.size}, "
                f"and says of its answer {response.headers.get('Content-Range')!r}"
            )

    def _demand_whole(self, response: http.client.HTTPResponse) -> None:
        length = response.headers.get("Content-Length")
        if response.status != 200 or (length is not None and length != str(self.size)):
            self.web.close()
            raise Unusable(
                f"{shown(self.url)} has {length} bytes (status {response.status}), and should "
                f"have {self.size}"
            )

    def _remember(self, response: http.client.HTTPResponse) -> None:
        """Keep what tells this file from another at the same address."""
        tag = response.headers.get("ETag") or ""
        if not self._validator:
            weak = tag.startswith("W/") or not tag
            self._validator = (response.headers.get("Last-Modified") or "") if weak else tag

    def _body(self, response: http.client.HTTPResponse, length: int) -> Iterator[bytes]:
        left = length
        while left:
            block = _next(response, min(left, self.pace.block_bytes))
            if not block:
                raise Cut(f"{shown(self.url)} broke off, with {left} of {length} bytes missing")
            left -= len(block)
            self.pace.took(len(block))
            yield block
        if not response.isclosed() and _next(response, 1):
            self.web.close()
            raise Unusable(f"{shown(self.url)} has more than the {self.size} bytes it should have")
        response.close()  # http.client takes no other request before


def read_all(url: str, web: Web, pace: Pace, most: int) -> Iterator[bytes]:
    """A small file whose length is not known: its blocks, up to ``most`` bytes.

    Raises:
        Unusable: the address does not give it.
    """
    failures = 0
    while True:
        try:
            response = web.get(url, {})
            data = b""
            while len(data) < most and (block := _next(response, most - len(data))):
                data += block
                pace.took(len(block))
            if response.length and len(data) < most:
                raise Cut(f"{shown(url)} broke off")
        except Cut as err:
            web.close()
            failures += 1
            if failures >= pace.transfer.attempts:
                raise Unusable(f"{err} ({failures} times in a row)") from err
            pace.back_off(failures, err.after_seconds)
        else:
            web.close()
            yield data
            return


def _next(response: http.client.HTTPResponse, most: int) -> bytes:
    try:
        return response.read1(most)
    except (OSError, http.client.HTTPException, ValueError) as err:
        raise Cut(f"the connection broke off: {err or type(err).__name__}") from err
