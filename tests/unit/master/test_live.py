"""What a minion gets by pillar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import salt.config

from pushguide.errors import Refused
from pushguide.master import states
from pushguide.master.config import Config
from pushguide.master.live import pillar_of
from pushguide.master.store import host_results, record
from pushguide.master.store.database import Database
from pushguide.share import Artifact, Transfer
from tests.unit.master.conftest import make_plan

_SECRET = {"user": "ci", "password": "hunter2"}
_ARTIFACT = Artifact("1.1.0", "https://x/a.zip", "a.zip", "a" * 64, 10, credential="nexus")


class Master:
    """A master's opts, and its record."""

    def __init__(self, database: Database, top: Path) -> None:
        self.database = database
        ours = {
            "database": database.url.render_as_string(hide_password=False),
            "credentials": {"nexus": _SECRET, "proxy": {"token": "t0ken"}, "other": {"token": "x"}},
        }
        # Minions are known by the keys that were accepted.
        accepted = top / "pki" / "minions"
        accepted.mkdir(parents=True)
        for name in ("web1", "web2", "db1"):
            (accepted / name).touch()
        self.opts: dict[str, Any] = {
            **salt.config.DEFAULT_MASTER_OPTS,
            "__role": "master",
            "id": "lab_master",
            "pushguide": ours,
            "pki_dir": str(top / "pki"),
            "cachedir": str(top / "cache"),
        }

    def deploy(self, **changes: Any) -> int:
        """Write a deployment down that is under way."""
        transfer = Transfer(proxy_credential="proxy")._asdict()
        values = {"artifact": _ARTIFACT, "share": {"settings": {}, "transfer": transfer}, **changes}
        plan = make_plan(**values)
        return self.database.write(lambda one: record.create(one, plan, "zhang", states.QUEUED))

    def end(self, number: int, state: str = states.SUCCEEDED) -> None:
        """Bring a deployment to its end."""

        def work(connection: Any) -> None:
            record.change_state(connection, number, states.RUNNING, None)
            record.change_state(connection, number, state, None)

        self.database.write(work)

    def credentials(self, minion: str) -> set[str]:
        """The credentials that a minion is given."""
        return {*pillar_of(self.opts, minion).get("pushguide", {}).get("credentials", {})}


@pytest.fixture
def master(database: Database, tmp_path: Path) -> Master:
    """A master with an empty record."""
    return Master(database, tmp_path)


def test_a_credential_is_there_while_a_deployment_needs_it(master: Master) -> None:
    assert pillar_of(master.opts, "web1") == {}

    number = master.deploy()

    given = pillar_of(master.opts, "web1")["pushguide"]["credentials"]
    assert given == {"nexus": _SECRET, "proxy": {"token": "t0ken"}}
    assert master.credentials("web2") == {"nexus", "proxy"}
    assert master.credentials("db1") == set()
    assert pillar_of(master.opts, "lab_master") == {}

    master.end(number, states.FAILED)
    assert master.credentials("web1") == set()


def test_a_machine_that_has_to_catch_up_gets_what_it_needs(master: Master) -> None:
    number = master.deploy()
    master.end(number)
    assert master.credentials("web1") == {"nexus", "proxy"}
    share = pillar_of(master.opts, "web1")["pushguide"]["live"]["shop-web"]["production"]
    assert share["artifact"]["credential"] == "nexus"
    assert "hunter2" not in str(share)

    result = {
        "deployment": number,
        "module": "shop-web",
        "environment": "production",
        "live": "1.1.0",
        "error": None,
        "stages": [],
    }
    master.database.write(
        lambda one: host_results.write_host(one, "web1", result, states.SUCCEEDED)
    )
    assert master.credentials("web1") == set()
    assert master.credentials("web2") == {"nexus", "proxy"}


def test_what_the_configuration_has_not_is_not_there(master: Master) -> None:
    del master.opts["pushguide"]["credentials"]["nexus"]
    master.deploy()
    assert master.credentials("web1") == {"proxy"}


def test_a_database_that_is_away_leaves_other_pillar_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none/x.db"
    opts = {"id": "m", "cachedir": str(tmp_path), "pushguide": {"database": url}}
    assert pillar_of(opts, "web1") == {}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("hunter2", "is not a mapping of names"),
        ({"a b": _SECRET}, "'a b' is no name"),
        ({"nexus": {"user": "ci", "pass": "hunter2"}}, "nexus is none: give user and password"),
        ({"nexus": {"user": "ci", "password": "hunter2\nX: y"}}, "each one line of text"),
        ({"nexus": {"user": "ci", "password": ""}}, "nexus is none"),
        ({"nexus": {"headers": "hunter2"}}, "nexus is none"),
        ({"nexus": {"headers": {"X": {"hunter2": 1}}}}, "nexus is none"),
    ],
)
def test_credentials_that_are_none_are_told_and_not_shown(given: object, told: str) -> None:
    with pytest.raises(Refused) as err:
        Config.from_opts(
            {"cachedir": "/var/cache/salt/master", "pushguide": {"credentials": given}}
        )
    assert told in str(err.value)
    assert "hunter2" not in str(err.value)


def test_a_configuration_does_not_show_its_secrets() -> None:
    opts = {"cachedir": "/x/y", "pushguide": {"credentials": {"nexus": _SECRET}}}
    config = Config.from_opts(opts)
    assert config.credentials == {"nexus": _SECRET}
    assert "hunter2" not in repr(config)
