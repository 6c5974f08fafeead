"""Two masters with the same key, one in each data centre, and minions that listen to both."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from demo.daemons import BIN, Daemons, LabError, free_port, wait_for

#: The data centres, and their masters.
MASTERS = {"sh_master": "shanghai", "bj_master": "beijing"}


class Pair(Daemons):
    """Two masters of one database, hot and hot.

    Args:
        minions: their ids.
        modules: the templates, as ``pushguide:modules`` in the masters' pillar.
        addresses: the address of each master.
        database: the URL of their database; None for an SQLite file, which two masters of one
            machine can share.
        settings: more of ``pushguide`` in the masters' configuration.
        inside: words that are put before the command of a daemon, by its name, such as those that
            run it in a network namespace.
    """

    def __init__(
        self,
        minions: Sequence[str],
        modules: Mapping[str, Any],
        addresses: Mapping[str, str],
        database: str | None = None,
        settings: Mapping[str, Any] | None = None,
        inside: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__()
        self.minions = list(minions)
        self.modules = modules
        self.addresses = dict(addresses)
        self.database = database or f"sqlite:///{self.top / 'record' / 'pushguide.db'}"
        self.settings = dict(settings or {})
        self.inside = dict(inside or {})
        self.ports = {"publish_port": free_port(), "ret_port": free_port()}

    def start(self) -> None:
        """Start both masters and the minions, and wait until all answer both."""
        self._write_configuration()
        for master in MASTERS:
            self.start_master(master)
        for master in MASTERS:  # the database, before anybody's pillar asks for it
            wait_for(lambda name=master: self._takes_calls(name), 60, f"an answer of {master}")
            self.run(master, "pushguide.setup", check=False)
        for name in self.minions:
            self.start_minion(name)
        for master in MASTERS:
            wait_for(lambda name=master: self.all_answer(name), 180, f"every answer to {master}")
            self.run(master, "pushguide.setup", check=False)  # a test has no modules yet

    def start_master(self, master: str) -> None:
        """Start a master."""
        self._start(master, "salt-master")

    def start_minion(self, name: str) -> None:
        """Start a minion."""
        self._start(name, "salt-minion")

    def _start(self, name: str, program: str) -> None:
        words = [str(BIN / program), "-c", str(self.top / name), "-l", "warning"]
        self.spawn(name, [*self.inside.get(name, ()), *words])

    def _takes_calls(self, master: str) -> bool:
        """Whether a master is up: it has made the key of its own user."""
        self.demand_running()
        return any((self.top / master).glob("var/cache/salt/master/.*_key"))

    def all_answer(self, master: str, minions: Sequence[str] = ()) -> bool:
        """Whether minions, all if none is named, answer a master."""
        self.demand_running()
        names = list(minions or self.minions)
        told = ("-L", ",".join(names), "test.ping", "--out=json", "--static", "-t", "3")
        done = self.call(master, "salt", *told, check=False)
        try:
            answers = json.loads(done.stdout or "{}")
        except ValueError:
            return False
        return all(answers.get(name) is True for name in names)

    # Working with it.

    def command(self, master: str, program: str, *arguments: str) -> list[str]:
        """The words of a Salt command on a master."""
        words = [str(BIN / program), "-c", str(self.top / master), *arguments]
        return [*self.inside.get(master, ()), *words]

    def call(
        self, master: str, program: str, *arguments: str, check: bool = True, live: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a Salt command on a master."""
        return self.run_command(self.command(master, program, *arguments), check, live)

    def run(
        self, master: str, function: str, *arguments: str, check: bool = True, live: bool = False
    ) -> Any:
        """Run a runner function on a master; answer with its data."""
        words = (function, *arguments, "--out=json")
        done = self.call(master, "salt-run", *words, check=check, live=live)
        try:
            return json.loads(done.stdout)
        except ValueError as err:
            raise LabError(f"{function} on {master}: {done.stdout}\n{done.stderr}") from err

    def write_modules(self) -> None:
        """Write the templates into the masters' pillar."""
        self._write("pillar/modules.sls", {"pushguide": {"modules": dict(self.modules)}})

    # Configuration.

    def _write_configuration(self) -> None:
        self._share_files()
        (self.top / "record").mkdir()
        self._write("pillar/top.sls", {"base": {"*_master": ["modules"]}})
        self.write_modules()
        for master, data_centre in MASTERS.items():
            (self.top / master).mkdir()
            self._write(f"{master}/master", self._master(master, data_centre))
        self._share_key()
        for name in self.minions:
            (self.top / name).mkdir()
            self._write(f"{name}/minion", self._minion(name))

    def _share_key(self) -> None:
        """Give both masters one key: a minion that knows the one then trusts the other.

        Salt 3008 calls a master's key after its id, and takes master.pem for its own where it has
        none of that name yet.
        """
        made = self.top / "key"
        made.mkdir()
        words = [str(BIN / "salt-key"), "-c", str(self.top / next(iter(MASTERS)))]
        self.run_command([*words, "--gen-keys=master", f"--gen-keys-dir={made}"], check=False)
        for master in MASTERS:
            pki = self.top / master / "pki"
            shutil.rmtree(pki, ignore_errors=True)  # salt-key has made one with a key of its own
            pki.mkdir()
            for name in ("master.pem", "master.pub"):
                shutil.copy(made / name, pki / name)

    def _master(self, master: str, data_centre: str) -> dict[str, Any]:
        return {
            "id": master,
            "root_dir": str(self.top / master),
            "pki_dir": str(self.top / master / "pki"),
            "interface": self.addresses[master],
            **self.ports,
            "worker_threads": 3,
            "auto_accept": True,
            "file_roots": {"base": [str(self.top / "files")]},
            "pillar_roots": {"base": [str(self.top / "pillar")]},
            "ext_pillar": [{"pushguide": {}}],
            "engines": [{"pushguide": {"interval_seconds": 1}}],
            "pushguide": {
                "database": self.database,
                "data_centre": data_centre,
                **self.settings,
            },
        }

    def _minion(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "root_dir": str(self.top / name),
            "master": [*self.addresses.values()],
            "master_port": self.ports["ret_port"],
            "publish_port": self.ports["publish_port"],
            "acceptance_wait_time": 1,
            "request_channel_timeout": 10,
            "tcp_keepalive_idle": 5,
            "tcp_keepalive_cnt": 3,
            "tcp_keepalive_intvl": 2,
            "enable_fqdns_grains": False,
            "mine_enabled": False,
        }
