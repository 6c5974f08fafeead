"""Whole deployments of a release that is configured: nothing half-made is ever a candidate."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pushguide.errors import Refused, StepFailed
from pushguide.host import facts, standards
from pushguide.host.configuration import KINDS, changes_of
from pushguide.host.types.static_site import StaticSite
from pushguide.words import FAILED, SKIPPED, SUCCEEDED, UNCHANGED, WARNING
from tests.support.host import Host, in_a_process, killed_at, outcomes, steps
from tests.unit.host.configuration.release import Release
from tests.unit.host.test_standards import RULES

SECRET = "correct-horse-battery"
JSON = {
    "kind": "json",
    "file": "conf/app.json",
    "values": {"Mode": "{environment}", "Host": "{id}", "Db": "{pillar.shop:db}"},
}
FILES = {"health": "version 1", "conf/app.json": '{"Mode": "dev"}', "conf/same": "same"}


@pytest.fixture
def shop(host: Host) -> Host:
    """A host with a secret, whose deployments configure a file."""
    host.salt["pillar.get"] = lambda path, **_: {"shop:db": SECRET}.get(path, "")
    host.salt["pillar.items"] = lambda **_: {}
    host.given["configuration"] = [JSON]
    return host


def settings(host: Host, release: str = "") -> Any:
    place = host.root / "releases" / release if release else host.root / "live"
    return json.loads((place / "conf" / "app.json").read_text())


CONFIGURED = {"Mode": "production", "Host": "web1", "Db": SECRET}


def test_a_release_is_configured_before_it_is_whole(shop: Host) -> None:
    shop.project_type = type("Looking", (StaticSite,), {"complete": looked(StaticSite.complete)})
    answer = shop.deploy("1", artifact=shop.build("1", FILES))
    assert outcomes(answer)["prepare"] == SUCCEEDED
    assert steps(answer, "prepare")["configure"] == (SUCCEEDED, "conf/app.json (json)")
    assert Seen.files == ["1-1.partial"]
    assert settings(shop) == CONFIGURED
    assert shop.journal.releases["1-1"].configured == ["conf/app.json"]
    assert not (shop.root / ".incoming").exists()
    told = json.dumps(answer) + shop.journal_path.read_text() + str(shop.fire.mock_calls)
    assert SECRET not in told


class Seen:
    """What lay among the releases when one was about to be whole."""

    files: list[str] = []  # noqa: RUF012 - what one test has seen


def looked(complete: Any) -> Any:
    def watching(self: StaticSite, *given: Any) -> None:
        Seen.files = os.listdir(self.releases_dir)
        assert self.new_name not in self.journal.releases
        complete(self, *given)

    return watching


def test_without_configuration_nothing_is_told_but_that(host: Host) -> None:
    answer = host.deploy("1")
    assert steps(answer, "prepare")["configure"] == (SKIPPED, "nothing to configure")
    assert host.journal.releases["1-1"].configured == []


def test_again_nothing_is_changed(shop: Host) -> None:
    artifact = shop.build("1", FILES)
    shop.deploy("1", artifact=artifact)
    before = shop.files()
    answer = shop.deploy("1", artifact=artifact)
    assert outcomes(answer)["prepare"] == UNCHANGED
    assert "keeps the configuration" in steps(answer, "prepare")["configure"][1]
    assert shop.files() == before


def test_a_prepared_release_is_not_configured_twice(shop: Host) -> None:
    share = shop.share("1", artifact=shop.build("1", FILES))
    shop.run(share, "prepare")
    journal = json.loads(shop.journal_path.read_text())
    journal["stages"] = {}
    shop.journal_path.write_text(json.dumps(journal))
    before = shop.files()
    answer = shop.run(share, "prepare")
    assert steps(answer, "prepare")["configure"][0] == UNCHANGED
    assert shop.files() == before


def test_a_redeployment_takes_the_configuration_of_today(shop: Host) -> None:
    artifact = shop.build("1", FILES)
    shop.deploy("1", artifact=artifact)
    shop.given["configuration"] = [{**JSON, "values": {"Mode": "new"}}]
    shop.deploy("1", artifact=artifact)
    assert settings(shop) == CONFIGURED
    assert shop.deploy("1", artifact=artifact, kind="redeploy")["outcome"] == SUCCEEDED
    assert settings(shop) == {"Mode": "new"}
    assert settings(shop, "1-1") == CONFIGURED


def test_a_rollback_keeps_what_the_old_release_was_made_with(shop: Host) -> None:
    shop.deploy("1", artifact=shop.build("1", FILES))
    shop.given["configuration"] = [{**JSON, "values": {"Mode": "new"}}]
    shop.deploy("2", artifact=shop.build("2", {**FILES, "health": "version 2"}))
    assert settings(shop) == {"Mode": "new"}
    assert shop.rollback("1")["outcome"] == SUCCEEDED
    assert settings(shop) == CONFIGURED


BROKEN: list[dict[str, Any]] = [
    {**JSON, "file": "conf/none.json"},
    {**JSON, "values": {"Db": "{pillar.none}"}},
    {"kind": "hook", "hook": "encrypt", "call": {"function": "mycorp.encrypt"}},
]


@pytest.mark.parametrize("change", BROKEN)
def test_what_fails_leaves_nothing_behind(shop: Host, change: dict[str, Any]) -> None:
    shop.deploy("1", artifact=shop.build("1", FILES))
    shop.given["configuration"] = [JSON, change]
    answer = shop.deploy("2", artifact=shop.build("2", FILES))
    assert steps(answer, "prepare")["configure"][0] == FAILED
    assert "Configuring the release failed at" in answer["error"]
    assert shop.releases == ["1-1"]
    assert list(shop.journal.releases) == ["1-1"]
    assert not (shop.root / ".incoming").exists()
    assert (answer["live"], shop.live) == ("1", "1-1")


def test_killed_at_each_change_and_run_again(
    tmp_path: Path, shop: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    changes = 0
    while True:
        changes += 1
        one = Host(tmp_path / str(changes))
        one.salt |= {name: shop.salt[name] for name in ("pillar.get", "pillar.items")}
        share = one.share("1", artifact=one.build("1", FILES), configuration=[JSON])
        was_killed = killed_at(changes, lambda one=one, share=share: one.run(share, "prepare"))
        known = one.journal.releases if one.journal_path.exists() else {}
        for release in known.values():
            assert settings(one, release.name) == CONFIGURED, changes
        if not was_killed:
            break
        answer = one.run({**share, "token": share["token"] + 1})
        assert answer["outcome"] == SUCCEEDED, (changes, answer["error"])
        assert settings(one) == CONFIGURED
        assert one.releases == ["1-1"]
    assert changes > 20


def test_what_is_in_vain_is_a_warning(shop: Host) -> None:
    files = {
        **FILES,
        "web.config": "<configuration/>",
        "web.production.config": (
            '<configuration xmlns:xdt="http://schemas.microsoft.com/XML-Document-Transform">'
            '<x xdt:Transform="Remove"/></configuration>'
        ),
    }
    change = {"kind": "transform", "file": "web.config", "by": "web.{environment}.config"}
    answer = shop.deploy("1", artifact=shop.build("1", files), configuration=[change])
    outcome, detail = steps(answer, "prepare")["configure"]
    assert (outcome, answer["outcome"]) == (WARNING, SUCCEEDED)
    assert detail.startswith("web.config (transform); web.production.config, /configuration/x: ")


# Files that releases share.


@pytest.mark.parametrize("way", ["copy", "hard_link"])
def test_a_release_before_is_never_written_to(shop: Host, way: str) -> None:
    shop.given["unpacking"] = {"unchanged": way}
    shop.given["configuration"] = []
    shop.deploy("1", artifact=shop.build("1", FILES))
    shop.given["configuration"] = [JSON]
    answer = shop.deploy("2", artifact=shop.build("2", {**FILES, "health": "version 2"}))
    unpacked = steps(answer, "prepare")["unpack"][1]
    assert ("2 as before" in unpacked) == (way == "hard_link")
    assert settings(shop, "1-1") == {"Mode": "dev"}
    assert settings(shop, "2-2") == CONFIGURED
    shop.given["configuration"] = [{**JSON, "values": {"Mode": "third"}}]
    shop.deploy("3", artifact=shop.build("3", FILES))
    assert settings(shop, "2-2") == CONFIGURED
    assert settings(shop, "3-3") == {"Mode": "third"}
    if way == "hard_link":
        kept = shop.root / "releases" / "3-3" / "conf"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o555
        assert stat.S_IMODE((kept / "app.json").stat().st_mode) == 0o444
        assert (kept / "same").stat().st_nlink == 3


def test_a_configured_file_is_not_called_changed(shop: Host) -> None:
    shop.given["standards"] = RULES
    shop.deploy("1", artifact=shop.build("1", FILES))
    answer = shop.deploy("2", artifact=shop.build("2", FILES))
    assert steps(answer, "prepare")["check_standards"] == (SUCCEEDED, "4 entries of 1-1")
    (shop.root / "releases" / "2-2" / "conf" / "app.json").write_text("{}")
    found = standards.live_findings(shop.opts, "shop", "production", RULES)
    assert found
    assert [one[2] for one in found["findings"]] == ["conf/app.json"]


def test_hosts_that_are_configured_differently_are_alike(shop: Host, tmp_path: Path) -> None:
    shop.deploy("1", artifact=shop.build("1", FILES))
    other = Host(tmp_path / "other")
    other.deploy(
        "1", artifact=other.build("1", FILES), configuration=[{**JSON, "values": {"A": 1}}]
    )
    mine, theirs = (facts.files(one.opts, "shop", "production", full=True) for one in (shop, other))
    assert mine == theirs
    assert mine
    assert mine["configured"] == ["conf/app.json"]
    assert sorted(mine["files"]) == ["conf/same", "health"]


# Hooks.


def test_a_hook_is_given_the_release(shop: Host) -> None:
    given: dict[str, Any] = {}

    def encrypt(*words: str, path: str, **more: str) -> None:
        given.update(more, words=words, path=path)
        Path(path, "conf", "new").write_text("made by it")
        Path(path, "conf", "same").unlink()

    shop.salt["mycorp.encrypt"] = encrypt
    call = {"function": "mycorp.encrypt", "arg": ["{id}"], "kwarg": {"key": "shop"}}
    hook = {"kind": "hook", "hook": "encrypt-config", "call": call}
    answer = shop.deploy("1", artifact=shop.build("1", FILES), configuration=[JSON, hook])
    told = (SUCCEEDED, "conf/app.json (json), encrypt-config (hook)")
    assert steps(answer, "prepare")["configure"] == told
    assert given == {
        "words": ("web1",),
        "key": "shop",
        "module": "shop",
        "environment": "production",
        "version": "1",
        "path": str(shop.root / "releases" / "1-1.partial"),
    }
    changed = ["conf/app.json", "conf/new", "conf/same"]
    assert shop.journal.releases["1-1"].configured == changed


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (lambda **_: False, "answered False"),
        (lambda **_: {"retcode": 2, "stdout": SECRET}, "answered retcode=2"),
        (lambda: True, "TypeError"),
        (lambda **_: 1 / 0, "ZeroDivisionError"),
    ],
)  # fmt: skip
def test_a_hook_that_fails(release: Release, answers: Any, said: str) -> None:
    release.salt["mycorp.encrypt"] = answers
    hook = {"kind": "hook", "hook": "encrypt", "call": {"function": "mycorp.encrypt"}}
    with pytest.raises(
        StepFailed, match=rf"at encrypt \(hook\): mycorp.encrypt:? ?.*{said}"
    ) as caught:
        release.configure(hook)
    assert SECRET not in str(caught.value)


# Paths.


OUTSIDE = ("../x", "a/../../x", "/etc/x", "\\x", "C:\\x", "C:x", "a//x", "./x", "", "x:ads")
LINKS_OUT = ("out", "way/x")


@pytest.mark.parametrize("name", [*OUTSIDE, *LINKS_OUT])
def test_a_path_that_leads_out_is_refused(release: Release, name: str) -> None:
    outside = release.top.parent / "outside"
    outside.mkdir()
    (outside / "x").write_text("{}")
    (release.top / "out").symlink_to(outside / "x")
    (release.top / "way").symlink_to(outside)
    for change in (
        {"kind": "json", "file": name, "values": {"a": 1}, "create": True},
        {"kind": "template", "file": "fine", "source": name},
        {"kind": "transform", "file": name, "by": name},
    ):
        with pytest.raises(StepFailed, match=re.escape(f"{name!r} does not lie in the release")):
            release.configure(change)
    assert (outside / "x").read_text() == "{}"
    assert not (release.top / "fine").exists()


def test_a_link_that_stays_within_is_followed(release: Release) -> None:
    real = release.file("v2/app.json", "{}")
    (release.top / "current").symlink_to("v2")
    done = release.configure({"kind": "json", "file": "current\\app.json", "values": {"a": 1}})
    assert json.loads(real.read_text()) == {"a": 1}
    assert done.files == ["v2/app.json"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "json", "file": "conf", "values": {}}, "There is no file conf in the release"),
        ({"kind": "template", "file": "conf", "source": "a"}, "conf in the release is no file"),
        ({"kind": "json", "file": "huge", "values": {}}, "huge in the release is longer than"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_settings(release: Release, change: dict[str, Any], said: str) -> None:
    (release.top / "conf").mkdir()
    release.file("a", "x")
    release.file("huge", b" " * (8 * 2**20 + 1))
    with pytest.raises(StepFailed, match=re.escape(said)):
        release.configure(change)


def test_mode_and_other_names_of_a_file(release: Release) -> None:
    path = release.file("run.json", "{}")
    path.chmod(0o750)
    os.link(path, release.top.parent / "shared")
    release.configure({"kind": "json", "file": "run.json", "values": {"a": 1}})
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert (release.top.parent / "shared").read_text() == "{}"
    assert os.listdir(release.top) == ["run.json"]


def test_what_does_not_read_is_refused() -> None:
    assert {*KINDS} == {"transform", "json", "xml", "template", "hook"}
    for given, said in (
        ({"kind": "xslt"}, "There is no kind 'xslt' of change"),
        ({"kind": "json", "file": "a", "values": {}, "vals": 1}, "unknown fields: vals"),
        ({"kind": "json"}, "does not read"),
    ):
        with pytest.raises(Refused, match=said):
            changes_of([given])


def test_who_is_not_root_writes_into_read_only_directories() -> None:
    with tempfile.TemporaryDirectory() as top:  # one that everybody can reach
        os.chmod(top, 0o755)
        release = Release(Path(top, "1.4-1.partial"))
        place = release.file("conf/a.json", "{}").parent
        read_only = (place / "a.json", place, release.top)
        for one in read_only:
            one.chmod(0o555)
            if os.geteuid() == 0:
                os.chown(one, 65534, 65534)

        def configure() -> None:
            if os.geteuid() == 0:
                os.setuid(65534)
            for name in ("conf/a.json", "conf/new/b.json"):
                change = {"kind": "json", "file": name, "values": {"a": 1}, "create": True}
                release.configure(change)

        assert in_a_process(configure) == 0
        assert json.loads((place / "a.json").read_text()) == {"a": 1}
        assert (place / "new" / "b.json").exists()
        assert {stat.S_IMODE(one.stat().st_mode) for one in read_only} == {0o555}
        for one in read_only[1:]:
            one.chmod(0o755)
