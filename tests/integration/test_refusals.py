"""Bad input and bad moments: a clear refusal, and nothing changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.salt_lab import Answer, Api, Lab, Module


def refused(module: Module, api: Api | None = None, **arguments: Any) -> Answer:
    """Deploy what has to be refused, and prove that nothing was changed.

    On the command line, or through salt-api, which is quicker.
    """
    before = module.rows(), module.files()
    if api:
        answer = api.answer("pushguide.deploy", module=module.name, **arguments)
    else:
        answer = module.run("deploy", **arguments)
    assert answer.returncode == 1
    assert answer.data["refused"] == "deploy"
    assert (module.rows(), module.files()) == before
    return answer


@pytest.fixture(scope="module")
def plain(lab: Lab) -> Module:
    """A module that could be deployed, as version 1.0.0."""
    module = lab.define("plain", hosts=["w1"])
    module.publish("1.0.0")
    return module


def test_an_unknown_module(lab: Lab, plain: Module) -> None:
    answer = refused(Module(lab, "plian"), version="1.0.0")
    assert "There is no module 'plian'" in answer.problems
    assert "did you mean plain?" in answer.problems


def test_an_unknown_environment(plain: Module) -> None:
    answer = refused(plain, version="1.0.0", environment="prodution")
    assert answer.problems == "plain has no environment 'prodution': did you mean production?"


def test_an_unknown_version(plain: Module) -> None:
    answer = refused(plain, version="1.0.1")
    assert "has no version 1.0.1: did you mean 1.0.0?" in answer.problems


@pytest.mark.parametrize(
    "label", ["../../etc", "1.0.0 beta", "9" * 300 + ".0.0", "1.0.0/", "-x", ""]
)
def test_what_is_no_version_label(plain: Module, api: Api, label: str) -> None:
    answer = refused(plain, api, version=label)
    assert "is no version label" in answer.problems


def test_a_number_that_could_be_two_versions(lab: Lab) -> None:
    module = lab.define("two-numbers", hosts=["w1"])
    module.publish("1.1", "1.10")
    answer = refused(module, version="1.10")
    assert "It could be 1.1 or 1.10" in answer.problems or "1.10 or 1.1" in answer.problems


def test_a_number_that_can_be_one_version_alone(lab: Lab) -> None:
    module = lab.define("one-number", hosts=["w1"])
    module.publish("1.10")
    answer = module.deploy("1.10")
    assert answer.returncode == 0
    assert answer.data["version"] == "1.10"
    assert module.live("w1") == "version 1.10"


def test_a_number_that_is_quoted(lab: Lab) -> None:
    module = lab.define("quoted-number", hosts=["w1"])
    module.publish("1.1", "1.10")
    assert module.deploy("'1.10'").data["version"] == "1.10"
    assert module.live("w1") == "version 1.10"


@pytest.mark.parametrize(
    ("name", "template", "problem"),
    [
        (
            "odd-key",
            {"keep_release": 3},
            "pushguide:modules:odd-key:keep_release: unknown key; did you mean keep_releases?",
        ),
        ("odd-type", {"type": "static_sight"}, "there is no project type 'static_sight'"),
        ("odd-setting", {"settings": {"lnk": "/srv/x"}}, "settings:lnk: unknown key; did you mean"),
        ("odd-root", {"root": "relative/path"}, "give an absolute path"),
        ("no-host", {"environments": {"production": {"hosts": "x*"}}}, "No host matches 'x*'"),
        (
            "odd-host",
            {"environments": {"production": {"hosts": ["w1", "w9"]}}},
            "These hosts are not known to this master: w9.",
        ),
    ],
)
def test_a_template_that_is_wrong(
    lab: Lab, api: Api, name: str, template: dict[str, Any], problem: str
) -> None:
    module = lab.define(name, **template)
    module.publish("1.0.0")
    assert problem in refused(module, api, version="1.0.0").problems


def no_artifact(module: Module) -> None:
    (module.artifacts / "1.0.0" / f"{module.name}-1.0.0.tar.gz").unlink()


def damaged(module: Module) -> None:
    with (module.artifacts / "1.0.0" / f"{module.name}-1.0.0.tar.gz").open("ab") as archive:
        archive.write(b"more")


def no_sha256(module: Module) -> None:
    (module.artifacts / "1.0.0" / "sha256").unlink()


def odd_sha256(module: Module) -> None:
    (module.artifacts / "1.0.0" / "sha256").write_text("to be done\n")


def two_files(module: Module) -> None:
    (module.artifacts / "1.0.0" / "other.zip").write_text("other")


def no_directory(module: Module) -> None:
    shutil.rmtree(module.artifacts)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (no_artifact, "holds no artifact"),
        (damaged, "it was changed or damaged after it was published"),
        (no_sha256, "has no file sha256"),
        (odd_sha256, "does not begin with a sha256"),
        (two_files, "holds 2 files"),
        (no_directory, "Reading the versions in"),
    ],
)
def test_an_artifact_that_is_wrong(
    lab: Lab, api: Api, spoil: Callable[[Module], None], problem: str
) -> None:
    module = lab.define(f"spoilt-{spoil.__name__}", hosts=["w1"])
    module.publish("1.0.0")
    spoil(module)
    assert problem in refused(module, api, version="1.0.0").problems


# Hosts that cannot be deployed to.


@pytest.fixture(scope="module")
def asleep(lab: Lab) -> str:
    """A minion that is accepted and away."""
    lab.start("spare")
    lab.stop("spare")
    return "spare"


def test_a_host_that_is_offline(lab: Lab, asleep: str) -> None:
    module = lab.define("half", hosts=["w1", asleep])
    module.publish("1.0.0")
    quick = lab.config_with("presence", pushguide={"presence_timeout_seconds": 8})
    answer = refused(module, version="1.0.0", config=quick)
    assert "1 of 2 hosts do not answer: spare." in answer.problems
    assert "allow_offline=True" in answer.problems

    answer = module.deploy("1.0.0", allow_offline=True, config=quick)
    shown = lab.show(answer.data["deployment"])
    assert answer.returncode == 0
    assert shown["state"] == "succeeded"
    assert {host: one["outcome"] for host, one in shown["hosts"].items()} == {
        "w1": "succeeded",
        "spare": "left_out",
    }
    assert module.live("w1") == "version 1.0.0"
    assert module.live("spare") is None


def test_only_hosts_that_are_offline(lab: Lab, asleep: str) -> None:
    module = lab.define("dark", hosts=[asleep])
    module.publish("1.0.0")
    quick = lab.config_with("presence", pushguide={"presence_timeout_seconds": 8})
    answer = refused(module, version="1.0.0", allow_offline=True, config=quick)
    assert "None of the hosts answers: spare." in answer.problems


@pytest.fixture(scope="module")
def without(lab: Lab) -> Iterator[str]:
    """A minion that has no pushguide."""
    minion = lab.add_minion("without", disable_modules=["pushguide"])
    with minion.started():
        yield "without"


def test_a_host_without_pushguide(lab: Lab, without: str) -> None:
    module = lab.define("no-code", hosts=["w1", without])
    module.publish("1.0.0")
    answer = refused(module, version="1.0.0")
    assert "without cannot be deployed to, it answered" in answer.problems
    assert "Sync it: salt without saltutil.sync_all" in answer.problems


# What only a host can see: a clean failure in prepare.


def fails_in_prepare(module: Module, version: str, problem: str) -> None:
    """Deploy what fails in prepare; prove that what is live stays live."""
    before = module.live("w1")
    answer = module.deploy(version)
    shown = module.lab.show(answer.data["deployment"])
    host = shown["hosts"]["w1"]
    assert answer.returncode == 1
    assert shown["state"] == "failed"
    assert host["outcome"] == "failed"
    assert list(host["stages"]) == ["prepare"]
    assert problem in host["error"]
    assert module.live("w1") == before


def test_what_is_no_archive(lab: Lab) -> None:
    module = lab.define("text-file", hosts=["w1"])
    module.publish("1.0.0")
    module.publish_bytes("1.1.0", b"no archive at all")
    assert module.deploy("1.0.0").returncode == 0
    answer = module.deploy("1.1.0")
    assert (answer.returncode, answer.data["refused"]) == (1, "deploy")
    assert "1.1.0" in str(answer.data["problems"])
    assert module.live("w1") == "version 1.0.0"


def test_a_place_that_cannot_be_written(lab: Lab) -> None:
    module = lab.define("in-a-file", hosts=["w1"], root=f"{lab.hosts}/{{id}}/in-a-file/root")
    module.publish("1.0.0")
    module.root("w1").parent.mkdir(exist_ok=True)
    module.root("w1").write_text("a file, where a directory should be")
    fails_in_prepare(module, "1.0.0", "Make it writable for the minion")
    assert module.root("w1").read_text() == "a file, where a directory should be"
