"""Plans: what a deployment would do, as a value.

``pushguide.plan`` and ``pushguide.deploy`` share everything here; the one shows it, the other
writes it down and drives it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pushguide.inventory import in_short
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
    """What a host said before the deployment, and what the record has of it.

    Attributes:
        pushguide: the version of pushguide's code there.
        live: the version that is live there.
        kept: the good versions that are kept there.
        grains: the grains that the strategy asks for.
        recorded: the version that the record takes for live there.
        failed_last: whether its last deployment of the module did not succeed.
        changes: how often it came or went within the last hour, if that was often.
        inventory: what the inventory says of it, by name: ``value``, ``from``, and where it was not
            heard just now ``seen_at`` and ``is_stale``.
    """

    pushguide: str
    live: str | None
    kept: list[str]
    grains: dict[str, str] = field(default_factory=dict)
    recorded: str | None = None
    failed_last: bool = False
    changes: int = 0
    inventory: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rollout:
    """How a deployment goes from batch to batch, as its plan has settled it.

    Attributes:
        canary: whether the first batch is a canary.
        after_canary: how long to wait after it, in seconds; None waits for a person.
        interval_seconds: the wait between two batches.
        max_failures: how many hosts may fail before nothing more starts.
        return_within_seconds: how long a host that fell silent may take to come back.
        auto_rollback: never, failed_hosts or all.
        rollback_to: the version that an automatic rollback goes to; None for what ran before.
        confirmed_by: who confirms a switch that the host would revert: master or person.
        when_busy: refuse or queue, where another deployment of the module runs.
        approval_seconds: how long an approval may take; None if none is needed.
        approved_by_another: whether it has to come from somebody else.
        approved_by: the role that it takes at the least.
        approvals: how many people have to approve.
    """

    canary: bool = False
    after_canary: float | None = 0
    interval_seconds: float = 0
    max_failures: int = 0
    return_within_seconds: float = 60
    auto_rollback: str = "never"
    rollback_to: str | None = None
    confirmed_by: str = "master"
    when_busy: str = "refuse"
    approval_seconds: float | None = None
    approved_by_another: bool = True
    approved_by: str = "deployer"
    approvals: int = 1


@dataclass(frozen=True)
class Plan:
    """What a deployment would do.

    Attributes:
        left_out: the hosts that are meant and not touched, those in quarantine too.
        quarantined: of the hosts in quarantine why they are.
        data_centre: the data centre whose master drives it; None for any.
    """

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
    rollout: Rollout = Rollout()
    wish: dict[str, Any] = field(default_factory=dict)
    standards: dict[str, Any] = field(default_factory=dict)
    advice: list[dict[str, Any]] = field(default_factory=list)
    quarantined: dict[str, str] = field(default_factory=dict)
    data_centre: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data."""
        artifact = self.artifact.to_dict() if self.artifact else None
        legs = [asdict(leg) for leg in self.legs()]
        return {**asdict(self), "artifact": artifact, "legs": legs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Read a plan back from the record."""
        values = {key: value for key, value in data.items() if key != "legs"}
        artifact = values.pop("artifact")
        hosts = {name: HostFacts(**facts) for name, facts in values.pop("hosts").items()}
        rollout = Rollout(**values.pop("rollout", {}))
        return cls(
            artifact=Artifact.from_dict(artifact) if artifact else None,
            hosts=hosts,
            rollout=rollout,
            **values,
        )

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

    def share_for(
        self,
        deployment: int,
        token: int,
        reason: str = "",
        hosts: Iterable[str] | None = None,
    ) -> Share:
        """What each host is told.

        Args:
            deployment: the deployment's number.
            token: its fencing token.
            reason: why the hosts are to be put back, if they are.
            hosts: the hosts that it goes to; None for all of the plan's.
        """
        wanted = self.hosts if hosts is None else hosts
        known = {host: self.hosts[host].inventory for host in wanted if host in self.hosts}
        values = {
            host: {name: one["value"] for name, one in told.items()} for host, told in known.items()
        }
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
            reason=reason,
            inventory=in_short(values),
            **self.share,
        )
