"""Artifacts over HTTP on real minions: credentials by pillar, mirrors, and only what changed."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import STORE
from tests.support.file_server import FileServer
from tests.support.salt_lab import Lab, Module

_BASIC = "Basic " + base64.b64encode(f"{STORE['user']}:{STORE['password']}".encode()).decode()
_HOSTS = 3


@pytest.fixture
def store() -> Iterator[FileServer]:
    """A server of artifacts that asks for a password."""
    with FileServer(authorization=_BASIC) as running:
        yield running


def define(lab: Lab, store: FileServer, name: str, **more: object) -> Module:
    """A module whose artifacts are in the store."""
    source = {
        "directory": str(lab.artifacts),
        "url": f"{store.url}/gone",
        "mirrors": [store.url],
        "credential": "store",
    }
    return lab.define(name, source=source, **more)


def publish(module: Module, store: FileServer, version: str, changed: int) -> None:
    """Publish a zip of many parts, some of which are the version's own."""
    made, out = random.Random(version), io.BytesIO()
    same = random.Random("same")
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("health", f"version {version}\n")
        for number in range(40):
            content = same.randbytes(20_000)
            archive.writestr(
                f"{number}.jar", made.randbytes(20_000) if number < changed else content
            )
    place = module.artifacts / version
    place.mkdir(parents=True)
    (place / "site.zip").write_bytes(out.getvalue())
    sha256 = hashlib.sha256(out.getvalue()).hexdigest()
    (place / "sha256").write_text(f"{sha256}  site.zip\n")
    store.files[f"/{module.name}/{version}/site.zip"] = out.getvalue()


def test_hosts_fetch_with_a_credential_that_nobody_sees(lab: Lab, store: FileServer) -> None:
    module = define(lab, store, "guarded")
    publish(module, store, "1.0.0", 0)
    publish(module, store, "1.1.0", 2)

    first = module.deploy("1.0.0")
    assert first.returncode == 0, first.data
    whole = store.sent
    assert whole > _HOSTS * 800_000
    again = module.deploy("1.1.0")
    assert again.returncode == 0, again.data

    assert {*module.lives().values()} == {"version 1.1.0"}
    assert store.sent - whole < 0.2 * whole
    asked = {headers.get("authorization") for _, headers in store.requests}
    assert asked == {_BASIC}
    # The credential is in no pillar any more, and was never anywhere that lasts.
    assert lab.salt("w1", "pillar.get", "pushguide:credentials") in ("", {}, None)
    told = str(first.data) + str(again.data) + str(lab.query("SELECT plan FROM deployment"))
    steps = str(lab.query("SELECT detail FROM step"))
    events = str(lab.query("SELECT data FROM event"))
    assert STORE["password"] not in told + steps + events
    assert _BASIC.split()[1] not in told + steps + events
    assert "mirrors" in told
    for log in (Path(lab.master.config["log_file"]), *lab.top.parent.rglob("*.log")):
        if log.is_file():
            assert STORE["password"] not in log.read_text(errors="replace"), log


def test_a_wrong_password_fails_before_live_traffic_is_touched(lab: Lab, store: FileServer) -> None:
    module = define(lab, store, "refused")
    publish(module, store, "1.0.0", 0)
    store.authorization = "Basic other"

    answer = module.deploy("1.0.0")

    assert answer.returncode == 1
    assert "answered 401 Unauthorized (see the credential of the source)" in str(answer.data)
    assert STORE["password"] not in str(answer.data)
    assert module.lives() == dict.fromkeys(lab.minions)


def test_an_index_moves_only_the_files_that_changed(lab: Lab, store: FileServer) -> None:
    indexes = lab.top / "indexes"
    module = define(
        lab,
        store,
        "indexed",
        index={"directory": str(indexes), "url": f"{store.url}/indexes"},
        unpacking={"unchanged": "hard_link"},
    )
    common = {f"part-{number}": random.Random(number).randbytes(9000).hex() for number in range(30)}
    for version in ("1.0.0", "1.1.0"):
        module.publish_one(version, {**common, "health": f"version {version}\n"})
        name = f"indexed-{version}.tar.gz"
        content = (module.artifacts / version / name).read_bytes()
        store.files[f"/indexed/{version}/{name}"] = content
    assert module.deploy("1.0.0").returncode == 0

    written = module.run("index", version="1.1.0")
    assert written.returncode == 0, written.data
    for path in indexes.iterdir():
        store.files[f"/indexes/{path.name}"] = path.read_bytes()
    before = store.sent
    answer = module.deploy("1.1.0")

    assert answer.returncode == 0, answer.data
    assert {*module.lives().values()} == {"version 1.1.0"}
    assert store.sent - before < 0.1 * _HOSTS * len(content)
    details = str(lab.query("SELECT detail FROM step WHERE name IN ('fetch', 'unpack')"))
    assert "bytes moved, by its index" in details
    assert "30 as before" in details
