"""What looks like a secret in a template is refused, and nowhere repeated."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide.errors import BadTemplate
from pushguide.master.templates.library import Library
from pushguide.master.templates.secrecy import problems_of_secrets
from tests.unit.master.test_template import changed, library, problems_of

SECRET = "hunter2-is-a-secret"
URL = {"url": "http://127.0.0.1/"}
SOURCE = {"kind": "files", "address": "s3://builds", "url": "https://builds.example.com"}


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("settings:environment", {"API_KEY": SECRET}, "settings:environment:API_KEY"),
        ("settings:environment", {"dbPassword": SECRET}, "settings:environment:dbPassword"),
        ("settings:environment", {"GITHUB_TOKEN": SECRET}, "settings:environment:GITHUB_TOKEN"),
        ("settings:environment", {"API_KEY": 12345678}, "settings:environment:API_KEY"),
        ("settings:environment", {"DB": f"pg://shop:{SECRET}@db/shop"}, "settings:environment:DB"),
        ("settings:environment", {"OPTS": f"-Dkey.password={SECRET}"}, "settings:environment:OPTS"),
        ("settings:command", f"app --token={SECRET}", "settings:command"),
        ("settings:command", ["app", f"--api-key={SECRET}"], "settings:command:1"),
        ("probe", {**URL, "headers": {"Authorization": f"Bearer {SECRET}"}}, "probe:headers"),
        ("probe", {"url": f"http://me:{SECRET}@x/"}, "probe:url"),
        ("probe", {"url": f"ftp://me:{SECRET}@x/"}, "probe:url"),
        ("probe", [URL, {**URL, "headers": {"X-Api-Key": SECRET}}], "probe:1:headers"),
        ("warm_up", {"urls": ["http://x/"], "headers": {"Cookie": SECRET}}, "warm_up:headers"),
        ("source:url", f"ftp://me:{SECRET}@x/y", "source:url"),
        ("source:mirrors", [f"https://me:{SECRET}@x/y"], "source:mirrors:0"),
        ("source", {**SOURCE, "options": {"secret": SECRET}}, "source:options:secret"),
        ("source:credential", {"user": "me", "password": SECRET}, "source:credential"),
        (
            "configuration",
            [{"kind": "json", "file": "a.json", "values": {"Db:Password": SECRET}}],
            "configuration:0:values:Db:Password",
        ),
        (
            "configuration",
            [{"kind": "xml", "file": "a", "connection_strings": {"S": f"Server=a;Pwd={SECRET}"}}],
            "configuration:0:connection_strings:S",
        ),
        ("settings", {"environment": {"API_KEY": SECRET}}, "settings"),
    ],
)
def test_a_secret_in_the_clear_is_refused_and_not_repeated(
    tmp_path: Any, path: str, value: Any, where: str
) -> None:
    told = problems_of(tmp_path, changed(path, value))
    assert any(one.startswith(f"pushguide:modules:shop:{where}") for one in told), told
    assert SECRET not in str(told)
    assert "12345678" not in str(told)


def test_the_refusal_says_where_it_has_its_place(tmp_path: Any) -> None:
    def told(path: str, value: Any) -> str:
        [one] = problems_of(tmp_path, changed(path, value))
        return str(one)

    assert "give '{pillar.<path>}'" in told("settings:environment", {"API_KEY": SECRET})
    assert "let the program read it on the host" in told("settings:command", f"a --token={SECRET}")
    options = {**SOURCE, "options": {"client_kwargs": {"aws_secret_access_key": SECRET}}}
    assert "pushguide:credentials" in told("source", options)


def test_what_is_wrong_beside_a_secret_is_told_without_it(tmp_path: Any) -> None:
    settings = {"environment": {"API_KEY": SECRET}, "command": "a", "systemd_unit": "b"}
    told = problems_of(tmp_path, changed("settings", settings))
    assert any("give either systemd_unit or command." in one for one in told), told
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("settings:environment", {"API_KEY": "{pillar.shop:key}", "PWD": "/srv", "TOKEN": ""}),
        ("settings:environment", {"DB": "pg://shop:{pillar.shop:db}@db/shop"}),
        ("settings:environment", {"OPTS": "-Dpassword={pillar.shop:db} -Dtoken.seconds=30"}),
        ("settings:environment", {"TOKEN_SECONDS": "30", "PASSWORD_FILE": "/run/secrets/db"}),
        ("settings:command", "app --password-file=/run/secrets/db"),
        ("probe", {**URL, "headers": {"Authorization": "Bearer {pillar.shop:token}"}}),
        ("probe", {**URL, "text": "token=", "answer_headers": {"Set-Cookie": "SESSION"}}),
        ("source:url", "https://artifacts.example.com/@scope/a:b"),
    ],
)
def test_what_is_none_is_taken(tmp_path: Any, path: str, value: Any) -> None:
    assert library(tmp_path, shop=changed(path, value)).get("shop")


def test_the_name_of_a_credential_is_none() -> None:
    template = {"source": {"credential": "nexus"}, "transfer": {"proxy_credential": "proxy"}}
    assert not [*problems_of_secrets(template)]


def test_a_secret_of_windows_hosts_is_found_too(tmp_path: Any) -> None:
    windows = {"settings": {"environment": {"API_KEY": SECRET}}}
    told = problems_of(tmp_path, changed("windows", windows))
    assert any("windows:settings:environment:API_KEY" in one for one in told), told
    assert SECRET not in str(told)


def test_other_modules_are_as_they_were(tmp_path: Any) -> None:
    both: Library = library(
        tmp_path, shop=changed("keep_releases", 3), bad=changed("settings:command", "a --token=b")
    )
    assert both.get("shop")
    with pytest.raises(BadTemplate):
        both.get("bad")
