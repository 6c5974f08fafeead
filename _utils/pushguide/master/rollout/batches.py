"""Batches: which hosts go live together, in which order, and how many of them may fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pushguide.errors import Refused
from pushguide.master.plan import HostFacts, Rollout
from pushguide.master.templates.strategy import Approval, OnePer, Strategy


def part_of(share: int | str, total: int) -> int:
    """A number of hosts out of a number or a percentage, rounded down: the safer side.

    Rounded down, a batch takes no more hosts away at once than was said, and no more of them may
    fail.
    """
    if isinstance(share, str):
        return int(float(share[:-1]) * total / 100 + 1e-9)
    return share


def in_order(hosts: Mapping[str, HostFacts], order_by: Sequence[str]) -> list[str]:
    """The hosts whose last deployment failed, then by the values of grains, then by name."""

    def place(host: str) -> tuple[object, ...]:
        facts = hosts[host]
        return (not facts.failed_last, *(facts.grains.get(one, "") for one in order_by), host)

    return sorted(hosts, key=place)


def grains_of(strategy: Strategy) -> list[str]:
    """The grains that a strategy looks at."""
    per = strategy.canary.one_per if isinstance(strategy.canary, OnePer) else []
    return list(dict.fromkeys([*strategy.order_by, *per]))


def batches(
    strategy: Strategy,
    hosts: Mapping[str, HostFacts],
    with_canary: bool,
    is_part: bool = False,
) -> tuple[list[list[str]], bool]:
    """Divide the hosts into batches.

    Args:
        strategy: how.
        hosts: what is known of each.
        with_canary: whether a canary goes first, if the strategy has one.
        is_part: whether these are but some of the module's hosts: of a canary that is named, those
            that are among them are meant.

    Returns:
        The batches, and whether the first one is a canary.

    Raises:
        Refused: the canary names hosts that are not among these.
    """
    ordered = in_order(hosts, strategy.order_by)
    canary = _canary(strategy, hosts, ordered, is_part) if with_canary else []
    rest = [one for one in ordered if one not in {*canary}]
    size = max(1, part_of(strategy.batch, len(hosts)))
    parts = [rest[start : start + size] for start in range(0, len(rest), size)]
    return ([canary] if canary else []) + parts, bool(canary)


def _canary(
    strategy: Strategy, hosts: Mapping[str, HostFacts], ordered: list[str], is_part: bool
) -> list[str]:
    given = strategy.canary
    if given is None:
        return []
    if isinstance(given, OnePer):
        first: dict[tuple[str, ...], str] = {}
        for host in ordered:
            first.setdefault(tuple(hosts[host].grains.get(one, "") for one in given.one_per), host)
        return [*first.values()]
    if isinstance(given, list):
        strangers = [one for one in given if one not in hosts]
        if strangers and not is_part:
            raise Refused(
                f"The canary names hosts that this deployment does not have: "
                f"{', '.join(strangers)}. It has {', '.join(ordered[:20])}."
            )
        return [one for one in ordered if one in {*given}]
    return ordered[: max(1, part_of(given, len(hosts)))]


def rollout(
    strategy: Strategy,
    approval: Approval,
    hosts: Mapping[str, HostFacts],
    has_canary: bool,
    is_part: bool = False,
) -> Rollout:
    """Settle how the deployment goes from batch to batch.

    Args:
        strategy: the strategy.
        approval: whether somebody has to approve.
        hosts: the hosts.
        has_canary: whether the first batch is a canary.
        is_part: whether these are but some of the module's hosts, which a number of failures was
            not meant for.

    Raises:
        Refused: more hosts may fail than can: at least one has to succeed.
    """
    may_fail = part_of(strategy.max_failures, len(hosts))
    if is_part:
        may_fail = min(may_fail, len(hosts) - 1)
    if may_fail >= len(hosts):
        raise Refused(
            f"max_failures is {strategy.max_failures}, but the deployment has {len(hosts)} hosts: "
            f"at least one has to succeed. Give {len(hosts) - 1} at the most."
        )
    return Rollout(
        canary=has_canary,
        after_canary=None if strategy.after_canary == "resume" else float(strategy.after_canary),
        interval_seconds=strategy.interval_seconds,
        max_failures=may_fail,
        return_within_seconds=strategy.return_within_seconds,
        auto_rollback=strategy.auto_rollback,
        rollback_to=strategy.rollback_to,
        confirmed_by=strategy.confirmed_by,
        when_busy=strategy.when_busy,
        approval_seconds=approval.within_seconds if approval.needed else None,
        approved_by_another=approval.by_another,
        approved_by=approval.by,
        approvals=approval.approvals,
    )
