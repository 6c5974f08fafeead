"""A private Salt on one machine: a master, minions and salt-api, as the current user.

Everything lies in one temporary directory, listens on free ports of the loopback address, and
is stopped again by its process.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import yaml

PROJECT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
#: What the lab's processes get: bytecode is kept, as it is where a package is installed, and who
#: began this by sudo owns the master all the same.
_LEFT_OUT = ("PYTHONDONTWRITEBYTECODE", "SUDO_USER")
_ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in _LEFT_OUT}


class LabError(Exception):
    """Something in the lab did not come up; the message says what, and where its log is."""


def free_port() -> int:
    """A TCP port of the loopback address that nothing listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until a condition holds.

    Raises:
        LabError: it does not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.1)


def _pass_on(stream: IO[str], lines: list[str], live: bool) -> None:
    """Collect lines, and show them; Salt 3008 says of itself at each exit what it left open."""
    for line in stream:
        if "unclosed " not in line:
            lines.append(line)
            if live:
                print(line, end="", file=sys.stderr, flush=True)


class Lab:
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
        self.minions = list(minions)
        self.modules = modules
        self.with_api = with_api
        self.grains = grains or {}
        # Sockets lie in here, and a socket's path may have no more than about 100 characters.
        self.top = Path(tempfile.mkdtemp(prefix="pushguide-"))
        self.artifacts = self.top / "files" / "artifacts"
        self.api_port = free_port()
        self.api_secret = os.urandom(16).hex()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Lab:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

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

    def stop(self) -> None:
        """Stop everything that was started, and remove the directory."""
        for process in reversed(self.processes.values()):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0.1))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()
        shutil.rmtree(self.top, ignore_errors=True)

    def spawn(self, name: str, command: Sequence[str]) -> None:
        """Start a process that belongs to the lab and is stopped with it."""
        log = self.top / f"{name}.log"
        with log.open("ab") as out:
            self.processes[name] = subprocess.Popen(
                list(command),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                start_new_session=True,
            )

    def serve(self, directory: Path, port: int) -> None:
        """Serve a directory, which need not be there yet, on a port of the loopback address."""
        words = ["-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(directory)]
        self.spawn(f"http-{port}", [sys.executable, *words])

    def _spawn(self, name: str, program: str, config: Path) -> None:
        self.spawn(name, [str(_BIN / program), "-c", str(config), "-l", "warning"])

    def _all_answer(self) -> bool:
        for name, process in self.processes.items():
            if process.poll() is not None:
                log = (self.top / f"{name}.log").read_text()[-2000:]
                raise LabError(f"{name} ended with {process.returncode}:\n{log}")
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
        return [str(_BIN / program), "-c", str(self.top / "master"), *arguments]

    def call(
        self, program: str, *arguments: str, check: bool = True, live: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a Salt command in this lab. ``live`` passes on what it tells while it runs."""
        words = self.command(program, *arguments)
        errors: list[str] = []
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_ENVIRONMENT
        ) as process:
            reader = threading.Thread(target=_pass_on, args=(process.stderr, errors, live))
            reader.start()
            assert process.stdout
            output = process.stdout.read()
            reader.join()
        if check and process.returncode:
            raise LabError(
                f"{program} {' '.join(arguments)} exited {process.returncode}:\n"
                f"{output}\n{''.join(errors)}"
            )
        return subprocess.CompletedProcess(words, process.returncode, output, "".join(errors))

    def run(self, function: str, *arguments: str, check: bool = True, live: bool = False) -> Any:
        """Run a runner function; answer with its data. ``live`` lets its progress be seen."""
        done = self.call("salt-run", function, *arguments, "--out=json", check=check, live=live)
        return json.loads(done.stdout)

    def publish(self, module: str, version: str, files: Mapping[str, str]) -> None:
        """Do what CI does: put a version's archive and its sha256 where the source looks."""
        place = self.artifacts / module / version
        content = self.top / "build" / module / version
        for name, text in files.items():
            path = content / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        place.mkdir(parents=True)
        name = f"{module}-{version}.tar.gz"
        subprocess.run(["tar", "-C", str(content), "-czf", str(place / name), "."], check=True)
        done = subprocess.run(["sha256sum", name], cwd=place, check=True, capture_output=True)
        (place / "sha256").write_bytes(done.stdout)

    # Configuration.

    def _write_configuration(self) -> None:
        publish_port, ret_port = free_port(), free_port()
        for directory in ("master", "files", "pillar", *self.minions):
            (self.top / directory).mkdir(exist_ok=True)
        self.artifacts.mkdir(exist_ok=True)
        for name in ("orch", "_modules", "_states", "_utils"):
            (self.top / "files" / name).symlink_to(PROJECT / name)
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
            },
        }

    def _write(self, name: str, data: Any) -> None:
        (self.top / name).write_text(yaml.safe_dump(data))
