"""A master with minions, and the modules that tests deploy to them.

Each test defines a module of its own, so that tests share the daemons and nothing else. All
hosts are one machine: what a module puts on a host lies in ``hosts/<id>/<module>``.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
import yaml
from pytestskipmarkers.utils import ports
from saltfactories.daemons.master import SaltMaster
from saltfactories.daemons.minion import SaltMinion
from saltfactories.manager import FactoriesManager

from tests.support.health import Health

PROJECT = Path(__file__).resolve().parent.parent.parent

#: What the master's file server has of the project: all that a minion needs, and orch.
FOLDERS = ("orch", "_modules", "_states", "_utils")


@dataclass(frozen=True)
class Answer:
    """What a Salt command said."""

    returncode: int
    data: Any
    stdout: str
    stderr: str

    @property
    def problems(self) -> str:
        """The problems of a refusal or a failure, as one text."""
        return " ".join(self.data["problems"])


class Module:
    """One module that a test deploys.

    Args:
        lab: the lab.
        name: its name.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self.name = name
        self.artifacts = lab.artifacts / name

    # What CI does.

    def publish(self, *versions: str, **files: str) -> None:
        """Publish versions whose ``health`` says which version they are."""
        for version in versions:
            self.publish_one(version, {"health": f"version {version}\n", **files})

    def publish_one(self, version: str, files: Mapping[str, str | bytes]) -> None:
        """Publish a version with its sha256."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, content in files.items():
                data = content.encode() if isinstance(content, str) else content
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        self.publish_bytes(version, packed.getvalue())

    def publish_bytes(self, version: str, content: bytes) -> None:
        """Publish anything as a version."""
        place = self.artifacts / version
        place.mkdir(parents=True)
        name = f"{self.name}-{version}.tar.gz"
        (place / name).write_bytes(content)
        (place / "sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  {name}\n")

    # What pushguide does.

    def deploy(self, version: str, **more: Any) -> Answer:
        """salt-run pushguide.deploy."""
        return self.run("deploy", version=version, **more)

    def run(self, function: str, config: Path | None = None, **arguments: Any) -> Answer:
        """Run one of the runner's functions for this module."""
        return self.lab.run(f"pushguide.{function}", config, module=self.name, **arguments)

    # The truth on disk, and in the record.

    def root(self, host: str) -> Path:
        """The module's root on a host."""
        return self.lab.hosts / host / self.name

    def live(self, host: str) -> str | None:
        """What a host serves: the health file behind its live link."""
        try:
            return (self.root(host) / "live" / "health").read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def lives(self) -> dict[str, str | None]:
        """What each of the usual hosts serves."""
        return {host: self.live(host) for host in self.lab.minions}

    def journal(self, host: str, environment: str = "production") -> dict[str, Any]:
        """The journal on a host; empty if there is none."""
        path = self.lab.journals(host) / self.name / environment / "journal.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def files(self) -> dict[str, tuple[Any, ...]]:
        """Everything that lies on the hosts for this module, and when it was changed."""
        tops = [
            top
            for host in self.lab.everyone
            for top in (self.root(host), self.lab.journals(host) / self.name)
        ]
        return {
            str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns)
            for top in tops
            for path in [top, *top.rglob("*")]
            if path.exists() or path.is_symlink()
        }

    def rows(self) -> int:
        """How many deployments of it the record has."""
        return self.lab.count("deployment", "module = ?", self.name)


class Lab:
    """A master with minions.

    Args:
        factories: the manager of pytest-salt-factories.
        name: the master's name; its id is that and ``_master``.
        minions: the ids of the minions that always run.
        config: more of the master's configuration.
        folders: the project's folders that its file server has.
        record_url: the URL of its database; None for the SQLite file that it makes itself.
        minion_config: more of the configuration of its minions.
    """

    def __init__(
        self,
        factories: FactoriesManager,
        name: str,
        minions: Iterable[str],
        config: Mapping[str, Any] | None = None,
        folders: Iterable[str] = FOLDERS,
        record_url: str | None = None,
        minion_config: Mapping[str, Any] | None = None,
    ) -> None:
        self.factories = factories
        self.name = name
        self.minions = list(minions)
        self.everyone = list(self.minions)
        self.top = factories.tmp_root_dir / f"lab-{name}"
        self.artifacts = self.top / "files" / "artifacts"
        #: The file server's root for what teams bring.
        self.team = self.top / "team"
        self.hosts = self.top / "hosts"
        self.daemons: dict[str, SaltMinion] = {}
        self.templates: dict[str, Any] = {}
        #: Who has which role on everything, by the master's pillar.
        self.people: dict[str, list[str]] = {}
        #: What the pillar of every minion holds.
        self.secrets: dict[str, Any] = {}
        #: What the master's pillar says of the hosts of modules.
        self.inventory: dict[str, Any] = {}
        self.given = dict(config or {})
        self.folders = list(folders)
        self.record_url = record_url
        self.minion_config = dict(minion_config or {})
        self.api: Api | None = None
        self.stack = ExitStack()

    def __enter__(self) -> Lab:
        with ExitStack() as stack:
            for directory in (self.artifacts, self.team, self.hosts, self.top / "pillar"):
                directory.mkdir(parents=True)
            for folder in self.folders:
                (self.top / "files" / folder).symlink_to(PROJECT / folder)
            self.health = stack.enter_context(Health(self.hosts))
            self.write_pillar()
            self.master: SaltMaster = self.factories.salt_master_daemon(
                f"{self.name}_master", overrides=self._config()
            )
            stack.enter_context(self.master.started())
            stack.callback(self._stop_minions)
            minions = [self.add_minion(name) for name in self.minions]
            # Twenty at once would each take longer to come up than is waited for.
            with ThreadPoolExecutor(4) as pool:
                for started in [pool.submit(one.start) for one in minions]:
                    started.result()
            self.stack = stack.pop_all()
        return self

    def _stop_minions(self) -> None:
        running = [one for one in self.daemons.values() if one.is_running()]
        with ThreadPoolExecutor() as pool:
            for stopped in [pool.submit(one.terminate) for one in running]:
                stopped.result()

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def _config(self) -> dict[str, Any]:
        return {
            "open_mode": True,
            "worker_threads": 3,
            "log_level_logfile": "warning",
            "file_roots": {"base": [str(self.top / "files"), str(self.team)], "prod": []},
            "pillar_roots": {"base": [str(self.top / "pillar")], "prod": []},
            "ext_pillar": [{"pushguide": {}}],
            **self.given,
        }

    def add_minion(self, name: str, python: Path | None = None, **overrides: Any) -> SaltMinion:
        """Configure a minion, without starting it; with another Python if one is given."""
        minion = self.master.salt_minion_daemon(
            name,
            overrides={
                "log_level_logfile": "warning",
                "enable_fqdns_grains": False,
                "mine_enabled": False,
                **self.minion_config,
                **overrides,
            },
        )
        if python:
            minion.python_executable = str(python)
        self.daemons[name] = minion
        if name not in self.everyone:
            self.everyone.append(name)
        return minion

    # Modules.

    def define(
        self,
        name: str,
        hosts: Any = None,
        environments: Mapping[str, Any] | None = None,
        probe: bool | Mapping[str, Any] | list[Mapping[str, Any]] = False,
        **template: Any,
    ) -> Module:
        """Write the template of a new module into the master's pillar.

        Args:
            name: its name.
            hosts: the hosts of its only environment; the usual ones if not given.
            environments: its environments, instead of hosts.
            probe: True asks each host for the version's health.
            template: more of the template.
        """
        assert name not in self.templates, f"another test has {name}"
        given: dict[str, Any] = {
            "type": "static_site",
            "root": f"{self.hosts}/{{id}}/{name}",
            "source": {"directory": str(self.artifacts), "url": "salt://artifacts"},
            "strategy": {"prepare": "with_release"},
            "min_free_mb": 1,
            "environments": environments or {"production": {"hosts": hosts or self.minions}},
        }
        if probe is True:
            given["probe"] = {
                "url": f"{self.health.url}/files/{{id}}/{name}/live/health",
                "text": "version {version}",
                "within_seconds": 0.5,
                "interval_seconds": 0.1,
            }
        elif isinstance(probe, list):
            given["probe"] = probe
        elif probe:
            given["probe"] = {"within_seconds": 60, "interval_seconds": 0.1, **probe}
        self.templates[name] = {**given, **template}
        self.write_pillar()
        return Module(self, name)

    def forget(self, name: str) -> None:
        """Take a module's template out of the master's pillar."""
        del self.templates[name]
        self.write_pillar()

    def write_pillar(self) -> None:
        """Write the templates into the master's pillar, and the secrets into the minions'."""
        pillar = self.top / "pillar"
        top = {"*_master": ["modules"], "not *_master": [{"match": "compound"}, "secrets"]}
        (pillar / "top.sls").write_text(yaml.safe_dump({"base": top}))
        (pillar / "secrets.sls").write_text("#!yaml\n" + yaml.safe_dump(self.secrets))
        ours = {"modules": self.templates, "people": self.people, "inventory": self.inventory}
        text = yaml.safe_dump({"pushguide": ours})
        (pillar / "modules.sls.new").write_text("#!yaml\n" + text)
        os.replace(pillar / "modules.sls.new", pillar / "modules.sls")

    def team_file(self, name: str, text: str) -> None:
        """Put a file into the team's root of the file server."""
        path = self.team / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    # Commands.

    @property
    def config_dir(self) -> Path:
        """The directory of the master's configuration."""
        return Path(self.master.config_dir)

    def config_with(self, name: str, **more: Any) -> Path:
        """A second configuration directory of the same master, with other settings."""
        directory = self.config_dir.parent / f"conf-{name}"
        if not directory.exists():
            config = yaml.safe_load((self.config_dir / "master").read_text())
            ours = {**config.get("pushguide", {}), **more.pop("pushguide", {})}
            config.update(more, pushguide=ours)
            directory.mkdir()
            (directory / "master").write_text(yaml.safe_dump(config))
        return directory

    def words(
        self, function: str, *positional: str, config: Path | None = None, **arguments: Any
    ) -> list[str]:
        """The words of a salt-run command."""
        directory = config or self.config_dir
        cli = self.master.salt_run_cli()
        return cli.cmdline(f"--config-dir={directory}", function, *positional, **arguments)

    def run(
        self, function: str, config: Path | None = None, *positional: str, **arguments: Any
    ) -> Answer:
        """Run a runner function with salt-run."""
        directory = config or self.config_dir
        done = self.master.salt_run_cli().run(
            f"--config-dir={directory}", function, *positional, _timeout=120, **arguments
        )
        return Answer(done.returncode, done.data, done.stdout, done.stderr)

    @contextmanager
    def running(
        self, function: str, config: Path | None = None, **arguments: Any
    ) -> Iterator[subprocess.Popen[str]]:
        """A salt-run in the background; killed at the end if it still runs."""
        with subprocess.Popen(
            self.words(function, config=config, **arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def show(self, number: int) -> dict[str, Any]:
        """A deployment, as pushguide.show tells it; through salt-api if there is one."""
        if self.api:
            answer = self.api.answer("pushguide.show", deployment=number)
        else:
            answer = self.run("pushguide.show", None, str(number))
        assert answer.returncode == 0, answer
        return dict(answer.data)

    def salt(
        self,
        target: str,
        function: str,
        *positional: str,
        within_seconds: int = 120,
        **arguments: Any,
    ) -> Any:
        """Run an execution function on one minion, or on a list of them.

        Salt waits as long for minions that have not heard of it, even if they are back.
        """
        words = ["--static", "-L", function, *positional]
        done = self.master.salt_cli().run(
            *words, minion_tgt=target, _timeout=within_seconds, **arguments
        )
        data = done.data
        return data.get(target, data) if isinstance(data, dict) else data

    # The record, looked into directly.

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read from the database."""
        named = {f"value{position}": value for position, value in enumerate(values)}
        for name in named:
            sql = sql.replace("?", f":{name}", 1)
        with self.record.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(sql), named)]

    @cached_property
    def record(self) -> sa.Engine:
        """The way to the record that goes past pushguide."""
        path = Path(self.master.config["cachedir"]).parent / "pushguide" / "pushguide.db"
        url = self.record_url or f"sqlite:///file:{path}?mode=ro&uri=true"
        return sa.create_engine(url, poolclass=sa.NullPool)

    def count(self, table: str, where: str = "1 = 1", *values: Any) -> int:
        """How many rows a table has."""
        return int(self.query(f"SELECT count(*) FROM {table} WHERE {where}", *values)[0][0])

    def state(self, number: int) -> str:
        """The state of a deployment."""
        return str(self.query("SELECT state FROM deployment WHERE id = ?", number)[0][0])

    def last_number(self, module: Module) -> int:
        """The number of the newest deployment of a module."""
        sql = "SELECT coalesce(max(id), 0) FROM deployment WHERE module = ?"
        return int(self.query(sql, module.name)[0][0])

    def journals(self, host: str) -> Path:
        """Where a host's journals are."""
        return Path(self.daemons[host].config["root_dir"]) / "var" / "lib" / "pushguide"

    def has_ended(self, number: int) -> bool:
        """Whether a deployment has ended."""
        return self.state(number) in ("succeeded", "failed", "rolled_back", "aborted")

    # Daemons that come and go.

    def restart_master(self) -> None:
        """Start the master that was killed; its minions find it by themselves."""
        self.master.terminate()
        self.master.start()

    def start(self, name: str) -> None:
        """Start a minion that may be running already; it answers then."""
        if not self.daemons[name].is_running():
            self.stop(name)
            self.daemons[name].start()

    def stop(self, name: str) -> None:
        """Stop a minion; clean up after it if it is gone already."""
        self.daemons[name].terminate()

    def processes(self, name: str) -> list[psutil.Process]:
        """The processes of a minion, its own one first."""
        main = psutil.Process(self.daemons[name].pid)
        return [main, *main.children(recursive=True)]


class Api:
    """salt-api of a lab.

    Args:
        url: where it listens.
        user: who logs in.
        secret: with what.
    """

    def __init__(self, url: str, user: str, secret: str) -> None:
        self.url = url
        login = {"username": user, "password": secret, "eauth": "sharedsecret"}
        self.token: str = self._post("/login", login, {})["return"][0]["token"]

    def call(self, client: str, function: str, **kwarg: Any) -> Any:
        """Call a runner function."""
        low = {"client": client, "fun": function, "kwarg": kwarg}
        return self._post("/", [low], {"X-Auth-Token": self.token})["return"][0]

    def answer(self, function: str, **kwarg: Any) -> Answer:
        """Call a runner function; its retcode stands for the exit code of salt-run."""
        data = self.call("runner", function, **kwarg)
        return Answer(data.get("retcode", 0), data, "", "")

    def hook(self, path: str, data: Any, token: str | None = None) -> Any:
        """Post something for a reactor."""
        return self._post(f"/hook/{path}", data, {"X-Auth-Token": token or self.token})

    def _post(self, path: str, data: Any, headers: Mapping[str, str]) -> Any:
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(data).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.load(response)


def api_config(user: str, secret: str) -> dict[str, Any]:
    """The master's configuration for salt-api."""
    return {
        "external_auth": {"sharedsecret": {user: ["@runner"]}},
        "sharedsecret": secret,
        "netapi_enable_clients": ["runner", "runner_async"],
        "rest_cherrypy": {
            "host": "127.0.0.1",
            "port": ports.get_unused_localhost_port(),
            "disable_ssl": True,
        },
    }


def bare_python(python: Path, directory: Path) -> Path:
    """A Python with everything that another one's environment has, except pushguide.

    Args:
        python: the interpreter of the environment.
        directory: where the bare environment is made.

    Returns:
        Its interpreter.
    """
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    there = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    subprocess.run([python, "-m", "venv", "--without-pip", directory], check=True)
    bare = directory / "bin" / "python"
    here = subprocess.run([bare, "-c", ask], capture_output=True, text=True, check=True)
    for entry in Path(there.stdout.strip()).iterdir():
        if "pushguide" not in entry.name:
            (Path(here.stdout.strip()) / entry.name).symlink_to(entry)
    shutil.rmtree(Path(here.stdout.strip()) / "__pycache__", ignore_errors=True)
    return bare
