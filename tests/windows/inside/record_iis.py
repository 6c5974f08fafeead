"""What Salt's win_iis asks PowerShell, and what PowerShell says: every line of it."""

from __future__ import annotations

import contextlib
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import iis_lines
from record_parts import PREFIX
from salt.modules import win_iis
from stand_ins import iis_is_simulated

SITE, OTHER = f"{PREFIX}-site", f"{PREFIX}-other"
POOL = f"{PREFIX}-pool"
APPLICATION, PLAIN = f"{PREFIX}-application", f"{PREFIX}-plain"
DIRECTORY = f"{PREFIX}-directory"
HOST = f"{PREFIX}.invalid"

Calls = list[tuple[Any, ...]]
RunAll = Callable[..., dict[str, Any]]
Status = Callable[[int, str], int]


def is_there() -> bool:
    """Whether this machine has such sites or pools already."""
    with _noting([], _salts_own):
        names = [*win_iis.list_sites(), *win_iis.list_apppools()]
    return any(name.startswith(PREFIX) for name in names)


def remove() -> None:
    """Remove the sites and the pool, if they are there."""
    with _noting([], _salts_own):
        for site in (SITE, OTHER):
            win_iis.remove_site(site)
        win_iis.remove_apppool(POOL)


def recording(
    scratch: Path, run_all: RunAll | None = None, status: Status | None = None
) -> dict[str, Any]:
    """Let Salt do everything once, and write down what went to PowerShell and came from it.

    Args:
        scratch: an empty directory.
        run_all: what gives lines to PowerShell; Salt's own cmd.run_all if not given.
        status: what asks a port for a page; this machine's own port if not given.

    Returns:
        ``directories``, those that the lines name, and ``entries``: lines with their exit codes
        and outputs, requests with their status.
    """
    directories = {name: scratch / name for name in ("1", "2")}
    for path in directories.values():
        path.mkdir()
        (path / "index.html").write_text(path.name)
    port, another = _free_port(), _free_port()
    entries: list[dict[str, Any]] = []
    ask = status or _status
    with _noting(entries, run_all or _salts_own):
        for function, *arguments in [
            *_sites_and_pools(port, str(directories["1"]), str(directories["2"])),
            *_bindings(port, another),
            *_settings(),
            *_inside_a_site(str(directories["1"]), str(directories["2"]), str(scratch / "none")),
            ("remove_site", SITE),
            ("remove_apppool", POOL),
        ]:
            if function == "request":
                entries.append({"request": [port, *arguments], "status": ask(port, *arguments)})
            else:
                _call(function, arguments)
    return {
        "directories": {name: str(one) for name, one in directories.items()},
        "entries": entries,
    }


# --- what is done ---------------------------------------------------------------------------


def _sites_and_pools(port: int, one: str, two: str) -> Calls:
    return [
        ("create_apppool", POOL),
        ("list_apppools",),
        ("create_site", SITE, one, POOL, "", "*", port),
        ("list_sites",),
        ("request", "/index.html"),
        ("list_worker_processes", POOL),
        ("modify_site", SITE, two),
        ("modify_site", SITE, two, POOL),
        ("request", "/index.html"),
        ("request", "/none.html"),
        ("restart_apppool", POOL),
        ("stop_apppool", POOL),
        ("request", "/index.html"),
        ("stop_apppool", POOL),
        ("restart_apppool", POOL),
        ("list_apppools",),
        ("start_apppool", POOL),
        ("start_apppool", POOL),
        ("stop_site", SITE),
        ("stop_site", SITE),
        ("request", "/index.html"),
        ("list_sites",),
        ("start_site", SITE),
        ("create_site", OTHER, one, "", "", "*", port),
        ("list_sites",),
        ("start_site", OTHER),
        ("start_site", f"{PREFIX}-none"),
        ("remove_site", OTHER),
        ("list_worker_processes", f"{PREFIX}-none"),
    ]


def _bindings(port: int, another: int) -> Calls:
    return [
        ("create_binding", SITE, HOST, "*", port),
        ("create_binding", SITE, HOST, "*", another, "https", 1),
        ("list_bindings", SITE),
        ("modify_binding", SITE, f"*:{port}:{HOST}", None, None, another),
        ("modify_binding", SITE, f"*:{another}:{HOST}", None, None, None, 0),
        ("list_bindings", SITE),
        ("remove_binding", SITE, HOST, "*", another),
        ("list_sites",),
    ]


def _settings() -> Calls:
    wanted = {"managedRuntimeVersion": "v4.0", "queueLength": 500, "startMode": "AlwaysRunning"}
    asked = [*wanted, "processModel.identityType", "processModel.idleTimeout", "autoStart"]
    return [
        ("set_container_setting", POOL, "AppPools", wanted),
        ("set_container_setting", POOL, "AppPools", {"processModel.identityType": "LocalService"}),
        ("get_container_setting", POOL, "AppPools", asked),
        ("get_container_setting", POOL, "AppPools", ["noSuchSetting"]),
        ("get_container_setting", SITE, "Sites", ["physicalPath", "serverAutoStart"]),
        ("set_container_setting", SITE, "Sites", {"limits.connectionTimeout": "00:03:00"}),
        ("get_container_setting", SITE, "Sites", ["limits.connectionTimeout"]),
    ]


def _inside_a_site(one: str, two: str, missing: str) -> Calls:
    asked = ["physicalPath", "applicationPool", "userName", "password"]
    return [
        ("create_app", APPLICATION, SITE, one, POOL),
        ("create_app", PLAIN, SITE, one),
        ("create_app", f"{PREFIX}-none", SITE, missing),
        ("list_apps", SITE),
        ("request", f"/{APPLICATION}/index.html"),
        ("get_webapp_settings", APPLICATION, SITE, asked),
        ("set_webapp_settings", APPLICATION, SITE, {"physicalPath": two}),
        ("set_webapp_settings", APPLICATION, SITE, {"userName": "nobody"}),
        ("get_webapp_settings", APPLICATION, SITE, asked),
        ("create_vdir", DIRECTORY, SITE, one),
        ("create_vdir", DIRECTORY, SITE, one, APPLICATION),
        ("list_vdirs", SITE),
        ("list_vdirs", SITE, APPLICATION),
        ("list_apppools",),
        *_by_their_elements(two),
        ("list_vdirs", SITE),
        ("list_vdirs", SITE, APPLICATION),
        ("remove_vdir", DIRECTORY, SITE, APPLICATION),
        ("remove_vdir", DIRECTORY, SITE),
        ("remove_app", PLAIN, SITE),
        ("remove_app", APPLICATION, SITE),
        ("list_apps", SITE),
    ]


def _by_their_elements(path: str) -> Calls:
    """Point virtual directories elsewhere by their elements, and one that is not there."""
    calls: Calls = []
    for application, directory in [("", DIRECTORY), (APPLICATION, DIRECTORY), ("", "none")]:
        element = (
            iis_lines.DIRECTORY.replace("<site>", SITE)
            .replace("<application_or_root>", application)
            .replace("<directory_or_root>", directory)
        )
        setting = {"name": "physicalPath", "filter": element, "value": path}
        calls.append(("set_webconfiguration_settings", "MACHINE/WEBROOT/APPHOST", [setting]))
    return calls


# --- how ------------------------------------------------------------------------------------


@contextmanager
def _noting(entries: list[dict[str, Any]], run_all: RunAll) -> Iterator[None]:
    """Stand between win_iis and the shell, and note what goes there and comes back."""

    def noted(cmd: str, **named: Any) -> dict[str, Any]:
        answer = run_all(cmd, **named)
        kept = {name: answer[name] for name in ("retcode", "stdout", "stderr")}
        entries.append({"line": cmd, **kept})
        return answer

    with mock.patch.object(win_iis, "__salt__", {"cmd.run_all": noted}, create=True):
        yield


def _salts_own(cmd: str, **named: Any) -> dict[str, Any]:
    import minion

    return dict(minion.call("cmd.run_all", cmd, **named))


def _call(function: str, arguments: list[Any]) -> None:
    """Call one of Salt's functions; what went wrong stands in the lines already."""
    with contextlib.suppress(Exception):
        getattr(win_iis, function)(*arguments)


def _status(port: int, path: str) -> int:
    """The status of a page; 0 if nothing listens there."""
    if iis_is_simulated():
        import iis_store

        return int(iis_store.request(port, "127.0.0.1", path)["status"])
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as err:
        with err:
            return err.code
    except OSError:
        return 0


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
