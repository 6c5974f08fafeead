"""Settings in JSON and in web.config, and what they are filled in with."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pushguide.errors import StepFailed
from tests.unit.host.configuration.release import Release

COMMENTED = """\
{
  // What everyone has.
  "Logging": {"LogLevel": {"Default": "Debug",},},
  /* "Urls": 1, */ "Text": "a // b /* c */ ,}",
  "Amount": 1.10,
  "Big": 12345678901234567890.1234567890,
}
"""


def set_in(release: Release, before: str, values: dict[str, Any]) -> Any:
    """What becomes of a JSON file."""
    path = release.file("appsettings.json", before)
    release.configure({"kind": "json", "file": "appsettings.json", "values": values})
    return json.loads(path.read_text())


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        ({}, {"A": 1}, {"A": 1}),
        ({}, {"A:B:C": "x"}, {"A": {"B": {"C": "x"}}}),
        ({"A": {"B": 1}}, {"A:C": 2}, {"A": {"B": 1, "C": 2}}),
        ({"Logging": {"LogLevel": "x"}}, {"logging:LOGLEVEL": "y"}, {"Logging": {"LogLevel": "y"}}),
        ({"A:B": 1}, {"a:b": 2}, {"A:B": 2}),
        ({"A:B": {"C": 1}}, {"A:B:C": 2}, {"A:B": {"C": 2}}),
        ({"A": {"B:C": 1}}, {"A:B:C": 2}, {"A": {"B:C": 2}}),
        ({"A": None}, {"A:B": 2}, {"A": {"B": 2}}),
        ({"L": [{"U": 1}, {"U": 2}]}, {"L:1:U": 3}, {"L": [{"U": 1}, {"U": 3}]}),
        ({"L": [1]}, {"L": ["{version}", {"e": "{module}"}]}, {"L": ["1.4", {"e": "shop"}]}),
        ({"A": 1}, {"A": True, "B": None, "C": {}}, {"A": True, "B": None, "C": {}}),
        ({}, {"A": [], "B": [1.5]}, {"A": [], "B": [1.5]}),
        ({"A": "é"}, {"B": 'ü"\\'}, {"A": "é", "B": 'ü"\\'}),
    ],
)  # fmt: skip
def test_keys_are_set(release: Release, before: Any, values: dict[str, Any], after: Any) -> None:
    assert set_in(release, json.dumps(before), values) == after


def test_comments_are_read_as_dotnet_does_and_numbers_stay_to_the_digit(release: Release) -> None:
    found = set_in(release, COMMENTED, {"Urls": "http://localhost:5000"})
    assert found["Text"] == "a // b /* c */ ,}"
    assert found["Urls"] == "http://localhost:5000"
    written = (release.top / "appsettings.json").read_text()
    assert '"Amount": 1.10,\n' in written
    assert '"Big": 12345678901234567890.1234567890,\n' in written


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_mark_and_ends_of_lines_stay(release: Release, mark: bytes) -> None:
    path = release.file("a.json", mark + b'{\r\n  "a": 1\r\n}\r\n')
    release.configure({"kind": "json", "file": "a.json", "values": {"b": 2}})
    assert path.read_bytes() == mark + b'{\r\n  "a": 1,\r\n  "b": 2\r\n}\r\n'


def test_a_file_is_made_where_that_is_wanted(release: Release) -> None:
    change = {"kind": "json", "file": "conf/{environment}.json", "values": {"a": 1}}
    with pytest.raises(StepFailed, match=r"There is no file conf/production\.json"):
        release.configure(change)
    done = release.configure({**change, "create": True, "mode": "0640"})
    made = release.top / "conf" / "production.json"
    assert made.read_text() == '{\n  "a": 1\n}\n'
    assert made.stat().st_mode & 0o777 == 0o640
    assert done.files == ["conf/production.json"]


@pytest.mark.parametrize(
    ("before", "key", "said"),
    [
        ("{", "a", "does not read as JSON"),
        ("[]", "a", "is no JSON object"),
        ('{"a": NaN}', "a", "NaN is not JSON"),
        ('{"a": 1, "A": 2}', "a", "the key 'A' is there twice"),
        ('{"a": "text"}', "a:b", "there is a value, and no object, above b"),
        ('{"a": [1]}', "a:1", "1 is no place in the list of 1 there"),
        ('{"a": [1]}', "a:x", "x is no place in the list"),
        ("[" * 100_000, "a", "does not read as JSON"),
    ],
)
def test_what_cannot_be_set_in_json(release: Release, before: str, key: str, said: str) -> None:
    with pytest.raises(StepFailed, match=re.escape(said)):
        set_in(release, before, {key: 1})


# web.config


def web_config(release: Release, before: str, **change: Any) -> str:
    path = release.file("web.config", before)
    release.configure({"kind": "xml", "file": "web.config", **change})
    return path.read_text()


def test_entries_of_web_config(release: Release) -> None:
    release.pillar["shop:db"] = 'Server=db;Password=a"b<c'
    before = (
        "<configuration>\n  <appSettings>\n    <clear />\n"
        '    <add key="mode" value="dev" />\n  </appSettings>\n</configuration>\n'
    )
    assert web_config(
        release,
        before,
        app_settings={"Mode": "{environment}", "Debug": False, "Port": 80},
        connection_strings={"Shop": "{pillar.shop:db}"},
    ) == (
        "<configuration>\n  <appSettings>\n    <clear />\n"
        '    <add key="mode" value="production" />\n    <add key="Debug" value="false" />\n'
        '    <add key="Port" value="80" />\n  </appSettings>\n  <connectionStrings>\n    '
        '<add name="Shop" connectionString="Server=db;Password=a&quot;b&lt;c" />\n'
        "  </connectionStrings>\n</configuration>\n"
    )


def test_a_section_may_be_a_file_of_its_own(release: Release) -> None:
    found = web_config(
        release, '<appSettings><add key="a" value="1"/></appSettings>', app_settings={"a": 2}
    )
    assert found == '<appSettings><add key="a" value="2" /></appSettings>'


@pytest.mark.parametrize("attribute", ["configSource", "configProtectionProvider"])
def test_a_section_whose_entries_are_elsewhere(release: Release, attribute: str) -> None:
    before = f'<configuration><appSettings {attribute}="x" /></configuration>'
    with pytest.raises(
        StepFailed, match=f"appSettings of web.config in the release has {attribute}"
    ):
        web_config(release, before, app_settings={"a": "b"})


# Secrets


def test_a_value_that_is_one_place_keeps_its_kind(release: Release) -> None:
    release.pillar |= {"port": 5432, "tls": True, "text": "{version}"}
    values = {
        "Port": "{pillar.port}",
        "Tls": "{pillar.tls}",
        "Url": "db:{pillar.port}",
        "Text": "{pillar.text}",
        "Other": "{name} {Timestamp:HH:mm}",
    }
    assert set_in(release, "{}", values) == {
        "Port": 5432,
        "Tls": True,
        "Url": "db:5432",
        "Text": "{version}",
        "Other": "{name} {Timestamp:HH:mm}",
    }


def test_a_secret_that_only_the_master_has_is_asked_for(release: Release) -> None:
    release.salt["pillar.items"] = lambda **_: {"shop": {"db": "fresh"}}
    assert set_in(release, "{}", {"a": "{pillar.shop:db}"}) == {"a": "fresh"}


@pytest.mark.parametrize(
    ("found", "said"), [("", "nothing there"), ({"a": 1}, "it is a dict"), ([1], "a list")]
)
def test_what_is_no_secret(release: Release, found: Any, said: str) -> None:
    release.pillar["shop:db"] = found
    with pytest.raises(StepFailed, match=rf"Filling in {{pillar.shop:db}} failed: .*{said}"):
        set_in(release, "{}", {"a": "{pillar.shop:db}"})


SECRET = "correct-horse-battery"


def test_no_message_has_a_secret(release: Release) -> None:
    def hook(**_: Any) -> Any:
        raise ValueError((release.top / "a.json").read_text())

    release.pillar["p"] = SECRET
    release.salt["mycorp.hook"] = hook
    release.file("a.json", "{}")
    with pytest.raises(StepFailed) as caught:
        release.configure(
            {"kind": "json", "file": "a.json", "values": {"a": "{pillar.p}"}},
            {"kind": "hook", "hook": "h", "call": {"function": "mycorp.hook"}},
        )
    assert SECRET in (release.top / "a.json").read_text()
    assert SECRET not in str(caught.value)
    assert '"a": "***"' in str(caught.value)
    assert caught.value.__suppress_context__
