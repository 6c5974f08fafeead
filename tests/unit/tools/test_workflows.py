"""The workflows of the hosted runners name only what there is, and may do nothing but read."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import need

PROJECT = Path(__file__).parents[3]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))

each_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)


def load(file: Path) -> dict[Any, Any]:
    """A workflow; YAML takes its key ``on`` for True."""
    loaded: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def steps(file: Path) -> list[dict[str, Any]]:
    """The steps of all jobs."""
    return [step for job in load(file)["jobs"].values() for step in job["steps"]]


def words(file: Path) -> list[str]:
    """The words of all commands."""
    return " ".join(step["run"] for step in steps(file) if "run" in step).split()


def test_there_are_workflows() -> None:
    assert [file.stem for file in WORKFLOWS] == ["windows"]


@each_workflow
def test_a_workflow_may_only_read_and_keeps_no_secret(file: Path) -> None:
    assert load(file)["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in load(file)["jobs"].values())
    assert "secrets" not in file.read_text(encoding="utf-8")
    assert "pull_request_target" not in load(file)[True]


@each_workflow
def test_actions_are_pinned_by_full_versions(file: Path) -> None:
    used = [step["uses"] for step in steps(file) if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[\w-]+@v\d+\.\d+\.\d+", one)] == []


@each_workflow
def test_each_file_that_a_command_names_is_there(file: Path) -> None:
    named = [one for one in words(file) if "/" in one or one.endswith((".txt", ".py"))]
    assert "tests/windows" in named
    assert [one for one in named if not (PROJECT / one).exists()] == []


@each_workflow
def test_extras_are_extras_of_the_project(file: Path) -> None:
    (extras,) = re.findall(r"\.\[([\w,]+)\]", " ".join(words(file)))
    assert {*extras.split(",")} <= {*(metadata("pushguide").get_all("Provides-Extra") or [])}


@each_workflow
def test_what_is_required_is_a_need(file: Path) -> None:
    (known,) = re.findall(
        r"#: Names that must be there.*?\.\n", Path(need.__file__).read_text(), re.S
    )
    for job in load(file)["jobs"].values():
        for one in job["env"][need.REQUIRE].split(","):
            assert re.search(rf"\b{one}\b", known)
