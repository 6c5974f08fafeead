"""Notifications of a real master: its engine tells a receiver what becomes of deployments."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from saltfactories.manager import FactoriesManager

from tests.support.receiver import Receiver
from tests.support.salt_lab import Lab
from tests.support.waiting import wait_until

SECRET = "hush-hush-4711"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


@pytest.fixture(scope="module")
def telling(salt_factories: FactoriesManager, receiver: Receiver) -> Iterator[Lab]:
    """A master that tells of the modules of the team shop, with a minion."""
    channels = {
        "shop": {"urls": [receiver.url(f"shop/{SECRET}")]},
        "gone": {"urls": [f"json://127.0.0.1:1/{SECRET}"]},
    }
    events = ["started", "succeeded", "failed"]
    config = {
        "engines": [{"pushguide": {"interval_seconds": 1}}],
        "pushguide": {
            "presence_timeout_seconds": 30,
            "notifications": {
                "channels": channels,
                "rules": [{"events": events, "teams": ["shop"], "channels": ["shop", "gone"]}],
                "console_url": "https://salt.example.com/app",
            },
        },
    }
    with Lab(salt_factories, "telling", ["n1"], config) as one:
        assert one.run("pushguide.setup").returncode == 1  # no modules yet
        yield one


def test_a_deployment_is_told_while_its_receiver_comes_and_goes(
    telling: Lab, receiver: Receiver
) -> None:
    module = telling.define("told", team="shop")
    module.publish("1.0.0")
    done = module.deploy("1.0.0")
    assert done.returncode == 0, done
    number = done.data["deployment"]
    wait_until(lambda: len(receiver.received) == 2, "both messages")
    started, succeeded = receiver.received
    what = "Deployment of told 1.0.0 to production"
    assert (started.title, succeeded.title) == (
        f"{what} has begun (#{number})",
        f"{what} succeeded (#{number})",
    )
    assert started.path == f"/shop/{SECRET}"
    assert "asked for by root" in succeeded.body
    assert "Hosts: 1 of 1 succeeded" in succeeded.body
    assert f"https://salt.example.com/app/#/deployments/{number}" in succeeded.body

    receiver.stop()
    again = module.run("redeploy")
    assert again.returncode == 0, again
    receiver.start()
    wait_until(lambda: len(receiver.received) == 4, "what was missed")
    assert len({*receiver.keys()}) == 4


def test_it_can_be_tried_and_no_secret_is_told(telling: Lab, receiver: Receiver) -> None:
    before = len(receiver.received)
    tried = telling.run("pushguide.notify_test", channel="shop")
    assert (tried.returncode, len(receiver.received)) == (0, before + 1)
    failed = telling.run("pushguide.notify_test", channel="gone")
    assert failed.returncode == 1
    assert not failed.data["addresses"][0]["delivered"]
    told = telling.run("pushguide.notifications", limit=100)
    assert told.data["counts"]["pending"] >= 1
    assert {one["channel"] for one in told.data["deliveries"]} == {"shop", "gone"}
    log = telling.master.config["log_file"]
    with open(log, encoding="utf-8") as lines:
        text = lines.read()
    assert "of the channel gone failed, and is repeated" in text
    for where in (text, str(told), str(failed), str(tried)):
        assert SECRET not in where
