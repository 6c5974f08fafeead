"""The monitor: who is up, who is down, and how soon that is noticed; in time that is simulated."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide import __version__
from pushguide.errors import DatabaseError
from pushguide.master.rollout.jobs import Hosts, Return
from pushguide.master.store import host_health
from pushguide.master.store.database import Database
from pushguide.master.store.host_health import Seer
from pushguide.master.watch.monitor import Monitor

INTERVAL = 60.0
SEER = Seer("main", "m1")


class HostsInTime:
    """Stands in for the hosts, in a time of its own: those that are alive answer at once.

    It has the methods of :class:`pushguide.master.rollout.jobs.Hosts` that the monitor calls.
    """

    def __init__(self, names: list[str]) -> None:
        for name in ("pose", "answers", "forget", "rest"):
            assert callable(getattr(Hosts, name)), f"Hosts has no {name} any more"
        self.names = names
        self.alive = {*names}
        self.values: dict[str, Any] = {}
        self.time = 1000.0
        self.overhear: Any = None
        self.asked: list[tuple[float, list[str]]] = []
        self._open: dict[str, list[Return]] = {}

    def clock(self) -> float:
        return self.time

    def rest(self, seconds: float) -> None:
        self.time += seconds

    def pose(self, hosts: list[str], function: str, arguments: dict[str, Any]) -> str:
        assert (function, arguments) == ("pushguide.inspect", {})
        self.asked.append((self.time, list(hosts)))
        jid = str(len(self.asked))
        usual = {"pushguide": __version__, "module": None}
        self._open[jid] = [
            Return(host, self.values.get(host, usual), 0) for host in hosts if host in self.alive
        ]
        for one in self._open[jid]:
            self.overhear(f"salt/job/{jid}/ret/{one.host}", {"id": one.host})
        return jid

    def answers(self, jid: str) -> list[Return]:
        found, self._open[jid] = self._open[jid], []
        return found

    def forget(self, jid: str) -> None:
        del self._open[jid]


def watching(database: Database, hosts: HostsInTime) -> Monitor:
    return Monitor(database, hosts, lambda: hosts.names, SEER, INTERVAL, hosts.clock)  # type: ignore[arg-type]


def pass_time(monitor: Monitor, hosts: HostsInTime, seconds: float) -> None:
    end = hosts.time + seconds
    while hosts.time < end:
        monitor.turn()


def states(database: Database) -> dict[str, str]:
    return {host: one.state for host, one in database.read(host_health.find).items()}


def test_one_that_dies_is_noticed_in_time_whenever_it_dies(database: Database) -> None:
    names = [f"h{one}" for one in range(8)]
    hosts = HostsInTime(names)
    monitor = watching(database, hosts)
    pass_time(monitor, hosts, 5)
    assert states(database) == dict.fromkeys(names, "up")
    for host in names[1:]:
        pass_time(monitor, hosts, 17)
        hosts.alive.discard(host)
        died = hosts.time
        while states(database)[host] == "up":
            monitor.turn()
            assert hosts.time - died <= INTERVAL + 15
    assert states(database) == {host: "up" if host == "h0" else "down" for host in names}


def test_one_that_starts_is_asked_at_once(database: Database) -> None:
    hosts = HostsInTime(["a", "b"])
    monitor = watching(database, hosts)
    hosts.alive.discard("b")
    pass_time(monitor, hosts, 15)
    assert states(database) == {"a": "up", "b": "down"}
    before = database.read(host_health.find)["b"].since
    hosts.alive.add("b")
    hosts.overhear("salt/minion/b/start", {"id": "b"})
    monitor.turn()
    monitor.turn()
    assert states(database)["b"] == "up"
    assert database.read(host_health.find)["b"].since > before


def test_one_that_gives_signs_of_life_is_seldom_asked(database: Database) -> None:
    hosts = HostsInTime(["talks", "still"])
    monitor = watching(database, hosts)
    for _ in range(60):
        hosts.overhear("minion_ping", {"id": "talks"})
        hosts.overhear("salt/beacon/stranger/x", {"id": "stranger"})
        pass_time(monitor, hosts, 10)
    asked = [host for _, some in hosts.asked for host in some]
    assert (asked.count("talks"), asked.count("still")) in {(1, 10), (2, 10), (1, 9), (2, 9)}
    assert "stranger" not in asked


def test_what_a_host_runs_is_held_against_what_the_master_runs(database: Database) -> None:
    hosts = HostsInTime(["old", "bare", "right"])
    hosts.values = {"old": {"pushguide": "0.0.1"}, "bare": "'pushguide.inspect' is not available."}
    pass_time(watching(database, hosts), hosts, 3)
    found = database.read(host_health.find)
    assert {host: one.problem for host, one in found.items()} == {
        "old": f"it runs pushguide 0.0.1, this master {__version__}",
        "bare": "it has no pushguide: 'pushguide.inspect' is not available.",
        "right": None,
    }
    hosts.values["old"] = {"pushguide": __version__}
    monitor = watching(database, hosts)
    pass_time(monitor, hosts, 3)
    assert database.read(host_health.find)["old"].problem is None


def test_one_that_comes_and_goes_is_flapping(database: Database) -> None:
    hosts = HostsInTime(["a", "b"])
    monitor = watching(database, hosts)
    pass_time(monitor, hosts, 3)
    for turn in range(4):
        (hosts.alive.discard if turn % 2 == 0 else hosts.alive.add)("b")
        assert not database.read(host_health.find)["b"].is_flapping
        pass_time(monitor, hosts, INTERVAL + 15)
    found = database.read(host_health.find)
    assert (found["b"].changes, found["b"].is_flapping) == (4, True)
    assert (found["a"].changes, found["a"].is_flapping) == (0, False)


def test_a_master_that_is_cut_off_calls_nobody_dead(database: Database) -> None:
    hosts = HostsInTime(["a", "b"])
    monitor = watching(database, hosts)
    monitor.is_alone = False
    pass_time(monitor, hosts, 3)
    hosts.alive.clear()
    pass_time(monitor, hosts, 4 * INTERVAL)
    assert monitor.is_cut_off
    assert states(database) == {"a": "up", "b": "up"}
    monitor.is_alone = True  # and nobody else can look
    pass_time(monitor, hosts, 3)
    assert states(database) == {"a": "down", "b": "down"}
    hosts.alive = {"a", "b"}
    pass_time(monitor, hosts, INTERVAL + 3)
    assert states(database) == {"a": "up", "b": "up"}


def test_two_data_centres_see_for_themselves(database: Database) -> None:
    def note(data_centre: str, state: str) -> None:
        seer = Seer(data_centre, f"master of {data_centre}")
        database.write(lambda one: host_health.note(one, {"a": {"state": state}}, seer))

    note("east", "up")
    note("west", "down")
    found = database.read(host_health.find)["a"]
    assert (found.state, found.lost_from, found.seen_by) == ("up", ("west",), "master of east")
    note("east", "down")
    found = database.read(host_health.find)["a"]
    assert (found.state, found.lost_from, found.changes) == ("down", ("east", "west"), 1)


def test_what_was_seen_while_the_database_was_away_is_written_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = HostsInTime(["a"])
    monitor = watching(database, hosts)

    def away(_work: Any) -> Any:
        raise DatabaseError("it is away")

    with monkeypatch.context() as patched:
        patched.setattr(database, "write", away)
        with pytest.raises(DatabaseError):
            pass_time(monitor, hosts, 5)
    pass_time(monitor, hosts, 2)
    assert states(database) == {"a": "up"}


def test_many_are_asked_a_few_at_a_time(database: Database) -> None:
    names = [f"h{one}" for one in range(1200)]
    hosts = HostsInTime(names)
    monitor = watching(database, hosts)
    pass_time(monitor, hosts, 3 * INTERVAL)
    assert max(len(some) for _, some in hosts.asked) <= 50
    asked = [host for _, some in hosts.asked for host in some]
    assert {*asked} == {*names}
    assert len(asked) <= 4 * len(names)
    hosts.names = names[:3]
    pass_time(monitor, hosts, 2 * INTERVAL)
    before = len(hosts.asked)
    pass_time(monitor, hosts, INTERVAL)
    assert {host for _, some in hosts.asked[before:] for host in some} == {*names[:3]}
