"""Plans: what a deployment would do, as a value.

``pushguide.plan`` and ``pushguide.deploy`` share everything here; the one shows it, the other
writes it down and drives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pushguide.share import Artifact, Share
from pushguide.words import LIVE_STAGES, STAGES


@dataclass(frozen=True)
class Leg:
    """Consecutive stages that travel to a batch of hosts as one job.

    ``batch`` counts from 1; 0 means all hosts.
    """

    stages: list[str]
    batch: int


@dataclass(frozen=True)
class HostFacts:
    """What a host said before the deployment."""

    pushguide: str
    live: str | None
    kept: list[str]


@dataclass(frozen=True)
class Plan:
    """What a deployment would do."""

    module: str
    environment: str
    kind: str
    version: str
    type: str
    root: str
    artifact: Artifact | None
    target: dict[str, Any]
    hosts: dict[str, HostFacts]
    batches: list[list[str]]
    left_out: list[str]
    prepare: str
    stage_timeout_seconds: float
    orchestration: str
    share: dict[str, Any]
    risks: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data."""
        artifact = self.artifact._asdict() if self.artifact else None
        legs = [asdict(leg) for leg in self.legs()]
        return {**asdict(self), "artifact": artifact, "legs": legs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Read a plan back from the record."""
        values = {key: value for key, value in data.items() if key != "legs"}
        artifact = values.pop("artifact")
        hosts = {name: HostFacts(**facts) for name, facts in values.pop("hosts").items()}
        return cls(artifact=Artifact(**artifact) if artifact else None, hosts=hosts, **values)

    def legs(self, stages: Sequence[str] = STAGES, batch: int = 0) -> list[Leg]:
        """The jobs that the stages travel in.

        Stages between which nothing has to happen on the master travel together. Between
        prepare and the rest something has to, if there is more than one host and the strategy
        wants all of them prepared first.

        Args:
            stages: the stages to go through.
            batch: the one batch to take, counted from 1; 0 for all of them in their order.
        """
        batches = [batch] if batch else list(range(1, len(self.batches) + 1))
        live = [one for one in LIVE_STAGES if one in stages]
        if "prepare" not in stages:
            return [Leg(live, one) for one in batches]
        gate = self.prepare == "all_first" and len(self.hosts) > 1
        if not gate:
            return [Leg(["prepare", *live], one) for one in batches]
        if not live:
            return [Leg(["prepare"], batch)]
        return [Leg(["prepare"], batch), *(Leg(live, one) for one in batches)]

    def hosts_in(self, batch: int) -> list[str]:
        """The hosts of a batch, of all batches for 0."""
        return self.batches[batch - 1] if batch else [one for some in self.batches for one in some]

    def share_for(self, deployment: int, token: int) -> Share:
        """What each host is told."""
        return Share(
            module=self.module,
            environment=self.environment,
            type=self.type,
            kind=self.kind,
            deployment=deployment,
            token=token,
            version=self.version,
            artifact=self.artifact,
            root=self.root,
            **self.share,
        )
