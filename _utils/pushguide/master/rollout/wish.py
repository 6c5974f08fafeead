"""A wish: what somebody asked for, before anybody has looked at what it would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pushguide.master.plan import Plan


@dataclass(frozen=True)
class Wish:
    """What somebody asked for.

    Attributes:
        kind: deploy, rollback or redeploy.
        module: the module.
        version: the version; None for the one that the kind implies.
        environment: the environment; None for the default one.
        allow_offline: whether hosts that do not answer are left out.
        strategy: what differs from the template's strategy.
        hosts: some of the module's hosts alone; None for all.
        force: whether a version that is marked bad is meant all the same.
        start_at: when it may start, at the earliest.
        override_freeze: why it goes on although it is frozen; None if it does not.
    """

    kind: str
    module: str
    version: object = None
    environment: str | None = None
    allow_offline: bool = False
    strategy: Mapping[str, Any] | None = None
    hosts: list[str] | None = None
    force: bool = False
    start_at: datetime | None = None
    override_freeze: str | None = None

    def to_plan(self) -> dict[str, Any]:
        """What a plan keeps of it, to be made again later."""
        return {
            "allow_offline": self.allow_offline,
            "strategy": dict(self.strategy or {}),
            "hosts": self.hosts,
            "force": self.force,
            "override_freeze": self.override_freeze,
        }

    @classmethod
    def of_plan(cls, plan: Plan) -> Wish:
        """The wish that a plan was made of."""
        return cls(
            kind=plan.kind,
            module=plan.module,
            version=plan.version,
            environment=plan.environment,
            **plan.wish,
        )
