"""Files of a release on a Windows Python: long paths, what is in use, rights, and every byte."""

from __future__ import annotations

import hashlib
import io
import stat
import subprocess
import tarfile
from typing import Any

import pytest

from pushguide.words import STAGES
from tests.support.host import outcomes, steps
from tests.windows import lab
from tests.windows.channel import Raised, Windows
from tests.windows.module import Module

TYPE = "static_site"
DEEP = "/".join(["a-directory-with-a-name-of-some-length"] * 9)  # 350 characters
TEXTS = {
    "crlf.txt": b"one\r\ntwo\r\n",
    "lf.txt": b"one\ntwo\n",
    "mixed.txt": b"one\r\ntwo\nthree\rfour\x1a five\x00",
    "utf16.txt": "\ufeffone\r\ntwo\n".encode("utf-16-le"),
    "run.bat": b"@echo off\n",
    "all.bin": bytes(range(256)) * 300,
}


@pytest.fixture
def site(windows: Windows, request: pytest.FixtureRequest) -> Module:
    """A static site of this test's own."""
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    return Module(windows, f"site-{name}", TYPE, {})


def demand(answer: dict[str, Any]) -> None:
    """Every stage has ended well."""
    assert {*outcomes(answer).values()} <= {"succeeded", "unchanged"}, answer


# --- long paths -----------------------------------------------------------------------------


@pytest.mark.parametrize("unchanged", ["copy", "hard_link"])
def test_paths_of_any_length(site: Module, unchanged: str) -> None:
    """Through unpacking, sharing, looking, retiring and going back; the limits are SIMULATED."""
    rule = {"name": "no-backups", "kind": "forbidden", "level": "warning", "patterns": ["*.bak"]}
    site.given = {"unpacking": {"unchanged": unchanged}, "keep_releases": 1, "standards": [rule]}

    def run(version: str, kind: str = "deploy") -> dict[str, Any]:
        share = site.share(version, kind)
        answer: dict[str, Any] = site.windows.call("simulated_max_path.run", TYPE, share, [*STAGES])
        demand(answer)
        return answer

    for number in range(3):
        old = {f"{DEEP}/{one}.bak": b"x" * 300 for one in range(3)}
        site.build(f"1.{number}", {**old, f"{DEEP}/new.txt": f"{number}".encode()})
        answer = run(f"1.{number}")
        assert answer["longest"] > 350
    assert site.releases() == ["1.1-2", "1.2-3"]
    assert f"{DEEP}/2.bak is there" in steps(answer, "prepare")["check_standards"][1]
    run("1.1", "rollback")
    place = site.root / "releases" / "1.1-2" / DEEP / "new.txt"
    assert place.read_bytes() == b"1"
    opts = site.windows.call("deployments.options", site.name)
    files = ("pushguide.host.facts.files", opts, site.name, "production", True)
    assert f"{DEEP}/new.txt" in site.windows.call("simulated_max_path.call", *files)["files"]
    # What is kept is what people and programs read.
    assert {one["path"] for one in site.journal()["releases"].values()} == {
        rf"C:\srv\{site.name}\releases\{name}" for name in ("1.1-2", "1.2-3")
    }


def test_the_simulated_limit_is_one(windows: Windows) -> None:
    """What the tests of long paths rest on: without the prefix a path is refused."""
    long = "C:\\" + "d" * 260
    with pytest.raises(Raised, match="this path is refused"):
        windows.call("simulated_max_path.call", "os.stat", long)
    with pytest.raises(Raised, match="this path is refused"):
        windows.call("simulated_max_path.call", "os.mkdir", long[:250])
    with pytest.raises(Raised, match="this path is refused"):
        windows.call("simulated_max_path.call", "os.listdir", "\\\\?\\C:\\a\\..\\b")


# --- what is in use, and what is read-only --------------------------------------------------


def test_read_only_files_are_retired(site: Module) -> None:
    site.given["keep_releases"] = 1
    for version in ("1.0", "1.1", "1.2"):
        site.build(version, {"a/read-only.txt": version.encode()})
    demand(site.deploy("1.0"))
    file = site.root / "releases" / "1.0-1" / "a" / "read-only.txt"
    path = rf"C:\srv\{site.name}\releases\1.0-1\a\read-only.txt"
    site.windows.call("os.chmod", path, stat.S_IREAD)
    assert not site.windows.call("os.access", path, 2)
    demand(site.deploy("1.1"))
    demand(site.deploy("1.2"))
    assert site.releases() == ["1.1-2", "1.2-3"]
    assert not file.exists()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A program that waits until its input ends."""
    source = tmp_path_factory.mktemp("program") / "waits.c"
    source.write_text("#include <stdio.h>\nint main(void) { return getchar() == 0; }\n")
    target = source.with_suffix(".exe")
    subprocess.run([lab.COMPILER, "-O2", "-o", target, source], check=True)
    return target.read_bytes()


def test_a_release_whose_program_runs_is_retired_later(site: Module, program: bytes) -> None:
    """What is left of it is never a release to go back to, and is gone next time."""
    site.given["keep_releases"] = 1
    for version in ("1.0", "1.1", "1.2"):
        site.build(version, {"bin/waits.exe": program, "version.txt": version.encode()})
    demand(site.deploy("1.0"))
    running = rf"C:\srv\{site.name}\releases\1.0-1\bin\waits.exe"
    site.windows.call("running.start", running)
    try:
        demand(site.deploy("1.1"))
        answer = site.deploy("1.2")
        assert answer["outcome"] == "succeeded"
        assert steps(answer, "post_release")["retire"][0] == "warning"
        answer = site.deploy("1.0", kind="rollback")
        assert outcomes(answer) == {"prepare": "failed"}
        assert "no good release of it is kept here" in answer["error"]
    finally:
        site.windows.call("running.end", running)
    demand(site.deploy("1.1", kind="rollback"))
    assert site.releases() == ["1.1-2", "1.2-3"]


def test_a_journal_that_somebody_reads_is_written_all_the_same(site: Module) -> None:
    """Windows replaces no open file: it is tried again until the reader has closed it."""
    site.build("1.0", {"index.html": b"1.0"})
    demand(site.deploy("1.0"))
    opts = site.windows.call("deployments.options", site.name)
    journal = rf"{opts['root_dir']}\var\lib\pushguide\{site.name}\production\journal.json"
    told = site.windows.call("holding.while_held", journal, 0.5, site.share("1.0"))
    assert {*outcomes(told).values()} == {"unchanged"}, told


# --- access rights --------------------------------------------------------------------------


def test_access_rights_are_given_before_anything_is_there(site: Module) -> None:
    """Wine keeps of rights what a mode of its machine can hold: owner and Everyone, no others."""
    site.build("1.0", {"index.html": b"1.0"})
    site.given["unpacking"] = {"access": [{"account": "Everyone", "rights": "modify"}]}
    demand(site.deploy("1.0"))
    release = rf"C:\srv\{site.name}\releases\1.0-1"
    check = ("win_dacl.check_ace", release, "FILE", "Everyone", "MODIFY", "ALLOW")
    assert site.windows.salt(*check, "FOLDER&SUBFOLDERS&FILES")["Exists"]
    site.given["unpacking"] = {}
    site.build("1.1", {"index.html": b"1.1"})
    demand(site.deploy("1.1"))
    assert not site.windows.salt(check[0], release.replace("1.0-1", "1.1-2"), *check[2:])["Exists"]


def test_an_account_that_is_not_there_is_refused_beforehand(site: Module) -> None:
    site.build("1.0", {"index.html": b"1.0"})
    access = [{"account": r"IIS AppPool\none", "rights": "read_execute"}]
    answer = site.deploy("1.0", unpacking={"access": access})
    assert outcomes(answer) == {"prepare": "failed"}
    assert r"There is no account 'IIS AppPool\\none' on this host" in answer["error"]
    assert site.releases() == []


def test_rights_that_are_not_kept_are_noticed(site: Module) -> None:
    """Wine says that it gives rights to NETWORK SERVICE and does not: they are read back."""
    site.build("1.0", {"index.html": b"1.0"})
    access = [{"account": r"NT AUTHORITY\NETWORK SERVICE", "rights": "modify"}]
    answer = site.deploy("1.0", unpacking={"access": access})
    assert outcomes(answer) == {"prepare": "failed"}
    assert "is not there when it is read back" in answer["error"]
    assert site.releases() == []


# --- bytes and names ------------------------------------------------------------------------


def _tar_of(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_every_byte_is_as_it_was(site: Module, form: str) -> None:
    site.build("1.0", TEXTS)
    if form == "tar.gz":
        content = _tar_of(TEXTS)
        (site.windows.drive / "artifacts" / site.name / "1.0.zip").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        site.built["1.0"] = site.built["1.0"]._replace(sha256=digest, size=len(content))
    demand(site.deploy("1.0"))
    [release] = (site.root / "releases").iterdir()
    for name, content in TEXTS.items():
        assert (release / name).read_bytes() == content
    opts = site.windows.call("deployments.options", site.name)
    found = site.windows.call("pushguide.host.facts.files", opts, site.name, "production", True)
    assert found["files"] == {
        name: [len(content), hashlib.sha256(content).hexdigest()] for name, content in TEXTS.items()
    }


@pytest.mark.parametrize(
    "name",
    [
        *("CON", "prn.txt", "a/Aux", "NUL.tar.gz", "nul .txt", "COM0", "com9.log", "LPT1/x"),
        *("COM\u00b9", "LPT\u00b2.txt", "com\u00b3", "CONIN$", "conout$.x"),
        *("a.", "a ", "a./b", "b /c", "...", "file.txt:stream", "a:b"),
        *("a<b", "a>b", 'a"b', "a|b", "a?b", "a*b", "a\x01b", "a\x1fb"),
    ],
)
def test_names_that_windows_cannot_have(site: Module, name: str) -> None:
    site.build("1.0", {"index.html": b"1.0", name: b"x"})
    answer = site.deploy("1.0", stages=["prepare"])
    assert outcomes(answer) == {"prepare": "failed"}
    assert "was refused, and nothing was written" in answer["error"]
    assert site.releases() == []


def test_names_that_windows_takes_for_one(site: Module) -> None:
    site.build("1.0", {"Index.html": b"1", "index.HTML": b"2"})
    answer = site.deploy("1.0", stages=["prepare"])
    assert "differs from 'Index.html' only in case" in answer["error"]


def test_a_user_is_refused_and_rights_are_named(site: Module) -> None:
    site.build("1.0", {"index.html": b"1.0"})
    answer = site.deploy("1.0", stages=["prepare"], unpacking={"user": "shop"})
    assert "unpacking:access" in answer["error"]
