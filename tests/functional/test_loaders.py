"""Salt's own loaders find everything, whichever way pushguide got there; no daemons."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.loading import load
from tests.support.salt_lab import PROJECT, bare_python

#: What each loader has to find: the whole of pushguide's face towards Salt.
EXPECTED = {
    "modules": {
        "pushguide.current",
        "pushguide.inspect",
        "pushguide.journal",
        "pushguide.releases",
        "pushguide.result",
        "pushguide_dotnet_iis.run",
        "pushguide_java_web.run",
        "pushguide_service.run",
        "pushguide_static_site.run",
        "pushguide_windows_service.run",
        "pushguide_windows_task.run",
    },
    "states": {"pushguide.released", "pushguide.stage"},
    "runners": {
        "pushguide.deploy",
        "pushguide.history",
        "pushguide.modules",
        "pushguide.plan",
        "pushguide.redeploy",
        "pushguide.resume",
        "pushguide.rollback",
        "pushguide.setup",
        "pushguide.show",
        "pushguide.status",
        "pushguide.versions",
    },
    "returners": {
        "pushguide.clean_old_jobs",
        "pushguide.event_return",
        "pushguide.get_fun",
        "pushguide.get_jid",
        "pushguide.get_jids",
        "pushguide.get_load",
        "pushguide.get_minions",
        "pushguide.prep_jid",
        "pushguide.record",
        "pushguide.returner",
        "pushguide.save_load",
        "pushguide.save_minions",
    },
    "pillar": {"pushguide"},
}

#: What a minion needs; the other kinds need the package installed for the master's Python.
MINION_KINDS = ("modules", "states")


def public(found: dict[str, str]) -> set[str]:
    """The names of functions that are not underscored."""
    return {name for name in found if not name.rpartition(".")[2].startswith("_")}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python like this one, without pushguide."""
    return bare_python(Path(sys.executable), tmp_path_factory.mktemp("bare") / "python")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the entry point of the editable install gives."""
    return load(Path(sys.executable), tmp_path_factory.mktemp("installed"), [])


@pytest.fixture(scope="module")
def in_place(tmp_path_factory: pytest.TempPathFactory, bare: Path) -> dict[str, Any]:
    """What ``module_dirs`` gives to a Python that has no pushguide."""
    return load(bare, tmp_path_factory.mktemp("in_place"), [str(PROJECT)])


@pytest.mark.parametrize("kind", EXPECTED)
def test_the_entry_point_serves_every_loader(installed: dict[str, Any], kind: str) -> None:
    found = installed["found"][kind]
    assert EXPECTED[kind] <= public(found)
    assert {Path(file).parent for file in found.values()} <= {
        PROJECT / f"_{kind}",
        *(path.parent for path in (PROJECT / "_utils").rglob("*.py")),
    }


@pytest.mark.parametrize("kind", MINION_KINDS)
def test_module_dirs_serve_a_minion(in_place: dict[str, Any], kind: str) -> None:
    found = in_place["found"][kind]
    assert EXPECTED[kind] <= public(found)


@pytest.mark.parametrize("way", ["installed", "in_place"])
def test_what_was_loaded_answers(way: str, request: pytest.FixtureRequest) -> None:
    answer = request.getfixturevalue(way)["answer"]
    assert answer["module"] is None
    assert f'"{answer["pushguide"]}"' in (PROJECT / "_utils/pushguide/__init__.py").read_text()


def test_without_either_nothing_is_found(bare: Path, tmp_path: Path) -> None:
    assert not any(load(bare, tmp_path, [])["found"].values())
