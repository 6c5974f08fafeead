"""Modules on the fleet, one class for each project type: what CI builds, and the truth on hosts."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tests.support.salt_lab import Answer, Module
from tests.support.waiting import wait_until
from tests.windows.fleet import WINDOWS, Fleet
from tests.windows.programs import built

#: What the Windows side of a broken version says; it is not healthy then.
BROKEN = "broken"
#: How long health may take: the machine may have much else to do.
PROBE_SECONDS = 30
_RELEASE = re.compile(r"\\releases\\([^\\\"]+)")


class FleetModule(Module):
    """A module on hosts of the fleet.

    Args:
        fleet: the fleet.
        name: its name, which is that of its service, site or task too.
        hosts: its hosts.
        settings: settings laid over the usual ones.
        gated: whether each host waits in post_release until its gate for the version is open.
        linux: what its Linux hosts have, if it has such hosts; the rest is Windows's own then.
        template: more of the template.
    """

    project_type: ClassVar[str]

    def __init__(
        self,
        fleet: Fleet,
        name: str,
        hosts: tuple[str, ...] = WINDOWS,
        settings: Mapping[str, Any] | None = None,
        gated: bool = False,
        linux: Mapping[str, Any] | None = None,
        **template: Any,
    ) -> None:
        super().__init__(fleet.lab, name)
        self.fleet = fleet
        self.hosts = hosts
        self.port = next(fleet.port_numbers)
        mine: dict[str, Any] = {
            "type": self.project_type,
            "root": rf"C:\srv\{name}",
            "settings": {**self.settings(), **(settings or {})},
        }
        timing = {"within_seconds": PROBE_SECONDS, "interval_seconds": 0.2}
        if probes := [one for one in (self.probe(), self.gate() if gated else None) if one]:
            mine["probe"] = [{**timing, **one} for one in probes]
        source = {"directory": str(self.lab.artifacts), "url": fleet.served.url}
        given = mine if linux is None else {**linux, "windows": mine}
        self.lab.define(name, hosts=[*hosts], source=source, **given, **template)

    # What a type says.

    def settings(self) -> dict[str, Any]:
        """The settings of the type."""
        raise NotImplementedError

    def probe(self) -> dict[str, Any] | None:
        """How health is proven; None where the type proves it itself."""
        raise NotImplementedError

    def contents(self, says: str) -> dict[str, bytes]:
        """The files of a version for Windows, one of which says something."""
        raise NotImplementedError

    def serves(self, host: str) -> str | None:
        """What a Windows host says to those who use it; None if it says nothing."""
        raise NotImplementedError

    def points_at(self, host: str) -> str:
        """What a Windows host is told to serve: a path or a command line."""
        raise NotImplementedError

    # Gates.

    def gate(self) -> dict[str, Any]:
        """The probe that waits for a gate."""
        url = self.fleet.front.gate(f"{{id}}-{self.name}-{{version}}")
        return {"url": url, "within_seconds": 120}

    def open(self, version: str, *hosts: str) -> None:
        """Let hosts through with a version."""
        for host in hosts:
            self.fleet.front.open(f"{host}-{self.name}-{version}")

    def are_at_gate(self, version: str) -> bool:
        """Whether every host is in post_release with a version, or has been there."""
        is_asked = self.fleet.front.is_asked
        return all(is_asked(f"{host}-{self.name}-{version}") for host in self.hosts)

    # What CI does.

    def build(self, *versions: str, says: str | None = None) -> None:
        """Publish versions; ``says`` is what their Windows side says, else the version."""
        for version in versions:
            files = {"health": f"version {version}\n", **self.contents(says or version)}
            self.publish_one(version, files)

    def publish_bytes(self, version: str, content: bytes) -> None:
        """Publish a version where hosts fetch it too."""
        super().publish_bytes(version, content)
        name = f"{self.name}-{version}.tar.gz"
        self.fleet.served.files[f"/{self.name}/{version}/{name}"] = content

    # What pushguide does.

    def demand(self, version: str, **more: Any) -> int:
        """Deploy a version, which has to succeed; answer with the deployment's number."""
        return self.succeeded(self.deploy(version, **more))

    def succeeded(self, answer: Answer) -> int:
        """The number of a deployment that has to have succeeded."""
        assert answer.returncode == 0, f"{answer.data or answer.stderr}"
        return int(answer.data["deployment"])

    def change(self, **settings: Any) -> None:
        """Change settings of the type in the template."""
        self.lab.templates[self.name]["settings"].update(settings)
        self.lab.write_pillar()

    def probe_within(self, seconds: float) -> None:
        """Change in the template how long a release may take to be healthy."""
        template = self.lab.templates[self.name]
        for one in template.get("windows", template).get("probe", []):
            one["within_seconds"] = seconds
        self.lab.write_pillar()

    def told(self, number: int) -> dict[str, tuple[str, str | None]]:
        """The outcome of each host, and the version that the record has for it afterwards."""
        hosts = self.lab.show(number)["hosts"]
        return {name: (one["outcome"], one["version_after"]) for name, one in hosts.items()}

    def steps(self, number: int, stage: str, step: str) -> dict[str, tuple[str, str]]:
        """The outcome and the detail of a step on each host."""
        found = {}
        for name, host in self.lab.show(number)["hosts"].items():
            (one,) = (one for one in host["stages"][stage]["steps"] if one["name"] == step)
            found[name] = (one["outcome"], one["detail"])
        return found

    # The truth on the Windows hosts.

    def root(self, host: str) -> Path:
        """The module's root on a host."""
        if host not in WINDOWS:
            return super().root(host)
        return self.fleet.drive(host) / "srv" / self.name

    def journals(self, host: str) -> Path:
        """Where a Windows host's journals of the module are."""
        return self.fleet.drive(host) / "salt" / "var" / "lib" / "pushguide" / self.name

    def release(self, host: str) -> str:
        """The release that a Windows host is told to serve."""
        found = _RELEASE.search(self.points_at(host))
        assert found, self.points_at(host)
        return found.group(1)

    def live(self, host: str) -> str | None:
        """What a host serves, which has to be what it is told to."""
        if host not in WINDOWS:
            return (super().live(host) or "").removeprefix("version ")
        served, release = self.serves(host), self.release(host)
        assert served == release.rpartition("-")[0], (host, served, release)
        return served

    def lives(self) -> dict[str, str | None]:
        """What each of its hosts serves."""
        return {host: self.live(host) for host in self.hosts}

    def everywhere(self, version: str) -> dict[str, str]:
        """What ``lives`` says if every host serves a version."""
        return dict.fromkeys(self.hosts, version)

    def releases(self, host: str) -> list[str]:
        """The versions whose directories lie on a host."""
        found = (one.name for one in (self.root(host) / "releases").iterdir())
        return sorted(one.rpartition("-")[0] for one in found)

    def files_on(self, host: str) -> dict[str, int]:
        """Every file in the module's root on a host, and which one it is."""
        files = (one for one in self.root(host).rglob("*") if one.is_file())
        return {str(one): one.stat().st_ino for one in files}


class Worker(FleetModule):
    """A module that is a service: it answers with its version."""

    project_type = "windows_service"

    def settings(self) -> dict[str, Any]:
        """The program's only argument is the port of this host."""
        return {
            "service": self.name,
            "executable": r"bin\worker.exe",
            "arguments": f"{{grain.port{self.port}}}",
            "create": {"start_type": "manual"},
            "stop_timeout_seconds": 20,
            "start_timeout_seconds": 60,
            "settle_seconds": 0.5,
        }

    def probe(self) -> dict[str, Any]:
        """The service itself is asked."""
        return {"url": f"http://127.0.0.1:{{grain.port{self.port}}}/", "text": "{version}"}

    def contents(self, says: str) -> dict[str, bytes]:
        """The program, and beside it what it says."""
        return {"bin/worker.exe": built("service"), "bin/version.txt": says.encode()}

    def serves(self, host: str) -> str | None:
        """What the service answers on its port."""
        url = f"http://127.0.0.1:{self.fleet.ports[host][self.port]}/"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            return None

    def points_at(self, host: str) -> str:
        """The binary path, as Salt tells it."""
        return str(self.fleet.inside[host].salt("service.info", self.name)["BinaryPath"])


class Site(FleetModule):
    """A module that the SIMULATED IIS serves."""

    project_type = "dotnet_iis"

    def settings(self) -> dict[str, Any]:
        """A site of its own, with a port that only the model knows."""
        binding = {"protocol": "http", "address": "*", "port": self.model_port, "host_header": ""}
        pool = {"runtime": "v4.0", "identity": "NetworkService", "only_32_bit": False}
        return {
            "site": self.name,
            "create": {"bindings": [binding], "pool": pool},
            "stop_timeout_seconds": 20,
        }

    @property
    def model_port(self) -> int:
        """The port of the site in the model of IIS."""
        return 8000 + self.port

    def probe(self) -> dict[str, Any]:
        """The page is asked for."""
        url = f"{self.fleet.front.url}/iis/{{id}}/{self.model_port}"
        return {"url": url, "text": "{version}"}

    def contents(self, says: str) -> dict[str, bytes]:
        """One page, and what the code standards want of IIS."""
        return {"index.html": says.encode(), "web.config": b"<configuration />"}

    def serves(self, host: str) -> str | None:
        """The page."""
        status, body = self.fleet.page(host, self.model_port)
        return body.decode() if status == 200 else None

    def points_at(self, host: str) -> str:
        """The physical path, as Salt's win_iis tells it."""
        sites = self.fleet.inside[host].salt("win_iis.list_sites")
        return str(sites[self.name]["sourcepath"])


class Job(FleetModule):
    """A module that is a scheduled task: run, it writes its version into a file.

    Broken versions end with an error, which is how the type itself proves health.
    """

    project_type = "windows_task"

    def settings(self) -> dict[str, Any]:
        """A task that is run at once."""
        return {
            "task": self.name,
            "executable": r"bin\job.exe",
            "arguments": self.out,
            "create": {
                "trigger": {"trigger_type": "Daily", "start_time": "03:00"},
                "user_name": "System",
            },
            "run_now": True,
            "run_within_seconds": 60,
            "wait_seconds": 30,
        }

    @property
    def out(self) -> str:
        """The file that it writes on a host."""
        for host in WINDOWS:
            (self.lab.hosts / host).mkdir(exist_ok=True)
        return self.fleet.wines[WINDOWS[0]].path(self.lab.hosts / "{id}" / f"{self.name}.txt")

    def probe(self) -> None:
        """What the run ended with tells."""

    def contents(self, says: str) -> dict[str, bytes]:
        """The program, and beside it what it writes."""
        return {"bin/job.exe": built("job"), "bin/version.txt": says.encode()}

    def serves(self, host: str) -> str | None:
        """What the task writes when it is run."""
        inside = self.fleet.inside[host]
        (self.lab.hosts / host / f"{self.name}.txt").unlink(missing_ok=True)
        inside.salt("task.run", self.name)
        wait_until(lambda: inside.salt("task.status", self.name) == "Ready", "the end of the task")
        return (self.lab.hosts / host / f"{self.name}.txt").read_text()

    def points_at(self, host: str) -> str:
        """The program of its action, as Salt tells it."""
        (action,) = self.fleet.inside[host].salt("task.info", self.name)["actions"]
        return str(action["cmd"])


KINDS: dict[str, type[FleetModule]] = {one.project_type: one for one in (Worker, Site, Job)}


def one_of_each(fleet: Fleet, name: str, **more: Any) -> list[FleetModule]:
    """A module of each type, of which two versions are built."""
    made = [kind(fleet, f"{name}-{short(kind)}", **more) for kind in KINDS.values()]
    for module in made:
        module.build("1.0", "1.1")
    return made


def short(kind: type[FleetModule]) -> str:
    """A project type as a part of a module's name."""
    return kind.project_type.partition("_")[2]
