"""Risks: what somebody should know before they press the button."""

from __future__ import annotations

from collections.abc import Iterator

from pushguide.master.plan import Plan
from pushguide.master.rollout.verdict import names


def risks(plan: Plan) -> list[str]:
    """What a plan puts at risk, in sentences."""
    return [
        *_about_hosts(plan),
        *_about_inventory(plan),
        *_about_strategy(plan),
        *_about_standards(plan),
    ]


def _about_hosts(plan: Plan) -> Iterator[str]:
    facts = plan.hosts
    silent = [one for one in plan.left_out if one not in plan.quarantined]
    if silent:
        yield f"{len(silent)} hosts are left out and keep what they run: {names(silent)}."
    for host, why in plan.quarantined.items():
        yield f"{host} is in quarantine and keeps what it runs: {why}."
    lives = {one.live for one in facts.values()}
    if len(lives) > 1:
        named = ", ".join(sorted(str(one or "nothing") for one in lives))
        yield f"The hosts do not all run the same version now: {named}."
    drifted = [
        f"{host} runs {one.live or 'nothing'}, by the record {one.recorded or 'nothing'}"
        for host, one in facts.items()
        if one.recorded is not None and one.live != one.recorded
    ]
    if drifted:
        yield f"Somebody changed hosts beside pushguide: {'; '.join(drifted[:20])}."
    if lives == {plan.version} and plan.kind == "deploy":
        yield f"{plan.version} is live on every host already: nothing will change."
    fresh = [host for host, one in facts.items() if one.live is None]
    if fresh and len(fresh) < len(facts):
        yield f"These hosts get the module for the first time: {names(fresh)}."
    flapping = [f"{host} ({one.changes} times)" for host, one in facts.items() if one.changes]
    if flapping:
        yield f"These hosts came and went within the last hour: {names(flapping)}."
    failed = [host for host, one in facts.items() if one.failed_last]
    if failed:
        yield f"The last deployment failed on these hosts, which go first: {names(failed)}."


def _about_inventory(plan: Plan) -> Iterator[str]:
    stale = {
        host: [one["seen_at"] for one in facts.inventory.values() if one.get("is_stale")]
        for host, facts in plan.hosts.items()
    }
    hosts = [host for host, moments in stale.items() if moments]
    if hosts:
        since = min(moment for host in hosts for moment in stale[host])
        yield f"The CMDB is away, and what it said at {since} is used for {names(hosts)}."


def _about_strategy(plan: Plan) -> Iterator[str]:
    if plan.kind == "rollback" and plan.artifact:
        yield "Some hosts have not kept that release: it is fetched again."
    if not plan.share.get("probe"):
        yield "The template has no probe: nothing proves that the new release works."
    if len(plan.batches) == 1 and len(plan.hosts) > 1 and plan.kind != "rollback":
        yield f"All {len(plan.hosts)} hosts go live at the same time: the strategy has no batch."
    if not plan.share.get("restore_on_failure", True):
        yield "A host whose release fails stays as it is then (restore_on_failure)."


def _about_standards(plan: Plan) -> Iterator[str]:
    warnings = plan.standards.get("warnings") or []
    if warnings:
        rules = ", ".join(dict.fromkeys(one["rule"] for one in warnings))
        yield f"The code standards warn, by these rules: {rules}."
    for one in plan.standards.get("waived") or []:
        where = f" at {one['path']}" if one["path"] else ""
        yield (
            f"The rule {one['rule']} is waived{where} by {one['waived_by']} until "
            f"{one['until'][:10]}: {one['reason']}."
        )
    unseen = plan.standards.get("not_looked_into") or []
    if unseen:
        yield f"The code standards did not look into {len(unseen)} files, for their length."
