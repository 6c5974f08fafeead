"""The daemons that the integration tests share: they are dear, so there is one set of them."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from saltfactories.manager import FactoriesManager

from tests.support.salt_lab import Api, Lab, api_config

USER = "shop-team"
FILES = Path(__file__).parent / "files"
#: What the hooks may be given that note what they were given.
ANY_WORD = {"word": {"pattern": "[a-z ;$()]+"}}
#: What a server of artifacts asks for, under the name that templates give.
STORE = {"user": "deploy", "password": "correct-horse-battery"}


@pytest.fixture(scope="session")
def lab(salt_factories: FactoriesManager) -> Iterator[Lab]:
    """A master with salt-api, three minions, and one more that comes and goes."""
    config = {
        "pushguide": {
            "presence_timeout_seconds": 30,
            "silence_seconds": 5,
            "credentials": {"store": STORE},
            "commands": {
                "well": "/bin/echo all is well",
                "who-knows": ["/bin/sh", "-c", "exit 75"],
            },
            "self_service": {
                "hosts": ["w*"],
                "directories": [str(salt_factories.tmp_root_dir)],
                "servers": ["salt://artifacts"],
                "teams": {"narrow": {"hosts": ["w1"]}},
            },
            "hooks": {
                "stamp": {"function": "release_stamp.write", "kwarg": {"by": "{id}"}},
                "call": {"function": "release_stamp.note", "variables": ANY_WORD},
                "run": {
                    "command": [sys.executable, str(FILES / "noting.py"), "{path}", "{word}"],
                    "variables": ANY_WORD,
                },
                "run-back": {
                    "command": [sys.executable, str(FILES / "noting.py"), "{path}", "no {word}"],
                    "variables": ANY_WORD,
                },
            },
            "functions": {
                "out-of-lb": {
                    "out": {"function": "test.echo", "arg": ["{id} is out"]},
                    "back": {"function": "test.echo", "kwarg": {"text": "{id} is back"}},
                }
            },
        },
        "reactor": [
            {"salt/netapi/hook/pushguide/build": ["salt://orch/announce.sls"]},
            {"salt/netapi/hook/pushguide/deploy": ["salt://orch/deploy_signed.sls"]},
        ],
        **api_config(USER, secrets.token_hex(16)),
    }
    # CI, which may do nothing but bring what a deployment token has signed.
    config["external_auth"]["sharedsecret"]["ci"] = [{"@pushguide": ["deploy_signed$"]}]
    with Lab(salt_factories, "xyz", ["w1", "w2", "w3"], config) as one:
        one.people = {"maintainer": [USER], "deployer": ["Reactor"]}
        one.add_minion("spare")
        assert one.run("pushguide.setup").returncode == 1  # no modules yet
        with one.master.salt_api_daemon().started():
            url = f"http://127.0.0.1:{one.master.config['rest_cherrypy']['port']}"
            one.api = Api(url, USER, one.master.config["sharedsecret"])
            yield one
        one.stop("spare")


@pytest.fixture(scope="session")
def api(lab: Lab) -> Api:
    """salt-api, and somebody who has logged in."""
    assert lab.api
    return lab.api
