"""Settings of ``dotnet_iis``: what IIS serves out of a release."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pushguide.master.fields import Seconds, Strict, TypeSettings, help_of, or_inventory

#: Names that stand in PowerShell commands of win_iis: no quotes, and nothing that it expands.
IisName = Annotated[str, Field(pattern=or_inventory(r"^[A-Za-z0-9][A-Za-z0-9 ._()-]{0,63}$"))]
IisPath = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9 ._-]*(/[A-Za-z0-9_-][A-Za-z0-9 ._-]*)*$", max_length=200
    ),
]
HostHeader = Annotated[str, Field(pattern=r"^([A-Za-z0-9*]([A-Za-z0-9.-]{0,252}))?$")]


class Binding(Strict):
    """An address that a site listens on."""

    protocol: Literal["http", "https"] = help_of("What is spoken there.", default="http")
    address: Annotated[str, Field(pattern=r"^(\*|[0-9a-fA-F.:]+)$")] = help_of(
        "The IP address, * for all.", default="*"
    )
    port: Annotated[int, Field(ge=1, le=65535)] = help_of("The port that it listens on.", 80)
    host_header: HostHeader = help_of(
        "The host name that is asked for.", "shop.example.com", default=""
    )


class Pool(Strict):
    """An application pool that is created."""

    runtime: Literal["v4.0", "v2.0", ""] = help_of(
        "The version of the .NET CLR; empty for ASP.NET Core.", "v4.0", default=""
    )
    identity: Literal[
        "ApplicationPoolIdentity", "LocalService", "NetworkService", "LocalSystem"
    ] = help_of("Who its processes are: one without a password.", default="ApplicationPoolIdentity")
    only_32_bit: bool = help_of("Whether its processes are 32-bit ones.", default=False)


class Create(Strict):
    """How the site is created where there is none."""

    bindings: Annotated[list[Binding], Field(min_length=1)] = help_of(
        "What it listens on.", [{"port": 80, "host_header": "shop.example.com"}]
    )
    pool: Pool = Pool()


class Settings(TypeSettings):
    """A .NET application on IIS."""

    site: IisName = help_of("The site, as IIS calls it.", "shop")
    application: IisPath | None = help_of(
        "The application in the site, without its first slash; the site's own if not given.",
        "api",
        default=None,
    )
    pool: IisName | None = help_of(
        "The application pool of a site that is created; the site's name if not given. What is "
        "there keeps its own.",
        "shop",
        default=None,
    )
    create: Create | None = None
    change: Literal["recycle", "stop_start"] = help_of(
        "How processes come to the new release: IIS starts new ones beside the old ones, or the "
        "pool is stopped, switched and started.",
        default="recycle",
    )
    stop_timeout_seconds: Seconds = help_of(
        "How long the old processes may take to end: as long as the pool's shutdownTimeLimit.",
        default=90,
    )

    @model_validator(mode="after")
    def _only_sites_are_created(self) -> Settings:
        if self.create and self.application:
            raise ValueError("create is for sites alone: leave out application")
        return self
