"""What is the same for every project type, run by a Windows Python.

The tests of the host's side in tests/unit/host are run there as they are: the steps and what
becomes of a failure, indexes, the journal, orders, confirmation, retention and code standards.
Transfer over HTTP is shown by the fleet. What forks a process skips itself; the crashes are tested
here.
"""

from __future__ import annotations

import contextlib
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushguide.words import GOOD_OUTCOMES, STAGES
from tests.support.waiting import wait_until
from tests.windows.channel import Windows
from tests.windows.lab import INSIDE, PROJECT, PYTHON_EXE
from tests.windows.module import Module

HOST = "tests/unit/host"
FILES = {
    "hooks": ("test_hooks.py",),
    "by index": ("test_by_index.py", "test_unchanged_files.py"),
    "deployments": ("test_deploy.py", "test_retention.py", "test_steps.py", "test_report.py"),
    "journal and orders": ("test_journal.py", "test_orders.py", "test_standards.py"),
    "links and paths": ("test_links.py", "windows", "test_expand.py", "test_warm_up.py"),
}
#: What is about another platform (modes, owners, named pipes, symbolic links), or how quick it is.
NOT_OF_WINDOWS = (
    "test_retention.py::test_what_is_half_made_or_unproven_or_unknown_goes",
    "test_journal.py::test_replacing_a_file_keeps_its_mode_and_owner",
    "test_journal.py::test_a_new_file_gets_the_mode_that_was_asked_for",
    "test_standards.py::test_everything_is_listed_and_nothing_followed",
    "test_unchanged_files.py::test_unchanged_files_are_shared_and_cannot_be_written_to",
    "test_unchanged_files.py::test_a_file_system_without_reflinks_gets_copies_with_right_times",
    "test_unchanged_files.py::test_a_user_that_is_not_there_is_told",
    # Windows tells no time of change, so a time to come in an archive is one of writing there.
    "test_standards.py::test_a_time_to_come_is_no_change",
    # It takes it that a file is fetched within a moment, which it is not under Wine.
    "test_report.py::test_a_long_job_is_seen_at_work",
)


@pytest.mark.parametrize("files", FILES.values(), ids=[*FILES])
def test_the_tests_of_the_hosts_side_pass(
    windows: Windows, tmp_path: Path, files: tuple[str, ...]
) -> None:
    report = tmp_path / "report.xml"
    (windows.drive / "pytest").mkdir(exist_ok=True)
    # What Wine starts on its own would keep the pipes of the first process: that is to be this one.
    assert windows.call("os.getpid")
    said = run_inside(
        windows,
        windows.path(Path(pytest.__file__).parents[1]),
        windows.path(report),
        *(f"--deselect={HOST}/{one}" for one in NOT_OF_WINDOWS),
        *(f"{HOST}/{one}" for one in files),
    )
    assert report.exists(), said
    [suite] = ElementTree.parse(report).getroot()
    ended = {kind: int(suite.attrib[kind]) for kind in ("tests", "failures", "errors", "skipped")}
    assert (ended["failures"], ended["errors"]) == (0, 0), said
    assert ended["tests"] - ended["skipped"] >= 20, ended


def run_inside(windows: Windows, *arguments: str) -> str:
    """Run the tests in there; what was written."""
    process = windows.host.start(PYTHON_EXE, "-B", rf"{INSIDE}\host_tests.py", *arguments)
    try:
        output, errors = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate(timeout=60)
    return (output + errors).decode(errors="replace")[-5000:]


def test_what_is_left_out_is_there() -> None:
    for one in NOT_OF_WINDOWS:
        file, _, name = one.partition("::")
        assert f"def {name}(" in (PROJECT / HOST / file).read_text()


# --- a job whose process dies ---------------------------------------------------------------


@pytest.fixture
def site(windows: Windows, request: pytest.FixtureRequest) -> Module:
    """A site with a version that is live and one that comes."""
    made = Module(windows, request.node.name.translate({91: "-", 93: ""})[:60], "static_site", {})
    for version in ("1.0", "1.1"):
        made.build(version, {"index.html": version.encode()})
    assert made.deploy("1.0")["outcome"] == "succeeded"
    return made


@contextlib.contextmanager
def another(windows: Windows) -> Iterator[Windows]:
    """Another Windows Python, as each job has one."""
    one = Windows(windows.host)
    try:
        yield one
    finally:
        one.end()


def served(site: Module) -> str:
    """The version behind the live pointer."""
    content: str = site.windows.salt("file.read", rf"C:\srv\{site.name}\live\index.html")
    return content


@pytest.mark.parametrize("rename", [2, 4, 7, 10, 13])
def test_a_job_that_is_killed_goes_on_when_it_comes_again(site: Module, rename: int) -> None:
    share = site.share("1.1")
    with another(site.windows) as job, pytest.raises(OSError, match="gave no answer"):
        job.call("failing_calls.die", rename, "static_site", share, [*STAGES])
    assert served(site) in ("1.0", "1.1")
    again = {**share, "token": share["token"] + 1}
    answer = site.windows.call("deployments.run", "static_site", again, [*STAGES])
    assert answer["outcome"] in GOOD_OUTCOMES, answer
    assert (answer["live"], served(site), site.releases()) == ("1.1", "1.1", ["1.0-1", "1.1-2"])
    assert site.journal()["doing"] is None


def test_a_host_goes_back_by_itself_when_nobody_confirms(site: Module) -> None:
    answer = site.deploy("1.1", confirm_within_seconds=0.5)
    assert (answer["outcome"], answer["live"], served(site)) == ("restored", "1.0", "1.0")
    assert "Nobody confirmed the release" in answer["error"]


def test_a_host_whose_job_died_while_it_waited_goes_back_too(site: Module) -> None:
    share = site.share("1.1", confirm_within_seconds=0.5)
    stages = ["prepare", "pre_release", "release"]  # and there its machine goes down
    answer = site.windows.call("deployments.run", "static_site", share, stages)
    assert (answer["outcome"], served(site)) == ("succeeded", "1.1")
    name = f"{site.name}@production"
    settled = wait_until(lambda: site.windows.call("deployments.settle", site.name), "the way back")
    assert settled == {name: "restored"}
    assert served(site) == "1.0"
    assert site.windows.call("deployments.settle", site.name) == {}


def test_an_abort_is_heard_while_a_job_waits(site: Module) -> None:
    """The order is a file that another process leaves beside the journal."""
    share = site.share("1.1", confirm_within_seconds=200)
    opts = site.windows.call("deployments.options", site.name)
    with another(site.windows) as master:
        stop = ("pushguide.host.orders.stop", opts, site.name, "production", 2, share["token"])
        site.windows.call("holding.meanwhile", share)
        assert master.call(*stop, "somebody wants it to end", 60) is False
    answer = site.windows.call("holding.joined")
    assert (answer["outcome"], answer["live"]) == ("restored", "1.0")
    assert "somebody wants it to end" in answer["error"]
    assert served(site) == "1.0"
