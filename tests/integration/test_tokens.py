"""Deployment tokens: CI signs with openssl, posts by curl, and its key shows up nowhere."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.bus import Bus
from tests.support.salt_lab import PROJECT, Api, Lab
from tests.support.waiting import wait_until

SCRIPT = PROJECT / "docs" / "ci" / "pushguide-deploy.sh"
USER = "ci"


class Ci:
    """A pipeline: a key of its own, and the script that comes with pushguide.

    Args:
        lab: the lab.
        api: its salt-api.
        directory: where the key lies, and nothing else.
    """

    def __init__(self, lab: Lab, api: Api, directory: Path) -> None:
        self.lab = lab
        self.api = api
        self.key = directory / "pushguide.key"
        self.said: list[str] = []
        self._openssl("genpkey", "-algorithm", "ed25519", "-out", str(self.key))
        der = self._openssl("pkey", "-in", str(self.key), "-pubout", "-outform", "DER")
        self.public = self._openssl("base64", given=der).decode().strip()

    @staticmethod
    def _openssl(*words: str, given: bytes = b"") -> bytes:
        return subprocess.run(
            ["openssl", *words], input=given, capture_output=True, check=True
        ).stdout

    def deploy(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script, as a pipeline does."""
        known = {
            "PATH": os.environ["PATH"],
            "PUSHGUIDE_URL": self.api.url,
            "PUSHGUIDE_TOKEN": "shop-ci",
            "PUSHGUIDE_KEY": self.key.read_text(),
            "PUSHGUIDE_USER": USER,
            "PUSHGUIDE_PASSWORD": self.lab.master.config["sharedsecret"],
            "PUSHGUIDE_EAUTH": "sharedsecret",
            **environment,
        }
        done = subprocess.run(
            ["sh", str(SCRIPT), *words], env=known, capture_output=True, text=True, timeout=120
        )
        self.said.append(done.stdout + done.stderr)
        return done

    def signed(self, **request: Any) -> dict[str, str]:
        """A request and its signature, as base64."""
        text = json.dumps(request).encode()
        path = self.key.with_name("request")
        path.write_bytes(text)
        words = ("pkeyutl", "-sign", "-rawin", "-inkey", str(self.key), "-in", str(path))
        signature = self._openssl(*words)
        path.unlink()
        return {
            "request": base64.b64encode(text).decode(),
            "signature": base64.b64encode(signature).decode(),
        }

    @property
    def secret(self) -> set[bytes]:
        """The private half in each form in which it might stand somewhere."""
        der = self._openssl("pkey", "-in", str(self.key), "-outform", "DER")
        raw = der[-32:]
        lines = [one for one in self.key.read_bytes().splitlines() if b"-----" not in one]
        return {*lines, raw, raw.hex().encode(), base64.b64encode(raw), base64.b64encode(der)}


@pytest.fixture
def ci(lab: Lab, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ci]:
    """A pipeline; what it has made is gone afterwards."""
    directory = tmp_path_factory.mktemp("pipeline")
    yield Ci(lab, api, directory)
    shutil.rmtree(directory)


@pytest.mark.timeout(600)
def test_a_pipeline_deploys_and_its_key_shows_up_nowhere(lab: Lab, api: Api, ci: Ci) -> None:
    places = {"test": {"hosts": ["w1"]}, "production": {"hosts": ["w2"], "default": True}}
    module = lab.define("signed", environments=places)
    module.publish("1.10", "1.11", "1.12")
    with Bus(lab) as bus:
        made = lab.run(
            "pushguide.token_create",
            None,
            "shop-ci",
            public_key=ci.public,
            modules="[signed]",
            environments="[test]",
            expires="90d",
        )
        assert made.returncode == 0, made
        assert (made.data["state"], made.data["modules"]) == ("valid", ["signed"])

        # By the hook, which answers at once.
        done = ci.deploy("signed", "1.10", "test", 'pipeline "7" \\ öäü')
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("posted: signed 1.10 to test, by the token shop-ci")
        told = bus.told("pushguide/signed/shop-ci")
        assert (told["problems"], told["module"]) == ([], "signed")
        wait_until(lambda: lab.has_ended(told["deployment"]), "the end of the deployment")
        assert lab.state(told["deployment"]) == "succeeded"
        assert module.lives() == {"w1": "version 1.10", "w2": None, "w3": None}
        (row,) = lab.query("SELECT requested_by FROM deployment WHERE module = ?", "signed")
        assert row == ("token:shop-ci",)

        # By the runner, which waits.
        done = ci.deploy("signed", "1.11", "test", PUSHGUIDE_WAY="runner")
        assert done.returncode == 0, done
        assert module.live("w1") == "version 1.11"

        # What it is not for.
        done = ci.deploy("signed", "1.12", "production", PUSHGUIDE_WAY="runner")
        assert done.returncode == 1
        assert "the token shop-ci is for signed in test" in done.stdout
        ci.deploy("signed", "1.12", "production")
        refused = bus.told("pushguide/signed/shop-ci", 4)
        assert "and not for signed (production)" in str(refused["problems"])

        # A request that was seen on the bus is of no use.
        (seen, *_) = [
            one["data"]["post"]
            for one in bus.events
            if one["tag"] == "salt/netapi/hook/pushguide/deploy"
        ]
        again = api.answer("pushguide.deploy_signed", **seen)
        assert "The request was taken already" in again.problems
        changed = base64.b64decode(seen["request"]).replace(b"1.10", b"1.12")
        forged = {**seen, "request": base64.b64encode(changed).decode()}
        assert (
            "the request was not accepted"
            in api.answer("pushguide.deploy_signed", **forged).problems
        )
        api.hook("pushguide/deploy", forged)
        assert "not accepted" in str(bus.told("pushguide/signed", 2)["problems"])
        for odd in ({}, ["x"], {"request": {"a": 1}, "signature": ["b"]}, {"request": "{" * 99999}):
            api.hook("pushguide/deploy", odd)
        assert "not accepted" in str(bus.told("pushguide/signed", 6)["problems"])

        # At the command line, as base64.
        answer = lab.run("pushguide.deploy_signed", None, **ci.signed(token="shop-ci", modul="x"))
        assert answer.returncode == 1
        assert "did you mean module" in answer.problems
        assert "version is missing" in answer.problems

        # Revoked.
        listed = lab.run("pushguide.tokens", None, module="signed")
        assert listed.data[0]["last_used_at"]
        ended = lab.run("pushguide.token_revoke", None, name="shop-ci", reason="the end")
        assert ended.data["state"] == "revoked"
        done = ci.deploy("signed", "1.12", "test", PUSHGUIDE_WAY="runner")
        assert done.returncode == 1
        assert "The token shop-ci was revoked by" in done.stdout
        assert module.rows() == 2
        assert module.live("w1") == "version 1.11"

    demand_nowhere(lab, ci, bus)


def demand_nowhere(lab: Lab, ci: Ci, bus: Bus) -> None:
    """The private key is in no event, log, job cache, database nor answer."""
    secret = ci.secret
    texts = [repr(one).encode() for one in bus.events]
    texts += [one.encode() for one in ci.said]
    for table in sa.inspect(lab.record).get_table_names():
        texts += [repr(row).encode() for row in lab.query(f'SELECT * FROM "{table}"')]
    assert any(ci.public.encode() in one for one in texts), "the public half is there"
    assert not [one for one in texts if any(part in one for part in secret)]
    files = [one for one in lab.factories.tmp_root_dir.rglob("*") if one.is_file()]
    found = []
    for path in files:
        try:
            content = path.read_bytes()
        except OSError:
            continue  # a daemon has removed it
        if any(part in content for part in secret):
            found.append(path)
    assert not found
    assert any("/jobs/" in str(one) for one in files), "the job cache was looked through"
    assert any(one.name == "master.log" or "/logs/" in str(one) for one in files)


def test_the_script_says_how_it_is_used() -> None:
    done = subprocess.run(
        ["sh", str(SCRIPT), "shop"], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 2
    assert "MODULE VERSION ENVIRONMENT" in done.stderr
