"""A secret that is planted wherever one is used shows up nowhere but where it has to be.

One deployment of everything: it succeeds, fails at its probe and goes back, and is rolled back by
hand; every function is asked, by the command line and through salt-api, and everything that is left
behind is searched. ``MAY_STAND`` says where a secret has to be, and why.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import secrets
import signal
import stat
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import sqlalchemy as sa
from saltfactories.manager import FactoriesManager
from typing_extensions import Self

from pushguide.master.store.database import Database
from tests.support.bus import Bus
from tests.support.databases import SERVERS
from tests.support.file_server import FileServer
from tests.support.need import need
from tests.support.salt_lab import Answer, Api, Lab, Module, api_config

USER = "auditor"


def marker(what: str) -> str:
    """A secret that stands nowhere by chance, and needs no quoting anywhere."""
    return f"{what}{secrets.token_hex(12)}"


class Planted(NamedTuple):
    """The secrets."""

    #: The password in the database's URL, and that of a database that is away.
    database: str
    away: str
    #: What the server of the artifacts asks for.
    source: str
    #: What each host takes out of its pillar: for a file, for a process and for a probe.
    in_file: str
    in_process: str
    in_probe: str
    #: What somebody has written into a template in the clear.
    clear: str
    in_address: str


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted(*map(marker, Planted._fields))


def forms(planted: Planted) -> dict[str, set[bytes]]:
    """Of each secret every form in which it might stand somewhere."""
    found = {name: {getattr(planted, name).encode()} for name in Planted._fields}
    found["source"].add(basic(planted).removeprefix("Basic ").encode())
    return found


def basic(planted: Planted) -> str:
    """What the server of the artifacts has to be told."""
    return "Basic " + base64.b64encode(f"ci:{planted.source}".encode()).decode()


# The places.


@contextmanager
def database_with_password(password: str) -> Iterator[str]:
    """The URL of an empty database, with a role of its own that has a password."""
    server = os.environ.get(SERVERS["postgresql"])
    need("postgresql", server, f"set {SERVERS['postgresql']} to the URL of a server")
    name = f"pushguide_{secrets.token_hex(6)}"
    maker = sa.create_engine(str(server), isolation_level="AUTOCOMMIT")
    with maker.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        connection.exec_driver_sql(f"CREATE DATABASE {name} OWNER {name}")
    url = sa.engine.make_url(str(server)).set(database=name, username=name, password=password)
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        Database.close_all()
        with maker.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
            connection.exec_driver_sql(f"DROP ROLE {name}")
        maker.dispose()


@pytest.fixture(scope="module")
def lab(salt_factories: FactoriesManager, planted: Planted) -> Iterator[Lab]:
    """A master with salt-api and a minion, that log all that they can."""
    with database_with_password(planted.database) as url:
        config = {
            "pushguide": {
                "database": url,
                "presence_timeout_seconds": 30,
                "credentials": {"store": {"user": "ci", "password": planted.source}},
            },
            "log_level_logfile": "all",
            **api_config(USER, secrets.token_hex(16)),
        }
        told = {"log_level_logfile": "all"}
        with Lab(
            salt_factories, "mum", ["mum1"], config, record_url=url, minion_config=told
        ) as one:
            one.people = {"admin": [USER]}
            one.secrets = {
                "shop": {
                    "file": planted.in_file,
                    "process": planted.in_process,
                    "probe": planted.in_probe,
                }
            }
            one.write_pillar()
            with one.master.salt_api_daemon().started():
                address = f"http://127.0.0.1:{one.master.config['rest_cherrypy']['port']}"
                one.api = Api(address, USER, one.master.config["sharedsecret"])
                yield one


@pytest.fixture
def store(planted: Planted) -> Iterator[FileServer]:
    """The server of the artifacts, which asks for its password."""
    with FileServer(authorization=basic(planted)) as running:
        yield running


@pytest.fixture
def application(planted: Planted) -> Iterator[FileServer]:
    """What the probe asks, which answers nobody who has not the token."""
    with FileServer(authorization=f"Bearer {planted.in_probe}") as running:
        yield running


def define(lab: Lab, store: FileServer, application: FileServer) -> Module:
    """A service that takes a secret in each way that there is."""
    return lab.define(
        "guarded",
        type="service",
        source={"kind": "http", "address": store.url, "credential": "store"},
        settings={
            "command": "sleep 3600",
            "environment": {"API_KEY": "{pillar.shop:process}"},
            "settle_seconds": 0.1,
        },
        configuration=[
            {
                "kind": "template",
                "file": "app.ini",
                "source": "app.ini.j2",
                "values": {"password": "{pillar.shop:file}"},
                "mode": "0600",
            }
        ],
        probe={
            "url": f"{application.url}/health",
            "text": "version {version}",
            "headers": {"Authorization": "Bearer {pillar.shop:probe}"},
            "within_seconds": 1,
        },
    )


def publish(module: Module, store: FileServer, *versions: str) -> None:
    """Publish versions as CI does on a web server, with their index."""
    listed = []
    for version in versions:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            content = b"[db]\npassword = {{ password }}\n"
            member = tarfile.TarInfo("app.ini.j2")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        file = f"{version}/app.tar.gz"
        store.files[f"/{module.name}/{file}"] = packed.getvalue()
        sha256 = hashlib.sha256(packed.getvalue()).hexdigest()
        listed.append(
            {"version": version, "file": file, "built": "2026-11-20T10:00:00Z", "sha256": sha256}
        )
    index = json.dumps({"versions": listed}).encode()
    store.files[f"/{module.name}/index.json"] = index


# What is watched meanwhile.


class Watch(Bus):
    """Keeps every event of the master's bus and every command line of the machine.

    Args:
        lab: the lab.
    """

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.command_lines: set[str] = set()
        self.looker = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self.looker.start()
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.looker.join(30)

    @property
    def texts(self) -> list[str]:
        """The events, as text."""
        return [repr(one) for one in self.events]

    def _look(self) -> None:
        while not self.ended.wait(0.05):
            for one in psutil.process_iter():
                try:
                    self.command_lines.add(" ".join(one.cmdline()))
                except psutil.Error:
                    continue


#: What only looks: by the command line and through salt-api.
QUESTIONS: dict[str, dict[str, Any]] = {
    "modules": {},
    "status": {},
    "history": {},
    "audit": {},
    "people": {},
    "freezes": {},
    "waivers": {},
    "stats": {},
    "report": {},
    "versions": {"module": "guarded"},
    "inventory": {"module": "guarded"},
    "reconcile": {"module": "guarded"},
    "plan": {"module": "guarded", "version": "1.1.0"},
    "check": {"module": "guarded", "version": "1.1.0"},
    "redeploy": {"module": "guarded", "test": True},
    "setup": {},
}
#: Modules into whose templates somebody has written a secret.
CARELESS = ("careless", "careless-address")


class Asker:
    """Asks, by the command line and through salt-api, and keeps every answer.

    Args:
        lab: the lab.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.answers: list[str] = []

    def run(self, function: str, config: Path | None = None, **arguments: Any) -> Answer:
        """By the command line, with all that it can log on its terminal."""
        words = ["--log-level=all"]
        done = self.lab.master.salt_run_cli().run(
            f"--config-dir={config or self.lab.config_dir}",
            *words,
            f"pushguide.{function}",
            _timeout=120,
            **arguments,
        )
        answer = Answer(done.returncode, done.data, done.stdout, done.stderr)
        self.answers.append(repr(answer))
        return answer

    def post(self, function: str, **arguments: Any) -> Answer:
        """Through salt-api."""
        assert self.lab.api
        data = self.lab.api.call("runner", f"pushguide.{function}", **arguments)
        self.answers.append(repr(data))
        code = data.get("retcode", 0) if isinstance(data, dict) else 0
        return Answer(code, data, "", "")

    def salt(self, function: str, *positional: str) -> None:
        """A function of the minion."""
        self.answers.append(repr(self.lab.salt("mum1", function, *positional)))


# What has to hold a secret.


class Place(NamedTuple):
    """Files that have to hold some secrets.

    Attributes:
        pattern: their paths below the directory of the test.
        names: the secrets.
        why: why they hold them.
    """

    pattern: str
    names: tuple[str, ...]
    why: str


OF_HOSTS = ("in_file", "in_process", "in_probe")
MAY_STAND = (
    Place(r"[^/]+/conf/master", ("database", "source"), "the master's configuration"),
    Place(r"[^/]+/conf-away/master", ("away", "source"), "that of a master whose database is away"),
    Place(r"lab-mum/pillar/secrets\.sls", OF_HOSTS, "the pillar, as somebody has written it"),
    Place(r"lab-mum/pillar/modules\.sls", ("clear", "in_address"), "the templates, likewise"),
    Place(r"mum_master/cache/pillar/mum1\.p", OF_HOSTS, "where Salt keeps a minion's pillar"),
    Place(
        r"lab-mum/hosts/mum1/guarded/releases/[^/]+/app\.ini",
        ("in_file",),
        "the file that the program reads",
    ),
)


def allowed(path: str, name: str) -> bool:
    """Whether a file has to hold a secret."""
    return any(re.fullmatch(one.pattern, path) and name in one.names for one in MAY_STAND)


def found_in_files(top: Path, planted: Planted) -> set[tuple[str, str]]:
    """Every file below a directory that holds a secret, with its name."""
    found = set()
    for path in top.rglob("*"):
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                continue
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        where = str(path.relative_to(top))
        found |= {(where, name) for name, some in forms(planted).items() if any_of(some, content)}
    return found


def any_of(some: set[bytes], content: bytes) -> bool:
    return any(one in content for one in some)


def found_in(texts: Iterator[str] | list[str] | set[str], planted: Planted) -> dict[str, str]:
    """The secrets that stand in texts, each with the first text that holds it."""
    found: dict[str, str] = {}
    for text in texts:
        for name, some in forms(planted).items():
            if any_of(some, text.encode()):
                found.setdefault(name, text)
    return found


def rows(lab: Lab) -> Iterator[str]:
    """Every row of every table, as text."""
    for table in sa.inspect(lab.record).get_table_names():
        for row in lab.query(f'SELECT * FROM "{table}"'):
            yield f"{table}: {row!r}"


# The test.


@pytest.mark.timeout(600)
def test_a_secret_is_where_it_has_to_be_and_nowhere_else(
    lab: Lab, store: FileServer, application: FileServer, planted: Planted
) -> None:
    module = define(lab, store, application)
    publish(module, store, "1.0.0", "1.1.0", "1.2.0")
    asker = Asker(lab)
    with Watch(lab) as watch, services(lab, module):
        go_through(lab, module, asker, application, planted)
    ask_without_a_database(lab, asker, planted)
    demand_arrived(lab, module, store, application, planted)

    assert found_in(asker.answers, planted) == {}
    assert found_in(watch.texts, planted) == {}
    assert found_in(watch.command_lines, planted) == {}
    assert found_in(rows(lab), planted) == {}
    found = found_in_files(lab.factories.tmp_root_dir, planted)
    assert {one for one in found if not allowed(*one)} == set()
    # Nothing that was searched was empty, or something else than it should be.
    assert any("pushguide/deployment/" in one for one in watch.texts)
    assert any("salt/job/" in one and "pushguide_service.run" in one for one in watch.texts)
    assert any("sleep 3600" in one for one in watch.command_lines)
    assert any(one.startswith("audit: ") for one in rows(lab))
    assert "{pillar.shop:process}" in " ".join(rows(lab))
    assert "[TRACE   ]" in asker.answers[0]
    top = lab.factories.tmp_root_dir
    for log in ("mum_master/logs/master.log", "mum_master/logs/api.log", "mum1/logs/minion.log"):
        assert "[TRACE   ]" in (top / log).read_text(errors="replace"), log
    for place in MAY_STAND:
        held = {name for path, name in found if re.fullmatch(place.pattern, path)}
        assert held == {*place.names}, place


@contextmanager
def services(lab: Lab, module: Module) -> Iterator[None]:
    """Stop what was started at the end."""
    try:
        yield
    finally:
        pid_file = module.root("mum1") / "service.pid"
        if pid_file.exists():
            os.kill(json.loads(pid_file.read_text())["pid"], signal.SIGKILL)


def go_through(
    lab: Lab, module: Module, asker: Asker, application: FileServer, planted: Planted
) -> None:
    """All that may be done, and all that may be asked."""

    def answers_as(version: str) -> None:
        application.files["/health"] = f"version {version}\n".encode()

    assert asker.run("setup").returncode == 0
    answers_as("1.0.0")
    first = asker.run("deploy", module=module.name, version="1.0.0")
    assert first.returncode == 0, first.data
    failed = asker.post("deploy", module=module.name, version="1.1.0")
    assert failed.data["hosts"]["mum1"]["outcome"] == "restored", failed
    assert "does not hold 'version 1.1.0'" in failed.data["hosts"]["mum1"]["error"]
    answers_as("1.2.0")
    assert asker.post("deploy", module=module.name, version="1.2.0").returncode == 0
    answers_as("1.0.0")
    back = asker.run("rollback", module=module.name)
    assert (back.returncode, back.data["version"]) == (0, "1.0.0")
    known = process_environment(module)
    assert known["API_KEY"] == planted.in_process

    for function, arguments in QUESTIONS.items():
        asker.run(function, **arguments)
        asker.post(function, **arguments)
    for number in range(1, lab.last_number(module) + 1):
        asker.run("show", deployment=number)
        asker.post("show", deployment=number)
    for function in ("inspect", "journal", "releases", "current", "result"):
        asker.salt(f"pushguide.{function}", *([] if function == "inspect" else [module.name]))

    lab.define("careless", hosts=["mum1"], type="service", settings=careless_settings(planted))
    lab.define(
        "careless-address",
        hosts=["mum1"],
        source={"kind": "http", "address": f"ftp://ci:{planted.in_address}@127.0.0.1/x"},
        probe={"url": f"http://ci:{planted.in_address}@127.0.0.1/"},
    )
    for name in CARELESS:
        for ask in (asker.run, asker.post):
            refused = ask("deploy", module=name, version="1.0.0")
            assert refused.data["refused"] == "deploy"
            assert "secret" in refused.problems or "password" in refused.problems
            ask("plan", module=name, version="1.0.0")
            ask("versions", module=name)
    for function in ("modules", "setup"):
        told = asker.run(function)
        assert "careless" in str(told.data)
        asker.post(function)


def careless_settings(planted: Planted) -> dict[str, Any]:
    """Settings with a secret where a careless person puts one, and with another mistake."""
    return {
        "command": f"sleep 3600 --password={planted.clear}",
        "systemd_unit": "careless.service",
        "environment": {"API_KEY": planted.clear},
    }


def process_environment(module: Module) -> dict[str, str]:
    """What the process that runs was given."""
    pid = json.loads((module.root("mum1") / "service.pid").read_text())["pid"]
    return dict(psutil.Process(pid).environ())


def ask_without_a_database(lab: Lab, asker: Asker, planted: Planted) -> None:
    """Ask a master whose database is away."""
    url = f"postgresql+psycopg://nobody:{planted.away}@127.0.0.1:1/nothing"
    config = lab.config_with("away", pushguide={"database": url})
    for function in ("setup", "status", "history"):
        answer = asker.run(function, config)
        assert "nobody:***@127.0.0.1" in str(answer.data), answer


def demand_arrived(
    lab: Lab, module: Module, store: FileServer, application: FileServer, planted: Planted
) -> None:
    """Every secret was used for what it is there for: else there would be nothing to find."""
    config = module.root("mum1") / "live" / "app.ini"
    assert config.read_text() == f"[db]\npassword = {planted.in_file}\n"
    by_host = {path for path, headers in store.requests if "range" in headers or ".tar.gz" in path}
    assert by_host
    assert {headers.get("authorization") for _, headers in store.requests} == {basic(planted)}
    sent = {headers.get("authorization") for _, headers in application.requests}
    assert sent == {f"Bearer {planted.in_probe}"}
    assert lab.count("deployment", "module = ?", module.name) == 4
