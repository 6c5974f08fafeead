"""Salt's win_service, with real services and Wine's real service control manager."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tests.windows.channel import Raised, Windows

Service = Callable[..., Any]

NAME = "ShopWorker"


@pytest.fixture
def service(windows: Windows) -> Service:
    """Salt's service module, by the name of its function."""
    return lambda function, *more, **named: windows.salt(f"service.{function}", *more, **named)


@pytest.fixture
def create(service: Service, windows: Windows, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Create the service with what it is to get; where it says that it runs."""

    def created(*more: str, directory: Path = tmp_path) -> Path:
        arguments = [r"C:\lab\sample_service.py", NAME, windows.path(directory), *more]
        made = {"exe_args": " ".join(arguments), "display_name": "Shop Worker"}
        assert service("create", NAME, r"C:\py\python.exe", **made, start_type="manual")
        return directory / "running.txt"

    yield created
    if service("available", NAME):
        if service("status", NAME):
            service("stop", NAME)
        has_stopped(service)
        assert service("delete", NAME)


def has_stopped(service: Service) -> None:
    """Wait until the service has."""
    wait_until(lambda: service("info", NAME)["Status"] == "Stopped", "the service's end")


def test_a_service_starts_and_stops(service: Service, create: Service, windows: Windows) -> None:
    running = create()
    assert not service("status", NAME)
    assert service("start", NAME)
    assert service("status", NAME)
    assert service("info", NAME)["Status"] == "Running"
    assert running.read_text().isdigit()
    with pytest.raises(Raised, match="WinError 32"):
        windows.call("os.remove", windows.path(running))
    assert service("stop", NAME)
    assert not service("status", NAME)
    assert service("info", NAME)["Status"] == "Stopped"
    windows.call("os.remove", windows.path(running))  # it has let go


def test_a_restart_makes_another_process(service: Service, create: Service) -> None:
    running = create()
    assert service("start", NAME)
    first = running.read_text()
    assert service("restart", NAME)
    assert service("status", NAME)
    assert running.read_text() not in ("", first)


def test_a_slow_stop_is_waited_for(service: Service, create: Service) -> None:
    create("3")
    assert service("start", NAME)
    began = time.monotonic()
    assert service("stop", NAME)
    assert time.monotonic() - began > 2.5
    assert service("info", NAME)["Status"] == "Stopped"


def test_a_stop_that_takes_longer_than_it_may_is_told(service: Service, create: Service) -> None:
    create("6")
    assert service("start", NAME)
    assert not service("stop", NAME, timeout=1)
    assert service("info", NAME)["Status"] == "Stop Pending"
    with pytest.raises(Raised, match="Service cannot accept control message"):
        service("stop", NAME)  # a second one is no way to wait
    has_stopped(service)


def test_a_service_whose_process_ends_does_not_start(
    service: Service, create: Service, tmp_path: Path
) -> None:
    create(directory=tmp_path / "none")
    assert not service("start", NAME, timeout=3)
    assert not service("status", NAME)


def test_a_services_settings_are_changed_and_read(service: Service, create: Service) -> None:
    create()
    assert service("info", NAME)["DisplayName"] == "Shop Worker"
    assert service("info", NAME)["StartType"] == "Manual"
    assert service("modify", NAME, display_name="Worker", start_type="disabled")
    found = service("info", NAME)
    assert (found["DisplayName"], found["StartType"]) == ("Worker", "Disabled")
    assert service("disabled", NAME)
    assert service("enable", NAME, start_type="auto")
    assert service("enabled", NAME)


def test_a_service_is_deleted(service: Service, create: Service) -> None:
    create()
    assert NAME in service("get_all")
    assert service("delete", NAME)
    assert not service("available", NAME)
    assert NAME not in service("get_all")
