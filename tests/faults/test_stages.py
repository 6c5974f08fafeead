"""Each of five is killed or cut before, in and after each stage of a deployment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.conftest import HOSTS
from tests.faults.injections import Fault, inject
from tests.faults.ledger import Entry, Ledger
from tests.faults.servers import DatabaseProxy
from tests.faults.targets import (
    ArtifactFault,
    DatabaseFault,
    MasterFault,
    MinionFault,
    RunnerFault,
)
from tests.support.salt_lab import Lab

#: Points that are struck together: one fault for three deployments, each in another stage.
WAVES = [
    ("before-prepare", "mid-pre_release", "release-post_release"),
    ("mid-prepare", "pre_release-release", "mid-post_release"),
    ("prepare-pre_release", "mid-release", "after-post_release"),
]
POINTS = [point for wave in WAVES for point in wave]
TARGETS = ["minion", "runner", "master", "database", "artifact server"]

Strike = Callable[[str, str], Entry]


@pytest.fixture(scope="session")
def strike(lab: Lab, proxy: DatabaseProxy, ledger: Ledger) -> Strike:
    """Injects a target's fault at a point, and at the others of its wave, once."""
    struck: dict[tuple[str, str], Entry] = {}

    def work(target: str, point: str) -> Entry:
        if (target, point) not in struck:
            position, wave = next(
                (position, wave) for position, wave in enumerate(WAVES) if point in wave
            )
            for one in wave:
                struck[target, one] = ledger.open(target, one)
            entries = [struck[target, one] for one in wave]
            inject(_fault(target, lab, proxy), entries, HOSTS[position])
        return struck[target, point]

    return work


def _fault(target: str, lab: Lab, proxy: DatabaseProxy) -> Fault:
    if target == DatabaseFault.target:
        return DatabaseFault(lab, proxy)
    kinds = (MinionFault, RunnerFault, MasterFault, ArtifactFault)
    return next(one for one in kinds if one.target == target)(lab)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_lost(strike: Strike, target: str, point: str) -> None:
    entry = strike(target, point)
    assert entry.recovered in ("itself", "resume", "retry")
    assert entry.problems == []
    if target == "artifact server" and not point.endswith("prepare"):
        assert entry.recovered == "itself", "nothing needs the artifacts any more"
