"""What Windows hosts have differently from the other hosts of their module."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pushguide.errors import BadTemplate
from pushguide.master.templates.for_hosts import for_hosts
from pushguide.master.templates.library import Library

MODULE: dict[str, Any] = {
    "type": "service",
    "root": "/srv/shop",
    "source": {"directory": "/srv/artifacts", "url": "https://artifacts.example.com"},
    "settings": {"command": "./Shop.Api", "port": 8080},
    "probe": {"url": "http://127.0.0.1:8080/", "within_seconds": 9},
    "windows": {
        "type": "windows_service",
        "root": r"C:\srv\shop",
        "settings": {"service": "Shop", "executable": r"win-x64\Shop.Api.exe"},
        "probe": {"url": "http://127.0.0.1:8081/"},
    },
    "environments": {"production": {"hosts": "*"}},
}


def library(module: dict[str, Any], tmp_path: Any) -> Library:
    opts = {"extension_modules": str(tmp_path), "id": "m_master"}
    return Library(opts, modules={"shop": module})


def told(module: dict[str, Any], tmp_path: Any) -> dict[str, Any]:
    asked = library(module, tmp_path)
    return for_hosts(asked.get("shop"), asked.allowed)


def with_windows(**changes: Any) -> dict[str, Any]:
    module = copy.deepcopy(MODULE)
    module["windows"].update(changes)
    return module


def test_another_type_has_settings_of_its_own(tmp_path: Any) -> None:
    fields = told(MODULE, tmp_path)
    windows = fields["windows"]
    assert (windows["type"], windows["root"]) == ("windows_service", r"C:\srv\shop")
    assert windows["settings"]["executable"] == r"win-x64\Shop.Api.exe"
    assert "command" not in windows["settings"]
    assert fields["settings"]["command"] == "./Shop.Api"


def test_a_mapping_is_laid_over_and_what_is_alike_is_not_told(tmp_path: Any) -> None:
    windows = told(MODULE, tmp_path)["windows"]
    assert (windows["probe"][0]["url"], windows["probe"][0]["within_seconds"]) == (
        "http://127.0.0.1:8081/",
        9,
    )
    assert {*windows} == {"type", "root", "settings", "probe"}


def test_the_same_type_keeps_its_other_settings(tmp_path: Any) -> None:
    module = {**copy.deepcopy(MODULE), "windows": {"settings": {"port": 9090}}}
    windows = told(module, tmp_path)["windows"]
    assert (windows["settings"]["command"], windows["settings"]["port"]) == ("./Shop.Api", 9090)
    assert {*windows} == {"settings"}


def test_an_environment_may_say_it_too(tmp_path: Any) -> None:
    module = copy.deepcopy(MODULE)
    module["environments"]["production"]["windows"] = {"root": r"D:\srv\shop"}
    windows = told(module, tmp_path)["windows"]
    assert (windows["type"], windows["root"]) == ("windows_service", r"D:\srv\shop")


def test_without_it_all_hosts_are_alike(tmp_path: Any) -> None:
    module = {key: value for key, value in MODULE.items() if key != "windows"}
    assert told(module, tmp_path)["windows"] is None


def test_standards_of_both_types_hold(tmp_path: Any) -> None:
    module = with_windows(
        type="dotnet_iis", settings={"site": "shop"}, probe={"url": "http://127.0.0.1/"}
    )
    ours = {one.name for one in library(module, tmp_path).get("shop").rules}
    iis_alone = {**module, **module["windows"], "windows": None}
    assert {one.name for one in library(iis_alone, tmp_path).get("shop").rules} <= ours


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rot": "x"}, "shop:windows:rot: unknown key; did you mean root?"),
        ({"root": "srv"}, "shop:windows:root: Value error, give an absolute path"),
        ({"type": "windos_task"}, "shop:windows:type: there is no project type 'windos_task'"),
        ({"settings": {"service": "Shop"}}, "shop:windows:settings:executable: is missing."),
        (
            {"settings": {"servce": "Shop", "executable": "a.exe"}},
            "shop:windows:settings:servce: unknown key; did you mean service?",
        ),
        ({"hosts": "*"}, "shop:windows:hosts: unknown key"),
        ({"probe": {"url": "ftp://x"}}, "shop:windows:probe:url"),
    ],
)
def test_a_problem_is_told_with_its_path(tmp_path: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        told(with_windows(**changes), tmp_path)
    assert any(said in one for one in caught.value.problems), caught.value.problems
