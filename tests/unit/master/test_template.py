"""Templates: every problem at once, with its path and the nearest known key."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pushguide.errors import BadTemplate, Refused
from pushguide.master.templates.library import Library

GOOD: dict[str, Any] = {
    "type": "service",
    "root": "/srv/shop",
    "source": {"directory": "/srv/artifacts", "url": "salt://artifacts"},
    "settings": {"command": "java -jar app.jar", "port": 8080},
    "environments": {
        "production": {"hosts": "shop*", "default": True},
        "staging": {
            "hosts": {"target": "G@role:shop", "type": "compound"},
            "settings": {"port": 9090},
            "keep_releases": 1,
        },
    },
}


def library(tmp_path: Any, **modules: Any) -> Library:
    return Library({"extension_modules": str(tmp_path), "id": "m_master"}, modules=modules)


def problems_of(tmp_path: Any, template: Any) -> list[str]:
    with pytest.raises(BadTemplate) as caught:
        library(tmp_path, shop=template).get("shop")
    return caught.value.problems


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good template with one value changed; ``...`` removes the key."""
    template = copy.deepcopy(GOOD)
    place: Any = template
    *way, last = path.split(":")
    for key in way:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return template


def test_an_environment_lies_over_its_module(tmp_path: Any) -> None:
    shop = library(tmp_path, shop=GOOD)
    default, staging = shop.get("shop"), shop.get("shop", "staging")
    assert default.environment == "production"
    assert (default.settings["port"], default.template.keep_releases) == (8080, 3)
    assert (staging.settings["port"], staging.template.keep_releases) == (9090, 1)
    assert staging.settings["command"] == "java -jar app.jar"
    assert staging.template.target.type == "compound"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("root", "srv/shop", "shop:root: Value error, give an absolute path"),
        ("root", "/srv/../etc", "shop:root: Value error, give a path without '..'"),
        ("root", "/", "shop:root: Value error, give a directory of the module's own"),
        ("root", ..., "shop:root: is missing."),
        ("type", ..., "shop:type: is missing."),
        ("type", "servcie", "shop:type: there is no project type 'servcie'; did you mean service?"),
        ("settings:prot", 1, "shop:settings:prot: unknown key; did you mean port?"),
        ("settings:port", 70000, "shop:settings:port"),
        ("settings:port", "{grain.x y}", "shop:settings:port"),
        ("settings", "port", "shop:settings"),
        ("settings", {}, "give either systemd_unit or command"),
        ("keep_relases", 2, "shop:keep_relases: unknown key; did you mean keep_releases?"),
        ("keep_releases", 0, "shop:keep_releases"),
        ("source:url", "ftp://x/y", "shop:source:url"),
        ("source:url", "https://me:secret@x/y", "shop:source:url"),
        ("source:direktory", "/x", "shop:source:direktory: unknown key; did you mean directory?"),
        ("probe", {"url": "file:///etc/passwd"}, "shop:probe:url"),
        ("probe", {"url": "http://x", "txt": "y"}, "probe:txt: unknown key; did you mean text?"),
        ("strategy", {"prepare": "never"}, "shop:strategy:prepare"),
        ("orchestration", {"deploy": "../x"}, "shop:orchestration:deploy"),
        ("environments", {}, "shop:environments: name at least one"),
        ("environments:staging:default", True, "give exactly one of them default: true"),
        ("environments:production:default", ..., "give exactly one of them default: true"),
        ("environments:production:hosts", ..., "environments:production:hosts: is missing."),
        ("environments:staging:type", "x", "environments:staging:type: unknown key"),
        ("environments:staging:settings:prot", 1, "staging:settings:prot: unknown key; did you"),
        ("environments:staging:hosts:type", "globb", "environments:staging:hosts"),
        ("environments:../x", {"hosts": "*"}, "is no environment"),
    ],
)
def test_a_problem_is_told_with_its_path(tmp_path: Any, path: str, value: Any, said: str) -> None:
    found = problems_of(tmp_path, changed(path, value))
    assert any(said in one for one in found), found


def test_every_problem_is_told_at_once(tmp_path: Any) -> None:
    template = changed("settings:prot", 1)
    template["root"] = "x"
    template["colour"] = "red"
    found = problems_of(tmp_path, template)
    assert {one.split(": ")[0].rpartition(":")[2] for one in found} == {"prot", "root", "colour"}
    assert len(found) == len(set(found)) == 3


@pytest.mark.parametrize("template", [None, "x", [1], {}, {"type": 3, "environments": {"a": 1}}])
def test_nonsense_is_refused(tmp_path: Any, template: Any) -> None:
    assert problems_of(tmp_path, template)


def test_an_unknown_module_or_environment_names_the_nearest(tmp_path: Any) -> None:
    shop = library(tmp_path, shop=GOOD)
    with pytest.raises(Refused, match=r"no module 'shp'.*did you mean shop\?"):
        shop.get("shp")
    with pytest.raises(Refused, match=r"no environment 'stagin': did you mean staging\?"):
        shop.get("shop", "stagin")


def test_a_broken_neighbour_does_not_matter(tmp_path: Any) -> None:
    both = library(tmp_path, shop=GOOD, broken={"type": "x"})
    assert both.get("shop").template.type == "service"
    overview = both.overview()
    assert overview["broken"]["problems"]
    assert overview["shop"]["environments"]["production"]["default"] is True


def test_a_types_own_file_that_does_not_load_says_which(tmp_path: Any) -> None:
    folder = tmp_path / "pushguide_types"
    folder.mkdir()
    (folder / "php_app.py").write_text("import nothing_like_this")
    (folder / "empty.py").write_text("")
    found = problems_of(tmp_path, changed("type", "php_app"))
    assert any("php_app.py does not load" in one for one in found)
    found = problems_of(tmp_path, changed("type", "empty"))
    assert any("has no class Settings" in one for one in found)
