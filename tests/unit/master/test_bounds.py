"""What a template that is kept in the database may name."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pushguide.errors import Refused
from pushguide.master.bounds import Bounds, is_below, read
from pushguide.master.revision import Revision
from pushguide.master.store.tables import now
from pushguide.master.templates.library import Library

SELF_SERVICE: dict[str, Any] = {
    "hosts": ["web*", "till1"],
    "directories": ["/srv", r"C:\srv"],
    "accounts": ["shop"],
    "services": ["shop-*", "Shop*"],
    "servers": ["https://builds.example.com/shop", "salt://artifacts"],
    "pillar": ["shop:*"],
}
SERVICE: dict[str, Any] = {
    "type": "service",
    "team": "shop",
    "root": "/srv/shop",
    "source": {"kind": "http", "address": "https://builds.example.com/shop"},
    "settings": {"command": "./run", "user": "shop"},
    "environments": {"production": {"hosts": "web*"}},
}


def library(data: dict[str, Any], self_service: Any = SELF_SERVICE, **more: Any) -> Library:
    opts = {
        "id": "m_master",
        "extension_modules": "",
        "pushguide": {"self_service": self_service, "credentials": {"nexus": {"token": "t"}}},
    }
    saved = {"shop": Revision("shop", 1, data, "", "alice", now(), "new")}
    return Library(opts, saved=lambda: saved, modules={}, **more)


def problems(data: dict[str, Any], self_service: Any = SELF_SERVICE, **more: Any) -> list[str]:
    found: list[str] = library(data, self_service, **more).overview()["shop"].get("problems", [])
    return found


def changed(path: str, value: Any, base: dict[str, Any] = SERVICE) -> dict[str, Any]:
    data = copy.deepcopy(base)
    *above, last = path.split(":")
    place = data
    for key in above:
        place = place.setdefault(key, {})
    place[last] = value
    return data


def test_what_is_within_the_bounds_is_a_template_like_any_other() -> None:
    assert problems(SERVICE) == []
    chosen = library(SERVICE).get("shop")
    assert chosen.template.root == "/srv/shop"


@pytest.mark.parametrize(
    ("path", "value", "by"),
    [
        ("root", "/etc", "directories"),
        ("root", "/srvx/shop", "directories"),
        ("settings:pid_file", "/run/shop.pid", "directories"),
        ("settings:user", "root", "accounts"),
        ("settings:user", None, "accounts"),
        ("source:address", "https://evil.example.com/shop", "servers"),
        ("source:address", "https://builds.example.com.evil.org/shop", "servers"),
        ("source:address", "http://builds.example.com/shop", "servers"),
        ("source:address", "https://builds.example.com/shopping", "servers"),
        ("source:address", "https://builds.example.com/shop/../admin", "servers"),
        ("source:address", "https://builds.example.com/shop/%2E%2e/admin", "servers"),
        ("source:mirrors", ["https://evil.example.com"], "servers"),
        ("source", {"directory": "/etc", "url": "salt://artifacts"}, "directories"),
        ("source", {"directory": "/srv/a", "url": "file:///etc"}, "servers"),
        ("probe", {"url": "http://169.254.169.254/"}, "addresses"),
        ("probe", {"kind": "log", "path": "/var/log/auth.log", "absent": "x"}, "directories"),
        ("transfer", {"proxy": "http://evil.example.com:3128"}, "addresses"),
        ("drain", {"kind": "file", "path": "/etc/nologin"}, "directories"),
        ("orchestration:deploy", "orch.root_shell", "orchestrations"),
        (
            "configuration",
            [{"kind": "json", "file": "a", "values": {"x": "{pillar.db}"}}],
            "pillar",
        ),
        ("inventory", {"base": {"kind": "path", "value": "/etc"}}, "directories"),
        ("inventory", {"unit": {"kind": "name", "value": "ssh"}}, "services"),
        ("windows", {"root": r"C:\Windows"}, "directories"),
        ("environments:production:root", "/root", "directories"),
    ],
)
def test_what_is_beyond_them_is_refused(path: str, value: Any, by: str) -> None:
    found = problems(changed(path, value))
    assert any("in a template in the database" in one or f": {by})" in one for one in found), found
    # In the pillar it is for whoever is root anyway: nothing of it is bound.
    in_pillar = Library(
        {"id": "m", "extension_modules": ""}, modules={"shop": changed(path, value)}
    )
    told = in_pillar.overview()["shop"].get("problems", [])
    assert not [one for one in told if "in the database" in one]


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"type": "service", "settings": {"systemd_unit": "ssh.service"}}, "services"),
    ({"type": "java_web", "settings": {"catalina_base": "/etc", "user": "shop"}}, "directories"),
    ({"type": "java_web", "settings": {"catalina_base": "/srv/tomcat"}}, "accounts"),
    (
        {"type": "windows_service", "settings": {"service": "Spooler", "executable": "a.exe"}},
        "services",
    ),
    (
        {
            "type": "windows_service",
            "settings": {"service": "Shop", "executable": "a.exe", "create": {}},
        },
        "accounts",
    ),
    (
        {
            "type": "windows_task",
            "settings": {
                "task": "Shop",
                "executable": "a.exe",
                "create": {"trigger": {"trigger_type": "OnBoot"}},
            },
        },
        "accounts",
    ),
    ({"type": "dotnet_iis", "settings": {"site": "Default Web Site"}}, "services"),
    ({"type": "static_site", "settings": {"link": "/etc/cron.d"}}, "directories"),
]


@pytest.mark.parametrize(("data", "by"), OTHERS, ids=lambda one: str(one)[:60])
def test_each_project_type_is_bound(data: dict[str, Any], by: str) -> None:
    (told,) = problems({**SERVICE, **data})
    assert f"({'pushguide:self_service in the master'}" in told
    assert told.endswith(f": {by}).")


def test_an_account_that_may_do_little_needs_no_leave() -> None:
    create = {"account_name": r"NT Authority\LocalService"}
    settings = {"service": "Shop", "executable": "a.exe", "create": create}
    assert problems({**SERVICE, "type": "windows_service", "settings": settings}) == []


def test_options_of_a_file_system_are_for_the_pillar() -> None:
    source = {
        "kind": "files",
        "address": "salt://artifacts/x",
        "options": {"endpoint_url": "https://evil.example.com"},
        "url": "salt://artifacts",
    }
    (told,) = problems(changed("source", source))
    assert "source:options:endpoint_url: may only be said in the master's pillar" in told


def test_what_operations_say_for_all_is_not_held_against_them() -> None:
    without = {key: one for key, one in SERVICE.items() if key != "source"}
    company = {"defaults": {"source": {"directory": "/data", "url": "https://other.example.com"}}}
    assert problems(without, defaults=company) == []


def test_a_template_may_ask_the_host_itself() -> None:
    assert problems(changed("probe", {"url": "http://127.0.0.1:8080/health"})) == []


def test_the_hosts_are_held_against_them_when_they_are_known() -> None:
    chosen = library(changed("environments:production:hosts", "*")).get("shop")
    chosen.demand_hosts(["web1", "till1"])
    with pytest.raises(Refused, match=r"hosts that such a template may not mean: db1, till2\."):
        chosen.demand_hosts(["web1", "db1", "till1", "till2"])


def test_a_team_has_bounds_of_its_own() -> None:
    own = {**SELF_SERVICE, "teams": {"shop": {"directories": ["/opt/shop"]}}}
    assert "'/srv/shop' is not allowed" in problems(SERVICE, own)[0]
    assert problems(changed("root", "/opt/shop/web"), own) == []
    assert problems(changed("root", "/opt/shop/web", {**SERVICE, "team": "till"}), own)


def test_without_bounds_nothing_is_allowed() -> None:
    assert problems(SERVICE, None)


@pytest.mark.parametrize(
    ("path", "directory", "is_so"),
    [
        ("/srv/shop", "/srv", True),
        ("/srv", "/srv", True),
        ("/srvx", "/srv", False),
        ("/srv/../etc", "/srv", False),
        (r"c:\SRV\shop", r"C:\srv", True),
        (r"C:\srv2", r"C:\srv", False),
        (r"C:\srv\..\Windows", r"C:\srv", False),
        ("/srv/{id}/shop", "/srv", True),
        ("{inventory.base}/shop", "/srv", True),
    ],
)
def test_below(path: str, directory: str, is_so: bool) -> None:
    assert is_below(path, directory) is is_so


def test_bounds_are_read_as_a_whole() -> None:
    assert read({}) == (None, [])
    found, wrong = read({"self_service": SELF_SERVICE})
    assert found
    assert wrong == []
    assert found.of("nobody") == Bounds(**SELF_SERVICE)
    _, wrong = read({"self_service": {"directories": ["srv"], "hots": []}})
    assert len(wrong) == 2
    assert all("pushguide:self_service:" in one for one in wrong)
