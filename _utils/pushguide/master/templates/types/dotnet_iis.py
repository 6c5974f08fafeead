"""Settings of ``dotnet_iis``: what IIS serves out of a release."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pushguide.master.fields import (
    Bounded,
    Seconds,
    Strict,
    TypeSettings,
    help_of,
    or_inventory,
)

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
    pipeline: Literal["Integrated", "Classic"] = help_of(
        "How requests come to managed code.", "Classic", default="Integrated"
    )
    identity: Annotated[
        Literal["ApplicationPoolIdentity", "LocalService", "NetworkService", "LocalSystem"],
        Bounded("accounts"),
    ] = help_of("Who its processes are: one without a password.", default="ApplicationPoolIdentity")
    only_32_bit: bool = help_of("Whether its processes are 32-bit ones.", default=False)
    start_mode: Literal["OnDemand", "AlwaysRunning"] = help_of(
        "Whether a process starts with the first request, or with the pool.", default="OnDemand"
    )
    idle_timeout_minutes: Annotated[int, Field(ge=0, le=43200)] | None = help_of(
        "After how long without a request its processes end, 0 for never. IIS's own is 20.",
        0,
        default=None,
    )
    recycle_minutes: Annotated[int, Field(ge=0, le=43200)] | None = help_of(
        "How often IIS recycles it by itself, 0 for never. IIS's own is 1740.", 0, default=None
    )
    shutdown_limit_seconds: Annotated[int, Field(ge=1, le=86400)] | None = help_of(
        "How long its processes may take to end before IIS ends them by force. IIS's own is 90.",
        30,
        default=None,
    )


class Create(Strict):
    """How what the module is served by is created where there is none."""

    bindings: list[Binding] = help_of(
        "What a site listens on, at least one; only a site has bindings.",
        [{"port": 80, "host_header": "shop.example.com"}],
        default=[],
    )
    pool: Pool = help_of("The application pool, where there is none yet.", default=Pool())


class Settings(TypeSettings):
    """A .NET application on IIS."""

    site: Annotated[IisName, Bounded("services")] = help_of("The site, as IIS calls it.", "shop")
    application: IisPath | None = help_of(
        "The application in the site, without its first slash; the site's own if not given.",
        "api",
        default=None,
    )
    virtual_directory: IisPath | None = help_of(
        "The virtual directory in the application, without its first slash; the application's own "
        "if not given.",
        "files",
        default=None,
    )
    pool: Annotated[IisName, Bounded("services")] | None = help_of(
        "The application pool of a site or an application that is created. If not given, a site "
        "has one of its own name, and an application that of its site. What is there keeps its "
        "own.",
        "shop",
        default=None,
    )
    create: Create | None = help_of("How it is created where there is none", default=None)
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
    def _says_what_is_created(self) -> Settings:
        if not self.create:
            return self
        is_site = self.application is None and self.virtual_directory is None
        sets_up_pool = "pool" in self.create.model_fields_set
        if is_site != bool(self.create.bindings):
            raise ValueError(
                "create: give bindings, at least one"
                if is_site
                else "create: leave out bindings, only a site has them"
            )
        if self.virtual_directory is not None and (self.pool or sets_up_pool):
            raise ValueError("a virtual directory has the pool of its application: leave out pool")
        if not is_site and sets_up_pool and not self.pool:
            raise ValueError("create: pool is for one of the application's own: name it (pool)")
        return self

    @model_validator(mode="after")
    def _waits_as_long_as_iis(self) -> Settings:
        limit = self.create.pool.shutdown_limit_seconds if self.create else None
        if limit and limit > self.stop_timeout_seconds:
            raise ValueError(
                f"processes may take {limit} s to end (shutdown_limit_seconds), and "
                f"stop_timeout_seconds is {self.stop_timeout_seconds:g}: give it as much"
            )
        return self
