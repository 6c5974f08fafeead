"""A private Salt on one machine: a master, minions and salt-api, as the current user.

Everything lies in one temporary directory, listens on free ports of the loopback address, and
is stopped again by its process.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from demo.daemons import BIN, Daemons, free_port, wait_for
from pushguide import loader


class Lab(Daemons):
    """A master with minions, and salt-api on request.

    Args:
        minions: their ids.
        modules: the templates, as ``pushguide:modules`` in the master's pillar.
        with_api: whether salt-api is started too.
        grains: grains of minions, by id.
    """

    #: Who may log in at salt-api, and with what: a secret of this lab alone.
    api_user = "demo"

    def __init__(
        self,
        minions: Sequence[str],
        modules: Mapping[str, Any],
        with_api: bool = False,
        grains: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        self.minions = list(minions)
        self.modules = modules
        self.with_api = with_api
        self.grains = grains or {}
        self.api_port = free_port()
        self.api_secret = os.urandom(16).hex()

    # Coming up and going down.

    def start(self) -> None:
        """Write the configuration, start everything, and wait until all minions answer."""
        self._write_configuration()
        self._spawn("master", "salt-master", self.top / "master")
        for name in self.minions:
            self._spawn(name, "salt-minion", self.top / name)
        if self.with_api:
            self._spawn("api", "salt-api", self.top / "master")
        wait_for(self._all_answer, 90, "an answer of every minion")
        if self.with_api:
            wait_for(self._api_answers, 30, "an answer of salt-api")
        self.run("pushguide.setup")

    def _spawn(self, name: str, program: str, config: Path) -> None:
        self.spawn(name, [str(BIN / program), "-c", str(config), "-l", "warning"])

    def _all_answer(self) -> bool:
        self.demand_running()
        done = self.call(
            "salt",
            "-L",
            ",".join(self.minions),
            "test.ping",
            "--out=json",
            "--static",
            "-t",
            "2",
            check=False,
        )
        try:
            answers = json.loads(done.stdout or "{}")
        except ValueError:
            return False
        return all(answers.get(name) is True for name in self.minions)

    def _api_answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.api_url, timeout=2):
                return True
        except OSError:
            return False

    # Working with it.

    @property
    def api_url(self) -> str:
        """Where salt-api listens."""
        return f"http://127.0.0.1:{self.api_port}"

    def command(self, program: str, *arguments: str) -> list[str]:
        """The words of a Salt command for this lab."""
        return [str(BIN / program), "-c", str(self.top / "master"), *arguments]

    def call(
        self, program: str, *arguments: str, check: bool = True, live: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a Salt command in this lab. ``live`` passes on what it tells while it runs."""
        return self.run_command(self.command(program, *arguments), check, live)

    def run(self, function: str, *arguments: str, check: bool = True, live: bool = False) -> Any:
        """Run a runner function; answer with its data. ``live`` lets its progress be seen."""
        done = self.call("salt-run", function, *arguments, "--out=json", check=check, live=live)
        return json.loads(done.stdout)

    # Configuration.

    def _write_configuration(self) -> None:
        publish_port, ret_port = free_port(), free_port()
        self._share_files()
        for directory in ("master", *self.minions):
            (self.top / directory).mkdir(exist_ok=True)
        self._write("pillar/top.sls", {"base": {"*_master": ["modules"]}})
        people = {"deployer": [self.api_user]}
        given = {"modules": dict(self.modules), "people": people}
        self._write("pillar/modules.sls", {"pushguide": given})
        self._write("master/master", self._master(publish_port, ret_port))
        for name in self.minions:
            self._write(
                f"{name}/minion",
                {
                    "id": name,
                    "root_dir": str(self.top / name),
                    "master": "127.0.0.1",
                    "master_port": ret_port,
                    "publish_port": publish_port,
                    "acceptance_wait_time": 1,
                    "enable_fqdns_grains": False,
                    "mine_enabled": False,
                    "grains": dict(self.grains.get(name, {})),
                },
            )

    def _master(self, publish_port: int, ret_port: int) -> dict[str, Any]:
        console = loader.console()
        served = {"app": f"{console}/index.html", "static": console} if console else {}
        return {
            "id": "lab_master",
            "root_dir": str(self.top / "master"),
            "interface": "127.0.0.1",
            "publish_port": publish_port,
            "ret_port": ret_port,
            "worker_threads": 3,
            "auto_accept": True,
            "file_roots": {"base": [str(self.top / "files")]},
            "pillar_roots": {"base": [str(self.top / "pillar")]},
            "ext_pillar": [{"pushguide": {}}],
            "external_auth": {"sharedsecret": {self.api_user: ["@runner"]}},
            "sharedsecret": self.api_secret,
            "netapi_enable_clients": ["runner", "runner_async"],
            "rest_cherrypy": {
                "host": "127.0.0.1",
                "port": self.api_port,
                "disable_ssl": True,
                **served,
            },
        }
