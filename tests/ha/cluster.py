"""Two masters, four minions and a database, each in a network of its own, and what has to hold."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from demo.daemons import LabError
from demo.pair import MASTERS, Pair
from tests.ha.network import Network
from tests.ha.postgresql import PostgreSQL
from tests.support.health import Health
from tests.support.waiting import wait_until

A, B = MASTERS
HOSTS = ("m1", "m2", "m3", "m4")
OLD, NEW = "1.0.0", "1.1.0"
ENDED = ("succeeded", "failed", "rolled_back", "aborted")
#: Hosts with these outcomes have told, and the record says how they stand.
TOLD = ("succeeded", "failed", "restored", "stopped_short", "not_started")
SETTINGS = {
    "lease_seconds": 10,
    "silence_seconds": 2,
    "presence_timeout_seconds": 40,
    "patience_seconds": 40,
    "monitor_seconds": 5,
}


class Cluster:
    """The two masters and what they drive.

    Args:
        network: the namespaces: both masters, and one for each minion.
        database: the database.
    """

    def __init__(self, network: Network, database: PostgreSQL) -> None:
        self.network = network
        self.database = database
        self.modules: dict[str, Any] = {}
        addresses = {name: network.addresses[name] for name in MASTERS}
        inside = {name: network.inside(name) for name in network.addresses}
        self.pair = Pair(HOSTS, self.modules, addresses, database.url, SETTINGS, inside)
        self.hosts = self.pair.top / "hosts"
        self.health = Health(self.hosts, network.here)
        self.engine = sa.create_engine(database.url, poolclass=sa.NullPool)

    def __enter__(self) -> Cluster:
        self.hosts.mkdir()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.health)
            stack.enter_context(self.pair)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    # Modules and deployments.

    def define(self, name: str, **more: Any) -> None:
        """A module of all hosts, in batches of two, that asks a gate of its own for each host.

        Its first version is live everywhere when this ends.
        """
        gate = f"{self.health.url}/gate/{name}-{{id}}"
        self.modules[name] = {
            "type": "static_site",
            "root": str(self.hosts / "{id}" / name),
            "source": {"directory": str(self.pair.artifacts), "url": "salt://artifacts"},
            "min_free_mb": 1,
            "strategy": {"batch": 2, "return_within_seconds": 60, "prepare": "with_release"},
            "probe": {"url": gate, "within_seconds": 100, "interval_seconds": 0.1},
            "environments": {"production": {"hosts": list(HOSTS)}},
            **more,
        }
        self.pair.write_modules()
        for version in (OLD, NEW):
            self.pair.publish(name, version, _files(version))
        self.open(name)
        done = self.pair.run(A, "pushguide.deploy", f"module={name}", f"version={OLD}", check=False)
        assert done.get("state") == "succeeded", done
        self.health.opened.clear()
        self.health.asked.clear()

    def open(self, name: str, *hosts: str) -> None:
        """Let hosts, all if none is named, pass their gates."""
        for host in hosts or HOSTS:
            self.health.open(f"{name}-{host}")

    @contextlib.contextmanager
    def deploying(self, master: str, name: str, *more: str) -> Iterator[subprocess.Popen[str]]:
        """salt-run pushguide.deploy of the new version, on a master."""
        words = ("pushguide.deploy", f"module={name}", f"version={NEW}", *more, "--out=json")
        with subprocess.Popen(
            self.pair.command(master, "salt-run", *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def waits_at(self, name: str, *hosts: str) -> None:
        """Wait until hosts ask at their gates: they have switched, and are not proven yet."""
        for host in hosts:
            wait_until(
                lambda one=host: self.health.is_asked(f"{name}-{one}"), f"{host} at its gate", 90
            )

    def die(self, master: str, *runners: subprocess.Popen[str]) -> None:
        """Let a master and all that runs there die at once, without a word."""
        words = ["ip", "netns", "pids", self.network.inside(master)[-1]]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        for pid in map(int, told.split()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.pair.processes.pop(master).wait(10)
        for one in runners:
            one.wait(10)

    def come_back(self, master: str) -> None:
        """Start a master again, and wait until every host answers it."""
        self.pair.start_master(master)
        wait_until(lambda: self._all_answer(master), f"{master} and its minions", 180)

    def mend(self) -> None:
        """Let everything pass again, and wait until both masters reach every host."""
        self.network.heal()
        for master in MASTERS:
            wait_until(lambda one=master: self._all_answer(one), f"{master} and its minions", 180)

    def _all_answer(self, master: str) -> bool:
        try:
            return self.pair.all_answer(master)
        except LabError:
            return False

    # What the record and the disks say.

    def query(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Read from the database, past pushguide."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(sql), values)]

    def newest(self, name: str) -> int:
        """The number of a module's newest deployment."""
        sql = "SELECT max(id) FROM deployment WHERE module = :name"
        return int(self.query(sql, name=name)[0][0])

    def state(self, number: int) -> str:
        """The state of a deployment."""
        sql = "SELECT state FROM deployment WHERE id = :number"
        return str(self.query(sql, number=number)[0][0])

    def drives(self, number: int) -> list[tuple[str, int]]:
        """Which masters have driven a deployment, under which tokens, in order."""
        sql = 'SELECT master, token FROM drive WHERE deployment_id = :number ORDER BY "since"'
        return [(str(one), int(token)) for one, token in self.query(sql, number=number)]

    def ends(self, number: int, seconds: float = 180) -> str:
        """Wait until a deployment has ended, and answer with its state."""
        wait_until(lambda: self.state(number) in ENDED, f"the end of #{number}", seconds)
        return self.state(number)

    def outcomes(self, number: int) -> dict[str, str]:
        """The outcome of each host."""
        sql = "SELECT host, outcome FROM deployment_host WHERE deployment_id = :number"
        return dict(self.query(sql, number=number))  # type: ignore[arg-type]

    def served(self, name: str, host: str) -> str | None:
        """The version that a host serves whole; None if it is neither, or not whole."""
        live = self.hosts / host / name / "live"
        found = {one.name: one.read_text() for one in live.iterdir()} if live.is_dir() else {}
        return next((one for one in (OLD, NEW) if found == _files(one)), None)

    def journal(self, name: str, host: str) -> dict[str, Any]:
        """The journal on a host."""
        top = self.pair.top / host / "var" / "lib" / "pushguide"
        text = (top / name / "production" / "journal.json").read_text()
        return dict(json.loads(text))

    # What has to hold.

    def check(self, name: str, number: int, answer: str | None) -> list[str]:
        """What is wrong after a deployment has ended and everything passes again."""
        wait_until(lambda: "unknown" not in self.outcomes(number).values(), "every outcome", 120)
        wrong = []
        tokens = [token for _, token in self.drives(number)]
        if tokens != sorted(set(tokens)):
            wrong.append(f"the fencing tokens do not grow: {tokens}")
        outcomes, state = self.outcomes(number), self.state(number)
        sql = "SELECT host, version FROM release WHERE module = :name"
        recorded = dict(self.query(sql, name=name))  # type: ignore[arg-type]
        for host in HOSTS:
            served, journal = self.served(name, host), self.journal(name, host)
            said = journal["releases"][journal["live"]]["version"]
            if served is None or not served == said == recorded.get(host):
                wrong.append(
                    f"{host} serves {served}; its journal says {said}, the record "
                    f"{recorded.get(host)}"
                )
            if journal["doing"] is not None:
                wrong.append(f"{host} is half-way: {journal['doing']}")
            wanted = NEW if outcomes[host] == "succeeded" else None
            if wanted and served != wanted:
                wrong.append(f"{host} has succeeded and serves {served}")
            if outcomes[host] not in TOLD:
                wrong.append(f"{host} is {outcomes[host]} at the end")
        if state == "succeeded" and set(outcomes.values()) != {"succeeded"}:
            wrong.append(f"it has succeeded, and its hosts have not: {outcomes}")
        lock = self.query("SELECT deployment_id FROM lock WHERE module = :name", name=name)
        if lock != [(None,)]:
            wrong.append(f"the lock still belongs to {lock}")
        return wrong + _falsehoods(answer, state)


def _falsehoods(answer: str | None, state: str) -> list[str]:
    """What somebody was told that is not so."""
    if answer is None:
        return []
    try:
        told = json.loads(answer)
    except ValueError:
        return [f"the answer is no data: {answer[-500:]!r}"]
    if not isinstance(told, dict) or told.get("failed") or told.get("refused"):
        return []  # it says that it does not know, or what went wrong
    if told.get("state") not in (state, "running", "queued"):
        return [f"somebody was told {told.get('state')}, and it is {state}"]
    if told.get("state") in ("running", "queued") and told.get("retcode") == 0:
        return ["somebody was told that it went well before it had ended"]
    return []


def _files(version: str) -> dict[str, str]:
    return {"health": f"version {version}\n", "page": f"{version}\n" * 100}


def output_of(process: subprocess.Popen[str], seconds: float) -> str | None:
    """What a runner answers; None if it was killed or does not end in time."""
    deadline = time.monotonic() + seconds
    try:
        out, _ = process.communicate(timeout=deadline - time.monotonic())
    except subprocess.TimeoutExpired:
        return None
    return out if process.returncode >= 0 else None
