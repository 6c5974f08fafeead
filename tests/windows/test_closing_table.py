"""The table at the end of a run says what was shown, and on what."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.windows import scenarios
from tests.windows.closing_table import FAILED, PASSED, SKIPPED, Table
from tests.windows.under_test import IS_WINDOWS, how_it_ran

pytest_plugins = ["pytester"]

PROJECT = Path(__file__).parents[2]

TESTS = """
import pytest
from tests.windows import scenarios

service = lambda name: pytest.mark.scenario("windows_service", name)

@service(scenarios.FIRST)
@service(scenarios.AGAIN)
def test_passes(): pass

@service(scenarios.FIRST)
def test_passes_too(): pass

@service(scenarios.SECOND)
@pytest.mark.scenario("dotnet_iis", scenarios.SECOND)
def test_fails(): assert False

@pytest.mark.scenario("dotnet_iis", scenarios.FIRST)
@pytest.mark.skip(reason="why")
def test_is_skipped(): pass

@pytest.fixture
def broken():
    yield
    raise OSError("it does not come down")

@pytest.mark.scenario("windows_task", scenarios.FIRST)
def test_fails_at_its_end(broken): pass

def test_of_something_else(): pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A pytest that has the table, and none of the plugins that are installed here."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    pytester.makeini("[pytest]\nmarkers = scenario(project_type, name): as in the project")
    pytester.plugins = ["tests.windows.closing_table"]
    return pytester


def test_what_the_table_says(run: pytest.Pytester) -> None:
    run.makepyfile(TESTS)
    result = run.runpytest_subprocess()
    result.assert_outcomes(passed=4, failed=1, skipped=1, errors=1)
    lines = [" ".join(line.split()) for line in result.outlines]
    assert "scenario windows_service dotnet_iis windows_task static_site" in lines
    assert f"{scenarios.FIRST} passed 2 skipped FAILED -" in lines
    assert f"{scenarios.SECOND} FAILED FAILED - -" in lines
    assert f"{scenarios.AGAIN} passed 1 - - -" in lines
    assert f"{scenarios.LOCKED_FILE} - - - -" in lines
    assert f"dotnet_iis: {how_it_ran()['dotnet_iis']}" in lines


def test_without_such_tests_there_is_no_table(run: pytest.Pytester) -> None:
    run.makepyfile("def test_of_something_else(): pass")
    result = run.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*shown on Windows*")


@pytest.mark.parametrize(
    "marker", ['"windows_service", "no such"', '"java_web", "first deployment"', '"dotnet_iis"', ""]
)
def test_a_marker_that_nobody_knows_is_refused(run: pytest.Pytester, marker: str) -> None:
    run.makepyfile(f"import pytest\n@pytest.mark.scenario({marker})\ndef test_it(): pass")
    result = run.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("*test_it shows a scenario that tests/windows/scenarios.py does*")


def test_a_failure_counts_more_than_what_has_passed() -> None:
    table = Table()
    first = [("windows_task", scenarios.FIRST)]
    table.enter("one", first, PASSED)
    table.enter("two", first, SKIPPED)
    assert table.cell(scenarios.FIRST, "windows_task") == "passed 1"
    table.enter("one", first, FAILED)
    table.enter("one", first, PASSED)
    assert table.cell(scenarios.FIRST, "windows_task") == FAILED


@pytest.mark.skipif(IS_WINDOWS, reason="what Linux says of itself")
def test_what_is_simulated_says_so() -> None:
    how = how_it_ran()
    assert [*how] == [*scenarios.PROJECT_TYPES]
    assert [kind for kind in how if "SIMULATED" not in how[kind]] == ["windows_service"]
