"""Whole deployments of plain files on one host."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pushguide.errors import Refused, StepFailed
from pushguide.host import retention
from pushguide.host.journal import Journal
from pushguide.host.links import target_of
from pushguide.host.pointer import link_at
from pushguide.host.types.static_site import StaticSite
from pushguide.share import Artifact, Share
from pushguide.words import (
    BAD,
    FAILED,
    GOOD,
    RESTORED,
    SKIPPED,
    STAGES,
    SUCCEEDED,
    UNCHANGED,
    UNPROVEN,
    WARNING,
)
from tests.faults.servers import ArtifactServer
from tests.support.health import Health
from tests.support.host import Host, outcomes, steps


def broken(host: Host, version: str) -> Artifact:
    """A version whose probe will fail."""
    return host.build(version, {"health": "out of order"})


# The way of a deployment.


def test_a_first_version(probed: Host) -> None:
    artifact = probed.build(
        "1", {"health": "version 1", "css/site.css": "body {}", "index.html": "<p>"}
    )
    answer = probed.deploy("1", artifact=artifact)
    told = {
        "module": "shop",
        "environment": "production",
        "deployment": 1,
        "token": 1,
        "outcome": SUCCEEDED,
        "error": None,
        "live": "1",
    }
    assert {key: answer[key] for key in told} == told
    assert outcomes(answer) == dict.fromkeys(STAGES, SUCCEEDED)
    assert probed.context == {}
    assert (probed.root / "live" / "css" / "site.css").read_text() == "body {}"
    assert sorted(one.name for one in probed.root.iterdir()) == ["live", "releases"]
    release = probed.journal.releases["1-1"]
    assert (release.mark, release.deployment, release.sha256) == (GOOD, 1, artifact.sha256)


def test_the_steps_of_a_deployment_in_their_order(probed: Host) -> None:
    answer = probed.deploy("1")
    assert {one["stage"]: [step["name"] for step in one["steps"]] for one in answer["stages"]} == {
        "prepare": [
            "check_runtime",
            "choose_release",
            "make_room",
            "check_space",
            "check_standards",
            "fetch",
            "unpack",
            "configure",
        ],
        "pre_release": ["save", "drain"],
        "release": ["switch"],
        "post_release": ["warm_up", "probe", "put_back", "mark_good", "retire"],
    }


def test_a_second_version(probed: Host) -> None:
    probed.deploy("1")
    answer = probed.deploy("2")
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "2")
    assert (probed.health, probed.live) == ("version 2", "2-2")
    assert probed.releases == ["1-1", "2-2"]
    assert [one.version for one in probed.journal.good_releases()] == ["2", "1"]
    assert steps(answer, "pre_release")["save"] == (SUCCEEDED, "before: 1")


def test_live_traffic_is_untouched_until_release(probed: Host) -> None:
    probed.deploy("1")
    share = probed.share("2")
    for stages in ("prepare", "pre_release"):
        assert probed.run(share, stages)["live"] == "1"
        assert probed.health == "version 1"
    assert probed.run(share, "release, post_release")["live"] == "2"
    assert probed.health == "version 2"


def test_the_version_that_is_live_changes_nothing_but_the_journal(probed: Host) -> None:
    artifact = probed.build("1")
    probed.deploy("1", artifact=artifact)
    before = probed.files()
    answer = probed.deploy("1", artifact=artifact)
    assert (answer["outcome"], answer["live"]) == (UNCHANGED, "1")
    assert outcomes(answer) == dict.fromkeys(STAGES, UNCHANGED)
    assert steps(answer, "prepare")["choose_release"] == (UNCHANGED, "1-1 is live already")
    assert probed.files() == before
    assert (probed.journal.deployment, probed.journal.outcome) == (2, UNCHANGED)


def test_the_same_label_with_other_content_is_another_release(probed: Host) -> None:
    probed.deploy("1")
    other = probed.build("1", {"health": "version 1", "more": "x"})
    assert probed.deploy("1", artifact=other)["outcome"] == SUCCEEDED
    assert probed.live == "1-2"


def test_a_redeployment_gets_a_new_directory(probed: Host) -> None:
    artifact = probed.build("1")
    probed.deploy("1", artifact=artifact)
    (probed.root / "live" / "health").write_text("somebody changed it")
    answer = probed.deploy("1", artifact=artifact, kind="redeploy")
    assert answer["outcome"] == SUCCEEDED
    assert (probed.live, probed.health) == ("1-2", "version 1")
    assert (probed.root / "releases" / "1-1" / "health").read_text() == "somebody changed it"


def test_a_release_directory_is_never_written_over(probed: Host) -> None:
    taken = probed.root / "releases" / "1-1"
    taken.mkdir(parents=True)
    (taken / "health").write_text("not ours")
    answer = probed.deploy("1")
    assert steps(answer, "prepare")["choose_release"] == (SUCCEEDED, "1-1.2")
    assert probed.health == "version 1"


def test_a_link_of_its_own(probed: Host, tmp_path: Path) -> None:
    link = tmp_path / "document-root"
    answer = probed.run(probed.share("1", settings={"link": str(link)}, probe=None))
    assert answer["outcome"] == SUCCEEDED
    assert target_of(str(link)) == str(probed.root / "releases" / "1-1")
    assert probed.live is None
    assert steps(answer, "post_release")["probe"] == (SKIPPED, "the template has no probe")


# Failing, and going back at once.


def test_a_failing_probe_brings_the_old_version_back(probed: Host) -> None:
    probed.deploy("1")
    answer = probed.deploy("2", artifact=broken(probed, "2"))
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert "does not hold 'version 2'" in answer["error"]
    assert outcomes(answer) == {
        "prepare": SUCCEEDED,
        "pre_release": SUCCEEDED,
        "release": SUCCEEDED,
        "post_release": FAILED,
        "restore": SUCCEEDED,
    }
    assert probed.context == {"retcode": 1}
    assert (probed.health, probed.live, probed.journal.live) == ("version 1", "1-1", "1-1")
    bad = probed.journal.releases["2-2"]
    assert bad.mark == BAD
    assert bad.reason is not None
    assert "#2: Probing" in bad.reason
    assert "2-2" in probed.releases
    assert [one.version for one in probed.journal.good_releases()] == ["1"]


def test_a_first_version_that_fails_leaves_nothing_live(probed: Host) -> None:
    answer = probed.deploy("1", artifact=broken(probed, "1"))
    assert (answer["outcome"], answer["live"]) == (RESTORED, None)
    assert steps(answer, "restore")["probe_restored"][0] == SKIPPED
    assert not os.path.lexists(probed.root / "live")
    assert probed.journal.live is None
    assert probed.deploy("2")["outcome"] == SUCCEEDED


def test_a_link_that_was_somebody_elses_is_put_back(probed: Host, tmp_path: Path) -> None:
    (tmp_path / "by-hand").mkdir()
    link = link_at(str(probed.root / "live"))
    link.point_at(str(tmp_path / "by-hand"))
    answer = probed.deploy("1", artifact=broken(probed, "1"))
    assert (answer["outcome"], answer["live"]) == (RESTORED, None)
    assert link.read() == str(tmp_path / "by-hand")


def test_without_restoring_it_is_left_as_it_is(probed: Host) -> None:
    probed.deploy("1")
    answer = probed.deploy("2", artifact=broken(probed, "2"), restore_on_failure=False)
    assert (answer["outcome"], answer["live"]) == (FAILED, "2")
    assert "restore" not in outcomes(answer)
    assert probed.health == "out of order"
    assert probed.journal.releases["2-2"].mark == BAD
    # The next one that fails goes back to what was proven, not to what was left.
    answer = probed.deploy("3", artifact=broken(probed, "3"))
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert probed.health == "version 1"


def test_if_the_old_version_does_not_answer_either_that_is_said_loudly(probed: Host) -> None:
    probed.deploy("1")
    (probed.root / "live" / "health").write_text("broken meanwhile")
    answer = probed.deploy("2", artifact=broken(probed, "2"))
    assert (answer["outcome"], answer["live"]) == (FAILED, "1")
    assert "does not hold 'version 2'" in answer["error"]
    assert "was not put back to what ran before: Probing" in answer["error"]
    assert "does not hold 'version 1'" in answer["error"]
    assert outcomes(answer)["restore"] == FAILED
    assert probed.live == "1-1"


def test_going_back_is_proven_by_the_probe_of_the_version_that_ran(probed: Host) -> None:
    probed.deploy("1")
    stricter = {**probed.given["probe"], "text": "version {version}, revision"}
    answer = probed.deploy("2", probe=stricter)
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")


def test_an_earlier_proven_release_is_not_marked_bad(probed: Host) -> None:
    probed.deploy("1")
    probed.deploy("2")
    (probed.root / "releases" / "1-1" / "health").write_text("broken meanwhile")
    answer = probed.rollback("1")
    assert (answer["outcome"], answer["live"]) == (RESTORED, "2")
    assert probed.journal.releases["1-1"].mark == GOOD


def test_a_failing_live_version_stays_live(probed: Host) -> None:
    artifact = probed.build("1")
    probed.deploy("1", artifact=artifact)
    (probed.root / "live" / "health").write_text("broken meanwhile")
    answer = probed.deploy("1", artifact=artifact)
    assert (answer["outcome"], answer["live"]) == (FAILED, "1")
    assert probed.journal.releases["1-1"].mark == GOOD


# Rollback.


def test_back_to_a_kept_release_without_its_artifact(probed: Host) -> None:
    for version in ("1", "2", "3"):
        probed.deploy(version)
    answer = probed.rollback("1")
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "1")
    assert steps(answer, "prepare")["choose_release"] == (UNCHANGED, "1-1 is kept here")
    assert steps(answer, "prepare")["fetch"] == (SKIPPED, "nothing to bring")
    assert probed.live == "1-1"
    # From there too there is a way back: to what was live last.
    assert [one.version for one in probed.journal.good_releases()] == ["1", "3", "2"]
    assert probed.deploy("4", artifact=broken(probed, "4"))["live"] == "1"


def test_back_to_what_is_live_is_unchanged(probed: Host) -> None:
    probed.deploy("1")
    assert probed.rollback("1")["outcome"] == UNCHANGED


def test_back_to_what_is_not_kept_brings_the_artifact(probed: Host) -> None:
    probed.deploy("2")
    answer = probed.deploy("1", kind="rollback")
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "1")


@pytest.mark.parametrize("how", ["never was", "bad", "removed"])
def test_back_to_nothing_is_a_clean_failure(probed: Host, how: str) -> None:
    probed.deploy("1", artifact=broken(probed, "1") if how == "bad" else None or probed.build("1"))
    probed.deploy("2")
    if how == "removed":
        shutil.rmtree(probed.root / "releases" / "1-1")
    version = "0" if how == "never was" else "1"
    answer = probed.rollback(version)
    assert (answer["outcome"], answer["live"]) == (FAILED, "2")
    assert f"Going back to {version} failed: no good release of it is kept" in answer["error"]
    assert "Deploy it" in answer["error"]
    assert outcomes(answer) == {"prepare": FAILED}
    assert probed.health == "version 2"


def test_back_to_a_kept_release_of_other_content_brings_the_artifact(probed: Host) -> None:
    probed.deploy("1", artifact=probed.build("1", {"health": "version 1", "old": ""}))
    probed.deploy("2")
    assert probed.deploy("1", kind="rollback")["live"] == "1"
    assert probed.live == "1-3"


# Stages: again, with gaps, in any order.


def test_finished_stages_change_nothing_when_they_run_again(probed: Host) -> None:
    probed.deploy("1")
    share = probed.share("2")
    probed.run(share)
    before = probed.files()
    answer = probed.run(share)
    assert (answer["outcome"], answer["live"]) == (UNCHANGED, "2")
    assert [one["again"] for one in answer["stages"]] == [True] * 4
    assert probed.files() == before
    assert probed.run(share, "post_release")["outcome"] == UNCHANGED
    assert probed.files() == before


def test_only_what_is_left_is_run(probed: Host) -> None:
    share = probed.share("1")
    probed.run(share, "prepare")
    answer = probed.run(share)
    assert answer["outcome"] == SUCCEEDED
    assert [one.get("again", False) for one in answer["stages"]] == [True, False, False, False]


@pytest.mark.parametrize(
    ("done", "stages", "missing"),
    [
        ([], ["pre_release"], "prepare"),
        ([], ["release"], "prepare"),
        (["prepare"], ["release"], "pre_release"),
        (["prepare"], ["post_release"], "pre_release"),
        ([], ["prepare", "release"], "pre_release"),
        ([], ["prepare", "pre_release", "post_release"], "release"),
        (["prepare", "pre_release"], ["post_release"], "release"),
    ],
)
def test_gaps_are_refused(
    probed: Host, done: list[str], stages: Sequence[str], missing: str
) -> None:
    probed.deploy("1")
    share = probed.share("2")
    if done:
        probed.run(share, done)
    before = probed.files()
    with pytest.raises(Refused, match=f"{missing} has not succeeded"):
        probed.run(share, stages)
    assert probed.files() == before
    assert probed.health == "version 1"


def test_the_stages_of_another_deployment_do_not_count(probed: Host) -> None:
    probed.run(probed.share("1"), "prepare")
    with pytest.raises(Refused, match="prepare has not succeeded"):
        probed.run(probed.share("2"), "pre_release")


@pytest.mark.parametrize(
    "stages", ["release, post_release, prepare pre_release", reversed(STAGES), [*STAGES, *STAGES]]
)
def test_stages_run_in_their_order(probed: Host, stages: Any) -> None:
    answer = probed.run(probed.share("1"), stages)
    assert list(outcomes(answer)) == list(STAGES)


@pytest.mark.parametrize("stages", ["", [], "deploy", ["prepare", "restore"]])
def test_unknown_stages_are_refused(probed: Host, stages: Any) -> None:
    with pytest.raises(Refused, match="No such stages"):
        probed.run(probed.share("1"), stages)
    assert not probed.journal_path.exists()


def test_what_was_put_back_is_not_taken_for_done(probed: Host) -> None:
    """The live stages of a deployment were undone: to run it again is to release again."""
    probed.deploy("1")
    share = probed.share("2", artifact=broken(probed, "2"))
    assert probed.run(share)["outcome"] == RESTORED
    with pytest.raises(Refused, match="pre_release has not succeeded"):
        probed.run(share, "post_release")
    (probed.root / "releases" / "2-2" / "health").write_text("version 2: it was the database")
    answer = probed.run(share)
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "2")
    assert [one.get("again", False) for one in answer["stages"]] == [True, False, False, False]
    assert list(probed.journal.stages) == list(STAGES)
    assert probed.journal.releases["2-2"].mark == GOOD


def test_running_it_again_is_no_proof_where_there_is_no_probe(host: Host) -> None:
    host.deploy("1")

    class Failing(StaticSite):
        def ask(self, probe: object, version: str) -> Any:
            raise StepFailed("the load balancer does not take it back")

    share = host.share("2")
    host.project_type = Failing
    assert host.run(share)["live"] == "1"
    host.project_type = StaticSite
    answer = host.run(share)
    assert (answer["outcome"], answer["live"], host.health) == (SUCCEEDED, "2", "version 2")


def test_a_clean_up_that_fails_is_a_warning(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.deploy("1")
    share = host.share("2")
    host.run(share, "prepare")
    (Path(share["root"]) / "releases" / "left").mkdir()
    double = mock.create_autospec(retention.retire, side_effect=PermissionError(13, "denied"))
    monkeypatch.setattr(retention, "retire", double)
    answer = host.run(share)
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "2")
    assert steps(answer, "post_release")["retire"][0] == WARNING


# What must not be mixed up.


def test_a_number_that_comes_again_out_of_another_database_is_another_deployment(
    host: Host,
) -> None:
    host.run({**host.share("1"), "deployment": 1, "token": 10, "uid": "a"})
    answer = host.run({**host.share("2"), "deployment": 1, "token": 11, "uid": "b"})
    assert (answer["outcome"], answer["live"]) == (SUCCEEDED, "2")


def test_a_root_that_another_environment_has_is_refused_and_nothing_of_it_is_lost(
    host: Host,
) -> None:
    host.deploy("1")
    before = sorted((host.root / "releases").iterdir())
    answer = host.run({**host.share("2"), "environment": "staging"})
    assert answer["outcome"] == FAILED
    assert "is the root of shop (production) on this host too" in answer["error"]
    assert sorted((host.root / "releases").iterdir()) == before
    assert target_of(str(host.root / "live")) == str(before[0])
    assert host.deploy("3")["outcome"] == SUCCEEDED


def test_a_link_that_another_module_has_is_refused(host: Host, tmp_path: Path) -> None:
    link = {"link": str(tmp_path / "www")}
    host.run({**host.share("1"), "settings": link})
    other = {"module": "blog", "root": str(tmp_path / "blog"), "settings": link}
    (tmp_path / "blog").mkdir()
    answer = host.run({**host.share("2"), **other})
    assert answer["outcome"] == FAILED
    assert "is the live pointer of shop (production)" in answer["error"]


# Shares that do not read.


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"kind": "destroy"}, "kind is 'destroy'"),
        ({"artifact": {"version": "1"}}, "does not read"),
        ({"version": ...}, "does not read: .*version"),
    ],
)
def test_a_share_that_does_not_read_is_refused(
    host: Host, change: dict[str, Any], problem: str
) -> None:
    share = {**host.share("1"), **change}
    share = {key: value for key, value in share.items() if value is not ...}
    with pytest.raises(Refused, match=problem) as error:
        host.run(share)
    assert "saltutil.sync_all" in str(error.value)
    assert not host.journal_path.exists()


def test_something_that_is_no_share_is_refused() -> None:
    with pytest.raises(Refused, match="str, not a mapping"):
        Share.from_dict("shop")  # type: ignore[arg-type]


# What can be wrong with a host or an artifact: found in prepare, and live traffic goes on.


def demand_untouched(host: Host, answer: dict[str, Any]) -> None:
    """Prepare failed, version 1 is live, and nothing of the attempt is left."""
    assert (answer["outcome"], answer["live"]) == (FAILED, "1")
    assert outcomes(answer) == {"prepare": FAILED}
    assert host.context == {"retcode": 1}
    assert host.health == "version 1"
    assert host.releases == ["1-1"]
    assert sorted(one.name for one in host.root.iterdir()) == ["live", "releases"]
    assert host.deploy("9")["live"] == "9"


def test_a_wrong_sha256(host: Host) -> None:
    host.deploy("1")
    artifact = host.build("2")._replace(sha256="0" * 64)
    answer = host.deploy("2", artifact=artifact)
    assert steps(answer, "prepare")["fetch"][0] == FAILED
    assert f"sha256 {'0' * 64}, got {artifact.size} bytes" in answer["error"]
    demand_untouched(host, answer)


def test_a_transfer_that_breaks_off_is_not_called_damage(host: Host) -> None:
    host.deploy("1")
    artifact = host.build("2")
    server = ArtifactServer(host.artifacts)
    server.start()
    artifact = artifact._replace(url=f"{server.url}/{artifact.name}")
    try:
        server.cuts_next = True
        answer = host.deploy("2", artifact=artifact, transfer={"attempts": 1})
        said = f"{artifact.url} broke off, with "
        assert said in answer["error"]
        demand_untouched(host, answer)
        server.cuts_next = True
        assert host.deploy("2", artifact=artifact)["outcome"] == SUCCEEDED
    finally:
        server.stop()


@pytest.mark.parametrize("change", [-1, 1])
def test_a_wrong_size(host: Host, change: int) -> None:
    host.deploy("1")
    artifact = host.build("2")
    answer = host.deploy("2", artifact=artifact._replace(size=artifact.size + change))
    told = "longer than the" if change < 0 else "expected"
    assert f"{told} {artifact.size + change} bytes" in answer["error"]
    demand_untouched(host, answer)


def test_no_more_is_fetched_than_was_announced(host: Host) -> None:
    host.deploy("1")
    artifact = host.publish("2", "huge.tar.gz", bytes(4 * 2**20))._replace(size=100)
    answer = host.deploy("2", artifact=artifact)
    assert "it is longer than the 100 bytes that it should have" in answer["error"]
    demand_untouched(host, answer)


def test_an_artifact_that_is_not_there(host: Host) -> None:
    host.deploy("1")
    artifact = host.build("2")
    (host.artifacts / artifact.name).unlink()
    answer = host.deploy("2", artifact=artifact)
    assert f"Fetching {artifact.name} of 2 failed: reading " in answer["error"]
    demand_untouched(host, answer)


def test_an_artifact_over_http(host: Host, web: Health) -> None:
    host.deploy("1")
    artifact = host.build("2")
    path = (host.artifacts / artifact.name).relative_to(web.directory)
    there = artifact._replace(url=f"{web.url}/files/{path}")
    assert host.deploy("2", artifact=there)["outcome"] == SUCCEEDED
    assert host.health == "version 2"
    gone = host.build("3")._replace(url=f"{web.url}/files/{path}.gone")
    answer = host.deploy("3", artifact=gone)
    assert outcomes(answer) == {"prepare": FAILED}
    assert f"{gone.url} answered 404" in answer["error"]
    assert host.health == "version 2"


def test_an_artifact_that_is_no_archive(host: Host) -> None:
    host.deploy("1")
    answer = host.deploy("2", artifact=host.publish("2", "shop-2.tar.gz", b"<html>Sorry!</html>"))
    assert steps(answer, "prepare")["unpack"][0] == FAILED
    assert "not an archive" in answer["error"]
    demand_untouched(host, answer)


def test_an_archive_that_leaves_its_directory(host: Host, tmp_path: Path) -> None:
    host.deploy("1")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../../escaped"), io.BytesIO())
    answer = host.deploy("2", artifact=host.publish("2", "shop-2.tar", packed.getvalue()))
    assert "escaped" in answer["error"]
    assert list(tmp_path.rglob("escaped")) == []
    demand_untouched(host, answer)


def test_an_archive_that_is_cut_short(host: Host) -> None:
    host.deploy("1")
    whole = (host.artifacts / host.build("2").name).read_bytes()
    answer = host.deploy("2", artifact=host.publish("2", "cut.tar.gz", whole[:-20]))
    assert steps(answer, "prepare")["unpack"][0] == FAILED
    demand_untouched(host, answer)


def test_a_full_disk(host: Host) -> None:
    host.deploy("1")
    answer = host.deploy("2", min_free_mb=2**40)
    assert "MiB are needed" in answer["error"]
    assert str(host.root / "releases") in answer["error"]
    assert list(steps(answer, "prepare"))[-1] == "check_space"
    demand_untouched(host, answer)


def test_a_disk_that_fills_up_while_unpacking(host: Host) -> None:
    host.deploy("1")

    class Full(StaticSite):
        def place(self, artifact: str, destination: str) -> str:
            super().place(artifact, destination)
            raise OSError(28, "No space left on device", destination)

    host.project_type = Full
    answer = host.deploy("2")
    assert "No space left on device" in answer["error"]
    host.project_type = StaticSite
    demand_untouched(host, answer)


@pytest.mark.parametrize("below", ["root", "root/releases"])
def test_a_root_that_cannot_be_written(host: Host, tmp_path: Path, below: str) -> None:
    if below == "root":
        (tmp_path / "file").write_text("")
        root = tmp_path / "file" / "shop"
    else:
        root = tmp_path / "shop"
        root.mkdir()
        (root / "releases").write_text("")
    answer = host.deploy("1", root=str(root))
    assert outcomes(answer) == {"prepare": FAILED}
    assert f"Writing to {root / 'releases'} failed" in answer["error"]
    assert "change the root of the template" in answer["error"]


def test_something_else_in_the_place_of_the_link(host: Host) -> None:
    (host.root / "live").mkdir()
    (host.root / "live" / "index.html").touch()
    answer = host.deploy("1")
    assert outcomes(answer) == {"prepare": FAILED}
    assert "but something else: move it away once" in answer["error"]
    assert (host.root / "live" / "index.html").exists()


def test_a_prepared_release_that_somebody_removed(host: Host) -> None:
    host.deploy("1")
    share = host.share("2")
    host.run(share, "prepare")
    shutil.rmtree(host.root / "releases" / "2-2")
    answer = host.run(share)
    assert (answer["outcome"], answer["live"]) == (FAILED, "1")
    assert "2-2 is gone" in answer["error"]
    assert "restore" not in outcomes(answer)
    assert host.health == "version 1"
    assert host.deploy("3")["live"] == "3"


def test_what_another_deployment_fetched_is_cleared_away(host: Host) -> None:
    left = host.root / ".incoming" / "huge.tar.gz"
    left.parent.mkdir()
    left.write_text("half")
    assert host.deploy("1")["outcome"] == SUCCEEDED
    assert not left.parent.exists()


def test_the_journal_knows_what_it_is_about(host: Host) -> None:
    host.run(host.share("1"), "prepare")
    journal: Journal = host.journal
    assert (journal.module, journal.environment, journal.type) == (
        "shop",
        "production",
        "static_site",
    )
    assert (journal.root, journal.kind, journal.version) == (str(host.root), "deploy", "1")
    assert journal.releases["1-1"].mark == UNPROVEN
    assert journal.summary()["unproven"] == ["1"]
