"""What stands in for Windows says what a real one has said, wherever a recording of one is here.

A person makes recordings on a real server: see docs/windows-on-a-real-server.md. As long as there
is none, only the comparing is tested: with a recording of what stands in, which has to differ in
nothing, and with falsified ones.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from salt.modules import win_iis

from tests.windows import recordings
from tests.windows.channel import Windows
from tests.windows.iis_here import IisHere
from tests.windows.under_test import only_with_stand_ins

sys.path.insert(0, str(Path(__file__).parent / "inside"))

import iis_lines
import record_iis

FILES = sorted((Path(__file__).parent / "recordings").glob("*.json"))

each_recording = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)

Recording = dict[str, Any]


@pytest.fixture(scope="module")
def here(windows: Windows) -> Recording:
    """What the Windows here says about tasks, services and files."""
    found: Recording = windows.call("record.recording", [*recordings.FACTS])
    return found


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """What the model of IIS says."""
    iis = IisHere(monkeypatch)
    scratch = tmp_path / "recorded"
    scratch.mkdir()
    return record_iis.recording(
        scratch,
        run_all=win_iis.__salt__["cmd.run_all"],
        status=lambda port, path: iis.request(port, "127.0.0.1", path)["status"],
    )


# --- real recordings ------------------------------------------------------------------------


@only_with_stand_ins
@each_recording
@pytest.mark.parametrize("part", recordings.FACTS)
def test_the_facts_are_those_of_a_real_windows(file: Path, part: str, here: Recording) -> None:
    recorded = json.loads(file.read_text(encoding="utf-8"))
    assert recorded["simulated"] is False
    found = recordings.differing_facts(recorded[part], here[part])
    assert not found, "\n".join(found)


@each_recording
def test_the_model_answers_as_a_real_iis(file: Path, tmp_path: Path) -> None:
    recorded = json.loads(file.read_text(encoding="utf-8"))
    assert recorded["simulated"] is False
    found = recordings.differing_lines(recorded["iis"], tmp_path)
    assert not found, "\n".join(found)


# --- the comparing itself -------------------------------------------------------------------


@only_with_stand_ins
def test_what_is_recorded_here_says_that_it_is_simulated(here: Recording) -> None:
    assert here["simulated"] is True
    assert here["failures"] == {}
    assert [len(here[part]) > 10 for part in recordings.FACTS] == [True] * 4


def test_nothing_stays_of_a_recording(here: Recording, windows: Windows) -> None:
    assert here["failures"] == {}
    assert not windows.call("record_services.is_there")
    assert not windows.call("record_tasks.is_there")
    assert not (windows.drive / "pushguide-recording").exists()


def test_nothing_is_recorded_where_something_of_its_names_is_there(windows: Windows) -> None:
    taken = windows.drive / "pushguide-recording"
    taken.mkdir()
    try:
        with pytest.raises(Exception, match="something named pushguide-recording"):
            windows.call("record.recording", ["files"])
        assert list(taken.iterdir()) == []
    finally:
        taken.rmdir()


@pytest.mark.parametrize(
    ("part", "fact"),
    [
        ("tasks", "running: last result"),
        ("services", "start one that runs"),
        ("junctions", "reparse point: point it elsewhere"),
        ("files", "replace an open file"),
    ],
)
def test_a_fact_that_is_another_one_is_told(here: Recording, part: str, fact: str) -> None:
    recorded = copy.deepcopy(here[part])
    assert recordings.differing_facts(recorded, here[part]) == []
    recorded[fact] = "falsified"
    assert recordings.differing_facts(recorded, here[part]) == [
        f"{fact}: 'falsified' there, {here[part][fact]!r} here"
    ]
    del recorded[fact]
    assert recordings.differing_facts(recorded, here[part]) == [
        f"{fact}: 'not recorded' there, {here[part][fact]!r} here"
    ]


def test_where_wine_is_known_to_differ_nothing_is_told(here: Recording) -> None:
    recorded = {**here["files"], **here["services"]}
    known = {
        name
        for name in recorded
        if name in recordings.WINE_DIFFERS or any(word in name for word in recordings.LINKS)
    }
    assert known >= recordings.WINE_DIFFERS
    falsified = {**recorded, **dict.fromkeys(known, "falsified")}
    assert recordings.differing_facts(falsified, recorded) == []


def test_the_model_answers_as_itself(lines: Recording, tmp_path: Path) -> None:
    assert len(lines["entries"]) > 100
    assert recordings.differing_lines(lines, tmp_path) == []


def test_every_line_of_the_model_is_recorded(
    lines: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: set[str] = set()

    def noting(form: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **keywords: Any) -> Any:
            met.add(form)
            return do(*arguments, **keywords)

        return noted

    known = [*iis_lines.QUERIES, *iis_lines.ORDERS]
    for forms in (iis_lines.QUERIES, iis_lines.ORDERS):
        for form, do in forms.items():
            monkeypatch.setitem(forms, form, noting(form, do))
    recordings.differing_lines(lines, tmp_path)
    assert [form for form in known if form not in met] == []


def _a(line: str, lines: Recording) -> dict[str, Any]:
    """The last entry that gives such a line to PowerShell, to be falsified."""
    found: dict[str, Any] = next(
        one for one in reversed(lines["entries"]) if line in one.get("line", "")
    )
    return found


@pytest.mark.parametrize(
    ("line", "change", "told"),
    [
        ("Start-WebAppPool", {"retcode": 1}, "exit code is 1 there, 0 here"),
        ("Stop-WebSite", {"stderr": "no"}, "whether it told of an error is True there"),
        (r"Get-ChildItem 'IIS:\AppPools", {"stdout": "nonsense"}, "output is 'nonsense' there"),
        ("Start-WebSite", {"line": "Restart-Computer"}, "refused (unknown line"),
    ],
)
def test_a_line_with_another_outcome_is_told(
    lines: Recording, tmp_path: Path, line: str, change: dict[str, Any], told: str
) -> None:
    _a(line, lines).update(change)
    assert told in "\n".join(recordings.differing_lines(lines, tmp_path))


def test_another_output_is_told_where_it_differs(lines: Recording, tmp_path: Path) -> None:
    entry = next(one for one in lines["entries"] if record_iis.SITE in one.get("stdout", ""))
    number = lines["entries"].index(entry)
    items = json.loads(entry["stdout"])
    items[-1] |= {"id": 77, "more": "than the model says", "state": "Unknown"}
    entry["stdout"] = json.dumps([{"name": "somebody else's"}, *items])
    (found,) = recordings.differing_lines(lines, tmp_path)
    assert found.startswith(f"{number}: output[0].state is 'Unknown' there, 'Started' here: ")


def test_another_status_is_told(lines: Recording, tmp_path: Path) -> None:
    entry = next(one for one in lines["entries"] if one.get("status") == 503)
    entry["status"] = 200
    (found,) = recordings.differing_lines(lines, tmp_path)
    assert "status is 200 there, 503 here: request" in found
