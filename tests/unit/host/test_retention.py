"""Retention: what stays on a host, and what does not."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest import mock

import pytest

from pushguide.host.journal import Journal, Release
from pushguide.host.retention import names_to_keep, retire
from pushguide.words import BAD, GOOD, SUCCEEDED, UNPROVEN, WARNING
from tests.support.host import Host, steps


class Kept:
    """A journal with releases, and their directories."""

    def __init__(self, top: Path) -> None:
        self.directory = top / "releases"
        self.directory.mkdir()
        self.journal = Journal(str(top / "journal.json"), "shop", "production")

    def add(self, name: str, mark: str) -> None:
        path = self.directory / name
        path.mkdir()
        (path / "file").write_text(name)
        time = float(len(self.journal.releases))
        self.journal.releases[name] = Release(name, name, "", str(path), 1, time, mark, time)

    def retire(self, keep: int, live: str | None = None) -> tuple[list[str], list[str]]:
        return retire(self.journal, str(self.directory), keep, live)

    @property
    def names(self) -> list[str]:
        return sorted(one.name for one in self.directory.iterdir())


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_the_live_one_and_the_good_ones_proved_last_stay(kept: Kept) -> None:
    for name in ("v1", "v2", "v3", "v4", "v5"):
        kept.add(name, GOOD)
    kept.journal.live = "v5"
    assert kept.retire(2) == (["v1", "v2"], [])
    assert kept.names == ["v3", "v4", "v5"]
    assert sorted(kept.journal.releases) == ["v3", "v4", "v5"]
    assert kept.retire(2) == ([], [])


def test_what_counts_is_when_a_release_was_proved_not_when_it_was_made(kept: Kept) -> None:
    for name in ("v1", "v2", "v3", "v4"):
        kept.add(name, GOOD)
    kept.journal.live = "v4"
    kept.journal.releases["v1"].marked = 99.0  # it was gone back to
    assert names_to_keep(kept.journal, 1) == {"v4", "v1"}


@pytest.mark.parametrize("keep", [0, 1])
def test_the_last_good_one_always_stays(kept: Kept, keep: int) -> None:
    for name in ("v1", "v2", "v3"):
        kept.add(name, GOOD)
    kept.journal.live = "v3"
    kept.retire(keep)
    assert kept.names == ["v2", "v3"]


def test_bad_ones_never_use_up_the_places_of_good_ones(kept: Kept) -> None:
    for name in ("v1", "v2"):
        kept.add(name, GOOD)
    for name in ("v3", "v4", "v5", "v6"):
        kept.add(name, BAD)
    kept.journal.live = "v2"
    kept.retire(1)
    assert kept.names == ["v1", "v2", "v6"]


def test_the_newest_bad_one_is_kept_as_evidence(kept: Kept) -> None:
    kept.add("v9", BAD)
    kept.add("v1", GOOD)
    kept.add("v2", BAD)
    kept.journal.live = "v1"
    kept.retire(3)
    assert kept.names == ["v1", "v2"]


def test_a_live_one_that_is_bad_stays(kept: Kept) -> None:
    kept.add("v1", GOOD)
    kept.add("v2", BAD)
    kept.add("v3", BAD)
    kept.journal.live = "v2"
    assert names_to_keep(kept.journal, 1) == {"v1", "v2", "v3"}


def test_what_the_pointer_names_stays_even_if_the_journal_is_behind(kept: Kept) -> None:
    kept.add("v1", GOOD)
    kept.add("v2", UNPROVEN)
    kept.journal.live = "v1"
    kept.retire(1, live="v2")
    assert kept.names == ["v1", "v2"]


def test_the_one_that_is_being_deployed_stays(kept: Kept) -> None:
    kept.add("v1", GOOD)
    kept.add("v2", UNPROVEN)
    kept.journal.live, kept.journal.target = "v1", {"how": "new", "name": "v2"}
    kept.retire(1)
    assert kept.names == ["v1", "v2"]


def test_what_is_half_made_or_unproven_or_unknown_goes(kept: Kept) -> None:
    kept.add("v1", GOOD)
    kept.add("v2", UNPROVEN)
    kept.journal.live = "v1"
    (kept.directory / "v3-3.partial" / "deep").mkdir(parents=True)
    (kept.directory / "stray").write_text("")
    (kept.directory / "link").symlink_to(kept.directory / "v1")
    removed, left = kept.retire(3)
    assert (removed, left) == (["link", "stray", "v2", "v3-3.partial"], [])
    assert kept.names == ["v1"]
    assert (kept.directory / "v1" / "file").exists()


def test_a_release_whose_directory_is_gone_is_forgotten(kept: Kept) -> None:
    kept.add("v1", GOOD)
    kept.add("v2", GOOD)
    kept.add("v3", UNPROVEN)
    kept.journal.live = "v2"
    for name in ("v1", "v3"):
        shutil.rmtree(kept.directory / name)
    kept.retire(3)
    assert sorted(kept.journal.releases) == ["v2"]


def test_a_removal_that_breaks_off_leaves_nothing_that_could_pass_for_a_release(
    kept: Kept,
) -> None:
    for name in ("v1", "v2", "v3"):
        kept.add(name, GOOD)
    kept.journal.live = "v3"
    breaks = mock.create_autospec(shutil.rmtree, side_effect=OSError("busy"))
    with mock.patch.object(shutil, "rmtree", breaks):
        assert kept.retire(1) == ([], ["v1"])
    assert [one.name for one in kept.journal.good_releases()] == ["v3", "v2"]
    assert kept.names == ["v1.removed", "v2", "v3"]
    assert kept.retire(1) == (["v1.removed"], [])
    assert kept.names == ["v2", "v3"]


# In a deployment.


def test_a_directory_that_cannot_be_removed_is_a_warning_only(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.given["keep_releases"] = 1
    for version in ("1", "2"):
        host.deploy(version)
    rmtree = shutil.rmtree

    def busy(path: str, *args: object, **more: object) -> None:
        if "1-1" in str(path):
            raise OSError(16, "Device or resource busy", path)
        rmtree(path, *args, **more)  # type: ignore[arg-type]

    double = mock.create_autospec(shutil.rmtree, side_effect=busy)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", double)
        answer = host.deploy("3")
    assert answer["outcome"] == SUCCEEDED
    outcome, detail = steps(answer, "post_release")["retire"]
    assert (outcome, "1-1" in detail) == (WARNING, True)
    assert (host.health, host.journal.live) == ("version 3", "3-3")
    host.deploy("4")
    assert host.releases == ["3-3", "4-4"]


def test_retention_over_many_deployments(probed: Host) -> None:
    probed.given["keep_releases"] = 2
    for version in ("1", "2", "3", "4"):
        assert probed.deploy(version)["outcome"] == SUCCEEDED
    assert probed.releases == ["2-2", "3-3", "4-4"]
    for version in ("5", "6", "7"):
        probed.deploy(version, artifact=probed.build(version, {"health": "broken"}))
    # Good ones stay; of the bad ones, the newest, and the one before until there is need.
    assert [one.version for one in probed.journal.good_releases()] == ["4", "3", "2"]
    probed.deploy("8")
    assert probed.releases == ["3-3", "4-4", "7-7", "8-8"]
    assert probed.journal.releases["7-7"].mark == BAD
    assert "#7" in str(probed.journal.releases["7-7"].reason)


def test_deployments_that_fail_again_and_again_do_not_fill_the_disk(probed: Host) -> None:
    probed.deploy("1")
    for version in ("2", "3", "4", "5"):
        probed.deploy(version, artifact=probed.build(version, {"health": "broken"}))
    assert probed.releases == ["1-1", "4-4", "5-5"]
    for version in ("6", "7"):
        probed.run(probed.share(version), "prepare")  # and then it is given up
    assert probed.releases == ["1-1", "5-5", "7-7"]
