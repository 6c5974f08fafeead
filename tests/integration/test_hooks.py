"""Hooks at all stages, on real minions: a deployment, a failure that is undone, a rollback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.salt_lab import Lab, Module

HOSTS = ["w1", "w2"]
HOSTILE = "ready; $(id)"


def use(hook: str, word: str, **more: Any) -> dict[str, Any]:
    return {"hook": hook, "variables": {"word": word}, **more}


HOOKS: dict[str, Any] = {
    "prepare": [use("call", "brought")],
    "pre_release": [use("run", "held", undo="run-back")],
    "release": [use("run", "migrated", undo="run-back", forward_only=True)],
    "post_release": [use("call", HOSTILE)],
}


def notes(module: Module, host: str) -> list[str]:
    """What the hooks have noted on a host since it was last asked."""
    file = module.root(host) / "hooks"
    found = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return found


def steps(lab: Lab, number: int, host: str, stage: str) -> dict[str, tuple[str, str | None]]:
    told = lab.show(number)["hosts"][host]["stages"][stage]["steps"]
    return {one["name"]: (one["outcome"], one["detail"]) for one in told}


def test_hooks_take_part_and_are_undone(lab: Lab) -> None:
    stamp = Path(__file__).parent / "files" / "release_stamp.py"
    lab.team_file("_modules/release_stamp.py", stamp.read_text())
    lab.salt(",".join(HOSTS), "saltutil.sync_modules")
    ready = f"{lab.hosts}/{{id}}/hooked-ready"
    for host in HOSTS:
        path = Path(ready.replace("{id}", host))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    module = lab.define(
        "stamped",
        hosts=HOSTS,
        probe=True,
        hooks=HOOKS,
        drain={"kind": "file", "path": ready},
        strategy={"batch": 1, "auto_rollback": "never"},
    )
    module.publish("1.0.0", "1.1.0", "1.2.0")

    plan = module.run("plan", version="1.0.0")
    assert {stage: names[-1] for stage, names in plan.data["steps"].items()} == {
        "prepare": "hook call",
        "pre_release": "hook run",
        "release": "hook run",
        "post_release": "retire",
    }
    answer = module.deploy("1.0.0")
    assert answer.returncode == 0, answer.data
    for host in HOSTS:
        assert notes(module, host) == [
            "brought 1.0.0",
            "held 1.0.0",
            "migrated 1.0.0",
            f"{HOSTILE} 1.0.0",
        ]
    names = [*steps(lab, answer.data["deployment"], "w1", "post_release")]
    assert names[names.index("probe") : names.index("put_back") + 1] == [
        "probe",
        "hook call",
        "put_back",
    ]

    # A hook of release fails on the first host: it goes back, and nobody else begins.
    (module.root("w1") / "fail migrated").touch()
    failed = module.deploy("1.1.0")
    assert (failed.returncode, failed.data["state"]) == (1, "rolled_back")
    outcomes = {host: one["outcome"] for host, one in failed.data["hosts"].items()}
    assert outcomes == {"w1": "restored", "w2": "stopped_short"}
    assert "exit status 1: migrated was told to fail" in failed.data["hosts"]["w1"]["error"]
    assert notes(module, "w1") == [
        "brought 1.1.0",
        "held 1.1.0",
        "migrated 1.1.0",
        "no migrated 1.1.0",
        "no held 1.1.0",
    ]
    assert notes(module, "w2") == ["brought 1.1.0"]
    assert {module.live(host) for host in HOSTS} == {"version 1.0.0"}
    assert Path(ready.replace("{id}", "w1")).exists()
    assert module.journal("w1")["saved"] is None
    told = steps(lab, failed.data["deployment"], "w1", "restore")
    assert told["hook run-back"][0] == "succeeded"
    assert [*told][-2:] == ["probe_restored", "put_back_restored"]

    # A rollback runs them, but for what only goes forward.
    (module.root("w1") / "fail migrated").unlink()
    assert module.deploy("1.2.0").returncode == 0
    for host in HOSTS:
        notes(module, host)
    back = module.run("rollback")
    assert back.returncode == 0, back.data
    assert notes(module, "w2") == ["brought 1.0.0", "held 1.0.0", f"{HOSTILE} 1.0.0"]
    told = steps(lab, back.data["deployment"], "w2", "release")
    assert told["hook run"] == ("skipped", "this is a rollback, and the hook is forward_only")


def test_what_operations_have_not_allowed_is_refused_before_anything_changes(lab: Lab) -> None:
    hooks = {"release": ["rnu", use("run", "`id`"), {"hook": "run", "command": "/bin/sh"}]}
    module = lab.define("unhooked", hosts=HOSTS, hooks={**hooks, "relaese": []})
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    assert answer.returncode == 1
    place = "pushguide:modules:unhooked:hooks"
    for problem in (
        f"{place}:relaese: unknown key; did you mean release?",
        f"{place}:release:0: there is no 'rnu' in the master's configuration (pushguide:hooks)",
        f"{place}:release:1:variables:word: does not match the whole of",
        f"{place}:release:2:command: unknown key",
        f"{place}:release:2:variables:word: is missing",
    ):
        assert problem in answer.problems
    assert (module.rows(), module.live("w1")) == (0, None)
