"""Version labels and sources."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from pushguide.errors import BadVersion
from pushguide.master import versions
from pushguide.master.sources.directory import DirectorySource
from pushguide.master.store.pins import Pins
from pushguide.master.templates.sources import DirectoryModel


@pytest.mark.parametrize("label", ["1.0.0", "v2", "2024-05-01_3", "1.0+build.7", "a" * 100])
def test_labels(label: str) -> None:
    assert versions.demand_label(label) == label


@pytest.mark.parametrize(
    "label",
    ["", "../../etc", "..", ".hidden", "-rf", "a b", "a/b", "a\\b", "a\n", "1.0.", "a" * 300, "é"],
)
def test_what_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(BadVersion, match="is no version label"):
        versions.demand_label(label)


@pytest.mark.parametrize(
    ("given", "known", "wanted"),
    [(1.1, ["1.1", "1.2"], "1.1"), (1.1, ["1.10"], "1.10"), (17, ["17", "18"], "17")],
)
def test_a_number_is_the_label_that_reads_like_it(
    given: object, known: list[str], wanted: str
) -> None:
    assert versions.recover_label(given, known) == wanted


@pytest.mark.parametrize(
    ("given", "known", "said"),
    [(1.1, ["1.1", "1.10"], "It could be 1.1 or 1.10"), (9, ["1.0"], "No version reads like 9")],
)
def test_a_number_that_could_be_several_is_refused(
    given: object, known: list[str], said: str
) -> None:
    with pytest.raises(BadVersion, match=said):
        versions.recover_label(given, known)


#: A directory has a checksum of every version: nothing is pinned. Nothing was announced.
_NO_PINS = create_autospec(Pins, instance=True)
_NO_PINS.announced.return_value = None


@pytest.fixture
def source(tmp_path: Path) -> DirectorySource:
    """A source with two versions of shop-web."""
    for position, version in enumerate(("1.0.0", "1.1.0")):
        place = tmp_path / "shop-web" / version
        place.mkdir(parents=True)
        content = f"archive of {version}".encode()
        (place / "shop.tgz").write_bytes(content)
        (place / "sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  shop.tgz\n")
        os.utime(place, (1000 + position, 1000 + position))
    return DirectorySource(
        DirectoryModel(directory=str(tmp_path), url="salt://a/"), "shop-web", _NO_PINS
    )


def test_versions_are_newest_first(source: DirectorySource) -> None:
    assert [one.version for one in source.versions()] == ["1.1.0", "1.0.0"]


def test_a_version_resolves_to_its_artifact(source: DirectorySource) -> None:
    artifact = source.resolve("1.0.0")
    assert artifact.url == "salt://a/shop-web/1.0.0/shop.tgz"
    assert artifact.sha256 == hashlib.sha256(b"archive of 1.0.0").hexdigest()
    assert artifact.size == len(b"archive of 1.0.0")


def test_the_checksum_may_lie_beside_the_artifact(source: DirectorySource) -> None:
    place = Path(source.directory) / "1.0.0"
    (place / "sha256").rename(place / "shop.tgz.sha256")
    assert source.resolve("1.0.0").name == "shop.tgz"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda place: (place / "shop.tgz").unlink(), "holds no artifact"),
        (lambda place: (place / "more.zip").write_text(""), r"2 files \(more.zip, shop.tgz\)"),
        (lambda place: (place / "sha256").unlink(), "has no file sha256"),
        (lambda place: (place / "sha256").write_text("MD5"), "does not begin with a sha256"),
        (lambda place: (place / "sha256").write_text("0" * 64), "changed or damaged"),
        (lambda place: (place / "shop.tgz").rename(place / "a b"), "no plain file name"),
    ],
)
def test_an_artifact_that_is_not_right_is_refused(
    source: DirectorySource, spoil: object, said: str
) -> None:
    spoil(Path(source.directory) / "1.0.0")  # type: ignore[operator]
    with pytest.raises(BadVersion, match=said):
        source.resolve("1.0.0")


def test_an_unknown_version_names_the_nearest(source: DirectorySource) -> None:
    with pytest.raises(BadVersion, match=r"no version 1\.1\.1: did you mean 1\.1\.0\?"):
        source.resolve("1.1.1")


def test_a_directory_that_is_not_there_says_so(tmp_path: Path) -> None:
    source = DirectorySource(
        DirectoryModel(directory=str(tmp_path), url="salt://a"), "nothing", _NO_PINS
    )
    with pytest.raises(BadVersion, match=r"Reading the versions in .*nothing failed"):
        source.versions()
