"""A deployment to many hosts that nobody drives, and the events that its driver would send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import salt.config
import salt.utils.event

from pushguide.master.plan import HostFacts
from pushguide.master.store import record
from pushguide.master.store.database import Database
from tests.support.salt_lab import Lab
from tests.unit.master.conftest import make_plan

HOSTS = 500


@contextmanager
def firing(lab: Lab) -> Iterator[Callable[[dict[str, Any], str], Any]]:
    """A way to put events onto the bus of the master, as its own side does."""
    opts = salt.config.master_config(str(lab.config_dir / "master"))
    with salt.utils.event.get_master_event(opts, opts["sock_dir"], listen=False) as bus:
        yield bus.fire_event


def running_on(lab: Lab, hosts: int) -> int:
    """A deployment in the record that goes to many hosts and is under way: nothing drives it."""
    names = [f"host{number:03}" for number in range(hosts)]
    plan = make_plan(
        hosts={name: HostFacts("0.1.0", "1.0.0", []) for name in names},
        batches=[names[at : at + 50] for at in range(0, hosts, 50)],
        left_out=[],
    )
    path = f"sqlite:///{lab.record.url.database.removeprefix('file:').split('?')[0]}"

    def work(connection: Any) -> int:
        number = record.create(connection, plan, "olga", "queued")
        record.change_state(connection, number, "running")
        return number

    return Database.at(path).write(work)


def progress(number: int, host: str, stage: str, outcome: str) -> tuple[dict[str, Any], str]:
    """An event of a host's progress."""
    data = {
        "deployment": number,
        "module": "shop-web",
        "environment": "production",
        "reports": [{"stage": stage, "outcome": outcome, "seconds": 0.1}],
    }
    return data, f"pushguide/deployment/{number}/host/{host}/progress"
