"""Configuration in templates: what is refused, and what hosts get."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pushguide.errors import BadTemplate, Refused
from pushguide.host.configuration import changes_of
from pushguide.master.allowed import Allowed
from pushguide.master.config import Config
from pushguide.master.templates.for_hosts import for_hosts
from pushguide.master.templates.library import Library
from pushguide.share import Share
from tests.unit.master.test_template import changed

CONFIGURED = {
    "hooks": {"encrypt-config": {"function": "mycorp.encrypt", "kwarg": {"provider": "{id}"}}}
}
EVERY_KIND: list[dict[str, Any]] = [
    {"kind": "transform", "file": "web.config", "by": r"conf\web.{environment}.config"},
    {"kind": "json", "file": "a.json", "values": {"A:B": [1, None, {"c": 1.5}]}, "create": True},
    {"kind": "xml", "file": "web.config", "app_settings": {"a": 1, "b": True, "c": "{pillar.x}"}},
    {"kind": "xml", "file": "web.config", "connection_strings": {"Shop": "x"}, "mode": "0640"},
    {"kind": "template", "file": "a.ini", "source": "a.ini.j2", "values": {"db": "{pillar.x}"}},
    {"kind": "hook", "hook": "encrypt-config"},
]


def library(configuration: Any, **environments: Any) -> Library:
    opts = {"extension_modules": "/none", "id": "m_master", "pushguide": CONFIGURED}
    template = changed("configuration", configuration)
    for name, own in environments.items():
        template["environments"][name]["configuration"] = own
    return Library(opts, modules={"shop": template})


def problems_of(*configuration: Any) -> list[str]:
    with pytest.raises(BadTemplate) as caught:
        library([*configuration]).get("shop")
    return caught.value.problems


def told_to_hosts(asked: Library, environment: str | None = None) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = fields_for_hosts(asked, environment)["configuration"]
    return told


def fields_for_hosts(asked: Library, environment: str | None = None) -> dict[str, Any]:
    return for_hosts(asked.get("shop", environment), asked.allowed)


def test_every_kind_reaches_the_hosts() -> None:
    told = told_to_hosts(library(EVERY_KIND))
    assert [one.kind for one in changes_of(told)] == [one["kind"] for one in EVERY_KIND]
    for given, one in zip(EVERY_KIND, told, strict=True):
        assert given.items() <= one.items()
    assert told[-1]["call"] == {
        "function": "mycorp.encrypt",
        "arg": [],
        "kwarg": {"provider": "{id}"},
    }
    data: dict[str, Any] = dict.fromkeys(["module", "environment", "type", "version"], "x")
    data |= {"kind": "deploy", "deployment": 1, "token": 1, "root": "/x", "settings": {}}
    share = Share.from_dict({**data, "artifact": None, "configuration": told})
    assert json.loads(json.dumps(share.to_dict()))["configuration"] == told


def test_an_environment_has_a_list_of_its_own() -> None:
    asked = library(EVERY_KIND, staging=EVERY_KIND[:1])
    assert len(told_to_hosts(asked)) == len(EVERY_KIND)
    assert len(told_to_hosts(asked, "staging")) == 1
    assert told_to_hosts(library([])) == []


def test_windows_hosts_may_have_another_list() -> None:
    template = changed("configuration", EVERY_KIND[:1])
    template["windows"] = {"configuration": EVERY_KIND[-1:]}
    opts = {"extension_modules": "/none", "id": "m_master", "pushguide": CONFIGURED}
    fields = fields_for_hosts(Library(opts, modules={"shop": template}))
    assert [one["kind"] for one in fields["configuration"]] == ["transform"]
    assert [one["kind"] for one in fields["windows"]["configuration"]] == ["hook"]
    template["windows"] = {"configuration": [{"kind": "hook", "hook": "none"}]}
    with pytest.raises(BadTemplate, match="shop:windows:configuration:0:hook: there is no 'none'"):
        fields_for_hosts(Library(opts, modules={"shop": template}))


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../x", "C:\\x", "c:x", "\\x", "a//b", "./a", "", "x:stream"],
)
def test_paths_lie_below_the_release(path: str) -> None:
    problems = problems_of(
        {"kind": "json", "file": path, "values": {"a": 1}},
        {"kind": "transform", "file": "a", "by": path},
        {"kind": "template", "file": "a", "source": path},
    )
    places = ["0:file", "1:by", "2:source"]
    for place, told in zip(places, problems, strict=True):
        assert told.startswith(f"pushguide:modules:shop:configuration:{place}: ")
        assert "give a path below the release" in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "xslt"}, "0:kind: there is no kind 'xslt': give hook, json, template, transform"),
        ({"file": "a"}, "0:kind: is missing: give hook"),
        ("web.config", "0: Input should be a valid dictionary"),
        ({"kind": "hook", "hook": "encrypt"}, "0:hook: there is no 'encrypt' in the master's"),
        ({"kind": "hook", "hook": "encrypt-config", "kwarg": {}}, "0:kwarg: unknown key"),
        ({"kind": "json", "file": "a", "value": {}}, "0:value: unknown key; did you mean values?"),
        ({"kind": "json", "file": "a"}, "0:values: is missing"),
        ({"kind": "json", "file": "a", "values": {}}, "0:values: "),
        ({"kind": "json", "file": "a", "values": {"a::b": 1}}, "'a::b' is no key"),
        ({"kind": "json", "file": "a", "values": {"a": 1, "A": 2}}, "'a' and 'A' are one key"),
        ({"kind": "json", "file": "{pillar.x}", "values": {"a": 1}}, "holds nothing of the pillar"),
        ({"kind": "xml", "file": "a"}, "give app_settings or connection_strings"),
        ({"kind": "xml", "file": "a", "app_settings": {"a": [1]}}, "0:app_settings:a"),
        ({"kind": "xml", "file": "a", "app_settings": {"a": "b"}, "mode": "rw"}, "0:mode: "),
        ({"kind": "template", "file": "a", "source": "b", "values": {"a-b": 1}}, "'a-b' is no"),
        ({"kind": "template", "file": "a", "source": "b", "values": {"id": 1}}, "'id' is no name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(change: Any, said: str) -> None:
    assert re.search(re.escape(said), "\n".join(problems_of(change)))


def test_all_problems_are_told_at_once() -> None:
    assert len(problems_of({"kind": "hook", "hook": "x"}, {"kind": "json", "file": "/a"})) == 3


def test_what_stands_behind_a_hook() -> None:
    config = Config.from_opts({"pushguide": CONFIGURED, "cachedir": "/x/master"})
    assert config.hooks["encrypt-config"].call["function"] == "mycorp.encrypt"


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        (["x"], "pushguide:hooks in the master's configuration is not a mapping"),
        ({"x": "mycorp.encrypt"}, "pushguide:hooks:x .*: it names no function"),
        ({"x": {"function": "encrypt"}}, "it names no function"),
        ({"x": {"function": "a.b", "args": []}}, r"args is unknown: did you mean arg\?"),
        ({"x": {"function": "a.b", "arg": "x"}}, "arg is not a list"),
        ({"x": {"function": "a.b", "kwarg": []}}, "kwarg is not a mapping"),
    ],
)
def test_a_hook_that_is_wrong_is_refused(hooks: Any, said: str) -> None:
    for read in (Config.from_opts, Allowed.from_opts):
        with pytest.raises(Refused, match=said):
            read({"pushguide": {"hooks": hooks}, "cachedir": "/x/master"})
