"""Sites of IIS, found on their host through Salt's win_iis against the SIMULATED IIS."""

from __future__ import annotations

import pytest

from pushguide.host.discovery import discover
from pushguide.inventory import FOUND
from tests.windows.iis_here import IisHere

WINDOWS = {"kernel": "Windows"}


@pytest.fixture
def iis(monkeypatch: pytest.MonkeyPatch) -> IisHere:
    """IIS as it is installed."""
    return IisHere(monkeypatch)


def test_sites_are_told_with_their_pools_and_ports(iis: IisHere) -> None:
    release = r"C:\srv\shop\releases\1.4.2"
    assert iis("create_site", "shop", release, apppool="shop-pool", port=8081, hostheader="a.test")
    assert iis("create_binding", "shop", hostheader="b.test", port=8082)
    salt = {"win_iis.list_sites": lambda: iis("list_sites")}
    answer = discover({"id": "win1"}, salt, WINDOWS, [r"c:\SRV\shop"])
    ours, other = answer["sites"]
    assert ours == {
        "site": "shop",
        "pool": "shop-pool",
        "port": None,
        "ports": [8081, 8082],
        "state": "started",
        "is_ours": True,
    }
    assert (other["site"], other["port"], other["is_ours"]) == ("Default Web Site", 80, False)
    assert {*FOUND["sites"]} <= {*ours}
    assert answer["not_told"] == []


def test_a_site_that_stands_still_is_told(iis: IisHere) -> None:
    iis("stop_site", "Default Web Site")
    salt = {"win_iis.list_sites": lambda: iis("list_sites")}
    [told] = discover({"id": "win1"}, salt, WINDOWS)["sites"]
    assert told["state"] == "stopped"
