"""What operations say for all modules, for a type and for an environment, and who says what."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide.errors import BadTemplate
from pushguide.master.templates.explaining import OWN_DEFAULT, explained, in_full
from pushguide.master.templates.library import Library

OPTS = {"id": "m_master", "extension_modules": ""}
MODULE: dict[str, Any] = {
    "type": "static_site",
    "root": "/srv/shop",
    "keep_releases": 7,
    "environments": {
        "production": {"hosts": "web*", "default": True, "strategy": {"max_failures": 1}},
        "test": {"hosts": "test*", "keep_releases": 1},
    },
}
COMPANY: dict[str, Any] = {
    "defaults": {
        "source": {"directory": "/srv/artifacts", "url": "salt://artifacts"},
        "strategy": {"batch": "50%", "canary": 1},
        "keep_releases": 2,
        "min_free_mb": 100,
    },
    "types": {"static_site": {"settings": {"link": "/var/www/all"}, "min_free_mb": 50}},
    "environments": {"test": {"strategy": {"canary": None}, "min_free_mb": 10}},
}


def library(company: Any = None, **changes: Any) -> Library:
    modules = {"shop": {**MODULE, **changes}}
    return Library(OPTS, modules=modules, defaults=COMPANY if company is None else company)


def said_by(environment: str, **changes: Any) -> dict[str, tuple[Any, str]]:
    rows = explained(library(**changes).get("shop", environment))
    return {row["path"]: (row["value"], row["from"]) for row in rows}


def test_the_highest_layer_that_says_something_is_believed() -> None:
    production = library().get("shop", "production").template
    test = library().get("shop", "test").template
    assert (production.keep_releases, test.keep_releases) == (7, 1)
    assert (production.min_free_mb, test.min_free_mb) == (50, 10)
    # Key by key: what one layer leaves open, the ones below say.
    strategy = production.strategy
    assert (strategy.batch, strategy.canary, strategy.max_failures) == ("50%", 1, 1)
    assert (test.strategy.batch, test.strategy.canary) == ("50%", None)


def test_of_each_value_it_is_told_who_says_it() -> None:
    rows = said_by("test")
    assert {
        "keep_releases": (1, "pushguide:modules:shop:environments:test"),
        "root": ("/srv/shop", "pushguide:modules:shop"),
        "strategy:canary": (None, "pushguide:environments:test"),
        "strategy:batch": ("50%", "pushguide:defaults"),
        "settings:link": ("/var/www/all", "pushguide:types:static_site"),
        "min_free_mb": (10, "pushguide:environments:test"),
        "restore_on_failure": (True, OWN_DEFAULT),
        "source:url": ("salt://artifacts", "pushguide:defaults"),
    }.items() <= rows.items()
    assert said_by("production")["min_free_mb"] == (50, "pushguide:types:static_site")


def test_what_is_explained_is_all_of_the_template() -> None:
    chosen = library().get("shop", "production")
    whole = in_full(chosen)
    for row in explained(chosen):
        value: Any = whole
        for key in row["path"].split(":"):
            value = value[key]
        assert value == row["value"]
    assert whole["settings"] == chosen.settings


def test_another_kind_takes_nothing_from_below() -> None:
    company = {**COMPANY, "defaults": {**COMPANY["defaults"], "probe": {"kind": "tcp", "port": 80}}}
    chosen = library(company, probe={"kind": "http", "url": "http://127.0.0.1/"}).get(
        "shop", "production"
    )
    assert chosen.template.probe
    assert [one.kind for one in chosen.template.probe] == ["http"]


def test_windows_hosts_of_another_type_have_the_settings_of_that_type() -> None:
    company = {
        **COMPANY,
        "types": {
            "service": {"settings": {"stop_timeout_seconds": 11}},
            "windows_service": {"settings": {"stop_timeout_seconds": 22}},
        },
    }
    chosen = library(
        company,
        type="service",
        settings={"command": "./shop"},
        windows={
            "type": "windows_service",
            "root": r"C:\srv\shop",
            "settings": {"service": "Shop", "executable": "shop.exe"},
        },
    ).get("shop", "production")
    assert chosen.windows
    assert chosen.settings["stop_timeout_seconds"] == 11
    assert chosen.windows.settings["stop_timeout_seconds"] == 22
    rows = [row for row in explained(chosen) if row.get("on_windows")]
    found = {row["path"]: row["from"] for row in rows}
    assert found["settings:service"] == "pushguide:modules:shop:windows"
    assert found["settings:stop_timeout_seconds"] == "pushguide:types:windows_service"
    assert "keep_releases" not in found


def test_a_wrong_value_is_told_where_it_stands() -> None:
    company = {**COMPANY, "environments": {"production": {"keep_releases": 0}}}
    modules = {"shop": {key: one for key, one in MODULE.items() if key != "keep_releases"}}
    with pytest.raises(BadTemplate, match=r"^pushguide:environments:production:keep_releases: "):
        Library(OPTS, modules=modules, defaults=company).get("shop", "production")


@pytest.mark.parametrize(
    ("company", "told"),
    [
        ({"defaults": []}, "pushguide:defaults: is list, not a mapping."),
        ({"defaults": {"people": {}}}, "pushguide:defaults:people: is nothing that can be said"),
        ({"defaults": {"startegy": {}}}, "did you mean strategy?"),
        ({"defaults": {"settings": {}}}, "pushguide:defaults:settings: is nothing that can"),
        ({"types": {"static_sit": {}}}, "there is no such project type; did you mean static_site?"),
        ({"types": "x"}, "pushguide:types: is str, not a mapping of names."),
        ({"environments": {"test": 1}}, "pushguide:environments:test: is int, not a mapping."),
    ],
)
def test_what_cannot_be_said_for_all_is_refused(company: Any, told: str) -> None:
    with pytest.raises(BadTemplate) as refusal:
        library(company).get("shop")
    assert told in str(refusal.value)
