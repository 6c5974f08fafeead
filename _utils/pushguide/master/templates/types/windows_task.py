"""Settings of ``windows_task``: a scheduled task whose program lies in a release."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from pushguide.master.fields import (
    Bounded,
    OneLine,
    Seconds,
    Strict,
    TypeSettings,
    help_of,
    or_inventory,
)
from pushguide.master.templates.types.windows_service import ReleasePath

TaskName = Annotated[str, Field(pattern=or_inventory(r"^[A-Za-z0-9][A-Za-z0-9 ._()-]{0,127}$"))]
Folder = Annotated[
    str,
    Field(pattern=r"^\\([A-Za-z0-9][A-Za-z0-9 ._-]*(\\[A-Za-z0-9][A-Za-z0-9 ._-]*)*)?$"),
]
Limit = Literal["1 hour", "2 hours", "4 hours", "8 hours", "12 hours", "1 day"]
DayOfMonth = Annotated[int, Field(ge=1, le=31)]
Month = Literal[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
Day = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
Period = Literal[
    "1 minute", "5 minutes", "10 minutes", "15 minutes", "30 minutes", "1 hour", "12 hours", "1 day"
]


#: What only triggers of a kind have, and what they have to have one of.
_OF_A_KIND = {
    "Daily": ("days_interval",),
    "Weekly": ("days_of_week", "weeks_interval"),
    "Monthly": ("days_of_month", "last_day_of_month", "months_of_year"),
}
_WANTED = {
    "Once": ("start_date",),
    "Weekly": ("days_of_week",),
    "Monthly": ("days_of_month", "last_day_of_month"),
}


class Trigger(Strict):
    """When the task runs."""

    trigger_type: Literal["Once", "Daily", "Weekly", "Monthly", "OnBoot"] = help_of(
        "The kind: Once, Daily, Weekly, Monthly or OnBoot.", "Daily"
    )
    start_date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = help_of(
        "The first day; today if not given. Once has to have one.", "2026-12-01", default=None
    )
    start_time: Annotated[str, Field(pattern=r"^\d\d:\d\d$")] | None = help_of(
        "The time of day, on the host's clock.", "03:00", default=None
    )
    days_interval: Annotated[int, Field(ge=1, le=999)] | None = help_of(
        "Daily: each so many days.", 1, default=None
    )
    days_of_week: Annotated[list[Day], Field(min_length=1)] | None = help_of(
        "Weekly: the days.", ["Monday"], default=None
    )
    weeks_interval: Annotated[int, Field(ge=1, le=52)] | None = help_of(
        "Weekly: each so many weeks.", 2, default=None
    )
    days_of_month: Annotated[list[DayOfMonth], Field(min_length=1)] | None = help_of(
        "Monthly: the days.", [1, 15], default=None
    )
    last_day_of_month: bool | None = help_of(
        "Monthly: on the last day of the month.", True, default=None
    )
    months_of_year: Annotated[list[Month], Field(min_length=1)] | None = help_of(
        "Monthly: the months, all of them if not given.", ["January", "July"], default=None
    )
    repeat_interval: Period | None = help_of(
        "How often it is repeated from then on.", "15 minutes", default=None
    )
    repeat_duration: Literal["12 hours", "1 day"] | None = help_of(
        "For how long it is repeated.", "1 day", default=None
    )

    @model_validator(mode="before")
    @classmethod
    def _each_month(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("trigger_type") == "Monthly":
            return {"months_of_year": [*get_args(Month)], **data}
        return data

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Trigger:
        given = {key for key in self.model_fields_set if getattr(self, key) is not None}
        foreign = [
            f"{key} is for {kind}"
            for kind, keys in _OF_A_KIND.items()
            for key in keys
            if key in given and kind != self.trigger_type
        ]
        if foreign:
            raise ValueError(f"this trigger is {self.trigger_type}: {'; '.join(foreign)}")
        wanted = _WANTED.get(self.trigger_type, ())
        if wanted and not given & {*wanted}:
            raise ValueError(f"{self.trigger_type} wants {' or '.join(wanted)}")
        return self


class Create(Strict):
    """How the task is created where there is none."""

    trigger: Trigger = help_of("When the task runs", {"trigger_type": "Daily"})
    user_name: Annotated[
        Literal["System", "LocalService", "NetworkService"], Bounded("accounts")
    ] = help_of("Who it runs as: one without a password.", default="System")
    execution_time_limit: (
        Literal["1 hour", "2 hours", "4 hours", "8 hours", "12 hours", "1 day"] | None
    ) = help_of("After how long Windows ends it.", "4 hours", default=None)


class Settings(TypeSettings):
    """A scheduled task of Windows."""

    task: Annotated[TaskName, Bounded("services")] = help_of(
        "The task, as the scheduler calls it.", "Send mail"
    )
    folder: Folder = help_of("The folder of the scheduler that it lies in.", "\\Shop", default="\\")
    executable: ReleasePath = help_of(
        "Its program, below the release directory.", r"bin\SendMail.exe"
    )
    arguments: OneLine | None = help_of(
        "What the program is given; left as it is if not given. No secrets.",
        "--all",
        default=None,
    )
    create: Create | None = help_of("How the task is created where there is none", default=None)
    wait_seconds: Seconds = help_of("How long a running instance may take to end.", default=300)
    running: Literal["fail", "end"] = help_of(
        "What becomes of an instance that runs longer: the deployment fails, or it is ended.",
        default="fail",
    )
    run_now: bool = help_of("Whether the task is run as a proof.", default=False)
    run_within_seconds: Seconds = help_of("How long that may take.", default=300)
