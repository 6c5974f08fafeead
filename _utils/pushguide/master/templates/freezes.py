"""Freezes: times at which nothing is deployed, once or again and again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator

from pushguide.errors import BadTemplate
from pushguide.master.fields import OneLine, Strict, help_of
from pushguide.master.templates.sentences import sentences

_PATH = "pushguide:freezes"
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


def _schedule(text: str) -> str:
    try:
        CronSim(text, datetime(2026, 1, 1))  # noqa: DTZ001 - only to be read
    except CronSimError as err:
        raise ValueError(f"give minute, hour, day, month and day of the week ({err})") from err
    return text


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("give a time zone, such as Asia/Shanghai")
    return name


class Freeze(Strict):
    """A time at which nothing is deployed: once, or again and again."""

    reason: OneLine = help_of("Why, for whoever is refused.", "Singles' Day")
    since: AwareDatetime | None = help_of(
        "Once: from when on, with its zone; at once if not given.",
        "2026-11-10T20:00+08:00",
        default=None,
    )
    until: AwareDatetime | None = help_of(
        "Once: until when.", "2026-11-12T08:00+08:00", default=None
    )
    cron: Annotated[str, AfterValidator(_schedule)] | None = help_of(
        "Again and again: when it begins, as minute, hour, day, month and day of the week.",
        "0 18 * * FRI",
        default=None,
    )
    hours: Annotated[float, Field(gt=0, le=24 * 366)] | None = help_of(
        "Again and again: how long it lasts.", 62, default=None
    )
    zone: Annotated[str, AfterValidator(_zone)] = help_of(
        "The time zone that cron is meant in.", "Asia/Shanghai", default="UTC"
    )
    modules: list[_Name] = help_of("Only these modules.", ["shop-web"], default=[])
    teams: list[_Name] = help_of("Only the modules of these teams.", ["shop"], default=[])
    environments: list[_Name] = help_of("Only these environments.", ["production"], default=[])
    kinds: list[Literal["deploy", "redeploy", "rollback"]] = help_of(
        "What is refused: going back is not, unless it is named.", default=["deploy", "redeploy"]
    )

    @model_validator(mode="after")
    def _once_or_again(self) -> Freeze:
        if (self.until is None) == (self.cron is None):
            raise ValueError("give until, for once, or cron with hours, for again and again")
        if (self.cron is None) != (self.hours is None):
            raise ValueError("cron and hours go together")
        if self.cron and self.since:
            raise ValueError("since is for once alone")
        if self.since and self.until and self.since >= self.until:
            raise ValueError("until is not after since")
        return self

    def ends(self, moment: datetime) -> datetime | None:
        """The end of the freeze that a moment lies in, None if it lies in none."""
        if self.until is not None:
            has_begun = self.since is None or self.since <= moment
            return self.until if has_begun and moment < self.until else None
        assert self.cron
        assert self.hours
        here = moment.astimezone(ZoneInfo(self.zone)).replace(second=0, microsecond=0)
        # Starts before the next minute: one in this very minute is one, too.
        starts = CronSim(self.cron, here + timedelta(minutes=1), reverse=True)
        began = next(starts, None)
        end = began + timedelta(hours=self.hours) if began else None
        return end if end and moment < end else None

    def means(self, module: str, team: str | None, environment: str, kind: str) -> bool:
        """Whether it is about a deployment of this kind."""
        is_wide = not self.modules and not self.teams
        is_mine = module in self.modules or (team is not None and team in self.teams)
        here = not self.environments or environment in self.environments
        return (is_wide or is_mine) and here and kind in self.kinds


def freezes_of(given: object) -> dict[str, Freeze]:
    """Read the freezes of the master's pillar.

    Args:
        given: the value of ``pushguide:freezes``, by name; None for none.

    Raises:
        BadTemplate: they do not validate; every problem is named, with its path.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadTemplate(f"{_PATH}: is {type(given).__name__}, not a mapping of names.")
    found, problems = {}, []
    for name, value in given.items():
        try:
            found[str(name)] = freeze_of(value, f"{_PATH}:{name}")
        except BadTemplate as err:
            problems += err.problems
    if problems:
        raise BadTemplate(problems)
    return found


def freeze_of(given: object, path: str) -> Freeze:
    """Read one freeze.

    Raises:
        BadTemplate: it does not validate; every problem is named, with its path.
    """
    if not isinstance(given, Mapping):
        raise BadTemplate(f"{path}: is {type(given).__name__}, not a mapping.")
    try:
        return Freeze(**given)
    except ValidationError as err:
        told = sentences(err, lambda at: ":".join([path, *map(str, at)]).rstrip(":"), Freeze)
        raise BadTemplate([*told]) from err
