"""A .NET application behind ``service``, on a real .NET runtime: see tests/support/dotnet.py."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from pushguide.host.types.service import Service
from pushguide.words import FAILED, RESTORED, SUCCEEDED
from tests.support import dotnet
from tests.support.host import Host, steps
from tests.support.need import need
from tests.support.ports import answer_on, free_port


class Shop(Host):
    """A host that runs a .NET application."""

    def __init__(self, top: Path, **settings: Any) -> None:
        self.port = free_port()
        usual = {
            "command": "./Shop.Api",
            "executable": "Shop.Api",
            "environment": dotnet.environment(self.port),
            "port": self.port,
            "settle_seconds": 0.2,
            "stop_timeout_seconds": 20,
        }
        super().__init__(top, Service, settings={**usual, **settings})
        self.given["probe"] = self.probe_for("{version}")

    def probe_for(self, text: str) -> list[dict[str, Any]]:
        """A probe that wants the application to say a text."""
        asked = {"kind": "http", "url": f"http://127.0.0.1:{self.port}/health", "text": text}
        return [{**asked, "within_seconds": 2, "interval_seconds": 0.2}]

    def deploy_zip(self, version: str, **changes: Any) -> dict[str, Any]:
        """Deploy a publish that was packed on Windows: no file in it has a mode."""
        packed = io.BytesIO()
        settings = json.dumps({"Version": version}).encode()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in {**dotnet.published(), "appsettings.json": settings}.items():
                one = zipfile.ZipInfo(name, (2026, 11, 1, 0, 0, 0))
                one.create_system, one.external_attr = 0, 0x20
                archive.writestr(one, content)
        artifact = self.publish(version, f"shop-{version}.zip", packed.getvalue())
        return self.deploy(version, artifact=artifact, **changes)

    def says(self) -> str | None:
        """What it answers, None if nothing does."""
        return answer_on(self.port)

    def log(self) -> str:
        """What it has written."""
        return (self.root / "service.log").read_text()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A host without a version, which is left without a process."""
    need("dotnet", not dotnet.missing(), dotnet.missing())
    made = Shop(tmp_path)
    yield made
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if f"{tmp_path}/" in one.environ().get("PUSHGUIDE_PID_FILE", ""):
                one.kill()


def test_versions_come_and_go(shop: Shop) -> None:
    answer = shop.deploy_zip("1.0.0")
    assert answer["outcome"] == SUCCEEDED, answer
    assert str(shop.says()).startswith('{"Version": "1.0.0"} on .NET 3.1.')
    assert shop.deploy_zip("1.1.0")["outcome"] == SUCCEEDED
    assert '"1.1.0"' in str(shop.says())
    assert shop.log().count("Stopped.") == 1  # it was asked, and stopped in good order
    assert shop.rollback("1.0.0")["outcome"] == SUCCEEDED
    assert '"1.0.0"' in str(shop.says())


def test_a_version_that_is_not_healthy_goes_back(shop: Shop) -> None:
    shop.deploy_zip("1.0.0")
    answer = shop.deploy_zip("1.1.0", probe=shop.probe_for("another"))
    assert answer["outcome"] == RESTORED, answer
    assert '"1.0.0"' in str(shop.says())


def test_a_publish_that_needs_a_framework_is_run_by_dotnet(shop: Shop) -> None:
    command = [str(dotnet.dotnet()), "Shop.Api.dll"]
    shop.given["settings"].update(command=command, executable=None)
    assert shop.deploy_zip("1.0.0")["outcome"] == SUCCEEDED
    assert '"1.0.0"' in str(shop.says())


def test_a_program_out_of_a_zip_of_windows_is_not_executable_by_itself(shop: Shop) -> None:
    shop.given["settings"]["executable"] = None
    answer = shop.deploy_zip("1.0.0")
    assert "Permission denied" in steps(answer, "release")["start"][1]


@pytest.mark.parametrize("unchanged", ["reflink", "hard_link"])
def test_the_program_is_executable_in_each_release(shop: Shop, unchanged: str) -> None:
    shop.given["unpacking"] = {"unchanged": unchanged}
    for version in ("1.0.0", "1.1.0"):
        assert shop.deploy_zip(version)["outcome"] == SUCCEEDED
    for release in (shop.root / "releases").iterdir():
        mode = stat.S_IMODE((release / "Shop.Api").stat().st_mode)
        assert mode & 0o111 == 0o111
        assert not stat.S_IMODE((release / "appsettings.json").stat().st_mode) & 0o111


def test_a_program_that_is_not_there_is_named(shop: Shop) -> None:
    shop.given["settings"]["executable"] = "publish/Shop.Api"
    answer = shop.deploy_zip("1.0.0")
    assert answer["outcome"] == FAILED
    assert "no file publish/Shop.Api" in steps(answer, "prepare")["unpack"][1]
