"""The runner stands between two jobs, each stage being one of its own, when a fault strikes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.checks import lease_is_over
from tests.faults.conftest import HOSTS
from tests.faults.injections import STRATEGY, Fault, Injection, inject
from tests.faults.ledger import Entry, Ledger
from tests.faults.servers import DatabaseProxy
from tests.faults.targets import DatabaseFault, RunnerFault
from tests.support.salt_lab import Lab
from tests.support.waiting import wait_until

FILES = Path(__file__).parent / "files"

#: The gates of the orchestration, with the outcome that every host has in the record there.
POINTS = {
    "before-prepare": "not_started",
    "after-prepare": "under_way",
    "after-pre_release": "under_way",
    "after-release": "under_way",
    "after-post_release": "succeeded",
}


class BetweenJobs(Injection):
    """A deployment that is held on the master's side, by its orchestration."""

    def __init__(self, lab: Lab, entry: Entry, victim: str) -> None:
        name = entry.point.removesuffix(" (runner)")
        super().__init__(
            lab,
            entry,
            victim,
            name,
            POINTS[name],
            strategy={**STRATEGY, "prepare": "all_first"},
            orchestration={"deploy": "faults.stages"},
        )
        self.gates(victim).mkdir(parents=True)

    def gates(self, host: str) -> Path:
        """Where the gates of the orchestration are."""
        return self.lab.top / "gates" / self.name


class BackWithTheLease(DatabaseFault):
    """The database is away until the lease is over; the runner can begin nothing meanwhile."""

    def restore(self, caught: list[Injection]) -> None:
        """Let it be reached again."""
        for one in caught:
            wait_until(lambda one=one: lease_is_over(self.lab, one.module), "the end of the lease")
        self.proxy.start()


@pytest.fixture(scope="module", params=["runner", "database"])
def struck(
    lab: Lab, ledger: Ledger, proxy: DatabaseProxy, request: pytest.FixtureRequest
) -> dict[str, Entry]:
    """One fault for deployments that stand at all of these points."""
    gates = lab.top / "gates"
    gates.mkdir(exist_ok=True)
    shutil.copy(FILES / "gate.sh", gates)
    sls = (FILES / "stages.sls").read_text()
    lab.team_file("faults/stages.sls", sls.replace("GATES", str(gates)))
    faults: dict[str, Fault] = {
        "runner": RunnerFault(lab),
        "database": BackWithTheLease(lab, proxy),
    }
    fault = faults[request.param]
    fault.injection = lambda entry, victim: BetweenJobs(lab, entry, victim)  # type: ignore[method-assign]
    entries = {point: ledger.open(fault.target, f"{point} (runner)") for point in POINTS}
    inject(fault, entries.values(), HOSTS[0])
    return entries


@pytest.mark.parametrize("point", POINTS)
def test_nothing_is_lost(struck: dict[str, Entry], point: str) -> None:
    entry = struck[point]
    assert entry.problems == []
    wanted = ("running", "resume") if entry.target == "runner" else ("succeeded", "itself")
    assert (entry.state, entry.recovered) == wanted
