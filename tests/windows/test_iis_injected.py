"""A failure injected at every call of Salt's win_iis, and at every line that PowerShell gets.

What became of it is judged by the state of the SIMULATED IIS, not by what the deployment says.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from salt.exceptions import CommandExecutionError

from pushguide.words import FAILED, RESTORED, SUCCEEDED
from tests.windows import scenarios
from tests.windows.iis_here import IisHere, PowerShell, Shop, Truth

OLD, NEW, NEXT = "1.0", "1.1", "1.2"
SICK_PROBE = {
    "kind": "tcp",
    "host": "127.0.0.1",
    "port": 1,
    "within_seconds": 0.01,
    "interval_seconds": 0.01,
}

#: What is deployed: the settings beside the usual ones, and the pool.
PLACES: Mapping[str, tuple[dict[str, Any], str]] = {
    "site": ({}, "shop"),
    "application": ({"application": "api", "pool": "api", "create": {"pool": {}}}, "api"),
    "virtual directory": ({"virtual_directory": "files", "create": {}}, "front"),
}


class Way(NamedTuple):
    """A deployment, as it goes if nothing fails.

    Attributes:
        place: what it goes to.
        is_first: whether there was nothing before.
        change: how processes come to the new release.
        is_sick: whether its probe fails, so that the host goes back.
    """

    place: str
    is_first: bool
    change: str = "recycle"
    is_sick: bool = False

    def __str__(self) -> str:
        which = "first" if self.is_first else "second"
        return f"{self.place}, {which}, {self.change}{', back' if self.is_sick else ''}"


WAYS = (
    *(Way(place, is_first) for place in PLACES for is_first in (True, False)),
    Way("site", False, "stop_start"),
    Way("site", True, is_sick=True),
    Way("site", False, is_sick=True),
    Way("site", False, "stop_start", is_sick=True),
    Way("application", True, is_sick=True),
    Way("virtual directory", False, is_sick=True),
)
#: Those whose lines are the same as another's are left out.
WAYS_BY_LINE = (
    Way("site", True),
    Way("site", False, is_sick=True),
    Way("site", False, "stop_start", is_sick=True),
    Way("application", True, is_sick=True),
    Way("virtual directory", False),
)

ONCE, THAT_FUNCTION, ALL = "once", "that function for good", "all for good"


# --- how a call fails -----------------------------------------------------------------------


def raises(function: str, work: Callable[[], Any]) -> Any:
    """Salt raises, and nothing is done."""
    raise CommandExecutionError(f"{function} was made to fail")


def lies(function: str, work: Callable[[], Any]) -> Any:
    """Salt says that it was done, and it was not."""
    return {} if function.startswith(("list_", "get_")) else True


def does_it_and_raises(function: str, work: Callable[[], Any]) -> Any:
    """It is done, and then Salt raises."""
    work()
    raise CommandExecutionError(f"{function} was made to fail")


CALLS = (raises, lies, does_it_and_raises)


# --- how a line fails -----------------------------------------------------------------------


def _answer(code: int, output: str, errors: str = "") -> dict[str, Any]:
    return {"retcode": code, "stdout": output, "stderr": errors}


def ends_with_1_and_output(line: str, carry_out: PowerShell) -> dict[str, Any]:
    """Nothing is done, and there is output all the same."""
    return _answer(1, "Processing data for a remote command failed.", "Access is denied.")


def does_it_and_ends_with_1(line: str, carry_out: PowerShell) -> dict[str, Any]:
    """It is done, and there is an error."""
    return {**carry_out(line), "retcode": 1, "stderr": "The pipe has been ended."}


def writes_nothing(line: str, carry_out: PowerShell) -> dict[str, Any]:
    """Nothing is done and written, and it counts as success."""
    return _answer(0, "")


def writes_no_json(line: str, carry_out: PowerShell) -> dict[str, Any]:
    """Nothing is done, and what is written is no JSON."""
    return _answer(0, "WARNING: The module WebAdministration is busy.")


def writes_an_empty_list(line: str, carry_out: PowerShell) -> dict[str, Any]:
    """Nothing is done, and there is nothing in the list."""
    return _answer(0, "[]", "Get-ChildItem : Cannot read configuration file.")


def times_out(line: str, carry_out: PowerShell) -> dict[str, Any]:
    """Nothing is done within Salt's patience."""
    return _answer(1, "powershell.exe : Timed out after 60 seconds")


LINES = (
    ends_with_1_and_output,
    does_it_and_ends_with_1,
    writes_nothing,
    writes_no_json,
    writes_an_empty_list,
    times_out,
)


# --- the runs -------------------------------------------------------------------------------


class Run:
    """One deployment on a fresh host with a fresh IIS."""

    def __init__(self, top: Path, iis: IisHere, way: Way) -> None:
        settings, pool = PLACES[way.place]
        if way.place != "site":
            front = top / "front"
            front.mkdir(parents=True)
            assert iis("create_site", "shop", str(front), apppool="front", port=8080)
        self.way = way
        self.iis = iis
        self.shop = Shop(top, iis, pool, change=way.change, **settings)
        if not way.is_first:
            assert self.shop.deploy(OLD)["outcome"] == SUCCEEDED
        self.before = self.shop.truth()
        self.workers = self.shop.workers()
        iis.calls.clear()
        iis.lines.clear()

    def go(self) -> dict[str, Any]:
        """Deploy."""
        return self.shop.deploy(NEW, probe=[SICK_PROBE] if self.way.is_sick else [])

    def judge(self, answer: Mapping[str, Any], how_long: str, what: str) -> None:
        """Hold what is said against what is so."""
        after, outcome, error = self.shop.truth(), answer["outcome"], answer["error"]
        told = f"{what}: {outcome}, {error}; {after}, before {self.before}"
        if outcome == SUCCEEDED:
            assert not self.way.is_sick, told
            wanted = Truth(str(self.shop.root / "releases" / f"{NEW}-2"), *["Started"] * 2, NEW)
            if self.way.is_first:
                wanted = wanted._replace(path=wanted.path and wanted.path[:-1] + "1")
            assert after == wanted, told
            assert not self.workers & self.shop.workers() or self.way.is_first, told
        elif outcome == RESTORED or after == self.before:
            assert after == self.before, told
            assert error, told
        else:
            assert (outcome, how_long != ONCE) == (FAILED, True), told
            assert "was not put back to what ran before" in error, told
        if error and "IIS tells: " in error:
            standing = (
                f"IIS tells: {self.shop.place} has the path {after.path}; site shop is "
                f"{after.site or 'missing'}, application pool {self.shop.pool} is "
                f"{after.pool or 'missing'}."
            )
            assert standing in error, told

    def mend(self, what: str) -> None:
        """The next deployment succeeds, now that IIS is well again."""
        answer = self.shop.deploy(NEXT)
        told = f"{what}, and then: {answer['outcome']}, {answer['error']}"
        assert answer["outcome"] == SUCCEEDED, told
        assert self.shop.truth()[1:] == ("Started", "Started", NEXT), told


def runs(
    way: Way, top: Path, make: Callable[[], IisHere], record: str
) -> Iterator[tuple[Run, int, str]]:
    """A run for each call, or line, of a clean one; with its number, and what it is."""
    clean = Run(top / "clean", make(), way)
    answer = clean.go()
    clean.judge(answer, ONCE, "clean")
    assert answer["outcome"] == (RESTORED if way.is_sick else SUCCEEDED), answer
    recorded = list(getattr(clean.iis, record))
    assert len(recorded) > 8
    for place, what in enumerate(recorded):
        yield Run(top / str(place), make(), way), place, what


@pytest.fixture
def top(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory, if there is such a one: each run flushes its journal to disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as made:
        yield Path(made)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[[], IisHere]:
    """Makes an IIS as it is installed, which Salt's win_iis is given instead of the last one."""
    return lambda: IisHere(monkeypatch)


class Injection:
    """The calls, or lines, that fail.

    Args:
        place: the first that fails, counted from 0.
        what: what that one is.
        how_long: it alone, all that are alike from there on, or all from there on.
    """

    def __init__(self, place: int, what: str, how_long: str) -> None:
        self.place = place
        self.what = what
        self.how_long = how_long
        self.count = 0

    def __str__(self) -> str:
        return f"{self.place}: {self.what[:160]}"

    def hits(self, what: str) -> bool:
        """Count one; whether it fails."""
        place, self.count = self.count, self.count + 1
        if self.how_long == ONCE or place < self.place:
            return place == self.place
        return self.how_long == ALL or what == self.what

    def demand_hit(self) -> None:
        """Prove that the deployment came so far."""
        assert self.count > self.place, self


@pytest.mark.scenario("dotnet_iis", scenarios.INJECTED)
@pytest.mark.parametrize("how_long", [ONCE, THAT_FUNCTION, ALL])
@pytest.mark.parametrize("how", CALLS, ids=lambda how: how.__name__)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_each_call(
    top: Path,
    make: Callable[[], IisHere],
    way: Way,
    how: Callable[[str, Callable[[], Any]], Any],
    how_long: str,
) -> None:
    for run, place, function in runs(way, top, make, "calls"):
        injection = Injection(place, function, how_long)
        usual, run.iis.on_call = run.iis.on_call, _call_fails(injection, how)
        answer = run.go()
        run.iis.on_call = usual
        injection.demand_hit()
        run.judge(answer, how_long, str(injection))
        run.mend(str(injection))


def _call_fails(
    injection: Injection, how: Callable[[str, Callable[[], Any]], Any]
) -> Callable[[str, Callable[[], Any]], Any]:
    return lambda name, work: how(name, work) if injection.hits(name) else work()


@pytest.mark.scenario("dotnet_iis", scenarios.INJECTED)
@pytest.mark.parametrize("how_long", [ONCE, ALL])
@pytest.mark.parametrize("how", LINES, ids=lambda how: how.__name__)
@pytest.mark.parametrize("way", WAYS_BY_LINE, ids=str)
def test_each_line(
    top: Path,
    make: Callable[[], IisHere],
    way: Way,
    how: Callable[[str, PowerShell], dict[str, Any]],
    how_long: str,
) -> None:
    for run, place, line in runs(way, top, make, "lines"):
        injection = Injection(place, line, how_long)
        usual, run.iis.on_line = run.iis.on_line, _line_fails(injection, how)
        answer = run.go()
        run.iis.on_line = usual
        injection.demand_hit()
        run.judge(answer, how_long, str(injection))
        run.mend(str(injection))


def _line_fails(
    injection: Injection, how: Callable[[str, PowerShell], dict[str, Any]]
) -> Callable[[str, PowerShell], dict[str, Any]]:
    return lambda line, work: how(line, work) if injection.hits(line) else work(line)
