"""Who is told of what: what the configuration may say, quiet hours, and rules."""

from __future__ import annotations

from datetime import datetime, time, timezone
from typing import Any

import pytest
import yaml

from pushguide.errors import Refused
from pushguide.master.config import Config
from pushguide.master.notifications import sending
from pushguide.master.notifications.reading import Notifications, QuietHours, read

SECRET = "hush-hush-4711"
URL = f"jsons://ann:{SECRET}@example.com/{SECRET}"


def problems(given: Any) -> list[str]:
    found, told = read({"notifications": given})
    assert (found is None) == bool(told)
    return told


def given(**more: Any) -> dict[str, Any]:
    return {"channels": {"ops": {"urls": [URL], **more}}}


def test_every_problem_is_told_at_once_and_no_address(opts: dict[str, Any]) -> None:
    opts["pushguide"]["notifications"] = {
        "chanels": {},
        "channels": {
            "ops": {
                "urls": [f"no address {SECRET}"],
                "langage": "zh",
                "language": "fr",
                "digest_minutes": -1,
                "quiet_hours": {"from": "25:00", "to": "08:00", "time_zone": "Mars", "untl": 1},
            },
            "none": {},
            "b d": {"urls": [URL]},
        },
        "rules": [
            {"events": ["faild"], "channels": ["opps"], "module": ["x"]},
            {"events": [], "channels": ["ops"]},
        ],
        "console_url": f"https://ann:{SECRET}@x",
    }
    with pytest.raises(Refused) as refused:
        Config.from_opts(opts)
    text = "\n".join(refused.value.problems)
    for part in (
        "chanels is unknown: did you mean channels?",
        "channels:ops:urls:0: give an address as Apprise takes it",
        "channels:ops:langage is unknown: did you mean language?",
        "channels:ops:language:",
        "channels:ops:digest_minutes:",
        "channels:ops:quiet_hours:from: give a time of day",
        "channels:ops:quiet_hours:time_zone: give the name of a time zone",
        "channels:ops:quiet_hours:untl is unknown: there are except, from, time_zone, to.",
        "channels:none:urls: is missing",
        "channels:b d",
        "rules:0:events:0: there is no event 'faild': did you mean failed?",
        "rules:0:channels:0: there is no channel 'opps': did you mean ops?",
        "rules:0:module is unknown: did you mean modules?",
        "rules:1:events:",
        "console_url:",
    ):
        assert part in text, text
    assert SECRET not in text
    assert SECRET not in repr(refused.value.__cause__)


@pytest.mark.parametrize("wrong", ["x", ["x"], {"channels": {}}, {"rules": []}])
def test_what_is_no_mapping_of_channels_is_refused(wrong: Any) -> None:
    assert problems(wrong)


def test_the_addresses_are_not_shown(opts: dict[str, Any]) -> None:
    opts["pushguide"]["notifications"] = given()
    config = Config.from_opts(opts)
    assert config.notifications
    assert config.notifications.channels["ops"].urls == [URL]
    assert SECRET not in repr(config) + str(config.notifications)


def test_apprise_says_which_addresses_it_takes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    for url in (
        URL,
        "dingtalk://abcdefgh12345678/",
        "wecombot://abcdef-1234-abcd-1234-abcdefabcdef/",
        "feishu://abcdefgh12345678901234567890/",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
        "workflows://prod-1.logic.azure.com:443/643e69f83c8944/signature",
        "mailtos://ann:hush@example.com",
    ):
        assert sending.problem_of(url) is None, url
    for url in (f"nosuch://{SECRET}", f"slack://{SECRET}", f"json://:{SECRET}@"):
        problem = sending.problem_of(url)
        assert problem
        assert SECRET not in problem
    assert SECRET not in caplog.text


def hours(begin: Any, end: Any, zone: str = "UTC") -> QuietHours:
    return QuietHours.model_validate({"from": begin, "to": end, "time_zone": zone})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(timezone.utc)


def test_yaml_reads_times_as_numbers() -> None:
    read_times = yaml.safe_load("{from: 22:00, to: 08:00}")
    assert read_times == {"from": 1320, "to": "08:00"}
    assert hours(begin=read_times["from"], end=read_times["to"]).begin == time(22)


@pytest.mark.parametrize(
    ("begin", "end", "zone", "moment", "until"),
    [
        ("22:00", "08:00", "UTC", "2026-05-01T21:59:59+00:00", None),
        ("22:00", "08:00", "UTC", "2026-05-01T22:00+00:00", "2026-05-02T08:00+00:00"),
        ("22:00", "08:00", "UTC", "2026-05-02T00:00+00:00", "2026-05-02T08:00+00:00"),
        ("22:00", "08:00", "UTC", "2026-05-02T08:00+00:00", None),
        ("12:00", "13:30", "UTC", "2026-05-02T12:30+00:00", "2026-05-02T13:30+00:00"),
        ("12:00", "13:30", "UTC", "2026-05-02T11:00+00:00", None),
        # 22:00 to 08:00 in Shanghai is 14:00 to 00:00 in UTC.
        ("22:00", "08:00", "Asia/Shanghai", "2026-05-01T13:59+00:00", None),
        ("22:00", "08:00", "Asia/Shanghai", "2026-05-01T23:59+00:00", "2026-05-02T00:00+00:00"),
        # In spring the night is an hour shorter, in autumn an hour longer.
        ("22:00", "08:00", "Europe/Berlin", "2026-03-28T21:30+00:00", "2026-03-29T06:00+00:00"),
        ("22:00", "08:00", "Europe/Berlin", "2026-03-29T06:30+00:00", None),
        ("22:00", "08:00", "Europe/Berlin", "2026-10-24T20:30+00:00", "2026-10-25T07:00+00:00"),
        ("22:00", "08:00", "Europe/Berlin", "2026-10-25T06:30+00:00", "2026-10-25T07:00+00:00"),
        # 02:30 is not there in that night, and twice in the other one.
        ("22:00", "02:30", "Europe/Berlin", "2026-03-29T00:59+00:00", "2026-03-29T01:30+00:00"),
        ("22:00", "02:30", "Europe/Berlin", "2026-10-25T00:00+00:00", "2026-10-25T00:30+00:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_there(
    begin: str, end: str, zone: str, moment: str, until: str | None
) -> None:
    assert hours(begin, end, zone).until(at(moment)) == (at(until) if until else None)


def test_hours_that_never_end_are_refused() -> None:
    told = problems(given(quiet_hours={"from": "08:00", "to": "8:00"}))
    (one,) = told
    assert one.endswith("channels:ops:quiet_hours: from and to are the same: give hours that end.")


def test_rules_choose_by_event_module_team_and_environment() -> None:
    channels = {name: {"urls": [URL]} for name in ("all", "shop", "team", "live")}
    found, told = read(
        {
            "notifications": {
                "channels": channels,
                "rules": [
                    {"events": ["failed", "host_down", "quarantined"], "channels": ["all"]},
                    {
                        "events": ["failed", "host_down"],
                        "modules": ["shop-*"],
                        "channels": ["shop"],
                    },
                    {"events": ["failed"], "teams": ["sh?p"], "channels": ["team", "all"]},
                    {"events": ["failed"], "environments": ["prod*"], "channels": ["live"]},
                ],
            }
        }
    )
    assert not told
    assert isinstance(found, Notifications)
    assert found.channels_of("failed", "shop-web", "shop", "production") == [
        "all",
        "shop",
        "team",
        "live",
    ]
    assert found.channels_of("failed", "till", None, "staging") == ["all"]
    assert found.channels_of("host_down", None, None, None) == ["all"]
    assert found.channels_of("quarantined", "shop-web", "shop", None) == ["all"]
    assert found.channels_of("started", "shop-web", "shop", "production") == []
