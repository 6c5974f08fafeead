"""Summaries: what the record holds, as plain data that also reads well on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pushguide.master.rollout.approval import Approved
from pushguide.master.sources.base import Version
from pushguide.master.states import PAUSED, PENDING_APPROVAL, QUEUED, SCHEDULED, TERMINAL
from pushguide.master.store.builds import Build
from pushguide.master.store.drives import Drive
from pushguide.master.store.marks import Mark
from pushguide.master.store.record import Deployment
from pushguide.master.store.requests import Request
from pushguide.master.store.tables import now
from pushguide.words import RESTORE, STAGES

_SIGNS = {
    "succeeded": "ok",
    "unchanged": "=",
    "skipped": "-",
    "warning": "ok!",
    "inconclusive": "?",
    "failed": "FAILED",
}


def of_deployment(one: Deployment) -> dict[str, Any]:
    """One deployment, in short."""
    return {
        "deployment": one.id,
        "module": one.module,
        "environment": one.environment,
        "kind": one.kind,
        "version": one.version,
        "state": one.state,
        "reason": one.reason,
        "requested_by": one.requested_by,
        "cause": one.cause,
        "cause_id": one.cause_id,
        "created_at": _iso(one.created_at),
        "start_at": _iso(one.start_at),
        "started_at": _iso(one.started_at),
        "finished_at": _iso(one.finished_at),
        "seconds": _seconds(one),
    }


def of_mark(one: Mark | None) -> dict[str, Any] | None:
    """What is said of a version, None if nothing is."""
    if one is None:
        return None
    return {
        "mark": one.mark,
        "marked_by": one.marked_by,
        "marked_at": _iso(one.marked_at),
        "reason": one.reason,
    }


def of_version(one: Version, announced: Build | None) -> dict[str, Any]:
    """A version as its source tells of it; what that does not know, as CI has announced it."""
    said = announced or Build("", one.version, "", now())
    return {
        "version": one.version,
        "built": _iso(one.built or said.built_at),
        "author": one.author or said.author,
        "commit": one.commit or said.commit,
        "notes": one.notes or said.notes,
        "announced_by": said.announced_by or None,
        "announced_at": _iso(announced.announced_at) if announced else None,
    }


def of_build(one: Build) -> dict[str, Any]:
    """What CI has announced of a version."""
    return {
        "module": one.module,
        "version": one.version,
        "announced_by": one.announced_by,
        "announced_at": _iso(one.announced_at),
        "built": _iso(one.built_at),
        "author": one.author,
        "commit": one.commit,
        "notes": one.notes,
        "sha256": one.sha256,
        "deployment": one.deployment_id,
    }


def in_brief(full: dict[str, Any]) -> dict[str, Any]:
    """A deployment as it answers whoever started it: hosts without their stages, and the table."""
    hosts = {
        name: {key: value for key, value in host.items() if key != "stages"}
        for name, host in full["hosts"].items()
    }
    return {**full, "hosts": hosts}


def in_full(
    one: Deployment,
    hosts: list[dict[str, Any]],
    stages: list[dict[str, Any]],
    driven_by: str | None,
    asked: Sequence[Request] = (),
    caused: Sequence[Deployment] = (),
    approved: Approved | None = None,
    drives: Sequence[Drive] = (),
) -> dict[str, Any]:
    """One deployment with its hosts, their stages, and the steps of each.

    Args:
        one: the deployment.
        hosts: its hosts, with their outcomes.
        stages: its stage results, with their steps.
        driven_by: the process that drives it now, None if nobody does.
        asked: what people asked of it.
        caused: the deployments that it is the cause of.
        approved: how far its approval has come, None where none is needed.
        drives: the masters that have driven it, one after the other.
    """
    by_host: dict[str, Any] = {}
    for row in hosts:
        by_host[row["host"]] = {
            "outcome": row["outcome"],
            "error": row["error"],
            "batch": row["batch"],
            "version_before": row["version_before"],
            "version_after": row["version_after"],
            "stages": {},
        }
    for stage in stages:
        by_host[stage["host"]]["stages"][stage["stage"]] = {
            "outcome": stage["outcome"],
            "started_at": _iso(stage["started_at"]),
            "seconds": round(stage["seconds"], 3),
            "steps": stage["steps"],
        }
    return {
        **of_deployment(one),
        "driven_by": driven_by,
        "drives": [
            {
                "master": each.master,
                "holder": each.holder,
                "token": each.token,
                "since": _iso(each.since),
            }
            for each in drives
        ],
        "caused": [each.id for each in caused],
        "requests": [
            {
                "what": each.what,
                "requested_by": each.requested_by,
                "requested_at": _iso(each.requested_at),
                "reason": each.reason,
                "done": each.done_at is not None,
            }
            for each in asked
        ],
        "approval": _approval(approved),
        "advice": one.plan.get("advice", []),
        "rollout": _rollout(one.plan),
        "hosts": by_host,
        "summary": table(one, by_host, driven_by, approved),
    }


def _approval(approved: Approved | None) -> dict[str, Any] | None:
    return approved and approved._asdict()


def table(
    one: Deployment,
    hosts: dict[str, Any],
    driven_by: str | None,
    approved: Approved | None = None,
) -> str:
    """Stages by hosts, at a glance; and whether nobody drives what has not ended."""
    shown = [*STAGES]
    if any(RESTORE in host["stages"] for host in hosts.values()):
        shown.append(RESTORE)
    rows = [["host", *shown, "outcome", "live"]]
    for name, host in hosts.items():
        cells = [_cell(host["stages"].get(stage)) for stage in shown]
        live = host["version_after"] or host["version_before"] or "-"
        rows.append([name, *cells, host["outcome"], live])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    seconds = _seconds(one)
    took = f" in {seconds:.1f} s" if seconds is not None else ""
    head = (
        f"#{one.id} {one.kind} {one.module} {one.version} to {one.environment}: {one.state}{took}"
    )
    way_on = _way_on(one, driven_by, approved)
    if way_on:
        lines.append(way_on)
    return "\n".join([head, *lines])


def _way_on(one: Deployment, driven_by: str | None, approved: Approved | None) -> str | None:
    """What somebody has to do for a deployment that has not ended to go on, if anything."""
    if one.state == PENDING_APPROVAL:
        told = "an approval"
        if approved and (approved.by or approved.missing > 1):
            by = f" (approved by {', '.join(approved.by)})" if approved.by else ""
            told = f"{approved.missing} more approval{'s'[: approved.missing > 1]}{by}"
        return f"It waits for {told}: salt-run pushguide.approve {one.id}"
    if one.state == PAUSED:
        return f"Paused: {one.reason}. salt-run pushguide.resume {one.id} goes on."
    if one.state in (SCHEDULED, QUEUED) and one.is_waited_for:
        return None
    if one.state == SCHEDULED or one.state in TERMINAL or driven_by is not None:
        return None
    return f"Nobody drives it now: salt-run pushguide.resume {one.id}"


def _cell(stage: dict[str, Any] | None) -> str:
    if stage is None:
        return "."
    return f"{_SIGNS.get(stage['outcome'], stage['outcome'])} {stage['seconds']:.1f}s"


def _rollout(plan: Mapping[str, Any]) -> dict[str, Any]:
    """How it goes from batch to batch."""
    told = plan.get("rollout", {})
    keys = ("canary", "after_canary", "interval_seconds", "max_failures", "auto_rollback")
    return {
        "batches": len(plan.get("batches", ())),
        "prepare": plan.get("prepare"),
        **{key: told.get(key) for key in keys},
        "confirm_within_seconds": plan.get("share", {}).get("confirm_within_seconds"),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None


def _seconds(one: Deployment) -> float | None:
    if one.started_at is None or one.finished_at is None:
        return None
    return round((one.finished_at - one.started_at).total_seconds(), 3)
