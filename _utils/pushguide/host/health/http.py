"""Health by HTTP: a request that a healthy release answers rightly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pushguide.host.health.check import Answer, Check, Scene, healthy, inconclusive, unhealthy
from pushguide.host.request import NoAnswer, Response, send


@dataclass(kw_only=True)
class HttpCheck(Check):
    """What an HTTP request must answer for the release to count as healthy."""

    kind: ClassVar[str] = "http"
    versioned: ClassVar[tuple[str, ...]] = ("url", "text")

    url: str
    status: Sequence[int] = (200,)
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    latency_seconds: float | None = None
    inconclusive_status: Sequence[int] = ()

    def __str__(self) -> str:
        return self.url

    def ask(self, scene: Scene) -> Answer:
        """One request."""
        try:
            answer = send(self.url, self.timeout_seconds, self.headers)
        except NoAnswer as err:
            return unhealthy(f"no answer ({err})")
        if answer.status in self.inconclusive_status:
            return inconclusive(f"it answered status {answer.status}, which proves nothing")
        problem = self._problem(answer)
        if problem:
            return unhealthy(problem)
        return healthy(f"status {answer.status}" + (f" with {self.text!r}" if self.text else ""))

    def _problem(self, answer: Response) -> str | None:
        """What is wrong with an answer, None if nothing is."""
        status = answer.status
        if status not in self.status:
            wanted = " or ".join(str(one) for one in self.status)
            return f"it answered status {status}, not {wanted}"
        for name, text in self.answer_headers.items():
            held = ", ".join(answer.headers.get_all(name, []))
            if text not in held:
                return f"status {status}, but the header {name} is {held!r}, without {text!r}"
        if self.text is not None and self.text not in answer.text:
            return f"status {status}, but the answer does not hold {self.text!r}"
        if self.latency_seconds is not None and answer.seconds > self.latency_seconds:
            return (
                f"status {status}, but after {answer.seconds:.2f} s, which is more than "
                f"{self.latency_seconds:g} s"
            )
        return None
