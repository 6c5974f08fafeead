"""Signatures by a real GnuPG, through Salt's own gpg module and loader."""

from __future__ import annotations

import copy
import functools
import inspect
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import salt.config
import salt.loader

from pushguide.errors import StepFailed
from pushguide.host import signature
from tests.support.gpg import Gnupg, gnupg
from tests.support.need import need

#: A time at which a key was good that is not any more.
THEN = "--faked-system-time=20200101T000000!"


class Signing:
    """CI with some keys, a host that knows some of them, and an artifact."""

    def __init__(self, ci: Gnupg, host: Gnupg, top: Path) -> None:
        self.ci = ci
        self.host = host
        self.artifact = top / "shop.tar.gz"
        self.artifact.write_bytes(b"what CI has built")
        self.good = ci.make_key("release")
        self.other = ci.make_key("somebody")
        self.expired = ci.make_key("old", THEN, expires="1y")
        ci.give(host, self.good, self.other, self.expired)

    def sign(self, key: str, *more: str) -> Path:
        """Sign the artifact."""
        return self.ci.sign(key, self.artifact, *more)


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signing]:
    need("gnupg", shutil.which("gpg"), "install gnupg")
    with gnupg() as (ci, host):
        yield Signing(ci, host, tmp_path_factory.mktemp("signing"))


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Any:
    top = tmp_path_factory.mktemp("minion")
    opts = copy.deepcopy(salt.config.DEFAULT_MINION_OPTS) | {
        "id": "w1",
        "root_dir": str(top),
        "cachedir": str(top / "cache"),
        "extension_modules": str(top / "extmods"),
        "file_client": "local",
        "user": "root",
        "grains": {},
        "pillar": {},
    }
    found = salt.loader.minion_mods(opts)
    need("gnupg", "gpg.verify" in found, "install python-gnupg")
    return found


def as_in_3006(functions: Any) -> dict[str, Any]:
    """Salt's functions with ``gpg.verify`` simulated as Salt 3006 has it: it takes neither
    fingerprints nor a keyring, and tells the id of the key alone. GnuPG is real."""
    verify: Callable[..., Any] = functions["gpg.verify"]

    def verify_of_3006(
        text: Any = None,
        user: Any = None,
        filename: Any = None,
        gnupghome: Any = None,
        signature: Any = None,
        trustmodel: Any = None,
    ) -> Any:
        return verify(text, user, filename, gnupghome, signature, trustmodel)

    return {"gpg.verify": verify_of_3006, "gpg.list_keys": functions["gpg.list_keys"]}


@pytest.fixture(params=["installed", "3006"])
def verify(request: pytest.FixtureRequest, functions: Any, signing: Signing) -> Any:
    """The verification of the artifact, with the signature and the keys that count."""
    modules = functions if request.param == "installed" else as_in_3006(functions)
    return functools.partial(
        _verify, modules, str(signing.artifact), gnupghome=str(signing.host.home)
    )


def _verify(modules: Any, artifact: str, made: Path, *keys: str, **where: str) -> str:
    return signature.verify(artifact, str(made), list(keys), modules, **where)


def test_a_good_signature(signing: Signing, verify: Any) -> None:
    told = verify(signing.sign(signing.good), signing.other, signing.good)
    assert told == f"signed by {signing.good} release <release@example.com>"


def test_an_artifact_that_was_changed(signing: Signing, functions: Any, verify: Any) -> None:
    made = signing.sign(signing.good)
    content = signing.artifact.read_bytes()
    try:
        signing.artifact.write_bytes(content + b"!")
        with pytest.raises(StepFailed, match="was changed after it was signed"):
            verify(made, signing.good)
    finally:
        signing.artifact.write_bytes(content)


def test_the_signature_of_another_file(signing: Signing, verify: Any, tmp_path: Path) -> None:
    another = tmp_path / "another"
    another.write_bytes(b"something else")
    with pytest.raises(StepFailed, match="belongs to another file"):
        verify(signing.ci.sign(signing.good, another), signing.good)


def test_a_key_that_does_not_count(signing: Signing, verify: Any) -> None:
    with pytest.raises(StepFailed, match=f"signed by {signing.other}, which does not count"):
        verify(signing.sign(signing.other), signing.good)


def test_a_key_that_is_not_known_here(signing: Signing, verify: Any, tmp_path: Path) -> None:
    stranger = signing.ci.make_key(f"stranger-{tmp_path.name}")
    with pytest.raises(StepFailed, match=f"the key {stranger} is not known on this host"):
        verify(signing.sign(stranger), stranger)
    with pytest.raises(StepFailed, match="or another key made it"):
        verify(signing.sign(stranger), signing.good)


def test_a_key_that_has_expired(signing: Signing, verify: Any) -> None:
    made = signing.sign(signing.expired, THEN)
    with pytest.raises(StepFailed, match=f"the key {signing.expired} expired on 20"):
        verify(made, signing.expired)


def test_a_key_that_was_revoked(signing: Signing, verify: Any, tmp_path: Path) -> None:
    revoked = signing.ci.make_key(f"gone-{tmp_path.name}")
    made = signing.sign(revoked)
    signing.ci.give(signing.host, revoked)
    assert verify(made, revoked).startswith(f"signed by {revoked}")
    signing.ci.revoke(revoked)
    signing.ci.give(signing.host, revoked)
    with pytest.raises(StepFailed, match=f"the key {revoked} was revoked"):
        verify(made, revoked)


def test_what_is_no_signature(signing: Signing, verify: Any, tmp_path: Path) -> None:
    made = tmp_path / "made.asc"
    made.write_text("not a signature")
    with pytest.raises(StepFailed, match="no valid signature of a key that counts"):
        verify(made, signing.good)


def test_a_place_of_keys_that_is_not_there(
    signing: Signing, functions: Any, tmp_path: Path
) -> None:
    where = tmp_path / "nowhere"
    with pytest.raises(StepFailed, match="nowhere is not there"):
        _verify(functions, str(signing.artifact), tmp_path, signing.good, gnupghome=str(where))
    assert not where.exists()


def test_without_salts_gpg_module(signing: Signing) -> None:
    with pytest.raises(StepFailed, match="salt-pip install python-gnupg"):
        signature.verify(str(signing.artifact), "made.asc", [signing.good], {})


def test_what_a_share_asks_for(signing: Signing, functions: Any) -> None:
    wanted = {
        "required": True,
        "signed_by": [signing.good],
        "gnupghome": str(signing.host.home),
        "keyring": None,
    }
    artifact = str(signing.artifact)
    assert signature.prove(None, artifact, None, functions) is None
    made = str(signing.sign(signing.good))
    told = signature.prove(wanted, artifact, made, functions)
    assert told
    assert signing.good in told
    with pytest.raises(StepFailed, match="it has none, and the template requires one"):
        signature.prove(wanted, artifact, None, functions)
    assert signature.prove({**wanted, "required": False}, artifact, None, functions) is None


def test_a_keyring_alone(signing: Signing, functions: Any, tmp_path: Path) -> None:
    ring = tmp_path / "keys.gpg"
    signing.host.run(
        "--no-default-keyring",
        f"--keyring={ring}",
        "--import",
        given=signing.ci.run("--armor", "--export", signing.good),
    )
    made = signing.sign(signing.good)
    where = {"gnupghome": str(tmp_path), "keyring": str(ring)}
    if "keyring" in inspect.signature(functions["gpg.verify"]).parameters:
        told = _verify(functions, str(signing.artifact), made, signing.good, **where)
        assert told.startswith(f"signed by {signing.good}")
    with pytest.raises(StepFailed, match="Salt takes a keyring from 3007 on"):
        _verify(as_in_3006(functions), str(signing.artifact), made, signing.good, **where)
