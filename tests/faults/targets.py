"""The five that are killed or cut: minion, runner, master, database and artifact server."""

from __future__ import annotations

from tests.faults.checks import lease_is_over
from tests.faults.injections import Fault, Injection
from tests.faults.ledger import Entry
from tests.faults.servers import ArtifactServer, DatabaseProxy
from tests.support.processes import kill_all
from tests.support.salt_lab import Lab
from tests.support.waiting import wait_until


class MinionFault(Fault):
    """The victim's minion is killed with its jobs, and started again at once."""

    target = "minion"

    def strike(self, caught: list[Injection]) -> None:
        """Kill it."""
        kill_all(self.lab.daemons[caught[0].victim].pid)

    def restore(self, caught: list[Injection]) -> None:
        """Start it."""
        self.lab.start(caught[0].victim)


class RunnerFault(Fault):
    """salt-run is killed; what it has sent to the hosts goes on there."""

    target = "runner"

    def strike(self, caught: list[Injection]) -> None:
        """Kill it."""
        for one in caught:
            kill_all(one.process.pid)


class MasterFault(Fault):
    """The master is killed, and started again at once."""

    target = "master"

    def strike(self, caught: list[Injection]) -> None:
        """Kill it."""
        kill_all(self.lab.master.pid)

    def restore(self, caught: list[Injection]) -> None:
        """Start it, and wait until the minions have found it."""
        self.lab.restart_master()
        wait_until(self._all_answer, "the answer of all minions", seconds=90)

    def _all_answer(self) -> bool:
        # One that was published before they were back is never heard: another one is.
        answer = self.lab.salt(",".join(self.lab.minions), "test.ping", within_seconds=10)
        return bool(answer == dict.fromkeys(self.lab.minions, True))


class DatabaseFault(Fault):
    """The database goes away; when it comes back the victim's job has ended, and the lease too.

    Args:
        lab: the lab.
        proxy: the way to the database.
    """

    target = "database"

    def __init__(self, lab: Lab, proxy: DatabaseProxy) -> None:
        super().__init__(lab)
        self.proxy = proxy

    def strike(self, caught: list[Injection]) -> None:
        """Cut it off."""
        self.proxy.stop()

    def restore(self, caught: list[Injection]) -> None:
        """Let it be reached again."""
        for one in caught:
            one.wait_for_end_on_victim()
            wait_until(lambda one=one: lease_is_over(self.lab, one.module), "the end of the lease")
        self.proxy.start()

    def close(self) -> None:
        """Let it be reached again."""
        self.proxy.start()
        super().close()


class ArtifactFault(Fault):
    """The artifact server goes away.

    When the artifact is to come yet it goes before the first byte, or after half of them, and
    comes back later; afterwards it stays away.
    """

    target = "artifact server"

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.servers: dict[str, ArtifactServer] = {}

    def injection(self, entry: Entry, victim: str) -> Injection:
        """A module with a server of its own."""
        server = ArtifactServer(self.lab.artifacts)
        server.start()
        self.servers[entry.point] = server
        source = {"directory": str(self.lab.artifacts), "url": server.url}
        gate = "before-prepare" if entry.point == "mid-prepare" else entry.point
        return Injection(self.lab, entry, victim, gate, source=source)

    def strike(self, caught: list[Injection]) -> None:
        """Take the servers away; the one that is to do so ends in the middle of its answer."""
        for one in caught:
            if one.entry.point == "mid-prepare":
                self.servers[one.entry.point].cuts_next = True
            else:
                self.servers[one.entry.point].stop()

    def restore(self, caught: list[Injection]) -> None:
        """Bring back those whose artifact was to come yet."""
        for one in caught:
            if one.gate == "before-prepare":
                one.wait_for_end_on_victim()
                self.servers[one.entry.point].start()

    def close(self) -> None:
        """Stop them all."""
        for one in self.servers.values():
            one.stop()
