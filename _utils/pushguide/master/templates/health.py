"""What a template says about health: probes and warm-up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pushguide.master.fields import (
    AbsolutePath,
    HttpUrl,
    OneLine,
    Port,
    Seconds,
    Strict,
    help_of,
    known_name,
)

Status = Annotated[int, Field(ge=100, le=599)]
Headers = dict[str, OneLine]


class Probe(Strict):
    """What all kinds of probes have in common."""

    timeout_seconds: Seconds = help_of("How long one answer may take.", default=5)
    interval_seconds: Seconds = help_of("The wait between two tries.", default=1)
    within_seconds: Seconds = help_of("How long it may take to become healthy.", default=60)
    consecutive: Annotated[int, Field(ge=1, le=1000)] = help_of(
        "How many healthy answers in a row are proof.", default=1
    )

    @model_validator(mode="after")
    def _has_time_for_all_tries(self) -> Probe:
        needed = (self.consecutive - 1) * self.interval_seconds
        if needed > self.within_seconds:
            raise ValueError(
                f"{self.consecutive} answers in a row take {needed:g} s at least, and "
                f"within_seconds is {self.within_seconds:g}: give it more"
            )
        return self


class HttpProbe(Probe):
    """An HTTP request that a healthy release answers rightly."""

    kind: Literal["http"] = help_of("The kind: by HTTP.", default="http")
    url: HttpUrl = help_of(
        "Asked on the host itself, once the release is live. {version} becomes the version.",
        "http://127.0.0.1:8080/health",
    )
    status: list[Status] = help_of(
        "The statuses that count as healthy.", default=[200], min_length=1
    )
    text: OneLine | None = help_of(
        "Text that the answer has to hold. {version} becomes the version.",
        "version {version}",
        default=None,
    )
    headers: Headers = help_of(
        "Headers to send. A secret is given as {pillar.<path>}.", {"Host": "shop"}, default={}
    )
    answer_headers: Headers = help_of(
        "Headers that the answer has to have, and what each has to hold.",
        {"Content-Type": "application/json"},
        default={},
    )
    latency_seconds: Seconds | None = help_of(
        "An answer that took longer is not healthy.", default=None
    )
    inconclusive_status: list[Status] = help_of(
        "The statuses that prove neither health nor illness.", [429], default=[]
    )

    @model_validator(mode="after")
    def _says_one_thing_of_a_status(self) -> HttpProbe:
        both = sorted({*self.status} & {*self.inconclusive_status})
        if both:
            raise ValueError(f"{both[0]} is in status and in inconclusive_status: choose one")
        return self


class TcpProbe(Probe):
    """A port that accepts connections."""

    kind: Literal["tcp"] = help_of("The kind: by TCP.")
    host: OneLine = help_of("Where to connect to, as the host sees it.", default="127.0.0.1")
    port: Port = help_of("The port. Or a grain that holds it.", 8080, "{grain.shop_port}")


class ProcessProbe(Probe):
    """Processes that run."""

    kind: Literal["process"] = help_of("The kind: by the processes that run.")
    name: OneLine = help_of(
        "Text that the command line of a process has to hold. {version} becomes the version.",
        "worker.js",
        min_length=1,
    )
    user: OneLine | None = help_of(
        "The user that the processes run as. Anybody if not given.", "shop", default=None
    )
    at_least: Annotated[int, Field(ge=1)] = help_of("How many have to run.", default=1)


class CommandProbe(Probe):
    """A command that operations have allowed."""

    kind: Literal["command"] = help_of("The kind: by a command.")
    command: OneLine = help_of(
        "A name out of pushguide:commands in the master's configuration.", "check-queue"
    )

    @field_validator("command")
    @classmethod
    def _is_allowed(cls, name: str, info: ValidationInfo) -> str:
        return known_name(name, "commands", info)


class LogProbe(Probe):
    """A log file in which something may not appear."""

    kind: Literal["log"] = help_of("The kind: by a log file.")
    path: AbsolutePath = help_of(
        "The log file. {version} becomes the version.", "/var/log/shop/error.log"
    )
    absent: OneLine = help_of(
        "A regular expression that no line may match that is written after the switch.",
        "OutOfMemoryError|FATAL",
        min_length=1,
    )

    @field_validator("absent")
    @classmethod
    def _is_a_pattern(cls, text: str) -> str:
        try:
            pattern = re.compile(text)
        except re.error as err:
            raise ValueError(f"give a regular expression: {err}") from err
        if pattern.search(""):
            raise ValueError("give an expression that does not match everything")
        return text


def _kind(given: Any) -> str | None:
    """The kind of a probe: by HTTP if it does not say."""
    if isinstance(given, Mapping):
        return str(given.get("kind", "http"))
    return getattr(given, "kind", None)


AnyProbe = Annotated[
    Annotated[HttpProbe, Tag("http")]
    | Annotated[TcpProbe, Tag("tcp")]
    | Annotated[ProcessProbe, Tag("process")]
    | Annotated[CommandProbe, Tag("command")]
    | Annotated[LogProbe, Tag("log")],
    Discriminator(_kind),
]


def _listed(given: Any) -> Any:
    return given if isinstance(given, list) else [given]


#: One probe, or several that all have to be healthy.
Probes = Annotated[list[AnyProbe], BeforeValidator(_listed)]


class WarmUp(Strict):
    """Requests to a new release whose answers do not matter."""

    urls: list[HttpUrl] = help_of(
        "What is asked, one after the other, before the probes. {version} becomes the version.",
        ["http://127.0.0.1:8080/"],
        min_length=1,
    )
    times: Annotated[int, Field(ge=1, le=1000)] = help_of("How many times.", default=1)
    headers: Headers = help_of(
        "Headers to send. A secret is given as {pillar.<path>}.", {"Host": "shop"}, default={}
    )
    timeout_seconds: Seconds = help_of("How long one answer may take.", default=30)
