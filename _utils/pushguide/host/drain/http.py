"""Out of a load balancer by HTTP: its own interface, or one of a team's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pushguide.errors import StepFailed
from pushguide.host.drain.way import Way
from pushguide.host.request import NoAnswer, send


@dataclass(kw_only=True)
class HttpWay(Way):
    """One request takes the host out, another one puts it back."""

    kind: ClassVar[str] = "http"

    out: Mapping[str, Any]
    back: Mapping[str, Any]

    def take_out(self) -> str:
        """Send the one."""
        return _call(self.out)

    def put_back(self, found: Mapping[str, Any]) -> str:
        """Send the other."""
        return _call(self.back)


def _call(given: Mapping[str, Any]) -> str:
    method, url = given.get("method", "POST"), given["url"]
    try:
        answer = send(
            url,
            given.get("timeout_seconds", 10),
            given.get("headers"),
            method=method,
            body=given.get("body"),
        )
    except NoAnswer as err:
        raise StepFailed(f"{method} {url}: no answer ({err})") from err
    wanted = given.get("status") or [200]
    if answer.status not in wanted:
        raise StepFailed(
            f"{method} {url}: it answered status {answer.status}, not "
            f"{' or '.join(str(one) for one in wanted)}"
        )
    text = given.get("text")
    if text is not None and text not in answer.text:
        raise StepFailed(f"{method} {url}: the answer does not hold {text!r}")
    return f"{method} {url}: status {answer.status}"
