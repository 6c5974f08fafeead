"""Hooks in the stages of a host: when they run, what they are told, and how they are undone."""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushguide.host import orders, process
from pushguide.host.base import ProjectType
from pushguide.host.steps import step
from pushguide.host.types.static_site import StaticSite
from pushguide.words import (
    FAILED,
    GOOD_OUTCOMES,
    RESTORE,
    RESTORED,
    SKIPPED,
    STAGES,
    STOPPED_SHORT,
    SUCCEEDED,
    UNCHANGED,
)
from tests.support.health import Health
from tests.support.host import Host, die, in_a_process, killed_at, steps
from tests.support.waiting import wait_until

#: Says which arguments it got, and what stands in its environment.
TELL = """
import json, os, sys
told = {k: v for k, v in os.environ.items() if k.startswith("PUSHGUIDE_")
        and not k.startswith(("PUSHGUIDE_TEST_", "PUSHGUIDE_REQUIRE"))}
with open(sys.argv[1], "w") as file:
    json.dump({"words": sys.argv[2:], "environment": told}, file)
"""


class Log:
    """Functions of Salt that write down that they were called, to a file that outlives a crash."""

    def __init__(self, host: Host, path: Path) -> None:
        self.host = host
        self.path = path

    def function(self, name: str, answer: Callable[[], Any] = lambda: None) -> dict[str, Any]:
        """A use of a hook that calls such a function."""

        def call(**given: Any) -> Any:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps([name, self.host.live, given]) + "\n")
            return answer()

        self.host.salt[f"team.{name}"] = call
        return use(name, {"function": f"team.{name}"})

    @property
    def lines(self) -> list[Any]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    @property
    def names(self) -> list[str]:
        return [line[0] for line in self.lines]


def use(name: str, call: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A use of a hook, as a share has it."""
    usual = {"variables": {}, "timeout_seconds": 60, "undo": None, "forward_only": False}
    return {"hook": name, "call": call, **usual, **more}


def python(name: str, code: str, *words: str, **more: Any) -> dict[str, Any]:
    return use(name, {"command": [sys.executable, "-c", code, *words]}, **more)


def undone(hook: dict[str, Any], undo: dict[str, Any]) -> dict[str, Any]:
    kept = ("hook", "call", "variables", "timeout_seconds")
    return {**hook, "undo": {key: undo[key] for key in kept}}


@pytest.fixture
def host(tmp_path: Path, web: Health) -> Host:
    """A host with a probe, and 1.0 live."""
    host = Host(tmp_path)
    host.probe_version(web)
    assert host.deploy("1.0")["outcome"] == SUCCEEDED
    return host


@pytest.fixture
def log(host: Host, tmp_path: Path) -> Log:
    """What the hooks of the host have done."""
    return Log(host, tmp_path / "log")


def boom() -> None:
    raise ValueError("boom")


def broken(host: Host, version: str) -> Any:
    return host.build(version, {"health": "out of order"})


# Where they come in.


class OrderOfItsOwn(ProjectType):
    """A type of somebody else's, who calls super() nowhere."""

    def release(self) -> None:
        self.switch()
        self.note()

    def post_release(self) -> None:
        self.mark_good()
        self.put_back()

    def restore(self) -> None:
        self.switch_back()

    @step(changes=True)
    def note(self) -> str:
        return "noted"


TYPES = ["static_site", "service", "java_web", "windows_service", "dotnet_iis", "windows_task"]
SETTINGS = {
    "command": "true",
    "catalina_base": "/srv/tomcat",
    "service": "Shop",
    "executable": "shop.exe",
    "site": "shop",
    "task": "Shop",
}


@pytest.mark.parametrize("name", [*TYPES, "own"])
@pytest.mark.parametrize("confirm", [None, 60])
def test_they_have_their_place_in_the_stages_of_every_type(
    tmp_path: Path, name: str, confirm: float | None
) -> None:
    project_type: type[ProjectType] = OrderOfItsOwn
    if name != "own":
        module = importlib.import_module(f"pushguide.host.types.{name}")
        project_type = getattr(module, "".join(part.title() for part in name.split("_")))
    top = Host(tmp_path, project_type, settings=SETTINGS, confirm_within_seconds=confirm)
    hooks = {stage: [use(f"{stage}-{n}", {"command": ["x"]}) for n in (1, 2)] for stage in STAGES}
    found = top.run(top.share("1", test=True, hooks=hooks))["steps"]
    without = top.run(top.share("1", test=True))["steps"]
    for stage in STAGES:
        mine = [f"hook {stage}-1", f"hook {stage}-2"]
        at = found[stage].index(mine[0])
        assert found[stage][at : at + 2] == mine
        assert [one for one in found[stage] if one not in mine] == without[stage]
        if stage != "post_release":
            assert found[stage][at + 2 :] == []
    proof = found["post_release"]
    at = proof.index("hook post_release-1")
    if name != "own":
        assert proof[at - 1] == "probe"
    first = "mark_good" if name == "own" else "await_confirmation" if confirm else "put_back"
    assert proof[at + 2] == first


def test_they_run_where_they_stand_and_see_what_is_live(log: Log, host: Host) -> None:
    hooks = {stage: [log.function(stage)] for stage in STAGES}
    answer = host.deploy("1.1", hooks=hooks)
    assert answer["outcome"] == SUCCEEDED
    assert [line[:2] for line in log.lines] == [
        ["prepare", "1.0-1"],
        ["pre_release", "1.0-1"],
        ["release", "1.1-2"],
        ["post_release", "1.1-2"],
    ]
    told = {"module": "shop", "version": "1.1", "environment": "production"}
    path = str(host.root / "releases" / "1.1-2")
    assert [line[2] for line in log.lines] == [{**told, "path": path}] * 4
    for stage in STAGES:
        assert steps(answer, stage)[f"hook {stage}"] == (SUCCEEDED, f"team.{stage}")
    assert host.journal.saved is None


# What a command is told.


def told_to(host: Host, tmp_path: Path, *words: str, **more: Any) -> dict[str, Any]:
    """What a command finds that a hook of release runs with these words."""
    file = tmp_path / "told.json"
    hook = python("tell", TELL, str(file), *words, **more)
    answer = host.deploy("1.1", hooks={"release": [hook]})
    assert answer["outcome"] == SUCCEEDED, answer
    told: dict[str, Any] = json.loads(file.read_text())
    return told


def test_a_command_finds_what_it_is_told(host: Host, tmp_path: Path) -> None:
    places = "{module} {version} {environment} {path} {id} {nothing}"
    told = told_to(host, tmp_path, places, "x{version}y")
    path = str(host.root / "releases" / "1.1-2")
    assert told["words"] == [f"shop 1.1 production {path} web1 {{nothing}}", "x1.1y"]
    assert told["environment"] == {
        "PUSHGUIDE_MODULE": "shop",
        "PUSHGUIDE_VERSION": "1.1",
        "PUSHGUIDE_ENVIRONMENT": "production",
        "PUSHGUIDE_PATH": path,
    }


#: Windows knows no signals.
KILLED = ": exit status 9." if os.name == "nt" else ": ended by signal 9."
HOSTILE = [
    "a b",
    "  ",
    "",
    "a'b\"c",
    "; touch /tmp/x",
    "a\nb",
    "$(id)",
    "`id`",
    "${HOME}",
    "*",
    "a|b&c>d",
    "-rf",
    "{version}",
    "{other}",
    "{path}{id}",
    "{grain.os}",
    "{pillar.shop:db}",
    "%PATH%",
    r"C:\a b\ ",
    "\\",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_variable_stays_within_its_word_as_it_is(host: Host, tmp_path: Path, value: str) -> None:
    values = {"paths": value, "other": "OTHER"}
    told = told_to(host, tmp_path, "--paths={paths}", "{paths}", "{other}", variables=values)
    assert told["words"] == [f"--paths={value}", value, "OTHER"]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_function_gets_a_variable_as_it_is(log: Log, host: Host, value: str) -> None:
    hook = log.function("warm")
    hook = {**hook, "call": {**hook["call"], "kwarg": {"on": "{id}"}}, "variables": {"to": value}}
    assert host.deploy("1.1", hooks={"release": [hook]})["outcome"] == SUCCEEDED
    [[_, _, given]] = log.lines
    assert (given["to"], given["on"]) == (value, "web1")


def test_fixed_arguments_win_over_whatever_a_share_says(log: Log, host: Host) -> None:
    hook = log.function("warm")
    hook["call"]["kwarg"] = {"on": "here"}
    hook["variables"] = {"on": "there", "module": "other"}
    host.deploy("1.1", hooks={"release": [hook]})
    [[_, _, given]] = log.lines
    assert (given["on"], given["module"]) == ("here", "shop")


def test_secrets_are_filled_in_and_hidden(host: Host, tmp_path: Path) -> None:
    secret = "staple-of-a-secret"
    host.salt["pillar.get"] = lambda path, default="", **_: secret if path == "a:b" else default
    host.salt["pillar.items"] = lambda **_: {}
    code = "import sys; print('denied for', sys.argv[1]); sys.exit(sys.argv[1] != 'x')"
    hook = python("tell", code, "{pillar.a:b}")
    answer = host.deploy("1.1", hooks={"release": [hook]})
    assert answer["outcome"] == RESTORED
    assert "exit status 1: denied for ***" in answer["error"]
    assert secret not in json.dumps(answer) + host.journal_path.read_text()
    assert secret not in str(host.fire.call_args_list)
    file = tmp_path / "told.json"
    hook = python("tell", TELL, str(file), "{pillar.a:b}")
    assert host.deploy("1.1", hooks={"release": [hook]})["outcome"] == SUCCEEDED
    assert json.loads(file.read_text())["words"] == [secret]


def test_a_secret_that_is_missing_is_told_before_anything_is_brought(host: Host) -> None:
    host.salt["pillar.get"] = lambda path, default="", **_: default
    host.salt["pillar.items"] = lambda **_: {}
    hook = undone(python("a", ""), python("b", "", "{pillar.none}"))
    answer = host.deploy("1.1", hooks={"release": [hook]})
    assert steps(answer, "prepare")["check_runtime"][0] == FAILED
    assert "{pillar.none}" in answer["error"]


# Failing.


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (python("h", "print('no disk'); raise SystemExit(3)"), ": exit status 3: no disk."),
        (python("h", "raise SystemExit(75)"), ": exit status 75."),
        (python("h", "import os; os.kill(os.getpid(), 9)"), KILLED),
        (use("h", {"command": ["/none/such"]}), "/none/such could not be started: "),
        (use("h", {"command": ["x\0"]}), "could not be started: "),
        (use("h", {"function": "team.none"}), "has no function team.none"),
    ],
)
def test_a_command_that_fails(host: Host, hook: dict[str, Any], said: str) -> None:
    answer = host.deploy("1.1", hooks={"release": [hook]})
    outcome, detail = steps(answer, "release")["hook h"]
    assert (answer["outcome"], outcome, host.health) == (RESTORED, FAILED, "version 1.0")
    assert detail.startswith("The hook h failed: ")
    assert said in detail
    assert "pushguide:hooks:h of the master's configuration" in answer["error"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (lambda: False, "answered False"),
        (lambda: {"retcode": 2, "stdout": "private"}, "answered retcode=2"),
        (boom, "ValueError: boom"),
    ],
)
def test_a_function_that_fails(log: Log, host: Host, answers: Any, said: str) -> None:
    answer = host.deploy("1.1", hooks={"release": [log.function("h", answers)]})
    assert (answer["outcome"], host.health) == (RESTORED, "version 1.0")
    assert said in answer["error"]
    assert "private" not in json.dumps(answer)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_fails_with_its_hook(log: Log, host: Host, stage: str) -> None:
    hooks = {stage: [log.function("h", boom), log.function("later")]}
    answer = host.deploy("1.1", hooks=hooks)
    assert answer["outcome"] == (FAILED if stage == "prepare" else RESTORED)
    assert answer["stages"][STAGES.index(stage)]["outcome"] == FAILED
    assert (host.health, log.names) == ("version 1.0", ["h"])
    mark = host.journal.releases["1.1-2"].mark
    assert mark == ("unproven" if stage == "prepare" else "bad")


def test_a_command_that_takes_too_long_is_ended_with_what_it_has_started(
    host: Host, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    inner = "import time; time.sleep(600)"
    code = (
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {inner!r}])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "print('waiting', flush=True)\n"
        "child.wait()"
    )
    answer = host.deploy("1.1", hooks={"release": [python("slow", code, timeout_seconds=2)]})
    assert "was not done in 2 s, and was ended: waiting." in answer["error"]
    assert answer["outcome"] == RESTORED
    for pid in map(int, pids.read_text().split()):
        wait_until(lambda pid=pid: not process.is_alive(pid), f"the end of {pid}")


def test_a_command_hears_that_the_job_is_to_stop(log: Log, host: Host, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    code = f"import time; open({str(begun)!r}, 'w').close(); time.sleep(600)"
    hook = undone(python("slow", code, timeout_seconds=500), log.function("quick"))
    share = host.share("1.1", hooks={"release": [hook]})
    stop = (host.opts, "shop", "production", 2, 2, "abort by mia", None)

    def abort() -> None:
        wait_until(begun.exists, "the command")
        orders.stop(*stop)

    thread = threading.Thread(target=abort)
    thread.start()
    answer = host.run(share)
    thread.join()
    assert (answer["outcome"], answer["error"]) == (RESTORED, "abort by mia")
    assert (log.names, host.health) == (["quick"], "version 1.0")


# Undo.


def every_stage(log: Log) -> dict[str, Any]:
    """Hooks of the live stages, each with its undo."""
    return {
        stage: [undone(log.function(f"{stage}{n}"), log.function(f"un-{stage}{n}")) for n in (1, 2)]
        for stage in STAGES[1:]
    }


def test_what_was_begun_is_undone_the_last_one_first(log: Log, host: Host) -> None:
    hooks = every_stage(log)
    hooks["release"][1] = undone(log.function("release2", boom), log.function("un-release2"))
    answer = host.deploy("1.1", hooks=hooks)
    assert (answer["outcome"], host.health) == (RESTORED, "version 1.0")
    begun = ["pre_release1", "pre_release2", "release1", "release2"]
    assert log.names == [*begun, *[f"un-{one}" for one in reversed(begun)]]
    # What ran before runs again by then, and is proven with everything undone.
    assert {line[1] for line in log.lines[4:]} == {"1.0-1"}
    names = list(steps(answer, RESTORE))
    undos = [f"hook un-{one}" for one in reversed(begun)]
    assert names == ["switch_back", *undos, "probe_restored", "put_back_restored"]
    told = steps(answer, RESTORE)["hook un-release1"]
    assert told == (SUCCEEDED, "undoes release1; team.un-release1")
    # It is told what the hook was told.
    path = str(host.root / "releases" / "1.1-2")
    assert {line[2]["path"] for line in log.lines} == {path}
    assert {line[2]["version"] for line in log.lines} == {"1.1"}
    assert host.journal.saved is None


def test_a_probe_that_fails_leads_to_the_undo_of_what_was_before_it(log: Log, host: Host) -> None:
    answer = host.deploy("1.1", hooks=every_stage(log), artifact=broken(host, "1.1"))
    assert answer["outcome"] == RESTORED
    assert log.names[4:] == ["un-release2", "un-release1", "un-pre_release2", "un-pre_release1"]


def test_a_hook_that_began_before_the_switch_is_undone_too(log: Log, host: Host) -> None:
    hook = undone(log.function("hold", boom), log.function("resume"))
    answer = host.deploy("1.1", hooks={"pre_release": [hook]})
    assert (answer["outcome"], log.names) == (RESTORED, ["hold", "resume"])
    assert list(steps(answer, RESTORE)) == [
        "switch_back",
        "hook resume",
        "probe_restored",
        "put_back_restored",
    ]


def test_nothing_is_undone_where_nothing_was_begun(log: Log, host: Host) -> None:
    hooks = every_stage(log)
    hooks["pre_release"] = [log.function("plain", boom), *hooks["pre_release"]]
    answer = host.deploy("1.1", hooks=hooks)
    assert (answer["outcome"], log.names) == (RESTORED, ["plain"])
    assert host.deploy("1.2", hooks={"release": [log.function("fine")]})["outcome"] == SUCCEEDED


def test_a_type_without_the_usual_steps_of_restore_undoes_at_its_end(log: Log, host: Host) -> None:
    host.project_type = OrderOfItsOwn
    hook = undone(log.function("hold", boom), log.function("resume"))
    answer = host.deploy("1.1", hooks={"release": [hook]})
    assert (answer["outcome"], log.names) == (RESTORED, ["hold", "resume"])
    assert list(steps(answer, RESTORE)) == ["switch_back", "hook resume"]


def test_a_host_on_which_a_hook_began_is_no_longer_untouched(log: Log, host: Host) -> None:
    class WithoutDrain(StaticSite):
        def pre_release(self) -> None:
            self.save()

    host.project_type = WithoutDrain
    hook = undone(log.function("hold"), log.function("resume"))
    answer = host.deploy("1.1", hooks={"pre_release": [hook]}, artifact=broken(host, "1.1"))
    assert (answer["outcome"], host.health) == (RESTORED, "version 1.0")
    assert "switch_back" in steps(answer, RESTORE)
    assert log.names == ["hold", "resume"]


def test_an_undo_that_fails_leaves_the_host_out_and_is_tried_again(
    log: Log, host: Host, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    ready.touch()
    host.given["drain"] = {"kind": "file", "path": str(ready)}
    hooks = {
        "pre_release": [undone(log.function("a"), log.function("un-a"))],
        "release": [
            undone(log.function("b"), log.function("un-b", boom)),
            log.function("c", boom),
        ],
    }
    answer = host.deploy("1.1", hooks=hooks)
    assert (answer["outcome"], ready.exists()) == (FAILED, False)
    assert log.names == ["a", "b", "c", "un-b", "un-a"]
    assert "The hook un-b failed: team.un-b: ValueError: boom" in answer["error"]
    assert "stays out of its load balancer" in answer["error"]
    saved = host.journal.saved
    assert saved is not None
    assert [one["of"] for one in saved["hooks"]] == ["b"]

    log.path.unlink()
    log.function("un-b")
    again = host.run({**host.share("1.1"), "deployment": 2, "token": 3}, RESTORE)
    assert (again["outcome"], ready.exists(), host.health) == (RESTORED, True, "version 1.0")
    assert log.names == ["un-b"]


def test_what_a_broken_off_deployment_began_is_undone_with_the_next(log: Log, host: Host) -> None:
    host.given["restore_on_failure"] = False
    hooks = {"release": [undone(log.function("a", boom), log.function("un-a"))]}
    assert host.deploy("1.1", hooks=hooks)["outcome"] == FAILED
    assert log.names == ["a"]
    host.given["restore_on_failure"] = True
    hooks = {"release": [undone(log.function("b", boom), log.function("un-b"))]}
    assert host.deploy("1.2", hooks=hooks)["outcome"] == RESTORED
    assert log.names == ["a", "b", "un-b", "un-a"]
    assert [line[2]["version"] for line in log.lines[2:]] == ["1.2", "1.1"]


# Rollbacks, and what is live already.


def test_a_rollback_skips_what_only_goes_forward(log: Log, host: Host) -> None:
    forward = {**log.function("migrate"), "forward_only": True}
    hooks = {"release": [forward, log.function("tell")]}
    host.deploy("1.1", hooks=hooks)
    answer = host.rollback("1.0", hooks=hooks)
    assert (answer["outcome"], host.health) == (SUCCEEDED, "version 1.0")
    assert log.names == ["migrate", "tell", "tell"]
    told = steps(answer, "release")
    assert told["hook migrate"] == (SKIPPED, "this is a rollback, and the hook is forward_only")
    assert log.lines[-1][2]["path"] == str(host.root / "releases" / "1.0-1")


def test_what_is_live_already_needs_no_hook_but_a_redeploy_does(log: Log, host: Host) -> None:
    hooks = {stage: [log.function(stage)] for stage in STAGES}
    artifact = host.build("1.1")
    host.deploy("1.1", artifact=artifact)
    answer = host.deploy("1.1", artifact=artifact, hooks=hooks)
    assert (answer["outcome"], log.names) == (UNCHANGED, [])
    for stage in STAGES:
        told = steps(answer, stage)[f"hook {stage}"]
        assert told == (SKIPPED, "the release was live already")
    assert host.deploy("1.1", artifact=artifact, hooks=hooks, kind="redeploy")["outcome"] == (
        SUCCEEDED
    )
    assert log.names == [*STAGES]


def test_a_finished_stage_does_not_run_its_hooks_again(log: Log, host: Host) -> None:
    share = host.share("1.1", hooks={stage: [log.function(stage)] for stage in STAGES})
    host.run(share, ["prepare", "pre_release"])
    host.run({**share, "token": 3})
    assert log.names == [*STAGES]


# Crashes.


def test_a_job_that_is_killed_in_a_hook_has_noted_it(log: Log, host: Host) -> None:
    hook = undone(log.function("hold", die), log.function("resume"))
    share = host.share("1.1", hooks={"pre_release": [hook]})
    assert in_a_process(lambda: host.run(share)) == -9
    doing = host.journal.doing
    assert doing is not None
    assert doing["step"] == "hook hold"
    answer = host.run({**share, "token": 3}, RESTORE)
    assert (answer["outcome"], log.names) == (RESTORED, ["hold", "resume"])


@pytest.mark.parametrize("way", ["on", "back"])
def test_killed_at_each_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Run on, every hook has run in the end; put back, all that began is undone, and no more."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    changes = 0
    while True:
        changes += 1
        one = Host(tmp_path / str(changes))
        one.deploy("1.0")
        log = Log(one, tmp_path / f"log-{changes}")
        hooks = every_stage(log)
        share = one.share("1.1", hooks=hooks)
        if not killed_at(changes, lambda one=one, share=share: one.run(share)):
            break
        was_begun = {name for name in log.names if not name.startswith("un-")}
        last = one.journal.stages.get("post_release", {}).get("outcome")
        before = {**share, "token": 3}
        answer = one.run(before, STAGES if way == "on" else RESTORE)
        undone_names = {name.removeprefix("un-") for name in log.names if name.startswith("un-")}
        if way == "on":
            assert answer["outcome"] in GOOD_OUTCOMES, (changes, answer["error"])
            assert {*log.names} == {one["hook"] for uses in hooks.values() for one in uses}
        elif answer["outcome"] == RESTORED:
            assert was_begun <= undone_names, changes
            assert one.live == "1.0-1"
        else:
            assert answer["outcome"] in (SUCCEEDED, STOPPED_SHORT), (changes, last)
            assert not undone_names
            assert not was_begun or one.health == "version 1.1"
    assert changes > 30


def test_on_windows_hosts_other_hooks_may_run(log: Log, host: Host) -> None:
    other = {"release": [log.function("on-windows")]}
    share = host.share("1.1", hooks={"release": [log.function("usual")]}, windows={"hooks": other})
    host.project_type = StaticSite
    host.grains["kernel"] = "Windows"
    found = host.run({**share, "test": True})["steps"]["release"]
    assert found == ["switch", "hook on-windows"]
    host.grains["kernel"] = "Linux"
    assert host.run(share)["outcome"] == SUCCEEDED
    assert log.names == ["usual"]
