"""A master on Linux and a minion under Wine, which get the project from the master."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from saltfactories.manager import FactoriesManager

import pushguide
from tests.support.need import need
from tests.support.salt_lab import Lab
from tests.windows import lab
from tests.windows.wine_minion import WineMinion

NAME = "wine1"
START_SECONDS = 180

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(
    salt_factories: FactoriesManager, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ask]:
    """Ask a Windows minion through its master."""
    need("wine", not lab.missing(), lab.missing())
    wine = lab.a_copy(lab.installed(), tmp_path_factory.mktemp("minion") / "prefix")
    with Lab(salt_factories, "windows", []) as one:
        minion = WineMinion(wine, NAME, one.master.config["ret_port"])
        try:
            # Not by asking: without processes of their own, early requests hinder each other.
            started = {(one.master.id, f"salt/minion/{NAME}/start")}
            seen = salt_factories.event_listener.wait_for_events(started, timeout=START_SECONDS)
            assert seen.found_all_events, minion.log
            client = one.master.salt_cli(timeout=120)
            yield lambda *words: client.run(*words, minion_tgt=NAME).data
        finally:
            minion.end()


@pytest.mark.timeout(1200)
def test_a_windows_minion_answers(ask: Ask) -> None:
    assert ask("grains.get", "os") == "Windows"
    assert list(ask("win_iis.list_sites")) == ["Default Web Site"]
    assert ask("task.list_tasks") == []


def test_it_gets_the_project_from_the_master(ask: Ask) -> None:
    assert "modules.pushguide" in ask("saltutil.sync_all")["modules"]
    assert ask("pushguide.inspect", "shop")["pushguide"] == pushguide.__version__
