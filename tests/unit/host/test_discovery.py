"""What a host finds out about what runs on it: real processes, and Salt's answers about units."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from salt.modules import systemd_service, win_service, win_task

from pushguide.host import process
from pushguide.host.discovery import discover, on_windows, tomcats
from pushguide.host.discovery import processes as running
from pushguide.host.discovery.processes import Process
from pushguide.host.discovery.roots import Roots
from pushguide.host.windows.scm import Scm, Status
from pushguide.inventory import FOUND
from tests.support.waiting import wait_until

OPTS = {"id": "web1"}
SECRET = "correct-horse-battery"
LISTEN = """
import socket, sys
one = socket.create_server(("127.0.0.1", 0))
print(one.getsockname()[1], flush=True)
sys.stdin.read()
"""


class Listening:
    """A process that listens, and was given a secret."""

    def __init__(self, directory: Path, *more: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LISTEN, f"--password={SECRET}", *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=directory,
        )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def release(tmp_path: Path) -> Path:
    place = tmp_path / "srv" / "releases" / "1"
    place.mkdir(parents=True)
    (tmp_path / "srv" / "live").symlink_to(place)
    return place


@pytest.fixture
def listening(release: Path) -> Iterator[Listening]:
    one = Listening(release)
    yield one
    one.end()


def ours(answer: dict[str, Any], sort: str = "services") -> list[dict[str, Any]]:
    return [one for one in answer[sort] if one["is_ours"]]


# Linux.


def test_a_process_out_of_a_release_is_found_with_its_port(
    listening: Listening, tmp_path: Path
) -> None:
    answer = discover(OPTS, {}, {"kernel": "Linux"}, [str(tmp_path / "srv")])
    [found] = ours(answer)
    assert (found["port"], found["ports"]) == (listening.port, [listening.port])
    assert (found["pid"], found["state"]) == (listening.process.pid, "running")
    assert found["user"] == process_user()
    assert answer["not_told"] == []


def process_user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def test_no_word_of_a_command_line_is_told(listening: Listening, tmp_path: Path) -> None:
    answer = discover(OPTS, {}, {}, [str(tmp_path / "srv")])
    assert ours(answer)
    assert SECRET not in json.dumps(answer)
    assert "password" not in json.dumps(answer)


def test_a_live_link_and_a_path_in_the_command_line_are_signs_too(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for words in ([str(tmp_path / "link" / "live" / "x")], [str(tmp_path / "real" / "x")]):
        one = Listening(tmp_path / "elsewhere", *words)
        try:
            [found] = ours(discover(OPTS, {}, {}, [str(tmp_path / "link")]))
            assert found["port"] == one.port
        finally:
            one.end()


def test_the_places_of_a_root_are_filled_in_or_it_is_nobodys(
    listening: Listening, tmp_path: Path
) -> None:
    top = tmp_path / "srv"
    (tmp_path / "web1-fra").symlink_to(top)
    for root, count in (
        (f"{tmp_path}/{{id}}-{{grain.dc}}", 1),
        (f"{tmp_path}/{{id}}-{{grain.none}}", 0),
        (f"{top}{{inventory.x}}", 0),
        (f"{top}-other", 0),
    ):
        assert len(ours(discover(OPTS, {}, {"dc": "fra"}, [root]))) == count, root


def test_a_process_that_has_ended_is_told_no_more(listening: Listening, tmp_path: Path) -> None:
    listening.end()
    wait_until(lambda: not process.is_alive(listening.process.pid), "the end of the process")
    assert ours(discover(OPTS, {}, {}, [str(tmp_path / "srv")])) == []


def test_ports_are_found_on_all_addresses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        assert port in process.listening_sockets().values()
        [me] = [each for each in running.running() if each.pid == os.getpid()]
        assert port in me.ports
    assert port not in process.listening_sockets().values()


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0::/system.slice/shop-api.service\n", "shop-api.service"),
        ("0::/system.slice/system-tomcat.slice/tomcat@shop.service/sub\n", "tomcat@shop.service"),
        ("0::/user.slice/user-0.slice/user@0.service/app.slice/shop.service\n", "shop.service"),
        ("12:pids:/system.slice/old.service\n1:name=systemd:/system.slice/old.service\n", "old"),
        ("0::/\n", None),
        ("0::/user.slice/user-0.slice/session-1.scope\n", None),
    ],
)
def test_the_unit_of_a_process_is_that_of_its_control_group(
    monkeypatch: pytest.MonkeyPatch, text: str, unit: str | None
) -> None:
    opened = mock.create_autospec(open, return_value=mock.mock_open(read_data=text)())
    monkeypatch.setattr(running, "open", opened, raising=False)
    found = running._unit(4711)
    opened.assert_called_once_with("/proc/4711/cgroup", encoding="utf-8", errors="replace")
    assert found == (unit and (unit if "." in unit else f"{unit}.service"))


def some(pid: int, unit: str | None, *ports: int, **more: Any) -> Process:
    given = {"arguments": ("x",), "executable": "/bin/x", "directory": "/", "user": "shop"}
    return Process(pid=pid, unit=unit, ports=[*ports], **{**given, **more})


def look(monkeypatch: pytest.MonkeyPatch, *processes: Process, **more: Any) -> dict[str, Any]:
    from pushguide.host.discovery import on_linux

    monkeypatch.setattr(on_linux, "running", lambda: iter(processes))
    return discover(OPTS, more.pop("salt", {}), {}, ["/srv/shop"], **more)


def test_processes_of_one_unit_are_one_service(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = look(
        monkeypatch,
        some(20, "nginx.service", 80, user="www-data"),
        some(10, "nginx.service", 80, 443, user="root"),
        some(30, "cron.service"),
        some(40, None, 9000),
        some(50, "shop.service", 8080, directory="/srv/shop/releases/1"),
    )
    told = [(one["systemd_unit"], one["ports"], one["user"]) for one in answer["services"]]
    assert told == [
        ("shop.service", [8080], "shop"),
        ("nginx.service", [80, 443], "root"),
    ]
    assert [one["port"] for one in answer["services"]] == [8080, None]


def test_units_that_stand_still_are_told_if_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    available = mock.create_autospec(
        systemd_service.available, side_effect=lambda name: name != "none.service"
    )
    status = mock.create_autospec(
        systemd_service.status, side_effect=lambda name: name == "worker.service"
    )
    salt = {"service.available": available, "service.status": status}
    names = ["shop", "worker.service", "none", "nginx.service"]
    answer = look(monkeypatch, some(1, "nginx.service", 80), salt=salt, named=names)
    told = {one["systemd_unit"]: one["state"] for one in answer["services"]}
    assert told == {
        "nginx.service": "running",
        "shop.service": "stopped",
        "worker.service": "running",
    }
    assert all("nginx" not in str(call) for call in available.mock_calls)


def test_the_answer_is_bounded_and_ours_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [some(n, f"unit{n}.service", n) for n in range(1, 301)]
    mine = some(999, "shop.service", 8080, directory="/srv/shop")
    answer = look(monkeypatch, *many, mine)
    assert len(answer["services"]) == 200
    assert answer["services"][0]["systemd_unit"] == "shop.service"
    assert answer["not_told"] == ["101 more services"]


# Tomcats by their command line.


def java(*words: str, **more: Any) -> Process:
    main = ("org.apache.catalina.startup.Bootstrap", "start")
    arguments = ("/opt/jdk/bin/java", *words, *main)
    return some(7, "tomcat.service", 8005, 8080, arguments=arguments, **more)


def test_a_tomcat_is_told_by_its_arguments_and_files(tmp_path: Path) -> None:
    base, jdk = tmp_path / "base", tmp_path / "jdk"
    (base / "conf" / "Catalina" / "localhost").mkdir(parents=True)
    (base / "conf" / "server.xml").write_text(
        '<Server port="8005"><Service><Connector port="8009" protocol="AJP/1.3"/>'
        '<Connector port="8080" protocol="HTTP/1.1"/></Service></Server>'
    )
    (base / "conf" / "Catalina" / "localhost" / "ROOT.xml").write_text(
        '<Context docBase="/srv/shop/releases/1"><Resource password="hidden"/></Context>'
    )
    (base / "conf" / "Catalina" / "localhost" / "broken.xml").write_text("<Context")
    (jdk / "bin").mkdir(parents=True)
    (jdk / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="17.0.9"\n')
    one = java(
        "-Xmx256m",
        f"-Dcatalina.base={base}/",
        "-Dcatalina.home=/usr/share/tomcat10",
        f"-Ddb.password={SECRET}",
        "-Xmx2g",
        executable=str(jdk / "bin" / "java"),
    )
    [told] = tomcats.tomcats([one, some(8, None)], Roots(["/srv/shop"]))
    assert told == {
        "catalina_base": str(base),
        "catalina_home": "/usr/share/tomcat10",
        "port": 8080,
        "ports": [8005, 8080],
        "java_home": str(jdk),
        "java_version": "17.0.9",
        "max_heap": "2g",
        "user": "shop",
        "systemd_unit": "tomcat.service",
        "pid": 7,
        "is_ours": True,
    }
    assert not {SECRET, "hidden"} & {*json.dumps(told).split('"')}


def test_a_tomcat_whose_files_cannot_be_read_is_told_all_the_same() -> None:
    odd = java("-Dcatalina.base=/nowhere", "-Xmxplenty", executable=None)
    [told] = tomcats.tomcats([odd], Roots([]))
    assert (told["catalina_base"], told["is_ours"]) == ("/nowhere", False)
    assert [told[key] for key in ("port", "java_home", "java_version", "max_heap")] == [None] * 4
    assert tomcats.tomcats([java("-Dcatalina.base=")], Roots([])) == []


def test_names_of_what_is_found_are_those_that_the_master_knows(tmp_path: Path) -> None:
    [told] = tomcats.tomcats([java(f"-Dcatalina.base={tmp_path}")], Roots([]))
    assert {*FOUND["tomcats"]} <= {*told}


# Windows, by what Salt's functions answer there; IIS is in tests/windows.


def windows(monkeypatch: pytest.MonkeyPatch, **more: Any) -> dict[str, Any]:
    services = {
        "Spooler": {"BinaryPath": r"C:\Windows\System32\spoolsv.exe"},
        "Driver": {"BinaryPath": r"\SystemRoot\System32\drivers\x.sys"},
        "Shop": {"BinaryPath": r'"c:\srv\SHOP\releases\1\Shop.exe" --token ' + SECRET},
        "Other": {"BinaryPath": r"D:\other\other.exe -p x", "Status": "Stopped"},
    }
    usual = {"Status": "Running", "ServiceAccount": "LocalSystem"}
    info = mock.create_autospec(win_service.info, side_effect=lambda name: usual | services[name])
    actions = [{"cmd": r'"C:\srv\shop\releases\1\mail.exe"', "arguments": SECRET}]
    tasks = {"\\": ["Update"], "\\Shop": ["Send mail"], "\\Shop\\Deep": []}
    folders = {"\\": ["Microsoft", "Shop"], "\\Shop": ["Deep"], "\\Shop\\Deep": []}
    salt = {
        "service.get_all": mock.create_autospec(win_service.get_all, return_value=[*services]),
        "service.info": info,
        "task.list_tasks": mock.create_autospec(win_task.list_tasks, side_effect=tasks.get),
        "task.list_folders": mock.create_autospec(win_task.list_folders, side_effect=folders.get),
        "task.info": mock.create_autospec(
            win_task.info,
            side_effect=lambda name, _folder: {
                "status": "Ready",
                "enabled": True,
                "actions": actions if name == "Send mail" else [{"cmd": r"C:\Windows\x.exe"}],
            },
        ),
        **more,
    }
    running = mock.create_autospec(Scm.status, return_value=Status(4, 4, 0))
    monkeypatch.setattr(Scm, "status", running)
    ports = mock.create_autospec(on_windows.processes.listening_ports, side_effect=_ports)
    monkeypatch.setattr(on_windows.processes, "listening_ports", ports)
    return discover(OPTS, salt, {"kernel": "Windows"}, [r"C:\srv\shop"], ["Spooler"])


def _ports(pid: int | None) -> list[int]:
    return [8080] if pid else []


def test_services_of_windows_are_told_and_those_of_windows_itself_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = windows(monkeypatch)
    told = {one["service"]: one for one in answer["services"]}
    assert [*told] == ["Shop", "Spooler", "Other"]
    assert told["Shop"] == {
        "service": "Shop",
        "port": 8080,
        "ports": [8080],
        "user": "LocalSystem",
        "state": "running",
        "pid": 4,
        "is_ours": True,
    }
    assert (told["Other"]["state"], told["Other"]["pid"]) == ("stopped", None)
    assert SECRET not in json.dumps(answer)


def test_scheduled_tasks_are_told_with_their_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = windows(monkeypatch)
    assert [(one["task"], one["folder"], one["is_ours"]) for one in answer["tasks"]] == [
        ("Send mail", "\\Shop", True),
        ("Update", "\\", False),
    ]
    assert {*FOUND["tasks"]} <= {*answer["tasks"][0]}
    assert (answer["sites"], answer["tomcats"], answer["not_told"]) == ([], [], [])


def test_what_cannot_be_looked_at_is_said_and_the_rest_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from salt.exceptions import CommandExecutionError
    from salt.modules import win_iis

    broken = mock.create_autospec(
        win_iis.list_sites, side_effect=CommandExecutionError("Unable to parse")
    )
    answer = windows(monkeypatch, **{"win_iis.list_sites": broken})
    assert answer["not_told"] == ["sites: Unable to parse"]
    assert len(answer["services"]) == 3


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        (r"C:\srv\shop", True),
        ("c:/SRV/Shop/releases/1", True),
        (r"C:\srv\shop-old\x", False),
        (r"C:\srv\shop\..\other", False),
        ("/srv/app/live", True),
        ("/srv/app2", False),
        ("/srv/app/../app2", False),
        ("", False),
    ],
)
def test_what_lies_below_a_root(path: str, holds: bool) -> None:
    assert Roots([r"C:\srv\shop", "/srv/app"]).hold(path) is holds
