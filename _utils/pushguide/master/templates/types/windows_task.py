"""Settings of ``windows_task``: a scheduled task whose program lies in a release."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pushguide.master.fields import OneLine, Seconds, Strict, TypeSettings, help_of, or_inventory
from pushguide.master.templates.types.windows_service import ReleasePath

TaskName = Annotated[str, Field(pattern=or_inventory(r"^[A-Za-z0-9][A-Za-z0-9 ._()-]{0,127}$"))]
Folder = Annotated[
    str,
    Field(pattern=r"^\\([A-Za-z0-9][A-Za-z0-9 ._-]*(\\[A-Za-z0-9][A-Za-z0-9 ._-]*)*)?$"),
]
Limit = Literal["1 hour", "2 hours", "4 hours", "8 hours", "12 hours", "1 day"]
Day = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
Period = Literal[
    "1 minute", "5 minutes", "10 minutes", "15 minutes", "30 minutes", "1 hour", "12 hours", "1 day"
]


class Trigger(Strict):
    """When the task runs."""

    trigger_type: Literal["Once", "Daily", "Weekly", "OnBoot"] = help_of(
        "The kind: Once, Daily, Weekly or OnBoot.", "Daily"
    )
    start_date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = help_of(
        "The first day; today if not given.", "2026-12-01", default=None
    )
    start_time: Annotated[str, Field(pattern=r"^\d\d:\d\d$")] | None = help_of(
        "The time of day, on the host's clock.", "03:00", default=None
    )
    days_interval: Annotated[int, Field(ge=1, le=999)] | None = help_of(
        "Daily: each so many days.", 1, default=None
    )
    days_of_week: list[Day] | None = help_of("Weekly: the days.", ["Monday"], default=None)
    repeat_interval: Period | None = help_of(
        "How often it is repeated from then on.", "15 minutes", default=None
    )
    repeat_duration: Literal["12 hours", "1 day"] | None = help_of(
        "For how long it is repeated.", "1 day", default=None
    )


class Create(Strict):
    """How the task is created where there is none."""

    trigger: Trigger = help_of("When the task runs", {"trigger_type": "Daily"})
    user_name: Literal["System", "LocalService", "NetworkService"] = help_of(
        "Who it runs as: one without a password.", default="System"
    )
    execution_time_limit: (
        Literal["1 hour", "2 hours", "4 hours", "8 hours", "12 hours", "1 day"] | None
    ) = help_of("After how long Windows ends it.", "4 hours", default=None)


class Settings(TypeSettings):
    """A scheduled task of Windows."""

    task: TaskName = help_of("The task, as the scheduler calls it.", "Send mail")
    folder: Folder = help_of("The folder of the scheduler that it lies in.", "\\Shop", default="\\")
    executable: ReleasePath = help_of(
        "Its program, below the release directory.", r"bin\SendMail.exe"
    )
    arguments: OneLine | None = help_of(
        "What the program is given; left as it is if not given. No secrets.",
        "--all",
        default=None,
    )
    create: Create | None = None
    wait_seconds: Seconds = help_of("How long a running instance may take to end.", default=300)
    running: Literal["fail", "end"] = help_of(
        "What becomes of an instance that runs longer: the deployment fails, or it is ended.",
        default="fail",
    )
    run_now: bool = help_of("Whether the task is run as a proof.", default=False)
    run_within_seconds: Seconds = help_of("How long that may take.", default=300)
