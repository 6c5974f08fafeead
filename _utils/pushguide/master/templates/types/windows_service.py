"""Settings of ``windows_service``: a Windows service whose program lies in a release."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pushguide.master.fields import (
    Bounded,
    OneLine,
    Port,
    Seconds,
    Strict,
    TypeSettings,
    below_release,
    help_of,
    or_inventory,
)

#: Names that need no quoting anywhere; Windows itself forbids only slashes.
ServiceName = Annotated[str, Field(pattern=or_inventory(r"^[A-Za-z0-9][A-Za-z0-9 ._$-]{0,79}$"))]
#: A file below a release directory, in the form of Windows.
ReleasePath = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9 ._()\\/-]+$", max_length=200),
    AfterValidator(below_release),
]
#: The accounts of Windows that need no password.
BuiltInAccount = Literal[
    "LocalSystem", r"NT Authority\LocalService", r"NT Authority\NetworkService"
]


class Create(Strict):
    """How the service is created where there is none."""

    display_name: OneLine | None = help_of("Its name for people.", "Shop Worker", default=None)
    description: OneLine | None = help_of("What it does.", "Sends mail", default=None)
    start_type: Literal["auto", "delayed", "manual"] = help_of(
        "When Windows starts it; delayed is some minutes after Windows itself.", default="auto"
    )
    account_name: Annotated[BuiltInAccount, Bounded("accounts")] = help_of(
        "The account that it runs as: one without a password. Create a service that has one with "
        "your configuration management.",
        default="LocalSystem",
    )
    restart_after_seconds: Annotated[list[Seconds], Field(min_length=1, max_length=3)] | None = (
        help_of(
            "Its recovery actions: how long after an unexpected end Windows starts it again, the "
            "first, the second and each later time in a day.",
            [5, 60],
            default=None,
        )
    )


class Settings(TypeSettings):
    """A Windows service."""

    service: Annotated[ServiceName, Bounded("services")] = help_of(
        "The name of the service, not its display name.", "ShopWorker"
    )
    executable: ReleasePath = help_of(
        "Its program, below the release directory.", r"bin\ShopWorker.exe"
    )
    arguments: OneLine | None = help_of(
        "What the program is given. No secrets: everyone who sees events sees them.",
        "--environment Production",
        default=None,
    )
    create: Create | None = help_of("How the service is created where there is none", default=None)
    kill: bool = help_of(
        "Whether its process may be ended by force if it does not stop.", default=True
    )
    port: Port | None = help_of(
        "The TCP port that it listens on: free after the stop, and taken after the start.",
        8080,
        default=None,
    )
    stop_timeout_seconds: Seconds = help_of("How long it may take to stop.", default=30)
    start_timeout_seconds: Seconds = help_of("How long it may take to start.", default=60)
    settle_seconds: Seconds = help_of("How long it must stay alive to count as started.", default=1)
