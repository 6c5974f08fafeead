"""What a plan foretells: files, bytes, time, and hosts that are not as they should be."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pushguide.master import contents, states
from pushguide.master.plan import HostFacts, Plan, Rollout
from pushguide.master.rollout import forecast
from pushguide.master.rollout.jobs import Hosts, Return
from pushguide.master.store import host_results, lock, record
from pushguide.master.store.database import Database
from tests.unit.master.conftest import make_plan

FILES = {"index.html": b"<h1>", "js/app.js": b"let a"}


def measured(files: dict[str, bytes]) -> contents.Files:
    return {name: (len(one), hashlib.sha256(one).hexdigest()) for name, one in files.items()}


def tar_of(path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("current")
        link.type, link.linkname = tarfile.SYMTYPE, "index.html"
        archive.addfile(link)
    return path


def zip_of(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("js")
        for name, content in FILES.items():
            archive.writestr(name, content)
    return path


def test_the_files_of_an_archive(tmp_path: Path) -> None:
    for path in (tar_of(tmp_path / "a.tgz"), zip_of(tmp_path / "a.zip")):
        assert contents.of_artifact(str(path), {}) == measured(FILES)


def test_one_file_that_is_placed_as_it_is(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "app-1.0.jar")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    settings = {"unpack": False, "file_name": "app.jar"}
    assert contents.of_artifact(str(path), settings) == {"app.jar": (path.stat().st_size, digest)}


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08garbage"])
def test_what_is_no_archive_is_not_known(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tgz"
    path.write_bytes(content)
    assert contents.of_artifact(str(path), {}) is None


class LookingHosts:
    """Stands in for hosts that tell what lies in their live release."""

    def __init__(self, trees: dict[str, dict[str, Any]]) -> None:
        assert callable(Hosts.ask)
        self.trees = trees
        self.asked: list[tuple[list[str], str, bool]] = []

    def ask(
        self, hosts: list[str], function: str, arguments: dict[str, Any], timeout: float
    ) -> dict[str, Return]:
        full = bool(arguments.get("full"))
        self.asked.append((list(hosts), function, full))
        if function != "pushguide.files":
            return {hosts[0]: Return(hosts[0], {"steps": {"release": ["switch"]}}, 0)}
        return {
            host: Return(host, one if full else {"digest": one["digest"]}, 0)
            for host, one in self.trees.items()
            if host in hosts
        }


def tree(digest: str, **files: bytes) -> dict[str, Any]:
    return {"digest": digest, "files": {name: [*one] for name, one in measured(files).items()}}


def test_of_hosts_that_are_alike_one_tells_everything(database: Database) -> None:
    plan = make_plan(
        hosts={f"web{n}": HostFacts("0.1.0", "1.0.0", [], {}, "1.0.0") for n in (1, 2, 3)},
        batches=[["web1", "web2", "web3"]],
    )
    hosts = LookingHosts({"web1": tree("a"), "web2": tree("a"), "web3": tree("b")})
    told = forecast.told(plan, None, database, hosts)  # type: ignore[arg-type]
    assert [one for one in hosts.asked if one[2]] == [(["web1", "web3"], "pushguide.files", True)]
    assert told["drift"] == {"web3": "has other files in 1.0.0 than most hosts that run it"}
    assert told["steps"] == {"release": ["switch"]}
    assert told["moved_bytes"] == 30
    assert told["expected"] is None


def test_what_a_version_changes_is_told_without_configured_files() -> None:
    there = {**tree("a", **{"index.html": b"old"}), "configured": ["js/app.js"]}
    told = forecast._difference(there, measured(FILES))
    assert told
    assert told["changed"] == {"count": 1, "names": ["index.html"]}
    assert (told["added"]["count"], told["removed"]["count"]) == (0, 0)


def test_what_has_to_be_moved() -> None:
    plan = make_plan()
    live = {"web1": HostFacts("0.1.0", "1.1.0", []), "web2": HostFacts("0.1.0", "1.0.0", ["1.1.0"])}
    assert forecast._moved(replace(plan, hosts=live)) == 10
    assert forecast._moved(replace(plan, hosts=live, kind="rollback")) == 0
    assert forecast._moved(replace(plan, hosts=live, kind="redeploy")) == 20
    assert forecast._moved(replace(plan, artifact=None)) == 0


def finish(database: Database, plan: Plan, seconds: dict[str, float]) -> int:
    """A deployment that succeeded, with the same durations on each host."""

    def work(connection: Any) -> int:
        number = record.create(connection, plan, "ops", states.QUEUED)
        lock.take(connection, plan.module, plan.environment, number, 60)
        record.change_state(connection, number, states.RUNNING)
        stages = [
            {"stage": name, "outcome": "succeeded", "started": 1.0, "seconds": one, "steps": []}
            for name, one in seconds.items()
        ]
        told = {"deployment": number, "module": plan.module, "environment": plan.environment}
        for host in plan.hosts:
            result = {**told, "live": plan.version, "stages": stages}
            host_results.write_host(connection, host, result, "succeeded")
        record.change_state(connection, number, states.SUCCEEDED)
        lock.release(connection, number)
        return number

    return database.write(work)


def test_the_time_it_should_take_comes_from_those_that_succeeded(database: Database) -> None:
    plan = make_plan(batches=[["web1"], ["web2"]], rollout=Rollout(interval_seconds=7))
    numbers = [
        finish(database, plan, {"prepare": seconds, "release": 2 * seconds})
        for seconds in (10.0, 1.0, 3.0)
    ]
    found = database.read(lambda one: forecast.expected(one, plan))
    assert found
    # Prepare for all at once, two batches, one wait, three jobs: medians of 3 and 6 seconds.
    assert found["seconds"] == 3 + 2 * 6 + 7 + 3 * forecast._JOB_SECONDS
    assert found["measured_on"] == numbers
