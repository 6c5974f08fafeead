"""The table at the end of a run: which scenario was shown for which project type, and on what.

Tests say what they show with the marker ``scenario``; a name or a type that nobody knows fails
the collection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Mapping

import pytest

from tests.windows.scenarios import PROJECT_TYPES, SCENARIOS
from tests.windows.under_test import how_it_ran

PASSED, FAILED, SKIPPED = "passed", "FAILED", "skipped"

Shown = tuple[str, str]

_TABLE = pytest.StashKey["Table"]()


class Table:
    """What became of the tests of each scenario and project type."""

    def __init__(self) -> None:
        self.ended: dict[str, tuple[str, tuple[Shown, ...]]] = {}

    def enter(self, test: str, shown: Iterable[Shown], outcome: str) -> None:
        """Enter what became of a test, which its teardown may still fail."""
        before, _ = self.ended.get(test, (outcome, ()))
        worst = before if before == FAILED else outcome
        self.ended[test] = (worst, tuple(shown))

    def cell(self, scenario: str, project_type: str) -> str:
        """One cell: any failure counts, then what has passed."""
        counted = Counter(
            outcome for outcome, shown in self.ended.values() if (project_type, scenario) in shown
        )
        if counted[FAILED]:
            return FAILED
        if counted[PASSED]:
            return f"{PASSED} {counted[PASSED]}"
        return SKIPPED if counted[SKIPPED] else "-"

    def lines(self, how: Mapping[str, str]) -> list[str]:
        """The table, with a line for each project type on what it ran."""
        rows = [["scenario", *PROJECT_TYPES]]
        rows += [[one, *(self.cell(one, kind) for kind in PROJECT_TYPES)] for one in SCENARIOS]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return [*lines, "", *(f"{kind}: {how[kind]}" for kind in PROJECT_TYPES)]


def shown_by(item: pytest.Item) -> list[Shown]:
    """What a test shows.

    Raises:
        pytest.UsageError: it names something that nobody knows.
    """
    shown = []
    for marker in item.iter_markers("scenario"):
        match marker.args:
            case (project_type, scenario) if (
                project_type in PROJECT_TYPES and scenario in SCENARIOS and not marker.kwargs
            ):
                shown.append((project_type, scenario))
            case _:
                raise pytest.UsageError(
                    f"{item.nodeid} shows a scenario that tests/windows/scenarios.py does not "
                    f"have: {marker.args}"
                )
    return shown


# --- what pytest calls --------------------------------------------------------------------


def pytest_itemcollected(item: pytest.Item) -> None:
    """Refuse markers that say nothing."""
    shown_by(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Enter what became of each part of a test."""
    report = yield
    shown = shown_by(item)
    if shown and (report.when == "call" or not report.passed):
        table = item.config.stash.setdefault(_TABLE, Table())
        outcome = FAILED if report.failed else SKIPPED if report.skipped else PASSED
        table.enter(item.nodeid, shown, outcome)
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table."""
    if _TABLE in config.stash:
        terminalreporter.section("what was shown on Windows")
        for line in config.stash[_TABLE].lines(how_it_ran()):
            terminalreporter.write_line(line)
