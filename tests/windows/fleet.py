"""A master on Linux, two Windows minions and a Linux one: what they are, and a way into each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from saltfactories.manager import FactoriesManager

from tests.support.file_server import FileServer
from tests.support.health import Health
from tests.support.ports import free_port
from tests.support.salt_lab import Lab
from tests.windows import lab as installation
from tests.windows.channel import Windows
from tests.windows.wine_minion import WineMinion

WINDOWS = ("win1", "win2")
LINUX = "lin1"

START_SECONDS = 240
#: How many modules may have ports of their own.
_PORTS = 24
#: Salt waits a minute for the answer to what it has sent to a master that died.
_QUICK = {"request_channel_timeout": 5}


class Front(Health):
    """Health, and what the SIMULATED IIS of each host serves: ``/iis/<host>/<port>``."""

    fleet: Fleet

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and text for a path."""
        _, kind, *rest = path.split("/")
        if kind != "iis":
            return super().answer(path)
        host, port = rest
        return self.fleet.page(host, int(port))


class Fleet:
    """The hosts of the fleet. All are one machine, so each has ports of its own, as grains.

    Args:
        factories: the manager of pytest-salt-factories.
        lab: the master and the Linux minion.
        served: where hosts fetch artifacts.
        front: what probes ask.
        top: the directory that the drives of the Windows hosts are made in.
    """

    def __init__(
        self, factories: FactoriesManager, lab: Lab, served: FileServer, front: Front, top: Path
    ) -> None:
        self.factories = factories
        self.lab = lab
        self.served = served
        self.front = front
        front.fleet = self
        self.ports = {one: [free_port() for _ in range(_PORTS)] for one in WINDOWS}
        self.port_numbers = itertools.count()
        there = installation.installed()
        self.wines = {one: installation.a_copy(there, top / one) for one in WINDOWS}
        self.inside = {one: Windows(wine) for one, wine in self.wines.items()}
        self.minions: dict[str, WineMinion] = {}

    # The minions.

    def start(self, *names: str) -> None:
        """Start minions, and wait until their master has heard of them."""
        for one in names:
            self.minions[one] = WineMinion(
                self.wines[one],
                one,
                self.lab.master.config["ret_port"],
                module_dirs=[r"C:\project"],
                grains={f"port{place}": port for place, port in enumerate(self.ports[one])},
                **_QUICK,
            )
        started = {(self.lab.master.id, f"salt/minion/{one}/start") for one in names}
        seen = self.factories.event_listener.wait_for_events(started, timeout=START_SECONDS)
        assert seen.found_all_events, self.log()

    def kill(self, name: str) -> None:
        """Kill a minion, with no chance to clean up; what it started lives on."""
        self.minions[name].kill()

    def end(self) -> None:
        """End all of it."""
        with ThreadPoolExecutor() as pool:
            for ended in [pool.submit(self._end, one) for one in WINDOWS]:
                ended.result()

    def _end(self, name: str) -> None:
        self.inside[name].end()
        if name in self.minions:
            self.minions[name].end()
        else:
            self.wines[name].remove()

    def log(self) -> str:
        """What the minions wrote."""
        return "\n".join(f"{name}:\n{one.log}" for name, one in self.minions.items())

    # The hosts.

    def drive(self, host: str) -> Path:
        """The drive C of a host."""
        return self.wines[host].drive

    def page(self, host: str, port: int) -> tuple[int, bytes]:
        """Ask the SIMULATED IIS of a host for its page: status and text."""
        found = self.inside[host].call("iis_store.request", port, "", "/index.html")
        if found["status"] != 200:
            return found["status"] or 503, b""
        return 200, self.drive(host).joinpath(*found["file"].split("\\")[1:]).read_bytes()


@contextmanager
def started(factories: FactoriesManager, top: Path) -> Iterator[Fleet]:
    """A fleet that answers.

    Args:
        factories: the manager of pytest-salt-factories.
        top: the directory that the drives of the Windows hosts are made in.
    """
    config = {
        "pushguide": {
            "presence_timeout_seconds": 60,
            "silence_seconds": 5,
            "lease_seconds": 10,
        }
    }
    with ExitStack() as stack:
        served = stack.enter_context(FileServer())
        lab = Lab(factories, "fleet", [LINUX], config, minion_config=_QUICK)
        stack.enter_context(lab)
        front = stack.enter_context(Front(lab.hosts))
        fleet = Fleet(factories, lab, served, front, top)
        stack.callback(fleet.end)
        fleet.start(*WINDOWS)
        lab.run("pushguide.setup")
        yield fleet
