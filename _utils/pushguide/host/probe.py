"""Health probes: ask the new release whether it works, until it does or time is up."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pushguide.errors import Refused, StepFailed

_READ_AT_MOST = 1024 * 1024


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Shows a redirect as the answer it is: another address's health proves nothing."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


class HttpProbe(NamedTuple):
    """What an HTTP request must answer for the release to count as healthy."""

    url: str
    status: Sequence[int] = (200,)
    text: str | None = None
    headers: Mapping[str, str] = {}
    timeout_seconds: float = 5
    interval_seconds: float = 1
    within_seconds: float = 60

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], version: str) -> HttpProbe:
        """Read a probe from a share; ``{version}`` in its text becomes the version's label."""
        unknown = {*data} - {*cls._fields}
        if unknown:
            raise Refused(f"The probe has unknown fields: {', '.join(sorted(unknown))}.")
        values = dict(data)
        for name in ("url", "text"):
            if values.get(name):
                values[name] = values[name].replace("{version}", version)
        return cls(**values)

    def prove(self) -> str:
        """Ask until the answer is right.

        Returns:
            What came back, in words.

        Raises:
            StepFailed: it was not right within ``within_seconds``.
        """
        deadline = time.monotonic() + self.within_seconds
        tries = 0
        while True:
            tries += 1
            problem, answer = self._ask()
            if problem is None:
                return f"{answer} at try {tries}"
            left = deadline - time.monotonic()
            if left <= 0:
                raise StepFailed(
                    f"Probing {self.url} failed: {problem} after {tries} tries in "
                    f"{self.within_seconds:g} s. Look at the log of the application."
                )
            time.sleep(min(self.interval_seconds, left))

    def _ask(self) -> tuple[str | None, str]:
        """One request: what is wrong with its answer (None if nothing), and the answer."""
        request = urllib.request.Request(self.url, headers=dict(self.headers))  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
        deadline = time.monotonic() + self.timeout_seconds
        try:
            with opener.open(request, timeout=self.timeout_seconds) as response:
                status, body = response.status, _read(response, deadline)
        except urllib.error.HTTPError as err:
            with err:
                status, body = err.code, _read(err, deadline)
        except (OSError, http.client.HTTPException) as err:
            return f"no answer ({err})", ""
        if status not in self.status:
            wanted = " or ".join(str(one) for one in self.status)
            return f"it answered status {status}, not {wanted}", ""
        if self.text is not None and self.text not in body.decode("utf-8", "replace"):
            return f"status {status}, but the answer does not hold {self.text!r}", ""
        return None, f"status {status}" + (f" with {self.text!r}" if self.text else "")


def _read(response: Any, deadline: float) -> bytes:
    """The body, or its beginning: a page that never ends must not hold up the deployment."""
    body = b""
    while len(body) < _READ_AT_MOST and time.monotonic() < deadline:
        block = response.read1(_READ_AT_MOST - len(body))
        if not block:
            break
        body += block
    return body
