"""A second master: its job cache and events in the database, everything else out of gitfs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from saltfactories.manager import FactoriesManager

from tests.support.need import need
from tests.support.salt_lab import FOLDERS, PROJECT, Lab, bare_python
from tests.support.waiting import wait_until


def repository(directory: Path) -> str:
    """A bare repository with what is in the checkout now; answer with its address."""
    work, bare = directory / "work", directory / "bare.git"
    for folder in FOLDERS:
        shutil.copytree(
            PROJECT / folder, work / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    settings = ["-c", "user.name=CI", "-c", "user.email=ci@example.com"]
    quiet = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(directory)}
    for words in (
        ["init", "--quiet", "--initial-branch=main", str(work)],
        ["-C", str(work), "add", "."],
        ["-C", str(work), *settings, "commit", "--quiet", "--message=as it is"],
        ["clone", "--quiet", "--bare", str(work), str(bare)],
    ):
        subprocess.run(["git", *words], check=True, env=quiet)
    return f"file://{bare}"


@pytest.fixture(scope="module")
def other(
    salt_factories: FactoriesManager, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """The second master, with a minion that has nothing installed."""
    has_git = shutil.which("git") and (find_spec("pygit2") or find_spec("git"))
    need("gitfs", has_git, "gitfs needs git, and pygit2 or GitPython")
    directory = tmp_path_factory.mktemp("gitfs")
    config = {
        "master_job_cache": "pushguide",
        "event_return": ["pushguide"],
        "fileserver_backend": ["roots", "gitfs"],
        "gitfs_provider": "pygit2" if find_spec("pygit2") else "gitpython",
        "gitfs_remotes": [repository(directory)],
        "gitfs_base": "main",
    }
    with Lab(salt_factories, "abc", [], config, folders=()) as lab:
        minion = lab.add_minion("m1", bare_python(Path(sys.executable), directory / "python"))
        lab.minions.append("m1")
        with minion.started():
            yield lab


def test_the_second_master(other: Lab) -> None:
    # With no database at all, jobs are published and answered all the same.
    assert not list(Path(other.master.config["cachedir"]).parent.glob("pushguide/*"))
    assert other.salt("m1", "test.echo", "without a database") == "without a database"
    assert "is not available" in other.salt("m1", "pushguide.inspect")

    # Once it is there, jobs are read back out of it.
    module = other.define("from-git", hosts=["m1"], strategy={"prepare": "all_first"})
    module.publish("1.0.0")
    setup = other.run("pushguide.setup")
    assert (setup.returncode, setup.data["missing"]) == (0, [])
    assert other.salt("m1", "test.echo", "kept") == "kept"
    wait_until(lambda: other.count("job_return", "fun = 'test.echo'"), "the job's return")
    ((jid,),) = other.query("SELECT jid FROM job_return WHERE fun = 'test.echo'")
    looked_up = other.run("jobs.lookup_jid", None, jid)
    assert looked_up.data == {"m1": "kept"}
    assert jid in other.run("jobs.list_jobs").data

    # A minion that has nothing installed gets everything out of the repository.
    synced = other.salt("m1", "saltutil.sync_all")
    assert "modules.pushguide_static_site" in synced["modules"]
    assert "states.pushguide" in synced["states"]
    assert any(name.startswith("utils.pushguide") for name in synced["utils"])

    # And so does the master with its orchestration files.
    assert module.deploy("1.0.0").returncode == 0
    assert module.live("m1") == "version 1.0.0"
    wait_until(lambda: other.count("event", "tag LIKE 'pushguide/deployment/1/%'"), "the events")
    assert other.count("event") == other.count("event", "tag LIKE 'pushguide/%'")
