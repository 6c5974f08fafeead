"""A minion with the oldest supported Salt and nothing else installed, on this master."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.oldest_salt import oldest_salt_python
from tests.support.salt_lab import Lab, bare_python


@pytest.fixture
def old(lab: Lab, tmp_path: Path) -> Iterator[str]:
    """The id of the minion; it runs."""
    python = oldest_salt_python()
    bare = bare_python(python, tmp_path / "python")
    ask = "import salt.version; print(salt.version.__version__)"
    version = subprocess.run([bare, "-c", ask], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("3006."), version.stdout
    with lab.add_minion("old", bare).started():
        yield "old"


def test_it_gets_everything_by_sync_and_is_deployed_to(lab: Lab, old: str) -> None:
    module = lab.define("on-old", hosts=[old], strategy={"prepare": "all_first"}, probe=True)
    module.publish("1.0.0")
    module.publish_one("1.1.0", {"health": "broken"})

    refused = module.deploy("1.0.0")
    assert refused.returncode == 1
    assert "Sync it: salt old saltutil.sync_all" in refused.problems
    assert module.rows() == 0

    synced = lab.salt(old, "saltutil.sync_all")
    assert "modules.pushguide" in synced["modules"]
    assert "states.pushguide" in synced["states"]

    assert module.deploy("1.0.0").returncode == 0
    assert module.live(old) == "version 1.0.0"
    failed = module.deploy("1.1.0")
    assert (failed.returncode, failed.data["state"]) == (1, "rolled_back")
    assert module.live(old) == "version 1.0.0"

    (state,) = lab.salt(old, "state.single", "pushguide.released", name="on-old").values()
    assert (state["result"], state["changes"]) == (True, {})
    assert state["comment"] == "on-old 1.0.0 is live"
