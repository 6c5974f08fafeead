"""Salt's win_iis in this Python, against the SIMULATED IIS: no Wine, and no time."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from salt.modules import win_iis

from pushguide.host.types.dotnet_iis import DotnetIis
from pushguide.host.windows.iis import Place
from pushguide.master.templates.types import dotnet_iis
from tests.support.host import Host

sys.path.insert(0, str(Path(__file__).parent / "inside"))

import iis_lines
import iis_model
import iis_serving

Refused = iis_lines.Refused

PORT = 8080
CREATE = {"bindings": [{"port": PORT}, {"port": 8081, "host_header": "shop.example.com"}]}

#: How PowerShell carries out a line: ``cmd.run_all`` without Salt.
PowerShell = Callable[[str], dict[str, Any]]


class IisHere:
    """IIS as it is installed, and Salt's functions for it.

    Attributes:
        lines: every line that Salt gave to PowerShell.
        calls: the name of every function of win_iis that was called through ``salt``.
        salt: Salt's functions, as execution modules find them.
        on_call: stands around each of these calls, and does it.
        on_line: stands around each line, and carries it out.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shell = iis_lines.Shell(iis_model.fresh())
        self.lines: list[str] = []
        self.calls: list[str] = []
        self.on_call: Callable[[str, Callable[[], Any]], Any] = lambda _, work: work()
        self.on_line: Callable[[str, PowerShell], dict[str, Any]] = lambda line, work: work(line)
        self.salt = {
            f"win_iis.{name}": functools.partial(self._call, name)
            for name, one in vars(win_iis).items()
            if callable(one) and one.__module__ == win_iis.__name__ and not name.startswith("_")
        }
        given = {"cmd.run_all": self._powershell}
        monkeypatch.setattr(win_iis, "__salt__", given, raising=False)

    def __call__(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """Call one of the functions of win_iis; a line that is not known raises Refused."""
        return getattr(win_iis, function)(*arguments, **keywords)

    def request(self, port: int, host: str, path: str) -> dict[str, Any]:
        """Ask for a page."""
        return iis_serving.request(self.shell, port, host, path)

    def _call(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        self.calls.append(function)
        return self.on_call(function, lambda: self(function, *arguments, **keywords))

    def _powershell(self, cmd: str, shell: str, python_shell: bool) -> dict[str, Any]:
        assert (shell, python_shell) == ("powershell", True)
        self.lines.append(cmd)
        return self.on_line(cmd, self._carry_out)

    def _carry_out(self, line: str) -> dict[str, Any]:
        outcome = iis_lines.carry_out(self.shell, line)
        return {
            "retcode": outcome.exit_code,
            "stdout": outcome.output,
            "stderr": "\n".join(outcome.errors),
        }


class WithoutPauses(DotnetIis):
    """The type, which does not wait before it tries again."""

    pause_seconds = (0.0, 0.0)


class Truth(NamedTuple):
    """What IIS has, by its own state: not by what anybody says of it."""

    path: str | None
    site: str | None
    pool: str | None
    version: str | None


class Shop(Host):
    """A host with a module that IIS serves.

    Attributes:
        place: what serves it.
        pool: its application pool.
    """

    def __init__(self, top: Path, iis: IisHere, served_by: str = "shop", **settings: Any) -> None:
        wanted = {"site": "shop", "create": CREATE, "stop_timeout_seconds": 0.2, **settings}
        checked = dotnet_iis.Settings(**wanted).model_dump(mode="json")
        super().__init__(top, WithoutPauses, settings=checked, type="dotnet_iis")
        self.place = Place(checked["site"], checked["application"], checked["virtual_directory"])
        self.pool = served_by
        self.iis = iis
        self.salt.update(iis.salt)

    def truth(self) -> Truth:
        """What there is, and which version is served."""
        shell, (site, application, directory) = self.iis.shell, self.place
        found = shell.directory(site, application or "", directory or "")
        sites = {one["name"]: one["state"] for one in shell.list_sites()}
        pools = {one["name"]: one["state"] for one in shell.list_pools()}
        url = "/".join(("", *filter(None, self.place[1:]), "health"))
        answer = self.iis.request(PORT, "", url)
        version = Path(answer["file"]).read_text().split()[-1] if answer["status"] == 200 else None
        path = found["physicalPath"] if found else None
        return Truth(path, sites.get(site), pools.get(self.pool), version)

    def workers(self) -> set[int]:
        """The processes that serve it."""
        if self.pool not in self.iis.shell.pools:
            return set()
        return {one["processId"] for one in self.iis.shell.list_workers(self.pool)}
