"""What is cut between two masters, their hosts and their database, in the middle of deployments.

Whatever it is: one master drives at a time, no host stays half-way, the deployment ends, and
nobody is told what is not so.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

import pytest

from tests.ha.cluster import HOSTS, NEW, A, B, Cluster, output_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def whole(cluster: Cluster) -> Iterator[None]:
    """Everything passes when a scenario has ended."""
    yield
    cluster.network.heal()
    if cluster.database.process is None:
        cluster.database.start()
    for master in (A, B):
        if master not in cluster.pair.processes:
            cluster.pair.start_master(master)
    cluster.mend()


class Scenario:
    """A deployment on the first master, whose first two hosts are asked for their health.

    Args:
        cluster: the cluster.
        table: where it is entered.
        request: the test, for its name.
    """

    def __init__(self, cluster: Cluster, table: list[str], request: pytest.FixtureRequest) -> None:
        self.cluster = cluster
        self.table = table
        self.name = str(request.node.name).removeprefix("test_")
        self.module = self.name[:40].replace("_", "-")
        self.number = 0
        self.answer: str | None = None

    def define(self, **more: object) -> None:
        """Its module, with the first version live everywhere."""
        self.cluster.define(self.module, **more)

    @contextlib.contextmanager
    def half_way(self, master: str = A, **template: object) -> Iterator[subprocess.Popen[str]]:
        """A deployment whose first two hosts have switched and wait for their proof.

        Args:
            master: who is asked for it.
            template: more of the module's template.
        """
        self.define(**template)
        with self.cluster.deploying(master, self.module) as runner:
            self.begun()
            yield runner

    def begun(self) -> None:
        """Wait until the first two hosts have switched and wait for their proof."""
        self.cluster.waits_at(self.module, "m1", "m2")
        self.number = self.cluster.newest(self.module)

    def open(self, *hosts: str) -> None:
        """Let hosts prove their health."""
        self.cluster.open(self.module, *hosts)

    def taken_over(self) -> None:
        """Wait until the other master drives it."""
        wait_until(lambda: self.driven_by(B), "the other master", 120)

    def ends_with_the_other(self, runner: subprocess.Popen[str]) -> None:
        """Let the other master bring it to its end, and the first one hear of it."""
        self.taken_over()
        self.open()
        self.cluster.ends(self.number)
        self.cluster.network.heal()
        self.answers(runner)

    def driven_by(self, master: str) -> bool:
        """Whether a master has driven it."""
        return master in [one for one, _ in self.cluster.drives(self.number)]

    def answers(self, runner: subprocess.Popen[str]) -> None:
        """Take what the runner says at its end."""
        self.answer = output_of(runner, 150)

    def ends(self, *wanted: str) -> None:
        """Wait for its end, mend everything, and check all that has to hold."""
        state = self.cluster.ends(self.number)
        self.cluster.mend()
        wrong = self.cluster.check(self.module, self.number, self.answer)
        drives = " > ".join(one.partition("_")[0] for one, _ in self.cluster.drives(self.number))
        line = f"{self.name:<58} {state:<12} {drives:<10} {'; '.join(wrong) or 'nothing wrong'}"
        self.table.append(line)
        assert not wrong
        assert state in (wanted or ("succeeded",))


@pytest.fixture
def scenario(cluster: Cluster, table: list[str], request: pytest.FixtureRequest) -> Scenario:
    """The scenario of a test."""
    return Scenario(cluster, table, request)


# The masters do not see each other, or one of them is alone.


def test_masters_cut_from_each_other(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way() as runner:
        cluster.network.cut(A, [B])
        scenario.open()
        scenario.answers(runner)
    scenario.ends()
    assert not scenario.driven_by(B)


def test_standby_cut_from_everything(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way() as runner:
        cluster.network.isolate(B)
        scenario.open()
        scenario.answers(runner)
    scenario.ends()
    assert not scenario.driven_by(B)


def test_driver_cut_from_everything(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way() as runner:
        cluster.network.isolate(A)
        scenario.ends_with_the_other(runner)
    scenario.ends()


# The database.


def test_driver_cut_from_the_database(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way() as runner:
        cluster.network.cut(A, [cluster.network.here])
        scenario.ends_with_the_other(runner)
    scenario.ends()


def test_driver_cut_from_the_database_until_the_next_batch(
    scenario: Scenario, cluster: Cluster
) -> None:
    """Its hosts go on; what it cannot write down, the other one reads from their journals."""
    with scenario.half_way() as runner:
        cluster.network.cut(A, [cluster.network.here])
        scenario.open("m1", "m2")
        scenario.ends_with_the_other(runner)
    scenario.ends()


def test_database_down_for_both(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way() as runner:
        cluster.database.stop()
        scenario.open("m1", "m2")
        wait_until(
            lambda: all(cluster.served(scenario.module, one) == NEW for one in ("m1", "m2")),
            "the first hosts",
        )
        cluster.database.start()
        scenario.open()
        scenario.answers(runner)
    scenario.ends()


# The hosts.


def test_a_host_cut_from_the_driver(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way() as runner:
        cluster.network.cut("m1", [A])
        scenario.open()
        wait_until(lambda: cluster.journal(scenario.module, "m1")["outcome"], "the host's end")
        cluster.network.heal()
        scenario.answers(runner)
    scenario.ends("succeeded", "failed")


def test_all_hosts_cut_from_the_driver(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way() as runner:
        cluster.network.cut(A, HOSTS)
        scenario.open()
        wait_until(lambda: cluster.journal(scenario.module, "m2")["outcome"], "the host's end")
        cluster.network.heal()
        scenario.answers(runner)
    scenario.ends("succeeded", "failed")


def test_a_host_cut_from_both(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way() as runner:
        cluster.network.isolate("m2")
        scenario.open("m1", "m3", "m4")
        wait_until(lambda: cluster.journal(scenario.module, "m1")["outcome"], "the other's end")
        cluster.network.heal()
        scenario.open()
        scenario.answers(runner)
    scenario.ends("succeeded", "failed")


# A master dies.


def test_driver_dies_while_hosts_work(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way() as runner:
        cluster.die(A, runner)
        scenario.taken_over()
        scenario.open()
    scenario.number = cluster.newest(scenario.module)
    cluster.ends(scenario.number)
    cluster.come_back(A)
    scenario.ends()
    assert scenario.driven_by(B)


def test_driver_dies_between_two_batches(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way(
        strategy={"batch": 2, "interval_seconds": 8, "prepare": "with_release"}
    ) as runner:
        scenario.open("m1", "m2")
        wait_until(
            lambda: (
                [*cluster.outcomes(scenario.number).values()].count("under_way") == 0
                and "succeeded" in cluster.outcomes(scenario.number).values()
            ),
            "the first batch",
        )
        cluster.die(A, runner)
        scenario.open()
    cluster.ends(scenario.number)
    cluster.come_back(A)
    scenario.ends()
    assert scenario.driven_by(B)


def test_driver_dies_and_comes_back_while_the_other_one_drives(
    scenario: Scenario, cluster: Cluster
) -> None:
    with scenario.half_way() as runner:
        cluster.die(A, runner)
        scenario.taken_over()
        cluster.come_back(A)
        scenario.open()
    scenario.ends()
    assert [one for one, _ in cluster.drives(scenario.number)][1:] == [B]


def test_driver_dies_before_its_time_has_come(scenario: Scenario, cluster: Cluster) -> None:
    """It was asked for on a master that is not there any more when it is due."""
    scenario.define()
    scenario.open()
    at = wait_until(lambda: cluster.query("SELECT now() + interval '10 s'")[0][0], "the time")
    with cluster.deploying(A, scenario.module, f"at={at.isoformat()}") as runner:
        runner.communicate(timeout=90)
    cluster.die(A)
    scenario.number = cluster.newest(scenario.module)
    cluster.ends(scenario.number)
    cluster.come_back(A)
    scenario.ends()
    assert scenario.driven_by(B)


# Both at once, and whose it is.


def test_both_deploy_the_same_module(scenario: Scenario, cluster: Cluster) -> None:
    scenario.define(strategy={"batch": 4, "when_busy": "queue", "prepare": "with_release"})
    with (
        cluster.deploying(A, scenario.module) as one,
        cluster.deploying(B, scenario.module) as two,
    ):
        cluster.waits_at(scenario.module, *HOSTS)
        scenario.open()
        scenario.answers(one)
        output_of(two, 120)
    scenario.number = cluster.newest(scenario.module)
    scenario.ends()
    cluster.ends(scenario.number - 1)
    assert [one for one, _ in cluster.drives(scenario.number - 1)] != [
        one for one, _ in cluster.drives(scenario.number)
    ]


def test_asked_here_and_driven_in_its_own_data_centre(scenario: Scenario, cluster: Cluster) -> None:
    scenario.define(data_centre="shanghai")
    scenario.open()
    with cluster.deploying(B, scenario.module) as runner:
        scenario.answers(runner)
    scenario.number = cluster.newest(scenario.module)
    scenario.ends()
    assert [one for one, _ in cluster.drives(scenario.number)] == [A]


def test_its_own_data_centre_is_lost_on_the_way(scenario: Scenario, cluster: Cluster) -> None:
    with scenario.half_way(B, data_centre="shanghai") as runner:
        cluster.network.isolate(A)
        scenario.taken_over()
        scenario.open()
        scenario.answers(runner)
    scenario.ends()
    assert [one for one, _ in cluster.drives(scenario.number)] == [A, B]
