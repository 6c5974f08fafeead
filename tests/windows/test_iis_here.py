"""``dotnet_iis`` without Wine: Salt's own win_iis against a SIMULATED IIS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.host import outcomes, steps
from tests.windows.iis_here import IisHere, Shop


@pytest.fixture
def iis(monkeypatch: pytest.MonkeyPatch) -> IisHere:
    """IIS as it is installed."""
    return IisHere(monkeypatch)


def test_try(tmp_path: Path, iis: IisHere) -> None:
    shop = Shop(tmp_path, iis)
    a = shop.deploy("1.0")
    print(a["outcome"], a.get("error"), [(s["name"], s["outcome"], s["detail"]) for st in a["stages"] for s in st["steps"]])
    print(iis.calls, len(iis.lines)); iis.calls.clear(); iis.lines.clear()
    print(shop.truth())
    a = shop.deploy("1.1")
    print(a["outcome"], a.get("error"), [(s["name"], s["outcome"], s["detail"]) for st in a["stages"] for s in st["steps"]])
    print(iis.calls, len(iis.lines))
    print(shop.truth(), shop.workers())
    a = shop.deploy("1.2", probe=[{"kind": "tcp", "host": "127.0.0.1", "port": 1, "within_seconds": 0.1, "interval_seconds": 0.1}])
    print(a["outcome"], a.get("error"), [(s["name"], s["outcome"], s["detail"]) for st in a["stages"] for s in st["steps"]])
    print(shop.truth(), shop.workers())
    assert 0
