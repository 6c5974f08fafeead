"""Sources on servers of artifacts, against doubles of them, and pins where they tell no sha256.

The doubles answer as the documentation of each server says; the real servers cannot run here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from hashlib import sha256
from typing import Any

import pytest

from pushguide.errors import BadVersion
from pushguide.master.sources.artifactory import ArtifactorySource
from pushguide.master.sources.gitea import GiteaSource
from pushguide.master.sources.gitlab import GitlabSource
from pushguide.master.sources.jenkins import JenkinsSource
from pushguide.master.sources.nexus import NexusSource
from pushguide.master.sources.server import ServerSource
from pushguide.master.store.database import Database
from pushguide.master.store.pins import Pins
from pushguide.master.templates import sources as models
from tests.support.doubles import (
    ArtifactoryDouble,
    Double,
    GiteaDouble,
    GitlabDouble,
    JenkinsDouble,
    NexusDouble,
)

WAR = b"PK what CI has built" * 50
DIGEST = sha256(WAR).hexdigest()
TOKEN = "s3cret-t0ken"

Make = Callable[..., ServerSource]


@pytest.fixture
def backend() -> str:
    """The record in SQLite alone: what pins do on others is shown with the HTTP index."""
    return "sqlite"


def maker(server: Double, database: Database, source: Any, model: Any, **usual: Any) -> Make:
    """Makes sources of one kind on a server."""

    def make(module: str = "shop", **more: Any) -> ServerSource:
        settings = {"address": f"{server.url}/{usual.get('context', '')}".rstrip("/"), **usual}
        settings.pop("context", None)
        chosen = model(**{**settings, **more})
        pins = Pins(database, module, "production")
        made: ServerSource = source(chosen, module, pins, {"token": TOKEN})
        return made

    server.authorization = f"Bearer {TOKEN}"
    return make


def labels(source: ServerSource) -> list[str]:
    """The versions that a source has, the newest first."""
    return [one.version for one in source.versions()]


# Jenkins.


@pytest.fixture
def jenkins() -> Iterator[JenkinsDouble]:
    """A job with a build that succeeded."""
    with JenkinsDouble() as server:
        server.build(41, "SUCCESS", {"target/shop.war": WAR})
        yield server


@pytest.fixture
def job(jenkins: JenkinsDouble, database: Database) -> Make:
    """The source of that job."""
    return maker(
        jenkins, database, JenkinsSource, models.JenkinsModel, kind="jenkins", job="team/shop"
    )


def test_builds_that_succeeded_are_versions(job: Make, jenkins: JenkinsDouble) -> None:
    jenkins.build(42, "FAILURE", {})
    jenkins.build(43, "UNSTABLE", {"target/shop.war": WAR})
    jenkins.build(44, "SUCCESS", {"target/shop.war": WAR})
    jenkins.build(45, None, {})  # runs still
    assert labels(job()) == ["44", "41"]
    assert labels(job(newest=1)) == []
    built = job().versions()[0].built
    assert built == datetime.fromtimestamp(1_795_000_044, timezone.utc)


def test_a_build_of_a_pipeline_tells_who_and_what(job: Make, jenkins: JenkinsDouble) -> None:
    changes = [
        {"commitId": "aaa", "msg": "Faster search\n\nby far", "author": {"fullName": "Li"}},
        {"commitId": "bbb", "msg": "Fewer logs", "author": {"fullName": "Wang"}},
    ]
    jenkins.build(
        42,
        "SUCCESS",
        {"a.war": WAR},
        changeSets=[{"_class": "hudson.plugins.git.GitChangeSetList", "items": changes}],
        actions=[{}, {"lastBuiltRevision": {"SHA1": "bbb"}}, {"causes": [{"userName": "Zhao"}]}],
    )
    one = job().versions()[0]
    told = (one.author, one.commit, one.notes)
    assert told == ("Wang", "bbb", "Faster search\nFewer logs")


def test_a_build_without_changes_tells_who_started_it(job: Make, jenkins: JenkinsDouble) -> None:
    jenkins.build(42, "SUCCESS", {}, actions=[{"causes": [{"userName": "Zhao"}]}])
    one = job().versions()[0]
    assert (one.author, one.commit, one.notes) == ("Zhao", None, None)


def test_a_freestyle_job_tells_its_changes_elsewhere(job: Make, jenkins: JenkinsDouble) -> None:
    items = [{"commitId": "ccc", "msg": "x", "author": {"fullName": "Li"}}]
    jenkins.build(42, "SUCCESS", {}, changeSet={"items": items})
    del jenkins.builds[0]["changeSets"]
    one = job().versions()[0]
    assert (one.author, one.commit, one.notes) == ("Li", "ccc", "x")


def test_what_a_build_archived_is_pinned_at_first_sight(job: Make, jenkins: JenkinsDouble) -> None:
    artifact = job().resolve("41")
    assert artifact.url == f"{jenkins.url}/job/team/job/shop/41/artifact/target/shop.war"
    assert (artifact.name, artifact.sha256, artifact.size) == ("shop.war", DIGEST, len(WAR))
    with job().open(artifact) as content:
        assert content.read() == WAR
    jenkins.files["/job/team/job/shop/41/artifact/target/shop.war"] = WAR[:-1] + b"!"
    jenkins.tag += 1
    with pytest.raises(BadVersion, match="it was changed after it was published"):
        job().resolve("41")


def test_a_checksum_and_a_signature_that_were_archived_count(
    job: Make, jenkins: JenkinsDouble
) -> None:
    digest = f"{DIGEST}  shop.war\n".encode()
    files = {"shop.war": WAR, "shop.war.sha256": digest, "shop.war.asc": b"-----BEGIN"}
    jenkins.build(42, "SUCCESS", files)
    jenkins.forget()
    artifact = job().resolve("42")
    assert artifact.sha256 == DIGEST
    assert artifact.signature == f"{artifact.url}.asc"
    read = [path for path, headers in jenkins.requests if headers.get("range") != "bytes=0-0"]
    assert not [path for path in read if path.endswith(".war")]

    jenkins.build(43, "SUCCESS", {"shop.war": WAR, "shop.war.sha256": b"<html>"})
    with pytest.raises(BadVersion, match="does not begin with a sha256"):
        job().resolve("43")


def test_of_several_files_a_pattern_picks_one(job: Make, jenkins: JenkinsDouble) -> None:
    jenkins.build(42, "SUCCESS", {"a/shop-42.war": WAR, "a/shop-42.jar": b"x", "b/other.war": b"y"})
    with pytest.raises(BadVersion, match=r"these match: a/shop-42\.jar, a/shop-42\.war, b/other"):
        job().resolve("42")
    for pattern in ("shop-{version}.war", "shop*.war", "a/*.war", "a/{module}-{version}.war"):
        assert job(file=pattern).resolve("42").name == "shop-42.war"
    with pytest.raises(BadVersion, match=r"of its files: a/shop-42\.jar"):
        job(file="*.zip").resolve("42")


def test_a_display_name_may_be_the_label(job: Make, jenkins: JenkinsDouble) -> None:
    jenkins.build(42, "SUCCESS", {"shop.war": WAR}, displayName="1.4.2")
    jenkins.build(43, "SUCCESS", {"shop.war": WAR}, displayName="no label!")
    assert labels(job(label="display_name")) == ["1.4.2", "41"]
    jenkins.build(44, "SUCCESS", {"shop.war": WAR}, displayName="1.4.2")
    with pytest.raises(BadVersion, match=r"has 2 builds that are called 1\.4\.2"):
        job(label="display_name").resolve("1.4.2")


def test_a_number_that_the_command_line_made_is_a_label(job: Make) -> None:
    assert job().label_of(41) == "41"


def test_a_job_that_there_is_not(job: Make) -> None:
    with pytest.raises(BadVersion, match=r"Asking for the builds at .* failed: 404"):
        job(job="team/shop/feature%2Fx").versions()


def test_a_name_that_needs_quoting_is_found(job: Make, jenkins: JenkinsDouble) -> None:
    jenkins.build(42, "SUCCESS", {"out put/shop 42#.war": WAR})
    with pytest.raises(BadVersion, match="with a plain file name"):
        job().resolve("42")
    jenkins.build(43, "SUCCESS", {"out put/shop.war": WAR})
    assert "/out%20put/shop.war" in job().resolve("43").url


# Nexus.


@pytest.fixture
def nexus() -> Iterator[NexusDouble]:
    """A repository with three versions on two pages."""
    with NexusDouble() as server:
        for place, version in enumerate(("1.0", "1.1", "1.2")):
            server.upload(
                f"com/example/shop/{version}/shop-{version}.war",
                WAR,
                group="com.example",
                name="shop",
                lastModified=f"2026-11-2{place}T10:00:00.000+00:00",
            )
        yield server


@pytest.fixture
def nexus_shop(nexus: NexusDouble, database: Database) -> Make:
    """The source of that repository."""
    return maker(
        nexus,
        database,
        NexusSource,
        models.NexusModel,
        kind="nexus",
        repository="releases",
        path="com/example/shop/{version}/shop-{version}.war",
        group="com.example",
        name="shop",
    )


def test_a_maven_repository(nexus_shop: Make, nexus: NexusDouble) -> None:
    nexus.upload("com/example/shop/1.2/shop-1.2.pom", b"<project/>", "com.example", "shop")
    nexus.upload("com/example/shop/1.2/shop-1.2.war.asc", b"-----", "com.example", "shop")
    nexus.upload("com/example/shop/maven-metadata.xml", b"<m/>", "com.example", "shop")
    nexus.upload("com/example/shop/1.3/shop-1.2.war", WAR, "com.example", "shop")  # not its own
    source = nexus_shop()
    assert labels(source) == ["1.2", "1.1", "1.0"]
    assert source.versions()[0].author == "ci"
    artifact = source.resolve("1.2")
    assert artifact.url == f"{nexus.url}/repository/releases/com/example/shop/1.2/shop-1.2.war"
    assert (artifact.sha256, artifact.signature) == (DIGEST, f"{artifact.url}.asc")


def test_a_raw_repository_whose_paths_begin_with_a_slash(
    nexus_shop: Make, nexus: NexusDouble
) -> None:
    nexus.upload("shop/2.0/shop.zip", WAR, group="/shop/2.0")
    nexus.assets[-1]["path"] = "/shop/2.0/shop.zip"
    source = nexus_shop(path="{module}/{version}/*.zip", group="/shop/*", name=None)
    assert labels(source) == ["2.0"]
    assert source.resolve("2.0").sha256 == DIGEST


def test_an_asset_that_is_not_what_is_told_of_it(nexus_shop: Make, nexus: NexusDouble) -> None:
    nexus.files["/repository/releases/com/example/shop/1.2/shop-1.2.war"] = WAR[:-5]
    with pytest.raises(BadVersion, match="was it published whole"):
        nexus_shop().resolve("1.2")


def test_a_repository_without_end_is_not_read_to_the_end(
    nexus_shop: Make, nexus: NexusDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = {"items": [], "continuationToken": "again"}
    monkeypatch.setattr(NexusDouble, "tell", lambda *_: endless)
    with pytest.raises(BadVersion, match="give the source group or name"):
        nexus_shop().versions()


# Artifactory.


@pytest.fixture
def artifactory() -> Iterator[ArtifactoryDouble]:
    """A repository with one version."""
    with ArtifactoryDouble() as server:
        server.upload(
            "shop/1.0/shop-1.0.war",
            WAR,
            properties=[{"key": "vcs.revision", "value": "abc"}, {"key": "build.name"}],
        )
        yield server


@pytest.fixture
def artifactory_shop(artifactory: ArtifactoryDouble, database: Database) -> Make:
    """The source of that repository."""
    return maker(
        artifactory,
        database,
        ArtifactorySource,
        models.ArtifactoryModel,
        kind="artifactory",
        context="artifactory",
        repository="libs",
    )


def test_a_repository_of_artifactory(
    artifactory_shop: Make, artifactory: ArtifactoryDouble
) -> None:
    artifactory.upload("shop/1.1/shop-1.1.war", WAR, created="2026-11-21T10:00:00.000Z")
    artifactory.upload("shop/1.1/shop-1.1.war.sig", b"sig")
    artifactory.upload("shopping/9.9/shop-9.9.war", WAR)
    artifactory.upload("top-2.0.war", WAR)
    source = artifactory_shop(path="shop/{version}/shop-{version}.war")
    newest, oldest = source.versions()
    assert (newest.version, newest.commit) == ("1.1", None)
    assert (oldest.version, oldest.commit, oldest.author) == ("1.0", "abc", "ci")
    artifact = source.resolve("1.1")
    assert artifact.url == f"{artifactory.url}/artifactory/libs/shop/1.1/shop-1.1.war"
    assert (artifact.sha256, artifact.signature) == (DIGEST, f"{artifact.url}.sig")
    assert labels(artifactory_shop(path="top-{version}.war")) == ["2.0"]
    assert labels(artifactory_shop()) == ["1.1", "1.0"]


def test_an_answer_that_was_cut_is_refused(
    artifactory_shop: Make, artifactory: ArtifactoryDouble
) -> None:
    artifactory.notification = "AQL query reached the search hard limit, results are trimmed."
    with pytest.raises(BadVersion, match="does not tell all of its items: AQL query reached"):
        artifactory_shop().versions()


# GitLab.


@pytest.fixture
def gitlab() -> Iterator[GitlabDouble]:
    """A project with three versions on two pages."""
    with GitlabDouble() as server:
        for version in ("1.0", "1.1", "1.2"):
            server.publish("shop", version, {"shop.war": WAR})
        yield server


@pytest.fixture
def gitlab_shop(gitlab: GitlabDouble, database: Database) -> Make:
    """The source of that project."""
    return maker(
        gitlab, database, GitlabSource, models.GitlabModel, kind="gitlab", project="team/shop"
    )


def test_a_package_of_gitlab(gitlab_shop: Make, gitlab: GitlabDouble) -> None:
    gitlab.publish("shopping", "9.9", {"shop.war": WAR})
    gitlab.publish("shop", "1.3", {"shop.war": WAR}, status="error", pipeline=None)
    del gitlab.packages[-1]["pipeline"]
    source = gitlab_shop()
    assert labels(source) == ["1.2", "1.1", "1.0"]
    one = source.versions()[0]
    assert (one.author, one.commit, one.notes) == ("Li", "abc3", "main")
    assert labels(gitlab_shop(newest=2)) == ["1.2"]  # the newest is broken, and counts
    artifact = source.resolve("1.1")
    assert artifact.url == f"{gitlab.url}{gitlab.interface}/generic/shop/1.1/shop.war"
    assert artifact.sha256 == DIGEST


def test_a_file_that_was_uploaded_again_is_the_newest(
    gitlab_shop: Make, gitlab: GitlabDouble
) -> None:
    gitlab.add_file(3, "notes.txt", b"x")
    gitlab.add_file(3, "shop.war", WAR + b"again")
    artifact = gitlab_shop(file="*.war").resolve("1.2")
    assert artifact.sha256 == sha256(WAR + b"again").hexdigest()


def test_hosts_may_have_an_address_of_their_own(gitlab_shop: Make, gitlab: GitlabDouble) -> None:
    source = gitlab_shop(url="https://near.example.com", mirrors=["https://far.example.com/"])
    artifact = source.resolve("1.1")
    path = f"{gitlab.interface}/generic/shop/1.1/shop.war"
    assert artifact.url == f"https://near.example.com{path}"
    assert artifact.mirrors == (f"https://far.example.com{path}",)
    with source.open(artifact) as content:
        assert content.read() == WAR


# Gitea.


@pytest.fixture
def gitea() -> Iterator[GiteaDouble]:
    """An owner with three versions on two pages."""
    with GiteaDouble() as server:
        for version in ("1.0", "1.1", "1.2"):
            server.publish("shop", version, {"shop.war": WAR, "shop.war.asc": b"---"})
        yield server


@pytest.fixture
def gitea_shop(gitea: GiteaDouble, database: Database) -> Make:
    """The source of that owner."""
    return maker(gitea, database, GiteaSource, models.GiteaModel, kind="gitea", owner="team")


def test_a_package_of_gitea(gitea_shop: Make, gitea: GiteaDouble) -> None:
    gitea.publish("shopping", "9.9", {"shop.war": WAR})
    gitea.publish("shop", "1.3", {"shop.war": WAR}, creator=None)
    source = gitea_shop()
    assert labels(source) == ["1.3", "1.2", "1.1", "1.0"]
    assert [one.author for one in source.versions()[:2]] == [None, "Li Wei"]
    artifact = source.resolve("1.1")
    assert artifact.url == f"{gitea.url}/api/packages/team/generic/shop/1.1/shop.war"
    assert (artifact.sha256, artifact.signature) == (DIGEST, f"{artifact.url}.asc")


# All of them.


@pytest.fixture
def shops(
    job: Make,
    jenkins: JenkinsDouble,
    nexus_shop: Make,
    nexus: NexusDouble,
    artifactory_shop: Make,
    artifactory: ArtifactoryDouble,
    gitlab_shop: Make,
    gitlab: GitlabDouble,
    gitea_shop: Make,
    gitea: GiteaDouble,
) -> dict[str, tuple[Make, Double]]:
    """Each source with its server."""
    return {
        "jenkins": (job, jenkins),
        "nexus": (nexus_shop, nexus),
        "artifactory": (artifactory_shop, artifactory),
        "gitlab": (gitlab_shop, gitlab),
        "gitea": (gitea_shop, gitea),
    }


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("jenkins", {"builds": [{"number": "x"}]}),
        ("nexus", {"items": [{"path": 5}]}),
        ("artifactory", {"results": "none"}),
        ("gitlab", [{"id": "x"}]),
        ("gitea", {"message": "not a list"}),
    ],
)
def test_an_answer_that_does_not_read_is_told(
    kind: str,
    told: object,
    shops: dict[str, tuple[Make, Double]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make, server = shops[kind]
    monkeypatch.setattr(type(server), "tell", lambda *_: told)
    with pytest.raises(BadVersion, match=r"Reading the \w+ at http\S+ failed: "):
        make().versions()


def test_a_wrong_token_is_told_and_not_shown(shops: dict[str, tuple[Make, Double]]) -> None:
    for make, server in shops.values():
        server.authorization = "Bearer another"
        with pytest.raises(BadVersion, match="See the credential of the source") as err:
            make().versions()
        assert TOKEN not in str(err.value)


def test_every_kind_of_a_template_has_its_source(database: Database) -> None:
    from pushguide.master.sources import _KINDS

    kinds = {
        model.model_fields["kind"].annotation.__args__[0]  # type: ignore[union-attr]
        for model in [*models.ServerModel.__subclasses__(), models.FilesModel]
    }
    assert {*_KINDS} == kinds | {"directory"}
