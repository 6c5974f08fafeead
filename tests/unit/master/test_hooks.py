"""Hooks in the master's configuration and in templates: what is refused, and what hosts get."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest

from pushguide.errors import BadTemplate, Refused
from pushguide.host.expand import expand
from pushguide.master.allowed import Allowed
from pushguide.master.config import Config
from pushguide.master.revision import Revision
from pushguide.master.store.tables import now
from pushguide.master.templates.for_hosts import for_hosts
from pushguide.master.templates.library import Library
from pushguide.master.templates.schemas import of_template
from pushguide.share import Share
from tests.unit.master.test_template import changed

HOOKS: dict[str, Any] = {
    "hold-jobs": {"function": "jobs.hold", "arg": ["{id}"]},
    "resume-jobs": {"function": "jobs.resume"},
    "migrate": {"command": "/usr/bin/migrate --to {version} 'two words'"},
    "warm-cdn": {
        "command": ["/usr/bin/warm", "--in={path}", "{paths}"],
        "variables": {"paths": {"pattern": "/[a-z/]+|/", "default": "/"}},
    },
    "weigh": {
        "function": "lb.weigh",
        "variables": {"pool": {"pattern": "[a-z]+"}, "weight": {"pattern": r"\d{1,3}"}},
    },
    "weigh-back": {"function": "lb.back", "variables": {"pool": {"pattern": "[a-z]{1,5}"}}},
}
WARM = "pushguide:modules:shop:hooks:release:0"


def library(hooks: Any, configured: Mapping[str, Any] = HOOKS, **more: Any) -> Library:
    opts = {"extension_modules": "/none", "id": "m_master", "pushguide": {"hooks": configured}}
    template = copy.deepcopy(changed("hooks", hooks))
    for name, own in more.pop("environments", {}).items():
        template["environments"][name]["hooks"] = own
    return Library(opts, modules={"shop": {**template, **more}})


def problems_of(hooks: Any, **more: Any) -> list[str]:
    with pytest.raises(BadTemplate) as caught:
        library(hooks, **more).get("shop")
    return caught.value.problems


def told(asked: Library, environment: str | None = None) -> dict[str, Any]:
    return for_hosts(asked.get("shop", environment), asked.allowed)


# The master's configuration.


def command(*words: str, **variables: Any) -> dict[str, Any]:
    given = {name: {"pattern": "[a-z]+", **one} for name, one in variables.items()}
    return {"command": [*words], "variables": given}


def test_what_stands_behind_the_names() -> None:
    found = Allowed.from_opts({"pushguide": {"hooks": HOOKS}}).hooks
    assert found["hold-jobs"].call == {"function": "jobs.hold", "arg": ["{id}"], "kwarg": {}}
    words = ["/usr/bin/migrate", "--to", "{version}", "two words"]
    assert found["migrate"].call == {"command": words}
    assert [one.is_command for one in found.values()] == [False, False, True, True, False, False]
    # Words of a list are taken as they are, such as paths of Windows.
    given = {"x": {"command": [r"C:\Program Files\x.exe", r"\\share\a b", '"']}}
    assert Allowed.from_opts({"pushguide": {"hooks": given}}).hooks["x"].call == given["x"]


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("/bin/true", "it names no function"),
        ({"command": ""}, "command is '': give a command line"),
        ({"command": "a 'b"}, "give a command line, or a list of its words"),
        ({"command": ["a", 1]}, "give a command line, or a list of its words"),
        ({"command": "a", "kwarg": {}}, "kwarg has no place beside command"),
        ({"command": "a", "function": "a.b"}, "function has no place beside command"),
        ({"command": "a", "variable": {}}, r"did you mean variables\?"),
        ({"function": "a.b", "comand": "x"}, r"did you mean command\?"),
        ({"function": "a.b", "variables": ["x"]}, "variables is not a mapping"),
        ({"function": "a.b", "variables": {"x": "[a-z]"}}, "variables:x: give a pattern"),
        ({"function": "a.b", "variables": {"x": {"default": "a"}}}, "variables:x: give a pattern"),
        ({"function": "a.b", "variables": {"x": {"pattern": "["}}}, "is no regular expression"),
        (
            {"function": "a.b", "variables": {"x": {"pattern": "a", "defualt": "a"}}},
            r"x: defualt is unknown: did you mean default\?",
        ),
        (
            {"function": "a.b", "variables": {"x": {"pattern": "a", "default": "ab"}}},
            "x: default does not match the whole of 'a'",
        ),
        ({"function": "a.b", "variables": {"a-b": {"pattern": "a"}}}, "a name is letters"),
        ({"function": "a.b", "variables": {"__jid": {"pattern": "a"}}}, "a name is letters"),
        ({"function": "a.b", "variables": {"path": {"pattern": "a"}}}, "is told path already"),
        (
            {"function": "a.b", "kwarg": {"on": 1}, "variables": {"on": {"pattern": "a"}}},
            "is told on already",
        ),
        (command("a", "{id}", id={}), "is told id already"),
        (command("a", "{y}", x={}), r"variables:x: no word of the command holds \{x\}"),
        (command("{x}", x={}), "the program itself has to be named"),
        (command("{path}/run"), "the program itself has to be named"),
        (command("/bin/sh", "-c", "echo {x}", x={}), "a shell would read what is filled in"),
        (command("bash", "-ec", "{x}", x={}), "a shell would read"),
        (command("sudo", "sh", "-c", "ls {path}"), "a shell would read"),
        (command("/usr/bin/python3.11", "-c", "print('{x}')", x={}), "a shell would read"),
        (command("perl", "-e", "{version}"), "a shell would read"),
        (command(r"C:\Windows\System32\cmd.exe", "/c", "x", "{x}", x={}), "a shell would read"),
        (command(r"C:\x\run.BAT", "{x}", x={}), "a shell would read"),
        (command("powershell.exe", "-Command", "x", "{x}", x={}), "a shell would read"),
        (command("pwsh", "{x}", x={}), "a shell would read"),
    ],
)
def test_a_hook_that_is_wrong_is_refused(hook: Any, said: str) -> None:
    for read in (Config.from_opts, Allowed.from_opts):
        with pytest.raises(Refused, match=said) as caught:
            read({"pushguide": {"hooks": {"x": hook}}, "cachedir": "/x/master"})
        assert str(caught.value).startswith("pushguide:hooks:x")


@pytest.mark.parametrize(
    "hook",
    [
        command("/bin/sh", "-c", 'echo "$1"', "sh", "{x}", x={}),
        command("powershell.exe", "-File", r"C:\x.ps1", "{x}", x={}),
        command("/bin/sh", "-c", "echo $PUSHGUIDE_VERSION"),
        command("x.bat"),
        command("tool", "-c", "{x}", "--{x}={version}", x={"default": "a"}),
    ],
)
def test_a_hook_that_is_right_is_taken(hook: Any) -> None:
    assert Allowed.from_opts({"pushguide": {"hooks": {"x": hook}}}).hooks["x"].is_command


def test_every_problem_of_the_configuration_is_told_at_once() -> None:
    hooks = {"x": command("{a}", a={"pattern": "["}, b={}), "y": {"function": 1}, "Z Z": {}}
    with pytest.raises(Refused) as caught:
        Allowed.from_opts({"pushguide": {"hooks": hooks}})
    assert len(caught.value.problems) == 5


# Templates.


def test_hooks_reach_the_hosts() -> None:
    hooks = {
        "prepare": ["migrate"],
        "release": [
            {
                "hook": "weigh",
                "variables": {"pool": "shop", "weight": 7},
                "undo": "weigh-back",
                "forward_only": True,
            }
        ],
        "post_release": [{"hook": "warm-cdn", "timeout_seconds": 5}],
    }
    fields = told(library(hooks))
    migrate, weigh, warm = (one for uses in fields["hooks"].values() for one in uses)
    assert [*fields["hooks"]] == ["prepare", "release", "post_release"]
    assert migrate == {
        "hook": "migrate",
        "call": {"command": ["/usr/bin/migrate", "--to", "{version}", "two words"]},
        "variables": {},
        "timeout_seconds": 60,
        "undo": None,
        "forward_only": False,
    }
    assert (weigh["variables"], weigh["forward_only"]) == ({"pool": "shop", "weight": "7"}, True)
    assert (weigh["undo"]["hook"], weigh["undo"]["variables"]) == ("weigh-back", {"pool": "shop"})
    assert (warm["variables"], warm["timeout_seconds"]) == ({"paths": "/"}, 5)
    assert told(library({}))["hooks"] == {}


def test_a_host_fills_in_what_is_fixed_and_no_variable() -> None:
    configured = {
        "x": {
            "command": ["/bin/x", "{id}", "{v}"],
            "variables": {"v": {"pattern": ".*"}},
        }
    }
    use = {"hook": "x", "variables": {"v": "{id}{grain.os}"}, "undo": "x"}
    change = {"kind": "hook", "hook": "x", "variables": {"v": "{id}"}}
    asked = library({"release": [use]}, configured, configuration=[change])
    data: dict[str, Any] = dict.fromkeys(["module", "environment", "type", "version"], "x")
    data |= {"kind": "deploy", "deployment": 1, "token": 1, "root": "/x", "settings": {}}
    fields = {key: told(asked)[key] for key in ("hooks", "configuration")}
    share = Share.from_dict(json.loads(json.dumps({**data, **fields, "artifact": None})))
    filled = expand(share, "web1", {"os": "Linux"})
    [hook], [change] = filled.hooks["release"], filled.configuration
    for one, value in (
        (hook, "{id}{grain.os}"),
        (hook["undo"], "{id}{grain.os}"),
        (change, "{id}"),
    ):
        assert one["call"]["command"] == ["/bin/x", "web1", "{v}"]
        assert one["variables"] == {"v": value}


def test_an_environment_replaces_the_list_of_a_stage() -> None:
    asked = library(
        {"prepare": ["migrate"], "release": ["hold-jobs"]},
        environments={"staging": {"release": []}},
    )
    assert [*told(asked)["hooks"]] == ["prepare", "release"]
    assert [*told(asked, "staging")["hooks"]] == ["prepare"]


def test_windows_hosts_may_have_others() -> None:
    windows = {"hooks": {"release": ["hold-jobs"]}}
    fields = told(library({"prepare": ["migrate"], "release": ["migrate"]}, windows=windows))
    assert [one["hook"] for one in fields["hooks"]["release"]] == ["migrate"]
    assert [one["hook"] for one in fields["windows"]["hooks"]["release"]] == ["hold-jobs"]
    assert "prepare" in fields["windows"]["hooks"]
    wrong = {"hooks": {"release": ["hold-job"]}}
    [problem] = problems_of({}, windows=wrong)
    assert problem.startswith("pushguide:modules:shop:windows:hooks:release:0: there is no")


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ({"relase": []}, "hooks:relase: unknown key; did you mean release?"),
        ({"release": ["hold-job"]}, "hooks:release:0: there is no 'hold-job' in the master's"),
        ({"release": ["hold-job"]}, "(pushguide:hooks); did you mean hold-jobs?"),
        ({"release": [{"hook": "x"}]}, "hooks:release:0:hook: there is no 'x'"),
        ({"release": [{"hook": "migrate", "undo": "migrat"}]}, "release:0:undo: there is no"),
        ({"release": [{"hook": "migrate", "undoo": "migrate"}]}, "did you mean undo?"),
        ({"release": [{"hook": "migrate", "command": "/bin/sh"}]}, "0:command: unknown key"),
        ({"release": [{"hook": "migrate", "kwarg": {}}]}, "0:kwarg: unknown key"),
        ({"release": "migrate"}, "hooks:release: "),
        ({"release": [7]}, "hooks:release:0: "),
        ({1: []}, "hooks:1: "),
        ({"release": {"a": 1}}, "hooks:release: "),
        ([], "hooks: "),
        ({"release": [{"undo": "migrate"}]}, "release:0:hook: is missing."),
        (
            {"release": [{"hook": "warm-cdn", "variables": {"path": "/"}}]},
            "0:variables:path: warm-cdn has no such variable; did you mean paths?",
        ),
        (
            {"release": [{"hook": "migrate", "variables": {"x": "y"}}]},
            "0:variables:x: migrate has no such variable; there are none.",
        ),
        ({"release": ["weigh"]}, "0:variables:pool: is missing (pushguide:hooks:weigh:variables)."),
        (
            {"release": [{"hook": "weigh-back", "variables": {"pool": "toolong"}}]},
            "0:variables:pool: does not match the whole of '[a-z]{1,5}' (pushguide:hooks:weigh-b",
        ),
        (
            {
                "release": [
                    {
                        "hook": "weigh",
                        "variables": {"pool": "toolong", "weight": 1},
                        "undo": "weigh-back",
                    }
                ]
            },
            "0:variables:pool: does not match the whole of '[a-z]{1,5}' (pushguide:hooks:weigh-b",
        ),
        ({"release": [{"hook": "warm-cdn", "variables": {"paths": True}}]}, "paths: is bool"),
        ({"release": [{"hook": "warm-cdn", "variables": {"paths": 1.10}}]}, "is float: give a"),
        ({"release": [{"hook": "warm-cdn", "variables": {"paths": ["/"]}}]}, "is list: give a"),
        ({"release": [{"hook": "warm-cdn", "variables": ["/"]}]}, "0:variables: "),
        (
            {"release": [{"hook": "hold-jobs", "timeout_seconds": 5}]},
            "0:timeout_seconds: a function cannot be ended",
        ),
        ({"release": [{"hook": "migrate", "timeout_seconds": 0}]}, "0:timeout_seconds: "),
        (
            {"prepare": [{"hook": "migrate", "undo": "migrate"}]},
            "hooks:prepare:0:undo: nothing of prepare is undone",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_place(hooks: Any, said: str) -> None:
    assert said in "\n".join(problems_of(hooks))


@pytest.mark.parametrize(
    "value",
    [
        "/a b",
        "/a;b",
        "/a\nb",
        "/a\n",
        "/a\0",
        "/$(id)",
        "/`id`",
        "/'",
        '/"',
        "/{path}",
        "/{pillar.shop:db}",
        "--config=/etc",
        "/a|b",
        "/a\u2028",
        "/\ud800",
        "/" + "a" * 256,
        "",
    ],
)
def test_what_a_pattern_does_not_let_through_is_refused(value: str) -> None:
    use = {"hook": "warm-cdn", "variables": {"paths": value}}
    [problem] = problems_of({"release": [use]})
    assert problem.startswith(f"{WARM}:variables:paths: ")
    [problem] = problems_of({}, configuration=[{"kind": "hook", **use}])
    assert problem.startswith("pushguide:modules:shop:configuration:0:variables:paths: ")


@pytest.mark.parametrize("value", ["a\nb", "a\tb", "\x7f", "a" * 257])
def test_even_a_pattern_for_everything_takes_one_line_of_bounded_length(value: str) -> None:
    configured = {"x": command("x", "{v}", v={"pattern": "(?s).*"})}
    use = {"hook": "x", "variables": {"v": value}}
    with pytest.raises(BadTemplate, match="variables:v"):
        library({"release": [use]}, configured).get("shop")


def test_all_problems_are_told_at_once() -> None:
    hooks = {
        "prepair": [],
        "release": [
            "hold-job",
            {"hook": "warm-cdn", "variables": {"pths": "/", "paths": "; id"}, "undo": "none"},
            {"hook": "weigh", "variables": {"weight": "heavy"}},
        ],
    }
    assert len(problems_of(hooks, configuration=[{"kind": "hook", "hook": "weigh"}])) == 9


def test_a_secret_among_the_variables_is_refused_and_not_repeated() -> None:
    configured = {"x": command("x", "{token}", token={"pattern": ".*"})}
    use = {"hook": "x", "variables": {"token": "hunter22"}}
    with pytest.raises(
        BadTemplate, match="hooks:release:0:variables:token: looks like a"
    ) as caught:
        library({"release": [use]}, configured).get("shop")
    assert "hunter22" not in str(caught.value)


def test_the_name_of_a_step_is_kept_as_a_whole() -> None:
    names = ["a" * 59, "a" * 60]
    configured = {name: {"function": "a.b"} for name in names}
    with pytest.raises(BadTemplate, match=r"release:1: .*59 characters at the most"):
        library({"release": names}, configured).get("shop")
    library({"release": names[:1]}, configured).get("shop")
    library({}, configured, configuration=[{"kind": "hook", "hook": names[1]}]).get("shop")


def test_the_schema_takes_a_name_or_a_mapping() -> None:
    schema = of_template()
    data = changed("hooks", {"release": ["migrate", {"hook": "migrate", "undo": "migrate"}]})
    jsonschema.validate(data, schema)
    for wrong in (changed("hooks", {"release": [7]}), changed("hooks", {"relase": []})):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


# Templates in the database.


def saved(named: Any, team: str | None = None, **bounds: Any) -> list[str]:
    """What is wrong with a template in the database that names these hooks."""
    servers = ["https://builds.example.com"]
    allowed = {"hosts": ["*"], "directories": ["/srv"], "servers": servers, **bounds}
    data = {
        "type": "static_site",
        "team": team,
        "root": "/srv/shop",
        "source": {"directory": "/srv/artifacts", "url": servers[0]},
        "hooks": named,
        "environments": {"production": {"hosts": "web*"}},
    }
    configured = {"hooks": HOOKS, "self_service": allowed}
    opts = {"extension_modules": "", "id": "m", "pushguide": configured}
    revisions = {"shop": Revision("shop", 1, data, "", "alice", now(), "new")}
    one = Library(opts, saved=lambda: revisions, modules={})
    found: list[str] = one.overview()["shop"].get("problems", [])
    return found


def test_the_bounds_narrow_which_ones_the_database_may_name() -> None:
    named = {"release": ["migrate", {"hook": "hold-jobs", "undo": "resume-jobs"}]}
    assert saved(named) == []
    [problem] = saved(named, hooks=["mig*", "hold-*"])
    assert problem == (
        "template of shop:hooks:release:1:undo: 'resume-jobs' is not allowed to templates in the "
        "database (pushguide:self_service in the master's configuration: hooks)."
    )
    teams = {"payments": {"hooks": []}}
    assert saved(named, "shop", teams=teams) == []
    assert len(saved(named, "payments", teams=teams)) == 3
