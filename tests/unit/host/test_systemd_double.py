"""SystemdControl against a double of Salt's service module: there is no systemd in a test.

The double has the signatures of the real functions, so a call that the real ones would not
take fails here too. Its process is a real one.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from salt.modules import systemd_service

from pushguide.errors import StepFailed
from pushguide.host.control import SystemdControl
from pushguide.host.types.service import Service
from pushguide.words import FAILED, RESTORED, SUCCEEDED
from tests.support.host import Host, outcomes, steps

STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"


class SystemdDouble:
    """Plays systemd for one unit: start makes a process, stop signals it and does not wait."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.command = ["sleep", "100"]
        self.starts = True
        self.children: list[subprocess.Popen[bytes]] = []
        self.available = self._double("available", lambda name: name == unit)
        self.show = self._double("show", self._show)
        self.start = self._double("start", self._start)
        self.stop = self._double("stop", self._stop)
        self.salt: dict[str, Any] = {
            "service.available": self.available,
            "service.show": self.show,
            "service.start": self.start,
            "service.stop": self.stop,
        }

    def _double(self, name: str, effect: Any) -> Any:
        return mock.create_autospec(getattr(systemd_service, name), side_effect=effect)

    def _show(self, name: str) -> dict[str, Any]:
        alive = [one.pid for one in self.children if one.poll() is None]
        # Salt hands on what systemctl prints: text.
        return {"MainPID": str(alive[-1]) if alive else "0", "Id": name}

    def _start(self, name: str) -> bool:
        if self.starts:
            child = subprocess.Popen(self.command, stdout=subprocess.PIPE)
            self.children.append(child)
            if self.command[0] == sys.executable:
                assert child.stdout
                child.stdout.readline()
        return self.starts

    def _stop(self, name: str, no_block: bool | None = None) -> bool:
        assert no_block, "systemd would wait for TimeoutStopSec"
        for one in self.children:
            if one.poll() is None:
                one.send_signal(signal.SIGTERM)
        return True

    def end(self) -> None:
        """End what was started."""
        for one in self.children:
            with suppress(ProcessLookupError):
                one.kill()
            one.wait(20)
            assert one.stdout
            one.stdout.close()


@pytest.fixture
def systemd() -> Iterator[SystemdDouble]:
    double = SystemdDouble("shop.service")
    yield double
    double.end()


def test_a_unit_that_is_there(systemd: SystemdDouble) -> None:
    assert SystemdControl("shop.service", systemd.salt).check() == "unit shop.service"
    with pytest.raises(StepFailed, match=r"no systemd unit .blog\.service."):
        SystemdControl("blog.service", systemd.salt).check()


def test_start_look_and_stop(systemd: SystemdDouble) -> None:
    control = SystemdControl("shop.service", systemd.salt)
    assert control.pid() is None
    assert control.stop(20) == "was not running"
    systemd.stop.assert_called_once_with("shop.service", no_block=True)
    assert control.start() == "unit shop.service started"
    pid = control.pid()
    assert pid == systemd.children[0].pid
    assert control.stop(20) == f"process {pid} stopped"
    assert control.pid() is None


def test_a_process_that_does_not_stop_is_forced(systemd: SystemdDouble) -> None:
    systemd.command = [sys.executable, "-c", STUBBORN]
    control = SystemdControl("shop.service", systemd.salt)
    control.start()
    pid = control.pid()
    assert control.stop(0.2) == f"process {pid} killed"
    assert control.pid() is None


def test_a_unit_that_does_not_start_names_the_log(systemd: SystemdDouble) -> None:
    systemd.starts = False
    with pytest.raises(StepFailed, match=r"journalctl -u shop\.service"):
        SystemdControl("shop.service", systemd.salt).start()


@pytest.mark.parametrize("shown", [{}, {"MainPID": ""}, {"MainPID": "0"}, {"MainPID": "4194305"}])
def test_no_process_is_none(systemd: SystemdDouble, shown: dict[str, str]) -> None:
    systemd.show.side_effect = lambda name: shown
    assert SystemdControl("shop.service", systemd.salt).pid() is None


# A whole deployment.


@pytest.fixture
def unit(systemd: SystemdDouble, tmp_path: Path) -> Host:
    settings = {"systemd_unit": "shop.service", "settle_seconds": 0.05, "stop_timeout_seconds": 20}
    host = Host(tmp_path, Service, settings=settings)
    host.salt |= systemd.salt
    return host


def test_deployments_of_a_unit(unit: Host, systemd: SystemdDouble) -> None:
    assert unit.deploy("1")["outcome"] == SUCCEEDED
    answer = unit.deploy("2")
    one, two = systemd.children
    assert (answer["outcome"], unit.live) == (SUCCEEDED, "2-2")
    assert steps(answer, "release")["stop"] == (SUCCEEDED, f"process {one.pid} stopped")
    assert steps(answer, "post_release")["alive"] == (SUCCEEDED, f"process {two.pid}")
    assert not (unit.root / "service.pid").exists()


def test_a_unit_that_ends_at_once_is_put_back(unit: Host, systemd: SystemdDouble) -> None:
    unit.deploy("1")
    start = systemd.start.side_effect

    def fails_on_new(name: str) -> bool:
        systemd.command = ["true"] if unit.live == "2-2" else ["sleep", "100"]
        return bool(start(name))

    systemd.start.side_effect = fails_on_new
    answer = unit.deploy("2", settings={**unit.given["settings"], "settle_seconds": 20})
    assert (answer["outcome"], answer["live"]) == (RESTORED, "1")
    assert "ended by itself" in answer["error"]
    assert systemd.children[-1].poll() is None


def test_a_unit_that_is_missing_is_found_in_prepare(unit: Host) -> None:
    unit.given["settings"]["systemd_unit"] = "blog.service"
    answer = unit.deploy("1")
    assert outcomes(answer) == {"prepare": FAILED}
    assert "ExecStart" in answer["error"]
