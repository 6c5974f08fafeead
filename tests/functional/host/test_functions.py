"""The execution functions and the state of a host, through Salt's own loaders."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import salt.config
import salt.loader
from salt.exceptions import CommandExecutionError

from pushguide.words import FAILED, STAGES, SUCCEEDED
from tests.support.host import Host, outcomes
from tests.support.salt_lab import PROJECT


class Minion:
    """Salt's loaders with a minion's configuration, and no minion."""

    def __init__(self, host: Host, top: Path) -> None:
        self.host = host
        self.opts: dict[str, Any] = copy.deepcopy(salt.config.DEFAULT_MINION_OPTS)
        self.opts |= {
            **host.opts,
            "file_client": "local",
            "cachedir": str(top / "cache"),
            "extension_modules": str(top / "extmods"),
            "module_dirs": [str(PROJECT)],
            "grains": {"role": "web"},
            "pillar": {},
        }
        self.context: dict[str, Any] = {}
        self.functions = salt.loader.minion_mods(self.opts, context=self.context)

    def run(self, function: str, *args: Any, **kwargs: Any) -> Any:
        """Run an execution function, as a job does."""
        self.context.pop("retcode", None)
        return self.functions[function](*args, **kwargs)

    def state(self, name: str, live: dict[str, Any], test: bool = False) -> dict[str, Any]:
        """Run pushguide.released with what is live elsewhere."""
        pillar = {"pushguide": {"live": live}}
        opts = {**self.opts, "pillar": pillar, "test": test}
        states = salt.loader.states(
            opts, self.functions, salt.loader.utils(opts), salt.loader.serializers(opts)
        )
        states.pack["__pillar__"] = pillar
        answer: dict[str, Any] = states["pushguide.released"](name)
        return answer


@pytest.fixture
def minion(tmp_path: Path) -> Minion:
    return Minion(Host(tmp_path), tmp_path)


def test_deploy_and_look(minion: Minion) -> None:
    host = minion.host
    for version in ("1", "2"):
        answer = minion.run("pushguide_static_site.run", host.share(version), list(STAGES))
        assert (answer["outcome"], answer["live"]) == (SUCCEEDED, version)
        assert "retcode" not in minion.context
    assert host.health == "version 2"
    assert minion.run("pushguide.current") == {"shop@production": "2"}
    assert minion.run("pushguide.current", "shop") == {"shop@production": "2"}
    assert minion.run("pushguide.current", "blog") == {}
    listed = minion.run("pushguide.releases", "shop")
    assert [(one["version"], one["mark"], one["live"]) for one in listed] == [
        ("1", "good", False),
        ("2", "good", True),
    ]
    assert minion.run("pushguide.journal", "shop")["deployment"] == 2
    assert minion.run("pushguide.journal", "shop", "staging") is None
    assert minion.run("pushguide.inspect", "shop")["module"]["live"] == "2"
    assert minion.run("pushguide.inspect")["module"] is None
    told = minion.run("pushguide.result", "shop", "production", 2)
    assert told.pop("busy") is False
    assert told.pop("clock") >= answer.pop("clock")
    assert told == answer
    assert minion.run("pushguide.result", "shop", "production", 1) is None


def test_a_failure_is_the_return_code(minion: Minion) -> None:
    share = minion.host.share("1", min_free_mb=2**40)
    answer = minion.run("pushguide_static_site.run", share=share, stages="prepare")
    assert (answer["outcome"], outcomes(answer)) == (FAILED, {"prepare": FAILED})
    assert minion.context["retcode"] == 1


def test_a_refusal_is_an_error_that_salt_knows(minion: Minion) -> None:
    older, newer = minion.host.share("1"), minion.host.share("2")
    minion.run("pushguide_static_site.run", newer, "prepare")
    with pytest.raises(CommandExecutionError, match="a newer deployment has taken over"):
        minion.run("pushguide_static_site.run", older, "prepare")


@pytest.mark.parametrize(
    ("project_type", "settings", "problem"),
    [
        ("service", {"command": "sleep 100", "user": "no-such-user"}, "no user 'no-such-user'"),
        ("java_web", {"catalina_base": "/nowhere", "catalina_home": "/nowhere"}, "catalina_home"),
    ],
)
def test_each_type_has_a_module_of_its_own(
    minion: Minion, project_type: str, settings: dict[str, Any], problem: str
) -> None:
    if project_type == "java_web":
        settings["catalina_base"] = str(minion.host.root / "tomcat")
    share = minion.host.share("1", type=project_type, settings=settings)
    answer = minion.run(f"pushguide_{project_type}.run", share, "prepare")
    assert answer["outcome"] == FAILED
    assert problem in answer["error"]


# The state.


def test_a_new_machine_converges_to_what_is_live(minion: Minion) -> None:
    host = minion.host
    live = {"shop": {"production": host.share("1")}}
    would = minion.state("shop", live, test=True)
    assert (would["result"], would["changes"]) == (None, {"shop": {"old": None, "new": "1"}})
    assert not host.journal_path.exists()

    did = minion.state("shop", live)
    assert (did["result"], did["changes"]) == (True, {"shop": {"old": None, "new": "1"}})
    assert host.health == "version 1"

    for test in (False, True):
        again = minion.state("shop", live, test=test)
        assert (again["result"], again["changes"]) == (True, {})
        assert again["comment"] == "shop 1 is live"

    newer = minion.state("shop", {"shop": {"production": host.share("2")}})
    assert (newer["result"], newer["changes"]) == (True, {"shop": {"old": "1", "new": "2"}})


def test_a_machine_that_cannot_be_converged_says_why(minion: Minion) -> None:
    host = minion.host
    minion.state("shop", {"shop": {"production": host.share("1")}})
    share = host.share("2", min_free_mb=2**40)
    failed = minion.state("shop", {"shop": {"production": share}})
    assert (failed["result"], failed["changes"]) == (False, {})
    assert "MiB are needed" in failed["comment"]
    assert "(1 is live)" in failed["comment"]


def test_a_machine_where_a_newer_deployment_has_been_says_so(minion: Minion) -> None:
    host = minion.host
    older = host.share("1")
    minion.run("pushguide_static_site.run", host.share("2"), "prepare")
    answer = minion.state("shop", {"shop": {"production": older}})
    assert (answer["result"], answer["changes"]) == (False, {})
    assert "a newer deployment has taken over" in answer["comment"]
    assert host.health is None


@pytest.mark.parametrize("live", [{}, {"blog": {}}, {"shop": {"staging": {}}}])
def test_a_machine_that_is_told_nothing_says_so(minion: Minion, live: dict[str, Any]) -> None:
    answer = minion.state("shop", live)
    assert (answer["result"], answer["changes"]) == (False, {})
    assert "ext_pillar" in answer["comment"]


def test_what_runs_here_is_told(minion: Minion) -> None:
    answer = minion.run("pushguide.discover", [str(minion.host.root)], ["no-such.service"])
    assert {*answer} == {"tomcats", "services", "sites", "tasks", "not_told"}
    assert not [one for one in answer["services"] if one["is_ours"]]
    assert answer["not_told"] == []
