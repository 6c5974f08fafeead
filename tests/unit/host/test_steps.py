"""Steps: how they end, what is told of them, and what the journal knows meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pushguide.errors import Inconclusive, PushguideError, StepFailed
from pushguide.host.journal import Journal
from pushguide.host.report import Reporter
from pushguide.host.steps import Note, Recorder, skipped, step, unchanged, warning
from pushguide.words import FAILED, INCONCLUSIVE, SKIPPED, SUCCEEDED, UNCHANGED, WARNING


class Piece:
    """Something with steps."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.answer: Any = None
        self.begun: list[str] = []

    def before_step(self, name: str) -> None:
        self.begun.append(name)

    @step(changes=True)
    def change(self) -> Note | str | None:
        return self._act()

    @step(changes=False)
    def decide(self) -> Note | str | None:
        return self._act()

    @step(changes=False, looks=True)
    def look(self) -> Note | str | None:
        return self._act()

    def _act(self) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer() if callable(self.answer) else self.answer


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path / "journal.json"), "shop", "production")


@pytest.fixture
def piece(journal: Journal) -> Piece:
    recorder = Recorder(journal, mock.create_autospec(Reporter, instance=True))
    recorder.begin("release")
    return Piece(recorder)


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        (None, SUCCEEDED, ""),
        ("12 files", SUCCEEDED, "12 files"),
        (unchanged("it was there"), UNCHANGED, "it was there"),
        (skipped("not for us"), SKIPPED, "not for us"),
        (warning("one is left"), WARNING, "one is left"),
    ],
)
def test_outcomes_and_details(piece: Piece, answer: Any, outcome: str, detail: str) -> None:
    piece.answer = answer
    piece.change()
    [result] = piece.recorder.stage.steps
    assert (result.name, result.outcome, result.detail) == ("change", outcome, detail)
    assert 0 <= result.seconds < 5
    assert piece.begun == ["change"]


def test_a_step_that_fails_says_why_and_is_raised_as_it_is(piece: Piece) -> None:
    piece.answer = StepFailed("there is no such thing")
    with pytest.raises(StepFailed) as error:
        piece.change()
    assert error.value is piece.answer
    [result] = piece.recorder.stage.steps
    assert (result.outcome, result.detail) == (FAILED, "there is no such thing")


def test_a_step_that_could_not_tell_is_inconclusive(piece: Piece) -> None:
    piece.answer = Inconclusive("who knows")
    with pytest.raises(Inconclusive):
        piece.look()
    [result] = piece.recorder.stage.steps
    assert (result.outcome, result.detail) == (INCONCLUSIVE, "who knows")


@pytest.mark.parametrize("name", ["change", "look"])
def test_an_unexpected_exception_is_a_failure_with_its_name(piece: Piece, name: str) -> None:
    piece.answer = ZeroDivisionError("division by zero")
    with pytest.raises(StepFailed, match="ZeroDivisionError: division by zero") as error:
        getattr(piece, name)()
    assert error.value.__cause__ is piece.answer
    [result] = piece.recorder.stage.steps
    assert (result.name, result.outcome) == (name, FAILED)
    assert result.detail == f"Step {name} failed: ZeroDivisionError: division by zero"


def test_being_ended_from_outside_is_no_failure_of_the_step(piece: Piece) -> None:
    piece.answer = SystemExit(1)
    with pytest.raises(SystemExit):
        piece.change()
    assert piece.recorder.stage.steps == []


def test_the_journal_is_on_disk_before_a_change_and_after_it(
    piece: Piece, journal: Journal
) -> None:
    def during() -> None:
        doing = Journal.load(journal.path, "shop", "production").doing
        assert doing is not None
        assert (doing["stage"], doing["step"]) == ("release", "change")
        journal.live = "2-2"

    piece.answer = during
    piece.change()
    after = Journal.load(journal.path, "shop", "production")
    assert (after.doing, after.live) == (None, "2-2")


def test_a_step_that_changes_nothing_does_not_touch_the_journal(
    piece: Piece, journal: Journal
) -> None:
    piece.look()
    piece.decide()
    assert not Path(journal.path).exists()


def test_nothing_is_changed_where_the_journal_cannot_be_written(
    piece: Piece, journal: Journal
) -> None:
    Path(f"{journal.path}.new").mkdir()
    done: list[bool] = []
    piece.answer = lambda: done.append(True)
    with pytest.raises(PushguideError, match="Writing the journal"):
        piece.change()
    assert done == []
    assert piece.recorder.stage.steps[0].outcome == FAILED


@pytest.mark.parametrize(
    ("done", "outcome"),
    [
        ([], UNCHANGED),
        ([("look", "fine"), ("change", unchanged("")), ("decide", unchanged(""))], UNCHANGED),
        ([("look", "fine"), ("change", skipped(""))], UNCHANGED),
        ([("decide", "1-1")], SUCCEEDED),
        ([("change", None), ("change", unchanged(""))], SUCCEEDED),
        ([("change", warning("one is left"))], SUCCEEDED),
    ],
)
def test_a_stage_is_unchanged_if_its_steps_changed_nothing(
    piece: Piece, done: list[tuple[str, Any]], outcome: str
) -> None:
    for name, piece.answer in done:
        getattr(piece, name)()
    piece.recorder.end()
    assert piece.recorder.stage.outcome == outcome
    piece.recorder.begin("post_release")
    piece.recorder.end()
    assert piece.recorder.stage.outcome == UNCHANGED


def test_a_stage_that_failed_is_failed_whatever_it_did_before(piece: Piece) -> None:
    piece.change()
    piece.recorder.end(FAILED)
    told = piece.recorder.stage.to_dict()
    assert (told["stage"], told["outcome"]) == ("release", FAILED)
    assert set(told) == {"stage", "started", "outcome", "seconds", "steps"}
    assert set(told["steps"][0]) == {"name", "outcome", "seconds", "detail"}


def test_stages_and_steps_are_reported_as_they_begin_and_end(piece: Piece) -> None:
    piece.answer = "done"
    piece.change()
    piece.recorder.end()
    reporter: Any = piece.recorder.reporter
    told = [call.args[0] for call in reporter.add.call_args_list]
    assert [(one.get("step"), one["outcome"]) for one in told] == [
        (None, "running"),
        ("change", "running"),
        ("change", SUCCEEDED),
        (None, SUCCEEDED),
    ]
    assert told[2]["detail"] == "done"
    assert {one["stage"] for one in told} == {"release"}
