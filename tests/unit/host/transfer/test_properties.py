"""Whatever the archives and whatever the server does: the artifact that was promised, or none."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushguide.errors import StepFailed
from pushguide.host.transfer import changes
from tests.support import zips
from tests.support.file_server import KINDS, Fault, FileServer
from tests.support.zips import ZipEntry
from tests.unit.host.transfer.conftest import Host, artifact_of

_CONTENTS = st.one_of(
    st.binary(max_size=300),
    st.tuples(st.binary(min_size=1, max_size=40), st.integers(1, 60)).map(
        lambda one: one[0] * one[1]
    ),
)
_TIMES = st.integers(1_500_000_000, 1_800_000_000)
_EXTRAS = st.one_of(
    st.just((b"", b"")),
    st.just((b"\xfe\xca\0\0", b"\xfe\xca\0\0")),
    _TIMES.map(lambda time: (zips.unix_time(time), zips.unix_time(time))),
    st.tuples(_TIMES, _TIMES).map(
        lambda times: (zips.unix_time(times[0]), zips.unix_time(times[0], times[1]))
    ),
    st.tuples(st.binary(max_size=9), st.binary(max_size=9)),
)


@st.composite
def _entries(draw: st.DrawFn, name: str) -> ZipEntry:
    extra, local_extra = draw(_EXTRAS)
    return ZipEntry(
        name,
        draw(_CONTENTS),
        deflated=draw(st.booleans()),
        time=draw(st.integers(0, 3)),
        extra=extra,
        local_extra=local_extra,
        descriptor=draw(st.integers(0, 4)) == 0,
        gap=draw(st.sampled_from([b""] * 8 + [b"gap", b"PK\x03\x04"])),
    )


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A zip, and an edit of it."""
    old = [draw(_entries(f"lib/{number}.jar")) for number in range(draw(st.integers(0, 8)))]
    new = []
    for one in old:
        what = draw(st.sampled_from(["same"] * 6 + ["again", "gone", "renamed", "retimed"]))
        if what == "again":
            new.append(draw(_entries(one.name)))
        elif what == "renamed":
            new.append(ZipEntry(**{**vars(one), "name": f"{one.name}.x"}))
        elif what == "retimed":
            new.append(ZipEntry(**{**vars(one), "time": one.time + 1}))
        elif what == "same":
            new.append(one)
    new += [draw(_entries(f"new/{number}")) for number in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        new = list(draw(st.permutations(new)))
    return zips.build(old, **draw(_frames(len(old)))), zips.build(new, **draw(_frames(len(new))))


@st.composite
def _frames(draw: st.DrawFn, count: int) -> dict[str, object]:
    return {
        "comment": draw(st.sampled_from([b""] * 5 + [b"built by", b"PK\x05\x06" + b"\0" * 18])),
        "prefix": draw(st.sampled_from([b""] * 6 + [b"#!/bin/sh\n"])),
        "zip64": draw(st.integers(0, 6)) == 0,
        "directory_order": draw(st.permutations(range(count))),
    }


def _faults(other: bytes) -> st.SearchStrategy[list[Fault | None]]:
    fault = st.builds(Fault, st.sampled_from(KINDS), st.integers(0, 400), st.just(other)).map(
        lambda one: Fault(one.kind, 503 if one.number % 3 else 404) if one.kind == "status" else one
    )
    return st.lists(st.one_of(st.none(), fault), max_size=6)


@pytest.fixture(scope="module")
def server():
    with FileServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _everything_is_worth_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushguide.host.transfer.bring.WORTH_ASKING_BYTES", 0)
    monkeypatch.setattr(changes, "MOST_PART", 10.0)


_MANY = settings(
    max_examples=1200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_MANY
@given(pair=_pairs())
def test_any_edit_of_any_zip_arrives_whole(server: FileServer, pair: tuple[bytes, bytes]) -> None:
    old, new = pair
    server.forget()
    server.files = {"/site.zip": new}
    with tempfile.TemporaryDirectory() as top:
        host = Host(Path(top))
        earlier = host.has_had(old)
        came, _ = host.fetch(artifact_of(new, f"{server.url}/site.zip"), earlier)
        assert came == new


@_MANY
@given(data=st.data(), pair=_pairs())
def test_nothing_wrong_is_ever_accepted(
    server: FileServer, data: st.DataObject, pair: tuple[bytes, bytes]
) -> None:
    old, new = pair
    server.forget()
    server.files = {"/site.zip": new}
    server.faults = data.draw(_faults(old), label="faults")
    with tempfile.TemporaryDirectory() as top:
        host = Host(Path(top))
        earlier = [host.has_had(old)] if data.draw(st.booleans(), label="has an old one") else []
        artifact = artifact_of(new, f"{server.url}/site.zip")
        try:
            came, _ = host.fetch(artifact, *earlier, attempts=3)
        except StepFailed:
            assert not host.cache.has(artifact.sha256)
            assert not (host.top / "incoming-1").exists()
        else:
            assert came == new
