"""Probes, warm-up and drain in templates, and the names that the master's configuration has."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide.errors import BadTemplate, Refused
from pushguide.host import drain, health
from pushguide.host.expand import expand
from pushguide.master.allowed import Allowed
from pushguide.master.config import Config
from pushguide.master.templates.for_hosts import for_hosts
from pushguide.master.templates.library import Library, ModuleTemplate
from pushguide.share import Share
from tests.unit.master.test_template import changed

CONFIGURED: dict[str, Any] = {
    "commands": {
        "check-queue": "/usr/local/bin/check_queue --pool 'a b'",
        "check-disk": ["/bin/df"],
    },
    "functions": {
        "out-of-lb": {
            "out": {"function": "lb.disable", "kwarg": {"pool": "shop"}},
            "back": {"function": "lb.enable", "arg": ["shop"]},
        }
    },
}
URL = {"url": "http://127.0.0.1/"}
CALLS = {"out": {"url": "http://lb/out"}, "back": {"url": "http://lb/back"}}
HAPROXY = {"kind": "haproxy", "backend": "shop", "server": "{id}"}


def library(template: Any, configured: Any = None) -> Library:
    opts = {"extension_modules": "/none", "id": "m_master", "pushguide": configured or CONFIGURED}
    return Library(opts, modules={"shop": template})


def get(template: Any, environment: str | None = None) -> ModuleTemplate:
    return library(template).get("shop", environment)


def problems_of(template: Any) -> list[str]:
    with pytest.raises(BadTemplate) as caught:
        get(template)
    return caught.value.problems


def told_to_hosts(template: Any, environment: str | None = None) -> dict[str, Any]:
    asked = library(template)
    return for_hosts(asked.get("shop", environment), asked.allowed)


@pytest.mark.parametrize(
    "probe",
    [
        URL,
        {**URL, "kind": "http", "answer_headers": {"X": "y"}, "latency_seconds": 0.5},
        {**URL, "inconclusive_status": [429], "consecutive": 61},
        {"kind": "tcp", "port": 80},
        {"kind": "tcp", "host": "localhost", "port": "{grain.shop_port}"},
        {"kind": "process", "name": "worker {version}", "user": "shop", "at_least": 4},
        {"kind": "command", "command": "check-queue", "timeout_seconds": 20},
        {"kind": "log", "path": "/var/log/shop.log", "absent": "ERROR{2}"},
    ],
)
def test_every_kind_of_probe_reaches_the_hosts(probe: dict[str, Any]) -> None:
    for given in (probe, [probe], [probe, URL]):
        told = told_to_hosts(changed("probe", given))["probe"]
        checks = health.checks_of(told, "1.4.2")
        assert [one.kind for one in checks][:1] == [probe.get("kind", "http")]
        assert len(checks) == (len(given) if isinstance(given, list) else 1)


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "http", **CALLS, "settle_seconds": 5},
        {"kind": "file", "path": "/srv/ready", "when_out": "present", "port": 80},
        {**HAPROXY, "socket": "/run/haproxy.sock", "wait_seconds": 0},
        {**HAPROXY, "address": "lb1:9999"},
        {"kind": "function", "function": "out-of-lb", "port": "{grain.shop_port}"},
    ],
)
def test_every_kind_of_drain_reaches_the_hosts(given: dict[str, Any]) -> None:
    told = told_to_hosts(changed("drain", given))["drain"]
    assert drain.way_of(told, {}).kind == given["kind"]


def test_names_become_what_the_master_says_of_them() -> None:
    template = changed("probe", [{"kind": "command", "command": "check-queue"}])
    template["drain"] = {"kind": "function", "function": "out-of-lb"}
    template["warm_up"] = {"urls": ["http://127.0.0.1/"], "times": 2}
    told = told_to_hosts(template)
    assert told["probe"][0]["words"] == ["/usr/local/bin/check_queue", "--pool", "a b"]
    assert told["drain"]["out"] == {
        "function": "lb.disable",
        "arg": [],
        "kwarg": {"pool": "shop"},
    }
    assert told["drain"]["back"] == {"function": "lb.enable", "arg": ["shop"], "kwarg": {}}
    assert (told["warm_up"]["times"], told["warm_up"]["timeout_seconds"]) == (2, 30)


@pytest.mark.parametrize("probe", [None, []])
def test_nothing_is_nothing(probe: Any) -> None:
    told = told_to_hosts(changed("probe", probe))
    assert {told[key] for key in ("probe", "warm_up", "drain", "signature")} == {None}
    assert told["configuration"] == []


def test_what_hosts_get_fits_into_a_share() -> None:
    template = changed("probe", {"kind": "tcp", "port": "{grain.port}"})
    template["drain"] = {**HAPROXY, "socket": "/run/s"}
    data: dict[str, Any] = dict.fromkeys(["module", "environment", "type", "version"], "x")
    data |= {"kind": "deploy", "deployment": 1, "token": 1, "root": "/x", "settings": {}}
    share = Share.from_dict({**data, "artifact": None, **told_to_hosts(template)})
    mine = expand(share, "web1", {"port": 8080})
    assert isinstance(mine.probe, list)
    assert mine.probe[0]["port"] == "8080"
    assert mine.drain is not None
    assert mine.drain["server"] == "web1"


def test_an_environment_has_its_own() -> None:
    template = changed("probe", {**URL, "within_seconds": 9})
    template["drain"] = {"kind": "file", "path": "/srv/ready", "settle_seconds": 5}
    template["warm_up"] = {"urls": ["http://127.0.0.1/"]}
    template["environments"]["staging"] |= {
        "probe": {"within_seconds": 2},
        "drain": {**HAPROXY, "socket": "/run/s"},
        "warm_up": {"times": 3},
    }
    staging = told_to_hosts(template, "staging")
    assert staging["probe"][0]["url"] == URL["url"]
    assert staging["probe"][0]["within_seconds"] == 2
    # Another kind takes over nothing.
    assert (staging["drain"]["kind"], staging["drain"]["settle_seconds"]) == ("haproxy", 0)
    assert staging["warm_up"]["times"] == 3
    template["environments"]["staging"]["probe"] = []
    assert told_to_hosts(template, "staging")["probe"] is None
    template["environments"]["staging"]["probe"] = {"kind": "tcp", "port": 1}
    assert "url" not in told_to_hosts(template, "staging")["probe"][0]


AT = "pushguide:modules:shop:"


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({**URL, "txt": 1}, "probe:txt: unknown key; did you mean text?"),
        ([URL, {**URL, "txt": 1}], "probe:1:txt: unknown key; did you mean text?"),
        ({"kind": "tcp", "port": 1, "prot": 1}, "probe:prot: unknown key; did you mean port?"),
        (
            {"kind": "log", "path": "/x", "absent": "y", "url": "http://x"},
            (
                "probe:url: unknown key; there are absent, consecutive, interval_seconds, kind, "
                "path, timeout_seconds, within_seconds."
            ),
        ),
        ({"kind": "tcp"}, "probe:port: is missing."),
        ({}, "probe:url: is missing."),
        (
            {"kind": "htpp", "url": "x"},
            "probe:kind: there is no kind 'htpp': give command, http, log, process or tcp.",
        ),
        ([5], "probe:0: is int, not a mapping."),
        ("http://x", "probe: is str, not a mapping."),
        (
            {"kind": "command", "command": "chek-queue"},
            (
                "probe:command: there is no 'chek-queue' in the master's configuration "
                "(pushguide:commands); did you mean check-queue?"
            ),
        ),
        (
            [{"kind": "command", "command": "{id}"}],
            (
                "probe:0:command: there is no '{id}' in the master's configuration "
                "(pushguide:commands); there are check-disk, check-queue."
            ),
        ),
        (
            {"kind": "command", "command": "check-disk", "words": ["/bin/sh"]},
            (
                "probe:words: unknown key; there are command, consecutive, interval_seconds, kind, "
                "timeout_seconds, within_seconds."
            ),
        ),
        (
            {"kind": "tcp", "port": 0},
            (
                "probe:port: Value error, give a number from 1 to 65535, or a grain such as "
                "'{grain.shop_port}' (it is 0)."
            ),
        ),
        (
            {"url": "http://me:secret@x/"},
            "probe:url: give no user or password in it: job arguments are no place for secrets.",
        ),
        (
            {"kind": "log", "path": "/x", "absent": "a*"},
            (
                "probe:absent: Value error, give an expression that does not match everything "
                "(it is 'a*')."
            ),
        ),
        (
            {**URL, "consecutive": 62},
            (
                "probe: Value error, 62 answers in a row take 61 s at least, and within_seconds is "
                f"60: give it more (it is { {**URL, 'consecutive': 62} })."
            ),
        ),
        (
            {**URL, "inconclusive_status": [200]},
            (
                "probe: Value error, 200 is in status and in inconclusive_status: choose one "
                f"(it is { {**URL, 'inconclusive_status': [200]} })."
            ),
        ),
    ],
)
def test_a_problem_of_a_probe_is_one_sentence(probe: Any, said: str) -> None:
    assert problems_of(changed("probe", probe)) == [AT + said]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"path": "/x"}, "drain:kind: is missing: give file, function, haproxy or http."),
        (
            {"kind": "fiel"},
            "drain:kind: there is no kind 'fiel': give file, function, haproxy or http.",
        ),
        (
            {"kind": "file", "path": "/x", "when": 1},
            "drain:when: unknown key; did you mean when_out?",
        ),
        (
            {"kind": "http", **CALLS, "out": {"url": "http://x", "metod": "PUT"}},
            "drain:out:metod: unknown key; did you mean method?",
        ),
        ({"kind": "http", "out": CALLS["out"]}, "drain:back: is missing."),
        (
            {"kind": "function", "function": "outoflb"},
            (
                "drain:function: there is no 'outoflb' in the master's configuration "
                "(pushguide:functions); did you mean out-of-lb?"
            ),
        ),
        (
            {"kind": "function", "function": "out-of-lb", "out": {}},
            "drain:out: unknown key; there are function, kind, port, settle_seconds, wait_seconds.",
        ),
    ],
)
def test_a_problem_of_a_drain_is_one_sentence(given: Any, said: str) -> None:
    assert problems_of(changed("drain", given)) == [AT + said]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (HAPROXY, "drain: Value error, give either socket or address"),
        ({**HAPROXY, "socket": "/x", "address": "y:1"}, "give either socket or address"),
        ({**HAPROXY, "socket": "/x", "server": "a; show info"}, "drain:server: "),
        ({**HAPROXY, "socket": "/x", "backend": "a\nshutdown"}, "drain:backend: "),
        ({**HAPROXY, "socket": "/x", "backend": "a\n"}, "drain:backend: "),
        ({"kind": "http", **CALLS, "back": {"url": "http://me@lb/"}}, "drain:back:url: "),
        ({"kind": "file", "path": "../x"}, "drain:path: "),
        ("file", "drain: "),
    ],
)
def test_what_has_no_place_in_a_drain(given: Any, said: str) -> None:
    [problem] = problems_of(changed("drain", given))
    assert said in problem


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"urls": []}, "warm_up:urls: "),
        ({"url": "http://x"}, "warm_up:url: unknown key; did you mean urls?"),
        ({"urls": ["ftp://x/"]}, "warm_up:urls:0: "),
        ({"urls": ["http://me:secret@x/"]}, "warm_up:urls:0: "),
        ({"urls": ["http://x/"], "times": 0}, "warm_up:times: "),
    ],
)
def test_problems_of_a_warm_up(given: Any, said: str) -> None:
    assert any(said in one for one in problems_of(changed("warm_up", given)))


def test_a_problem_in_an_environment_is_told_there() -> None:
    template = changed("probe", [URL])
    template["environments"]["staging"]["probe"] = {"kind": "tcp", "prot": 1}
    assert problems_of(template) == [
        f"{AT}probe:port: is missing.",
        f"{AT}environments:staging:probe:prot: unknown key; did you mean port?",
    ]


# The master's configuration.


def test_the_configuration_says_what_may_be_named() -> None:
    config = Config.from_opts({"pushguide": CONFIGURED, "cachedir": "/x/master"})
    assert config.commands["check-queue"] == ["/usr/local/bin/check_queue", "--pool", "a b"]
    assert config.functions["out-of-lb"]["back"]["function"] == "lb.enable"
    assert Allowed.from_opts({}) == Allowed({}, {}, {}, ())


@pytest.mark.parametrize(
    ("configured", "said"),
    [
        ({"commands": ["x"]}, "pushguide:commands in the master's configuration is not a mapping"),
        ({"commands": {"a b": "x"}}, "pushguide:commands:a b .*: a name is letters"),
        ({"commands": {"x": ""}}, "pushguide:commands:x .* is '': give a command line"),
        ({"commands": {"x": "a 'b"}}, "pushguide:commands:x .*: give a command line"),
        ({"commands": {"x": []}}, "pushguide:commands:x .*: give a command line"),
        ({"commands": {"x": ["a", ""]}}, "pushguide:commands:x .*: give a command line"),
        ({"commands": {"x": ["a", 1]}}, "pushguide:commands:x .*: give a command line"),
        ({"functions": {"x": {"out": {}}}}, "pushguide:functions:x .*: give out and back"),
        (
            {"functions": {"x": {"out": {"function": "lb"}, "back": {"function": "lb.on"}}}},
            "out names no function",
        ),
        (
            {"functions": {"x": {"out": {"function": "a.b", "args": []}, "back": {}}}},
            r"out:args is unknown: did you mean arg\?.*back names no function",
        ),
        (
            {
                "functions": {
                    "x": {
                        "out": {"function": "a.b", "arg": "x"},
                        "back": {"function": "a.b", "kwarg": []},
                    }
                }
            },
            "out:arg is not a list.*back:kwarg is not a mapping",
        ),
    ],
)
def test_a_configuration_that_is_wrong_is_refused(configured: Any, said: str) -> None:
    for read in (Config.from_opts, Allowed.from_opts):
        with pytest.raises(Refused, match=said):
            read({"pushguide": configured, "cachedir": "/x/master"})
