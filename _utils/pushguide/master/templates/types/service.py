"""Settings of ``service``: a long-running process behind a live link."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pushguide.master.fields import (
    AbsolutePath,
    Bounded,
    FileName,
    OneLine,
    Port,
    Seconds,
    TypeSettings,
    below_release,
    help_of,
)

#: A file below a release directory.
ReleaseFile = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9 ._+/-]+$", max_length=200),
    AfterValidator(below_release),
]


class Settings(TypeSettings):
    """A long-running process: a systemd unit, or a command that pushguide starts itself."""

    systemd_unit: Annotated[OneLine, Bounded("services")] | None = help_of(
        "The systemd unit to restart. Its ExecStart has to run what lies in <root>/live.",
        "shop-api.service",
        default=None,
    )
    command: OneLine | list[OneLine] | None = help_of(
        "The command to start, where there is no systemd unit. It runs in <root>/live, "
        "without a shell.",
        "java -Xmx512m -jar app.jar",
        default=None,
    )
    user: Annotated[OneLine, Bounded("accounts", or_else="systemd_unit")] | None = help_of(
        "The user that the command runs as. The minion's own if not given.", "shop", default=None
    )
    environment: dict[str, str] = help_of(
        "Variables for the command. A secret is given as {pillar.<path>}.",
        {"SPRING_PROFILES_ACTIVE": "production"},
        default={},
    )
    pid_file: AbsolutePath | None = help_of(
        "Where the process is remembered. <root>/service.pid if not given.", default=None
    )
    log_file: AbsolutePath | None = help_of(
        "Where the command's output goes. <root>/service.log if not given.", default=None
    )
    unpack: bool = help_of(
        "Whether the artifact is unpacked. False for one file, such as a jar that runs as it is.",
        default=True,
    )
    file_name: FileName | None = help_of(
        "With unpack: false, the name under which the artifact is placed. Its own if not given.",
        "app.jar",
        default=None,
    )
    executable: ReleaseFile | None = help_of(
        "A program below the release directory that is made executable. Zip archives that were "
        "made on Windows do not tell which files are.",
        "Shop.Api",
        default=None,
    )
    port: Port | None = help_of(
        "The TCP port that the process listens on: it must be free after the stop, and answer "
        "after the start.",
        8080,
        default=None,
    )
    stop_timeout_seconds: Seconds = help_of(
        "How long the process may take to stop before it is forced.", default=30
    )
    start_timeout_seconds: Seconds = help_of(
        "How long the process may take until it answers on its port.", default=60
    )
    settle_seconds: Seconds = help_of(
        "How long the process must stay alive to count as started.", default=1
    )

    @model_validator(mode="after")
    def _one_way_to_start(self) -> Settings:
        if (self.systemd_unit is None) == (self.command is None):
            raise ValueError("give either systemd_unit or command")
        return self
