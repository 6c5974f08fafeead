"""A project type that a team brings in its own file_roots: no change of ours at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.salt_lab import Lab

FILES = Path(__file__).parent / "files" / "note_file"


@pytest.fixture(scope="module")
def note_file(lab: Lab) -> None:
    """The type, synced to the master and to two minions."""
    shutil.copytree(FILES, lab.team, dirs_exist_ok=True)
    done = lab.run("pushguide.setup")
    assert done.data["synced_project_types"] == ["pushguide_types.note_file"]
    assert "note_file" in done.data["project_types"]
    for host, synced in lab.salt("w1,w2", "saltutil.sync_all").items():
        assert "modules.pushguide_note_file" in synced["modules"], host


@pytest.mark.usefixtures("note_file")
def test_it_is_deployed_and_rolled_back(lab: Lab) -> None:
    module = lab.define(
        "noted",
        type="note_file",
        hosts=["w1", "w2"],
        settings={"text": "this is {version}"},
        probe=True,
    )
    module.publish("1.0.0", "1.1.0")
    module.publish_one("1.2.0", {"health": "broken"})

    def notes() -> set[str]:
        return {(module.root(host) / "NOTE").read_text() for host in ("w1", "w2")}

    answer = module.deploy("1.0.0")
    assert answer.returncode == 0, answer
    assert notes() == {"this is 1.0.0"}
    steps = lab.show(answer.data["deployment"])["hosts"]["w1"]["stages"]["release"]["steps"]
    assert [one["name"] for one in steps] == ["switch", "write_note"]

    assert module.deploy("1.1.0").returncode == 0
    assert notes() == {"this is 1.1.0"}
    failed = module.deploy("1.2.0")
    assert (failed.returncode, failed.data["state"]) == (1, "rolled_back")
    assert notes() == {"this is 1.1.0"}
    assert module.run("rollback").returncode == 0
    assert notes() == {"this is 1.0.0"}
    assert module.live("w2") == "version 1.0.0"


@pytest.mark.usefixtures("note_file")
def test_an_unknown_setting_of_it_is_refused(lab: Lab) -> None:
    module = lab.define("misnoted", type="note_file", hosts=["w1"], settings={"txt": "{version}"})
    module.publish("1.0.0")
    answer = module.deploy("1.0.0")
    assert answer.returncode == 1
    assert (
        "pushguide:modules:misnoted:settings:txt: unknown key; did you mean text?"
        in answer.problems
    )
    assert "settings:text: is missing." in answer.problems
    assert (module.rows(), module.live("w1")) == (0, None)
