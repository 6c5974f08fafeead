"""One share for hosts of two kinds: each takes what is meant for it."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide.errors import Refused
from pushguide.host.run import run_stages
from pushguide.host.types.static_site import StaticSite
from tests.support.host import Host

WINDOWS = {"type": "windows_service", "root": r"C:\srv\shop", "settings": {"service": "Shop"}}


def with_windows(host: Host, **windows: Any) -> dict[str, Any]:
    return {**host.share("1"), "windows": {**WINDOWS, **windows}}


def test_a_linux_host_takes_the_usual_share(probed: Host) -> None:
    assert probed.run(with_windows(probed))["outcome"] == "succeeded"
    assert probed.live == "1-1"


def test_a_windows_host_goes_to_the_module_of_its_own_type(probed: Host) -> None:
    called: list[tuple[dict[str, Any], Any]] = []

    def run(share: dict[str, Any], stages: Any) -> dict[str, Any]:
        called.append((share, stages))
        return {"outcome": "succeeded"}

    salt = {"pushguide_windows_service.run": run}
    grains = {"kernel": "Windows"}
    given = with_windows(probed)
    answer = run_stages(StaticSite, given, "prepare", salt, grains, {"id": "w1"}, {})
    assert answer == {"outcome": "succeeded"}
    assert called == [({**given, **WINDOWS, "windows": None}, "prepare")]


def test_what_is_no_field_of_a_share_is_refused(probed: Host) -> None:
    given = with_windows(probed, rot=1)
    with pytest.raises(Refused, match="unknown field 'rot'"):
        run_stages(StaticSite, given, "prepare", {}, {"kernel": "Windows"}, {"id": "w1"}, {})
