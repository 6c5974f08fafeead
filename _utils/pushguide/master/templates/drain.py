"""What a template says about load balancers: how a host gets out, and back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from pushguide.master.fields import (
    AbsolutePath,
    Bounded,
    HttpUrl,
    OneLine,
    Port,
    Seconds,
    Strict,
    help_of,
    known_name,
)
from pushguide.master.templates.health import Headers, Status

#: A name within a command to HAProxy: nothing in it may end the command, or begin another one.
ServerName = Annotated[str, Field(pattern=r"^[\w.:{}-]+$")]


class Drain(Strict):
    """What all ways out have in common."""

    settle_seconds: Annotated[float, Field(ge=0, le=86400)] = help_of(
        "How long to wait after taking the host out, so that the balancer notices.",
        10,
        default=0,
    )
    wait_seconds: Annotated[float, Field(ge=0, le=86400)] = help_of(
        "How long connections may take to finish. Then the deployment goes on, with a warning.",
        default=30,
    )
    port: Port | None = help_of(
        "The local port whose connections have to finish. Or a grain that holds it.",
        8080,
        default=None,
    )


class Call(Strict):
    """A request to a load balancer."""

    url: HttpUrl = help_of("The address.", "http://lb.example.com/pool/shop/{id}/disable")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = help_of(
        "The method.", default="POST"
    )
    status: list[Status] = help_of("The statuses that mean success.", default=[200], min_length=1)
    text: OneLine | None = help_of("Text that the answer has to hold.", "OK", default=None)
    headers: Headers = help_of(
        "Headers to send. A secret is given as {pillar.<path>}.",
        {"Content-Type": "application/json"},
        default={},
    )
    body: str | None = help_of(
        "What is sent along. A secret is given as {pillar.<path>}.", '{"weight": 0}', default=None
    )
    timeout_seconds: Seconds = help_of("How long the answer may take.", default=10)


class HttpDrain(Drain):
    """Out by a request, and back by another one."""

    kind: Literal["http"] = help_of("The kind: by HTTP.")
    out: Call = help_of("The request that takes the host out.", {"url": "http://lb/out"})
    back: Call = help_of("The request that puts the host back.", {"url": "http://lb/back"})


class FileDrain(Drain):
    """Out by a file that the balancer's health check asks for."""

    kind: Literal["file"] = help_of("The kind: by a file.")
    path: AbsolutePath = help_of("The file that the health check asks for.", "/srv/health/ready")
    when_out: Literal["absent", "present"] = help_of(
        "Whether the host is out while the file is absent, or while it is present.",
        default="absent",
    )


class HaproxyDrain(Drain):
    """Out of HAProxy, through its Runtime API."""

    kind: Literal["haproxy"] = help_of("The kind: by HAProxy's Runtime API.")
    socket: AbsolutePath | None = help_of(
        "HAProxy's socket, if it runs on the same host.", "/run/haproxy/admin.sock", default=None
    )
    address: Annotated[str, Field(pattern=r"^[\w.:\[\]{}-]+:\d{1,5}$")] | None = help_of(
        "Where HAProxy's Runtime API listens, if it does so on TCP.", "lb1:9999", default=None
    )
    backend: Annotated[ServerName, Bounded("services")] = help_of("The backend.", "shop")
    server: ServerName = help_of("The server in it that this host is.", "{id}")

    @model_validator(mode="after")
    def _has_one_way(self) -> HaproxyDrain:
        if (self.socket is None) == (self.address is None):
            raise ValueError("give either socket or address")
        return self


class FunctionDrain(Drain):
    """Out by a Salt function that operations have allowed."""

    kind: Literal["function"] = help_of("The kind: by a Salt function.")
    function: OneLine = help_of(
        "A name out of pushguide:functions in the master's configuration.", "out-of-lb"
    )

    @field_validator("function")
    @classmethod
    def _is_allowed(cls, name: str, info: ValidationInfo) -> str:
        return known_name(name, "functions", info)


AnyDrain = Annotated[
    HttpDrain | FileDrain | HaproxyDrain | FunctionDrain, Field(discriminator="kind")
]
