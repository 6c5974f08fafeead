"""The lab is a real Windows Python with a real Salt, and installs itself once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import pushguide
from tests.windows import lab
from tests.windows.channel import Raised, Windows
from tests.windows.under_test import only_on_linux

SHARING_VIOLATION = 32
ACCESS_DENIED = 5


# --- what runs in there ---------------------------------------------------------------------


def test_it_is_a_windows_python(windows: Windows) -> None:
    assert windows.call("platform.system") == "Windows"
    assert windows.call("platform.python_version").startswith("3.11.")
    assert windows.call("platform.python_compiler").startswith("MSC ")
    assert windows.call("os.path.join", "a", "b") == r"a\b"


@only_on_linux
def test_it_sees_the_files_of_this_machine(windows: Windows) -> None:
    assert windows.call("os.path.abspath", "/a") == r"Z:\a"


def test_it_has_the_salt_that_everything_is_tested_with(windows: Windows) -> None:
    version = windows.salt("test.version")
    assert f"salt=={version}" in (lab.PROJECT / "constraints.txt").read_text().splitlines()
    assert windows.salt("grains.get", "os") == "Windows"


def test_the_project_is_there_for_python_and_for_salt(windows: Windows) -> None:
    assert windows.call("pushguide.address.shown", "http://me:secret@w1/a?b=c") == "http://w1/a"
    assert windows.salt("pushguide.inspect", "shop")["pushguide"] == pushguide.__version__


def test_a_files_way_there_and_back(windows: Windows, tmp_path: Path) -> None:
    here = tmp_path / "greeting.txt"
    windows.salt("file.write", windows.path(here), "hello")
    assert here.read_text().strip() == "hello"
    on_c = windows.drive / "greetings" / "one.txt"
    on_c.parent.mkdir()
    on_c.write_text("hello")
    assert windows.path(on_c) == r"C:\greetings\one.txt"
    assert windows.salt("file.file_exists", windows.path(on_c))


@pytest.mark.parametrize(
    ("attempt", "winerror"),
    [
        ("rename_open", SHARING_VIOLATION),
        ("remove_open", SHARING_VIOLATION),
        ("replace_open", ACCESS_DENIED),
        ("remove_running", ACCESS_DENIED),
    ],
)
def test_files_in_use_are_held(
    windows: Windows, tmp_path: Path, attempt: str, winerror: int
) -> None:
    file = tmp_path / "held.exe"
    file.touch()
    with pytest.raises(Raised) as raised:
        windows.call(f"file_locks.{attempt}", windows.path(file))
    assert raised.value.winerror == winerror
    assert raised.value.type == "builtins.PermissionError"
    assert file.exists()


# --- calls ----------------------------------------------------------------------------------


def test_what_a_function_writes_is_no_answer(windows: Windows) -> None:
    assert windows.call("file_locks.write_and_ask") == "no input"


def test_what_is_no_plain_data_is_refused(windows: Windows) -> None:
    with pytest.raises(Raised, match="not JSON serializable"):
        windows.call("pathlib.Path", "a")


def test_a_traceback_comes_back(windows: Windows) -> None:
    with pytest.raises(Raised, match=r'File "C:\\lab\\serve\.py"') as raised:
        windows.call("no_such_module.function")
    assert raised.value.type == "builtins.ModuleNotFoundError"


def test_a_process_that_ends_is_told(windows: Windows) -> None:
    another = Windows(windows.host)
    with pytest.raises(OSError, match=r"gave no answer to os\._exit"):
        another.call("os._exit", 3)
    with pytest.raises(OSError, match=r"gave no answer to os\.getcwd"):
        another.call("os.getcwd")
    another.end()
    assert windows.call("os.getpid")


# --- installing -----------------------------------------------------------------------------


@pytest.fixture
def slow_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """An installation that only takes its time; where it took place."""
    places: list[Path] = []

    def install(aside: Path) -> None:
        places.append(aside)
        time.sleep(0.2)
        (aside / "prefix").mkdir()

    monkeypatch.setattr(lab, "missing", lambda: "")
    monkeypatch.setattr(lab, "_directory", lambda: tmp_path / "lab")
    monkeypatch.setattr(lab, "_install", install)
    return places


@only_on_linux
def test_of_two_that_start_at_once_one_installs(slow_install: list[Path], tmp_path: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(lab.installed())) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [tmp_path / "lab"] * 2
    assert len(slow_install) == 1
    assert slow_install[0] != tmp_path / "lab"
    assert (tmp_path / "lab" / "prefix").is_dir()


@only_on_linux
def test_an_installation_that_fails_leaves_nothing(
    slow_install: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(aside: Path) -> None:
        (aside / "half").mkdir()
        raise OSError("no network")

    monkeypatch.setattr(lab, "_install", fail)
    with pytest.raises(OSError, match="no network"):
        lab.installed()
    assert not [one for one in tmp_path.iterdir() if one.is_dir()]


@only_on_linux
def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="apt-get install") as raised:
        lab.installed()
    assert all(package in str(raised.value) for package in lab.APT_PACKAGES)
