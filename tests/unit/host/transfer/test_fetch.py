"""Bringing an artifact to a host."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import subprocess
import threading
import time
import zipfile
from pathlib import Path

import pytest

from pushguide.errors import StepFailed, Stopped
from pushguide.host.transfer import pace
from tests.support.file_server import Fault, FileServer
from tests.support.need import need
from tests.unit.host.transfer.conftest import Host, artifact_of

_SIZE = 3 * 2**20
_CONTENT = random.Random(1).randbytes(_SIZE)


@pytest.fixture
def url(server: FileServer) -> str:
    """The address of an artifact that is there."""
    server.files["/site.zip"] = _CONTENT
    return f"{server.url}/site.zip"


def _went_wrong(host: Host, artifact, **settings) -> str:
    with pytest.raises(StepFailed) as err:
        host.fetch(artifact, **settings)
    return str(err.value)


def test_an_artifact_comes_and_is_proven(host: Host, url: str) -> None:
    came, how = host.fetch(artifact_of(_CONTENT, url))

    assert came == _CONTENT
    assert how == (_SIZE, f"{_SIZE} bytes")


def test_what_is_here_is_not_fetched_again(host: Host, server: FileServer, url: str) -> None:
    host.fetch(artifact_of(_CONTENT, url))
    came, how = host.fetch(artifact_of(_CONTENT, f"{server.url}/elsewhere.zip"))

    assert came == _CONTENT
    assert how == (0, f"{_SIZE} bytes were here already")
    assert len(server.requests) == 1


def test_modules_that_want_the_same_at_once_fetch_it_once(
    host: Host, server: FileServer, url: str
) -> None:
    artifact, came = artifact_of(_CONTENT, url), []
    hosts = [Host(host.top / str(number)) for number in range(4)]
    for one in hosts:
        one.top.mkdir()
        one.opts["pushguide_artifacts_dir"] = str(host.top / "shared")
    threads = [
        threading.Thread(target=lambda one=one: came.append(one.fetch(artifact)[0]))
        for one in hosts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert came == [_CONTENT] * 4
    assert len(server.requests) == 1


def test_a_damaged_copy_is_fetched_anew(host: Host, server: FileServer, url: str) -> None:
    artifact = artifact_of(_CONTENT, url)
    host.fetch(artifact)
    Path(host.cache.path(artifact.sha256)).write_bytes(_CONTENT[:-1] + b"!")

    assert host.fetch(artifact)[0] == _CONTENT
    assert len(server.requests) == 2


def test_the_cache_keeps_within_its_bound_and_what_is_live_goes_last(host: Host) -> None:
    host.opts["pushguide_artifacts_mb"] = 1
    cache = host.cache
    names = {name: host.has_had(name.encode() * (300 * 1024)) for name in "abcde"}
    for age, name in enumerate("abcde"):
        os.utime(cache.path(names[name]), (1000 + age, 1000 + age))

    cache.trim({names["a"]})

    assert {name for name, sha256 in names.items() if cache.has(sha256)} == {"a", "d", "e"}


def test_an_artifact_above_the_bound_still_arrives(host: Host, url: str) -> None:
    host.opts["pushguide_artifacts_mb"] = 1
    assert host.fetch(artifact_of(_CONTENT, url))[0] == _CONTENT


def test_a_cut_is_taken_up_where_it_broke(host: Host, server: FileServer, url: str) -> None:
    server.faults = [Fault("cut", 2**20 + 7), Fault("reset"), Fault("cut", 2**20)]
    came, how = host.fetch(artifact_of(_CONTENT, url))

    assert came == _CONTENT
    assert how.moved == server.sent == _SIZE


def test_a_cut_in_500_mb_moves_hardly_anything_twice(host: Host, server: FileServer) -> None:
    content = random.Random(2).randbytes(2**20) * 500
    server.files["/big.zip"] = content
    server.faults = [Fault("cut", 250 * 2**20 + 12345)]
    artifact = artifact_of(content, f"{server.url}/big.zip")

    came, _ = host.fetch(artifact)

    assert hashlib.sha256(came).hexdigest() == artifact.sha256
    assert server.sent <= 1.01 * len(content)
    assert len(server.requests) == 2


def test_a_later_try_goes_on_where_a_job_was_stopped(
    host: Host, server: FileServer, url: str
) -> None:
    server.faults = [Fault("cut", 2**21), Fault("status", 404)]
    artifact = artifact_of(_CONTENT, url)
    assert "404" in _went_wrong(host, artifact)

    came, how = host.fetch(artifact)

    assert came == _CONTENT
    assert how == (_SIZE - 2**21, f"{_SIZE} bytes, {2**21} of them from an earlier try")


def test_a_beginning_of_something_else_is_not_gone_on_with(host: Host, url: str) -> None:
    artifact = artifact_of(_CONTENT, url)
    Path(host.cache.directory).mkdir(parents=True)
    Path(host.cache.partial(artifact.sha256)).write_bytes(b"something else" * 1000)

    assert host.fetch(artifact)[0] == _CONTENT


def test_failures_are_counted_anew_once_it_goes_on(
    host: Host, server: FileServer, url: str
) -> None:
    server.faults = [Fault("cut", 2**20), Fault("reset")] * 2
    assert host.fetch(artifact_of(_CONTENT, url), attempts=3)[0] == _CONTENT

    server.forget()
    server.faults = [Fault("reset")] * 3
    shutil.rmtree(host.cache.directory)
    assert "3 times in a row" in _went_wrong(host, artifact_of(_CONTENT, url), attempts=3)
    assert len(server.requests) == 3


def test_another_file_at_the_same_address_is_refused(host: Host, url: str) -> None:
    told = _went_wrong(host, artifact_of(bytes(_SIZE), url))

    assert "expected 3145728 bytes with sha256" in told
    assert "publish it again under a new version" in told
    assert "bytes, and should have 7" not in told
    assert f"has {_SIZE} bytes (status 200), and should have 7" in _went_wrong(
        host, artifact_of(b"shorter", url)
    )


def test_mirrors_are_tried_in_turn_and_every_failure_is_told(
    host: Host, server: FileServer, url: str
) -> None:
    gone, wrong = f"{server.url}/gone.zip?key=hidden", f"{server.url}/wrong.zip"
    server.files["/wrong.zip"] = bytes(_SIZE)
    came, _ = host.fetch(artifact_of(_CONTENT, gone, mirrors=[wrong, url]))
    assert came == _CONTENT

    host.opts["cachedir"] += "-new"
    told = _went_wrong(host, artifact_of(_CONTENT, gone, mirrors=[wrong]))
    assert f"{server.url}/gone.zip answered 404" in told
    assert f"{wrong}: expected" in told
    assert "hidden" not in told


def test_hosts_begin_with_different_mirrors_where_they_are_to(
    tmp_path: Path, server: FileServer, url: str
) -> None:
    mirrors = [f"{server.url}/{number}.zip" for number in range(3)]
    for number in range(3):
        server.files[f"/{number}.zip"] = _CONTENT
    for number in range(12):
        one = Host(tmp_path / str(number))
        one.top.mkdir()
        one.opts["id"] = f"web{number}"
        one.fetch(artifact_of(_CONTENT, url, mirrors=mirrors), spread=True)

    assert len({path for path, _ in server.requests}) > 2
    assert len(server.requests) == 12


def test_a_job_that_is_told_to_stop_stops(
    host: Host, server: FileServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_LOOK_SECONDS", 0.0)

    def stop() -> None:
        raise Stopped("told to stop")

    with pytest.raises(Stopped):
        host.fetch(artifact_of(_CONTENT, url), between_tries=stop)


def test_a_transfer_ends_within_its_time(
    host: Host, server: FileServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_FIRST_WAIT_SECONDS", 0.05)
    server.faults = [Fault("status", 503)] * 1000
    told = _went_wrong(host, artifact_of(_CONTENT, url), attempts=100, within_seconds=0.2)
    assert "was given up after 0.2 s (transfer:within_seconds)" in told


def test_a_host_takes_no_more_than_its_bandwidth(host: Host, server: FileServer) -> None:
    content = bytes(96 * 1024)
    server.files["/small.zip"] = content
    began = time.monotonic()
    host.fetch(artifact_of(content, f"{server.url}/small.zip"), max_kb_per_second=128)
    assert time.monotonic() - began > 0.6


def test_hosts_begin_within_the_splay(
    host: Host, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def chosen(least: float, most: float) -> float:
        asked.append((least, most))
        return 0.2

    monkeypatch.setattr(pace.random, "uniform", chosen)
    began = time.monotonic()
    host.fetch(artifact_of(_CONTENT, url), splay_seconds=30)
    assert time.monotonic() - began >= 0.2
    assert asked == [(0, 30)]


def test_a_file_system_of_the_host_serves_as_well(host: Host, tmp_path: Path) -> None:
    (tmp_path / "site.zip").write_bytes(_CONTENT)
    assert host.fetch(artifact_of(_CONTENT, f"file://{tmp_path}/site.zip"))[0] == _CONTENT
    host.opts["cachedir"] += "-new"
    told = _went_wrong(host, artifact_of(_CONTENT, f"file://{tmp_path}/none.zip"))
    assert "No such file" in told


def _war(change: set[int]) -> dict[str, bytes]:
    made = random.Random(3)
    jars = {f"WEB-INF/lib/jar-{number}.jar": made.randbytes(20_000) for number in range(200)}
    for number in change:
        jars[f"WEB-INF/lib/jar-{number}.jar"] = made.randbytes(20_000)
    return {**jars, "index.jsp": b"hello " * 100, "WEB-INF/web.xml": b"<web-app/>" * 50}


def _by_python(files: dict[str, bytes], top: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, time.gmtime()[:6]), content, 8)
    return out.getvalue()


def _by_jar(files: dict[str, bytes], top: Path) -> bytes:
    _lay_out(files, top)
    subprocess.run(["jar", "cf", str(top / "out.war"), "-C", str(top / "tree"), "."], check=True)
    return (top / "out.war").read_bytes()


def _by_info_zip(files: dict[str, bytes], top: Path) -> bytes:
    _lay_out(files, top)
    subprocess.run(["zip", "-qr", str(top / "out.war"), "."], cwd=top / "tree", check=True)
    return (top / "out.war").read_bytes()


#: When CI is said to have written its files.
_BUILT = 1_790_000_000


def _lay_out(files: dict[str, bytes], top: Path) -> None:
    shutil.rmtree(top, ignore_errors=True)
    for name, content in files.items():
        (top / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (top / "tree" / name).write_bytes(content)
        # Archives hold these times: they are no part of what has changed.
        os.utime(top / "tree" / name, (_BUILT, _BUILT))


@pytest.mark.parametrize("by", [_by_python, _by_jar, _by_info_zip])
def test_of_a_war_that_is_changed_a_little_only_that_is_moved(
    host: Host, server: FileServer, tmp_path: Path, by
) -> None:
    tool = {"_by_jar": "jar", "_by_info_zip": "zip"}.get(by.__name__)
    need(tool or "", not tool or shutil.which(tool), f"{tool} is not installed")
    old = by(_war(set()), tmp_path / "build")
    new = by(_war({7, 8, 50, 51, 52, 120, 121, 160, 161, 199}), tmp_path / "build")
    server.files["/site.war"] = new

    came, how = host.fetch(artifact_of(new, f"{server.url}/site.war"), host.has_had(old))

    assert came == new
    assert how.moved == server.sent
    # Info-ZIP writes times of access into each entry's own header: those headers are moved too.
    assert how.moved < (0.25 if by is _by_info_zip else 0.10) * len(new)
    assert "the rest is as in an earlier version" in how.how


def test_a_war_that_is_changed_a_lot_is_moved_as_a_whole(
    host: Host, server: FileServer, tmp_path: Path
) -> None:
    old = _by_python(_war(set()), tmp_path)
    new = _by_python(_war({*range(180)}), tmp_path)
    server.files["/site.war"] = new

    came, how = host.fetch(artifact_of(new, f"{server.url}/site.war"), host.has_had(old))

    assert came == new
    assert how.moved < 1.05 * len(new)
    assert "earlier version" not in how.how


def test_a_server_without_ranges_costs_no_more_than_the_whole(
    host: Host, server: FileServer, tmp_path: Path
) -> None:
    old, new = _by_python(_war(set()), tmp_path), _by_python(_war({1}), tmp_path)
    server.files["/site.war"] = new
    server.faults = [Fault("ignore_range")]

    came, how = host.fetch(artifact_of(new, f"{server.url}/site.war"), host.has_had(old))

    assert came == new
    assert how.how == f"{len(new)} bytes"


def test_only_changed_can_be_switched_off(host: Host, server: FileServer, tmp_path: Path) -> None:
    old, new = _by_python(_war(set()), tmp_path), _by_python(_war({1}), tmp_path)
    server.files["/site.war"] = new
    _, how = host.fetch(
        artifact_of(new, f"{server.url}/site.war"), host.has_had(old), only_changed=False
    )
    assert how.moved == len(new)
