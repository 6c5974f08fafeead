"""A soak: 20 minions, 4 modules that are deployed again and again, and faults at random.

SOAK_SECONDS says how long (1200 if not given), SOAK_SEED which faults come.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest
from saltfactories.manager import FactoriesManager

from tests.support.ports import free_port
from tests.support.salt_lab import Api, Lab, Module, api_config
from tests.support.waiting import wait_until

SECONDS = float(os.environ.get("SOAK_SECONDS", "1200"))
SEED = int(os.environ.get("SOAK_SEED", "0")) or secrets.randbelow(10**6)
HOSTS = [f"s{number:02}" for number in range(1, 21)]
VERSIONS = ("1.0.0", "1.1.0")
ENDED = ("succeeded", "failed", "rolled_back", "aborted")
USER = "soak-team"
#: A deployment that has not ended after so long is stuck.
STUCK_SECONDS = 240.0

pytestmark = pytest.mark.timeout(int(SECONDS) + 1500)


@dataclass
class Samples:
    """What a process takes, over time.

    Attributes:
        moments: when it was looked at, in seconds.
        megabytes: its resident memory then.
        files: its open file descriptors then.
    """

    moments: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)

    def take(self, pid: int) -> None:
        """Look at a process and its children."""
        main = psutil.Process(pid)
        taken = [(main.memory_info().rss, main.num_fds())]
        for one in main.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended while it was looked at
                taken.append((one.memory_info().rss, one.num_fds()))
        self.moments.append(time.monotonic())
        self.megabytes.append(sum(memory for memory, _ in taken) / 2**20)
        self.files.append(float(sum(files for _, files in taken)))

    def slope(self, values: list[float]) -> float:
        """How much values grow in an hour, by a straight line through the second half of them."""
        half = len(values) // 2
        line = statistics.linear_regression(self.moments[half:], values[half:])
        return line.slope * 3600

    def told(self) -> str:
        """What it takes at the end, and how that grows."""
        return (
            f"{self.megabytes[-1]:.0f} MB, {self.slope(self.megabytes):+.1f} MB/h; "
            f"{self.files[-1]:.0f} files, {self.slope(self.files):+.1f} /h"
        )

    def growth(self, values: list[float]) -> float:
        """How much more the last quarter of the values takes than the second one, by medians."""
        quarter = len(values) // 4
        return statistics.median(values[-quarter:]) - statistics.median(
            values[quarter : 2 * quarter]
        )


@dataclass
class Tally:
    """What has happened."""

    deployments: int = 0
    hosts: int = 0
    stuck: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """The numbers that matter, in a line."""
        done = f"deployments {self.deployments}, hosts looked at {self.hosts}"
        return f"{done}, lost {len(self.lost)}, stuck {len(self.stuck)}"


@pytest.fixture(scope="module")
def soaked(salt_factories: FactoriesManager) -> Iterator[Lab]:
    """A master with an engine, salt-api and twenty minions."""
    config = {
        "engines": [{"pushguide": {"interval_seconds": 2}}],
        "worker_threads": 5,
        "pushguide": {
            "metrics": {"port": free_port()},
            "presence_timeout_seconds": 60,
            "silence_seconds": 5,
            "lease_seconds": 10,
            "monitor_seconds": 30,
        },
        **api_config(USER, secrets.token_hex(16)),
    }
    with Lab(salt_factories, "soak", HOSTS, config) as one:
        one.people = {"maintainer": [USER]}
        assert one.run("pushguide.setup").returncode == 1  # no modules yet
        with one.master.salt_api_daemon().started():
            url = f"http://127.0.0.1:{one.master.config['rest_cherrypy']['port']}"
            one.api = Api(url, USER, one.master.config["sharedsecret"])
            yield one


class Soak:
    """Deploys one module again and again.

    Args:
        lab: the lab.
        module: the module.
        hosts: its hosts.
        tally: where what happens is counted.
        choose: chooses faults.
    """

    def __init__(
        self, lab: Lab, module: Module, hosts: list[str], tally: Tally, choose: random.Random
    ) -> None:
        self.lab = lab
        self.module = module
        self.hosts = hosts
        self.tally = tally
        self.choose = choose
        self.problems: list[str] = []

    def run(self, until: float) -> None:
        """Go on until a moment."""
        faults: list[Callable[[], None]] = [
            self.nothing,
            self.nothing,
            self.kills_the_runner,
            self.spoils_a_host,
            self.aborts,
            self.kills_a_job,
        ]
        try:
            while time.monotonic() < until:
                fault = self.choose.choice(faults)
                self.tally.faults[fault.__name__.replace("_", " ")] += 1
                fault()
                self.settle()
        except Exception as err:  # noqa: BLE001 - told by the test
            self.problems.append(f"{self.module.name}: {err!r}")

    def submit(self) -> int:
        """Begin a deployment through salt-api, in the background; answer with its number."""
        assert self.lab.api
        version = self.choose.choice(VERSIONS)
        answer = self.lab.api.answer(
            "pushguide.deploy", module=self.module.name, version=version, wait=False, force=True
        )
        assert "deployment" in answer.data, answer
        self.tally.deployments += 1
        return int(answer.data["deployment"])

    # The faults.

    def nothing(self) -> None:
        """No fault."""
        self.submit()

    def kills_the_runner(self) -> None:
        """Kill what drives it, at some moment."""
        number = self.submit()
        wait_until(
            lambda: self.lab.has_ended(number) or self.lab.state(number) == "running", "its begin"
        )
        self.pass_some_time()
        for one in psutil.process_iter(["cmdline"]):
            words = one.info["cmdline"] or []
            mine = str(self.lab.config_dir) in words
            if mine and words[-2:] == ["pushguide.resume", str(number)]:
                with contextlib.suppress(psutil.NoSuchProcess):  # it was quicker
                    one.kill()

    def spoils_a_host(self) -> None:
        """Let one host answer wrongly."""
        host = self.choose.choice(self.hosts)
        for version in VERSIONS:
            self.lab.health.spoil(host, self.module.name, version)
        try:
            self.wait_for_end(self.submit())
        finally:
            for version in VERSIONS:
                self.lab.health.mend(host, self.module.name, version)

    def aborts(self) -> None:
        """Abort it, at some moment."""
        number = self.submit()
        self.pass_some_time()
        assert self.lab.api
        self.lab.api.answer("pushguide.abort", deployment=number, reason="soak", wait=False)

    def kills_a_job(self) -> None:
        """Kill the processes of jobs on one host; the minion itself lives on."""
        self.submit()
        self.pass_some_time()
        main, *_ = self.lab.processes(self.choose.choice(self.hosts))
        for manager in main.children():
            for job in manager.children():
                job.kill()

    def pass_some_time(self) -> None:
        """Let it come to some point on its way."""
        moment = time.monotonic() + self.choose.uniform(0.2, 4)
        wait_until(lambda: time.monotonic() > moment, "a moment")

    # What has to hold.

    def wait_for_end(self, number: int) -> None:
        """Wait for the end of a deployment, whatever it is."""
        try:
            wait_until(lambda: self.lab.has_ended(number), f"the end of #{number}", STUCK_SECONDS)
        except AssertionError as err:
            self.tally.stuck.append(f"{err}: {self.lab.state(number)}")
            raise

    def settle(self) -> None:
        """Wait until nothing goes on with the module, and look at every host."""
        number = self.lab.last_number(self.module)
        self.wait_for_end(number)
        number = self.lab.last_number(self.module)  # its rollback, if there is one
        self.wait_for_end(number)
        self.tally.states[self.lab.state(number)] += 1
        sql = "SELECT count(*) FROM deployment_host WHERE deployment_id = ? AND outcome = 'unknown'"
        wait_until(lambda: self.lab.query(sql, number) == [(0,)], "every outcome", STUCK_SECONDS)
        recorded: dict[Any, Any] = dict(
            self.lab.query("SELECT host, version FROM release WHERE module = ?", self.module.name)  # type: ignore[arg-type]
        )
        for host in self.hosts:
            self.tally.hosts += 1
            live = self.module.live(host)
            if live != f"version {recorded.get(host)}":
                self.tally.lost.append(
                    f"#{number}: {host} has {live}, the record {recorded.get(host)}"
                )


def listener(port: int) -> int:
    """The process that listens on a port."""
    return next(
        one.pid
        for one in psutil.net_connections("tcp")
        if one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN and one.pid
    )


def test_a_soak(soaked: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is lost, nothing is stuck, and what runs for long takes no more and more."""
    tally = Tally()
    soaks = []
    for place, name in enumerate(("basket", "search", "users", "orders")):
        hosts = HOSTS[place * 5 : place * 5 + 5] + HOSTS[(place * 5 + 5) % 20 :][:2]
        module = soaked.define(
            name,
            hosts=hosts,
            probe=True,
            strategy={"batch": 3, "prepare": "with_release", "auto_rollback": "all"},
        )
        module.publish(*VERSIONS)
        assert module.deploy(VERSIONS[0]).returncode == 0
        soaks.append(Soak(soaked, module, hosts, tally, random.Random(f"{SEED} {name}")))

    config = soaked.master.config
    watched = {
        "engine": (listener(config["pushguide"]["metrics"]["port"]), Samples()),
        "salt-api": (listener(config["rest_cherrypy"]["port"]), Samples()),
    }
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=one.run, args=(until,), daemon=True) for one in soaks]
    for thread in threads:
        thread.start()
    while alive := [thread for thread in threads if thread.is_alive()]:
        for pid, samples in watched.values():
            samples.take(pid)
        alive[0].join(1)

    lines = [
        f"soak: {SECONDS:g} s, seed {SEED}",
        tally.told(),
        f"ended as: {dict(tally.states)}",
        f"faults: {dict(tally.faults)}",
        *(f"{name}: {samples.told()}" for name, (_, samples) in watched.items()),
    ]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, ""]))
    assert not [problem for one in soaks for problem in one.problems]
    assert not tally.lost
    assert not tally.stuck
    assert tally.deployments >= len(soaks)
    for name, (_, samples) in watched.items():
        assert samples.growth(samples.megabytes) < 40, f"the memory of {name} grows"
        assert samples.growth(samples.files) < 20, f"the files of {name} grow"
