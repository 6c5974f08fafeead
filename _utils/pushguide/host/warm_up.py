"""Warm-up: requests to a new release whose answers do not matter."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pushguide.host.request import NoAnswer, send
from pushguide.host.steps import Note, skipped, warning
from pushguide.host.waiting import BetweenTries, pause

_POLL_SECONDS = 0.5


def send_all(
    given: Mapping[str, Any] | None, version: str, between_tries: BetweenTries
) -> Note | str:
    """Send the requests of a template, one after the other.

    Args:
        given: urls, times, headers and timeout_seconds; none if nothing has to be warmed up.
        version: what ``{version}`` becomes.
        between_tries: called before each request; may raise to stop it.

    Returns:
        What came back, in words; a warning if not all was answered well.
    """
    if not given:
        return skipped("the template has no warm_up")
    urls = [one.replace("{version}", version) for one in given["urls"]] * int(given.get("times", 1))
    timeout, headers = float(given.get("timeout_seconds", 30)), given.get("headers") or {}
    began = time.monotonic()
    troubles: list[str] = []
    for place, url in enumerate(urls, start=1):
        try:
            status = _send(url, timeout, headers, between_tries)
        except NoAnswer as err:
            # Who does not answer at all is left to the probe: each further wait would be for it.
            left = f"; {len(urls) - place} requests were not sent" if place < len(urls) else ""
            troubles.append(f"{url}: no answer ({err}){left}")
            break
        if status >= 400:
            troubles.append(f"{url}: status {status}")
    told = f"{len(urls)} requests in {time.monotonic() - began:.1f} s"
    return warning(f"{told}; {', '.join(dict.fromkeys(troubles))}") if troubles else told


def _send(url: str, timeout: float, headers: Mapping[str, str], between_tries: BetweenTries) -> int:
    """The status of one answer. What has just been started may not listen yet: ask again."""
    deadline = time.monotonic() + timeout
    while True:
        between_tries()
        left = deadline - time.monotonic()
        try:
            return send(url, max(left, _POLL_SECONDS), headers).status
        except NoAnswer:
            if deadline - time.monotonic() <= _POLL_SECONDS:
                raise
            pause(_POLL_SECONDS, between_tries)
