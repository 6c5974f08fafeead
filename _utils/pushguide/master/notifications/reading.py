"""Who is told of what: the key ``pushguide:notifications`` of the master's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta, timezone
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pushguide.master.events import EVENTS
from pushguide.master.fields import Name, OneLine, Strict, help_of
from pushguide.master.globs import matches
from pushguide.master.suggest import did_you_mean

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
#: How Apprise's URLs begin; whether it knows one is asked of Apprise itself where it is used,
#: because that takes it a third of a second.
_APPRISE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,31}://\S")


def _refused(said: str) -> PydanticCustomError:
    # Not in the text itself: a template of pydantic's would take braces for places.
    return PydanticCustomError("said_in_full", "{said}", {"said": said})


def _event(name: str) -> str:
    if name not in EVENTS:
        raise _refused(f"there is no event {name[:64]!r}: {did_you_mean(name, EVENTS)}")
    return name


def _apprise_url(url: str) -> str:
    """Refuse what is no URL; the refusal does not repeat it."""
    if not _APPRISE.match(url):
        raise ValueError("give an address as Apprise takes it, such as jsons://host/path")
    return url


def _channel(name: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("channels")
    if known is not None and name not in known:
        raise _refused(f"there is no channel {name[:64]!r}: {did_you_mean(name, known)}")
    return name


def _time_of_day(value: object) -> time:
    # YAML reads 22:00 without quotes as 1320.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("give a time of day, such as '22:00'")
    return time(int(found[1]), int(found[2]))


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as err:
        raise ValueError("give the name of a time zone, such as Asia/Shanghai") from err
    return name


Event = Annotated[str, AfterValidator(_event)]
AppriseUrl = Annotated[OneLine, AfterValidator(_apprise_url)]
ChannelName = Annotated[Name, AfterValidator(_channel)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Glob = Annotated[OneLine, Field(min_length=1)]


class QuietHours(Strict):
    """When a channel is left alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begin: TimeOfDay = help_of("When they begin, by the clock there.", "'22:00'", alias="from")
    end: TimeOfDay = help_of(
        "When they end: on the next day if that is not later than from.", "'08:00'", alias="to"
    )
    time_zone: Annotated[OneLine, AfterValidator(_zone)] = help_of(
        "Whose clock it is; times in messages are told by it too.", "Asia/Shanghai", default="UTC"
    )
    excepted: list[Event] = help_of(
        "The events that are told all the same.", ["failed"], default=[], alias="except"
    )

    @model_validator(mode="after")
    def _are_not_all_day(self) -> QuietHours:
        if self.begin == self.end:
            raise ValueError("from and to are the same: give hours that end")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)

    def until(self, moment: datetime) -> datetime | None:
        """When the quiet hours end that a moment lies in; None if it lies in none."""
        today = moment.astimezone(self.zone).date()
        for day in (today - timedelta(days=1), today):
            last = day + timedelta(days=int(self.end <= self.begin))
            begin, end = (
                datetime.combine(date, clock, self.zone).astimezone(timezone.utc)
                for date, clock in ((day, self.begin), (last, self.end))
            )
            if begin <= moment < end:
                return end
        return None


class Channel(Strict):
    """Where messages go together, and when."""

    urls: Annotated[list[AppriseUrl], Field(min_length=1)] = help_of(
        "The addresses, as Apprise takes them. They hold secrets: none is ever told again.",
        ["wecombot://key"],
        repr=False,
    )
    language: Literal["en", "zh"] = help_of("The language of the messages.", "zh", default="en")
    quiet_hours: QuietHours | None = help_of(
        "When nothing is sent: it waits, and goes in one message afterwards.",
        {"from": "22:00", "to": "08:00"},
        default=None,
    )
    digest_minutes: Annotated[int, Field(ge=0, le=1440)] = help_of(
        "How long events are collected that go in one message; 0 for each at once.", 15, default=0
    )

    def quiet_until(self, event: str, moment: datetime) -> datetime | None:
        """When an event may be told; None for at once."""
        quiet = self.quiet_hours
        if quiet is None or event in quiet.excepted:
            return None
        return quiet.until(moment)


class Rule(Strict):
    """Which events go to which channels."""

    events: Annotated[list[Event], Field(min_length=1)] = help_of(
        "The events.", ["failed", "rolled_back"]
    )
    modules: list[Glob] = help_of(
        "Of modules with such names alone; * and ? stand for characters.", ["shop-*"], default=[]
    )
    teams: list[Glob] = help_of("Of modules of such teams alone.", ["shop"], default=[])
    environments: list[Glob] = help_of("In such environments alone.", ["production"], default=[])
    channels: Annotated[list[ChannelName], Field(min_length=1)] = help_of(
        "The channels.", ["operations"]
    )

    def means(self, event: str, module: str | None, team: str | None, place: str | None) -> bool:
        """Whether it is about an event.

        Args:
            event: the event.
            module: its module, if it has one.
            team: the team of that.
            place: its environment, if it has one.
        """
        wanted = ((self.modules, module), (self.teams, team), (self.environments, place))
        return event in self.events and all(
            not globs or (name is not None and matches(globs, name)) for globs, name in wanted
        )


class Notifications(Strict):
    """Who is told of what."""

    channels: Annotated[dict[Name, Channel], Field(min_length=1)] = help_of(
        "The channels, by name.", {"operations": {"urls": ["wecombot://key"]}}
    )
    rules: list[Rule] = help_of(
        "Which events go to which channels. Every rule that is about an event counts.",
        [{"events": ["failed"], "channels": ["operations"]}],
        default=[],
    )
    console_url: Annotated[OneLine, Field(pattern=r"^https?://[^\s@]+$")] | None = help_of(
        "Where people open the console: messages link to it.",
        "https://salt.example.com/app",
        default=None,
    )

    @property
    def knows_teams(self) -> bool:
        """Whether any rule asks for teams."""
        return any(one.teams for one in self.rules)

    def channels_of(
        self, event: str, module: str | None, team: str | None, environment: str | None
    ) -> list[str]:
        """The channels that an event goes to, each once."""
        rules = [one for one in self.rules if one.means(event, module, team, environment)]
        return [*dict.fromkeys(name for one in rules for name in one.channels)]


def read(given: Mapping[str, Any]) -> tuple[Notifications | None, list[str]]:
    """Read ``notifications``, and tell every problem; no problem repeats an address.

    Args:
        given: the key ``pushguide`` of the master's configuration.
    """
    value = given.get("notifications")
    where = "pushguide:notifications in the master's configuration"
    if not value:
        return None, []
    if not isinstance(value, Mapping):
        return None, [f"{where} is not a mapping."]
    channels = value.get("channels")
    names = [str(one) for one in channels] if isinstance(channels, Mapping) else []
    try:
        return Notifications.model_validate(value, context={"channels": names}), []
    except ValidationError as err:
        return None, [_sentence(where, one) for one in err.errors(include_input=False)]


def _sentence(where: str, error: Any) -> str:
    place = ":".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{where}: {place} is unknown: {did_you_mean(str(error['loc'][-1]), _keys(error))}"
    told = "is missing" if error["type"] == "missing" else str(error["msg"])
    told = told.removeprefix("Value error, ").rstrip(".?")
    mark = "?" if str(error["msg"]).endswith("?") else "."
    return f"{where}: {place}: {told}{mark}" if place else f"{where}: {told}{mark}"


def _keys(error: Any) -> list[str]:
    """The keys that are known where an unknown one stands."""
    above = error["loc"][:-1]
    model: type[Strict] = Notifications
    if above:
        model = Rule if above[0] == "rules" else Channel
    if above[-1:] == ("quiet_hours",):
        model = QuietHours
    return [field.alias or name for name, field in model.model_fields.items()]
